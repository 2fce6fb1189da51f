"""`exchange feed run` as an operator sees it: what is reported, resumed, compared and refused."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from exchange.feeds.synthetic import synthetic_flow
from exchange.store.urls import StoreUrl
from exchange.store.writer import LogWriter
from exchange.venue.catalogue import EVENTS
from tests.command import EXCHANGE, answer, exchange, inside, start, url
from tests.feeds.flows import (
    FIVE_MINUTES,
    HEADER,
    Tape,
    acknowledged,
    flow_file,
    orders_and_money,
    same_facts,
    table,
    write_tape,
)

TIMING = {"seconds", "commands_per_s", "ack_p50_ms", "ack_p99_ms", "followers"}
"""What depends on the machine's speed, and what is beside the log."""
PROCESS_BYTES_MIN = 100_000
"""Larger files are run by a process of their own."""

OPENING = 6_488
"""Commands of the sample's opening book: trading begins behind them."""

EXAMPLE = (
    "1,1000,NEW,1,sell,LIMIT,101,5",
    "2,1000,NEW,2,sell,LIMIT,102,5",
    "3,1001,NEW,3,buy,LIMIT,99,10",
    "4,1002,NEW,4,buy,IOC,101,7",  # takes 5, 2 lapse
    "5,1003,NEW,5,buy,FOK,102,6",  # only 5 can be had
    "6,1004,NEW,6,buy,FOK,102,2",
    "7,1005,NEW,7,buy,MARKET,,9",  # takes 3, 6 lapse
    "8,1006,REDUCE,3,buy,,,4",
    "9,1007,NEW,8,sell,POST_ONLY,99,1",  # would trade
    "10,1008,NEW,9,sell,POST_ONLY,100,1",
    "11,1009,NEW,10,sell,LIMIT,99,8",  # takes 6, 2 rest
    "12,1010,NEW,11,buy,LIMIT,0,3",  # no price
    "13,1011,CANCEL,12,sell,,,",  # never was
    "14,1012,REDUCE,9,sell,,,1",  # all of it
    "15,1013,NEW,13,buy,MARKET,,1",
    "5000,1014,NEW,14,sell,GTC,103,2",
    "10000,1015,NEW,15,buy,GTC,98,4",
    "10001,1016,NEW,15,buy,GTC,97,4",  # the id is taken
)
TRADES = [
    "1,4,1002,1,4,buy,101,5",
    "2,6,1004,2,6,buy,102,2",
    "3,7,1005,2,7,buy,102,3",
    "4,11,1009,3,10,sell,99,6",
    "5,15,1013,10,13,buy,99,1",
]
FINAL_ORDERS = ["10,sell,99,1", "14,sell,103,2", "15,buy,98,4"]
ACCOUNTS = [
    "B03,6,-594,0,0",
    "B04,5,-505,0,0",
    "B05,0,0,0,0",
    "B06,2,-204,0,0",
    "B07,3,-306,0,0",
    "B11,0,0,0,0",
    "B13,1,-99,0,0",
    "B15,0,0,0,392",
    "S01,-5,505,0,0",
    "S02,-5,510,0,0",
    "S08,0,0,0,0",
    "S09,0,0,0,0",
    "S10,-7,693,1,0",
    "S12,0,0,0,0",
    "S14,0,0,2,0",
]
TOUCH = [
    "1,0,0,101,5",
    "2,0,0,101,5",
    "3,99,10,101,5",
    "4,99,10,102,5",
    "5,99,10,102,5",
    "6,99,10,102,3",
    "7,99,10,0,0",
    "8,99,6,0,0",
    "9,99,6,0,0",
    "10,99,6,100,1",
    "11,0,0,99,2",
    "12,0,0,99,2",
    "13,0,0,99,2",
    "14,0,0,99,2",
    "15,0,0,99,1",
    "5000,0,0,99,1",
    "10000,98,4,99,1",
    "10001,98,4,99,1",
]
SAMPLES = ["5000,0,0,99,1,2,5,1", "10000,98,4,99,1,3,5,1"]
"""Best bid and offer, resting orders, trades, refusals of post-only orders."""

COLUMNS = {
    "trades.csv": "trade_no,cmd_seq,ts_ms,maker_order_id,taker_order_id,taker_side,price,qty",
    "final_orders.csv": "order_id,side,price,remaining",
    "accounts.csv": "account,base_delta,quote_delta,base_locked_end,quote_locked_end",
    "expected_bbo_every_5000.csv": "cmd_seq,bid,bid_qty,ask,ask_qty,resting_orders,trades_so_far,"
    "post_only_rejects_so_far",
    "exchange_trade_tape.csv": "maker_order_id,taker_order_id,taker_side,price,qty",
}
EXPECTED = {
    "trades.csv": TRADES,
    "final_orders.csv": FINAL_ORDERS,
    "accounts.csv": ACCOUNTS,
    "expected_bbo_every_5000.csv": SAMPLES,
    "exchange_trade_tape.csv": [trade.split(",", 3)[3] for trade in TRADES],
}


class Fed(NamedTuple):
    """A store after its run."""

    store: Path
    acks: Path
    out: Path
    report: dict[str, Any]


def run(flow: Path, store: Path, *options: object, code: int = 0, fees: str = "zero") -> Any:  # noqa: ANN401 - any JSON
    """The report of a flow on a store."""
    line = ("feed", "run", flow, "--store", url(store), "--fees", fees, *options)
    if flow.stat().st_size > PROCESS_BYTES_MIN:
        return answer(*line, code=code)
    return json.loads(inside(*line, "--json", code=code)[0])


def lasting(report: dict[str, Any]) -> dict[str, Any]:
    """What a report says of the log, which the machine's speed doesn't change."""
    return {name: value for name, value in report.items() if name not in TIMING}


def expectations(folder: Path, **changed: Sequence[str]) -> Path:
    """A folder with the example's tables, some of them with other rows."""
    folder.mkdir()
    for name, rows in EXPECTED.items():
        lines = (COLUMNS[name], *changed.get(name.removesuffix(".csv"), rows))
        (folder / name).write_text("".join(f"{line}\n" for line in lines))
    return folder


def copy_of(store: Path, folder: Path) -> Path:
    """The same store in another place."""
    for path in store.parent.glob(f"{store.name}*"):
        shutil.copy(path, folder)
    return folder / store.name


@pytest.fixture(scope="module")
def five(five_minutes: Path, tmp_path_factory: pytest.TempPathFactory) -> Fed:
    """The first five minutes, undisturbed. Only read from."""
    folder = tmp_path_factory.mktemp("five")
    store, acks, out = folder / "venue.db", folder / "acks", folder / "out"
    return Fed(store, acks, out, run(five_minutes, store, "--acks", acks, "--out", out))


@pytest.fixture(scope="module")
def beginning(five_minutes: Path, tmp_path_factory: pytest.TempPathFactory) -> Fed:
    """The opening book and a few minutes, undisturbed. Only read from."""
    folder = tmp_path_factory.mktemp("beginning")
    store, acks, out = folder / "venue.db", folder / "acks", folder / "out"
    report = run(five_minutes, store, "--acks", acks, "--out", out, "--limit", 9_000)
    return Fed(store, acks, out, report)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Fed:
    """The worked example on a store. Only read from."""
    folder = tmp_path_factory.mktemp("small")
    store, acks, out = folder / "venue.db", folder / "acks", folder / "out"
    flow = flow_file(folder, *EXAMPLE)
    return Fed(store, acks, out, run(flow, store, "--acks", acks, "--out", out))


@pytest.fixture
def example(tmp_path: Path) -> Path:
    """The worked example's file."""
    return flow_file(tmp_path, *EXAMPLE)


# Real order flow


def test_five_minutes_of_real_flow_come_out_as_known(five: Fed) -> None:
    """Every refusal is a post-only order that would have traded, and every seq was answered."""
    assert same_facts(FIVE_MINUTES, five.report)
    assert {"BTC": "0.00000000", "USD": "0.0000000000"} == five.report["fees"]
    assert list(range(1, 45_301)) == acknowledged(five.acks)


def test_five_minutes_of_real_flow_trade_as_the_exchange_did(five: Fed, tape: Tape) -> None:
    """Maker, taker, taker's side, price, quantity and order, against the exchange's own record."""
    trades = [tuple(row.split(",")[3:]) for row in table(five.out / "trades.csv")]
    assert tape[:47] == trades


def test_the_same_line_again_changes_nothing(
    five: Fed, five_minutes: Path, tape: Tape, tmp_path: Path
) -> None:
    """Only the store's own stream grows, by the new epoch; tables and tape are found equal."""
    store = copy_of(five.store, tmp_path)
    expected = write_tape(five.out, tape[:47])
    again = run(five_minutes, store, "--out", tmp_path / "out", "--expect", expected)
    assert lasting(five.report) | {"equal": again["equal"], "events": again["events"]} == lasting(
        again
    )
    assert [
        "47/47 trades", "6502/6502 final orders", "100/100 accounts", "47/47 exchange's tape"
    ] == again["equal"]  # fmt: skip
    assert orders_and_money(five.store) == orders_and_money(store)
    for name in ("trades.csv", "final_orders.csv", "accounts.csv"):
        assert (five.out / name).read_bytes() == (tmp_path / "out" / name).read_bytes()


@pytest.mark.slow
def test_a_limited_run_is_carried_on_by_the_next(
    beginning: Fed, five_minutes: Path, tmp_path: Path
) -> None:
    """Stops inside the opening book and inside trading leave no trace in the result."""
    store = tmp_path / "venue.db"
    for limit in (0, 4_000, OPENING, 6_706):
        report = run(five_minutes, store, "--limit", limit)
        assert limit == report["commands"]
    last = run(five_minutes, store, "--limit", 9_000)
    assert lasting(beginning.report) == lasting(last)
    assert orders_and_money(beginning.store) == orders_and_money(store)


@pytest.mark.slow
def test_ctrl_c_stops_at_a_whole_command_and_the_same_line_goes_on(
    beginning: Fed, five_minutes: Path, tmp_path: Path
) -> None:
    """Exit 130, nothing lost that was acknowledged, and the end is the undisturbed one."""
    store, acks = tmp_path / "venue.db", tmp_path / "acks"
    line = ("feed", "run", five_minutes, "--store", url(store), "--fees", "zero")
    with start(*line, "--batch", 20, "--acks", acks) as running:
        until = time.monotonic() + 60
        while len(acknowledged(acks)) < OPENING // 2 and time.monotonic() < until:
            time.sleep(0.005)
        running.send_signal(signal.SIGINT)
        _, said = running.communicate(timeout=60)
    assert 130 == running.returncode
    assert "Traceback" not in said
    stored = run(five_minutes, store, "--limit", 0)["commands"]
    assert acknowledged(acks) == list(range(1, len(acknowledged(acks)) + 1))
    assert OPENING // 2 <= len(acknowledged(acks)) <= stored < 9_000
    assert answer("verify", "--store", url(store))["ok"]
    assert lasting(beginning.report) == lasting(run(five_minutes, store, "--limit", 9_000))


# The worked example


def test_the_worked_example_comes_out_as_worked(small: Fed) -> None:
    """LIMIT, IOC, FOK, MARKET, POST_ONLY, REDUCE and CANCEL on whole quantities, without fees."""
    lines = "".join(f"{line}\n" for line in TOUCH)
    facts = {
        "commands": 18,
        "trades": 5,
        "volume": "17",
        "notional": "1708",
        "fees": {"BTC": "0", "USD": "0"},
        "refusals": {
            "DUPLICATE_CLIENT_ORDER_ID": 1,
            "NOT_FILLABLE": 1,
            "NOT_FOUND": 1,
            "PRICE_BOUNDS": 1,
            "WOULD_TRADE": 1,
        },
        "resting_orders": 3,
        "best_bid": "98 × 4",
        "best_ask": "99 × 1",
        "bbo_sha256": sha256(lines.encode()).hexdigest(),
    }
    assert same_facts(facts, small.report)
    assert TRADES == table(small.out / "trades.csv")
    assert FINAL_ORDERS == table(small.out / "final_orders.csv")
    assert ACCOUNTS == table(small.out / "accounts.csv")
    for name in ("trades.csv", "final_orders.csv", "accounts.csv"):
        assert (small.out / name).read_text().startswith(COLUMNS[name] + "\n")


def test_every_answered_seq_is_acknowledged_once_and_in_order(small: Fed, example: Path) -> None:
    """Refusals too: they are answers. A limit leaves the later ones out."""
    assert [*range(1, 16), 5_000, 10_000, 10_001] == acknowledged(small.acks)
    acks = example.parent / "acks"
    exchange("feed", "run", example, "--acks", acks, "--limit", 5_000)
    assert [*range(1, 16), 5_000] == acknowledged(acks)


def test_the_documented_example_comes_out_as_worked(tmp_path: Path) -> None:
    """Decimal seconds. The maker receives 10 and pays 1 (0.010 rounded up to a whole unit), the
    taker receives 502.50 and pays 1.01 (1.005 rounded up).
    """
    flow = flow_file(
        tmp_path,
        "1,36000.000000125,NEW,700001,buy,GTC,50.25,18",
        "2,36000.189600000,REDUCE,700001,buy,,50.25,8",
        "3,36000.220512004,NEW,700002,sell,IOC,50.20,10",
        "4,36001.000000001,CANCEL,700003,sell,,51.10,18",
        header="seq,time_s,op,order_id,side,tif,price,qty",
    )
    out = tmp_path / "out"
    report = run(flow, tmp_path / "venue.db", "--out", out, fees="standard")
    facts = {
        "commands": 4,
        "trades": 1,
        "volume": "10",
        "notional": "502.50",
        "fees": {"BTC": "1", "USD": "1.01"},
        "refusals": {"NOT_FOUND": 1},
        "resting_orders": 0,
        "best_bid": "0.00 × 0",
        "best_ask": "0.00 × 0",
    }
    assert same_facts(facts, report)
    assert "time_s" in (out / "trades.csv").read_text().splitlines()[0]
    assert ["1,3,36000.220512,700001,700002,sell,50.25,10"] == table(out / "trades.csv")
    assert ["B01,9,-502.50,0,0.00", "S02,-10,501.49,0,0.00", "S03,0,0.00,0,0.00"] == table(
        out / "accounts.csv"
    )
    assert [] == table(out / "final_orders.csv")


def test_fees_of_an_order_in_parts_are_rounded_up_once(tmp_path: Path) -> None:
    """A maker of 3 × 0.3 at 0.1% pays 0.0009, rounded up to 0.1 once, not three times."""
    flow = flow_file(
        tmp_path,
        "1,1,NEW,1,buy,LIMIT,100.0,0.9",
        "2,1,NEW,2,sell,MARKET,,0.3",
        "3,1,NEW,3,sell,MARKET,,0.3",
        "4,1,NEW,4,sell,MARKET,,0.3",
    )
    out = tmp_path / "out"
    report = run(flow, tmp_path / "venue.db", "--out", out, fees="standard")
    assert {"BTC": "0.1", "USD": "0.18"} == report["fees"]
    assert [
        "B01,0.8,-90.00,0.0,0.00",
        "S02,-0.3,29.94,0.0,0.00",
        "S03,-0.3,29.94,0.0,0.00",
        "S04,-0.3,29.94,0.0,0.00",
    ] == table(out / "accounts.csv")


def test_an_account_does_not_trade_with_itself(tmp_path: Path) -> None:
    """The taker's rest ends when it meets its own account; who came before is taken."""
    flow = flow_file(
        tmp_path,
        "1,1,NEW,1,sell,LIMIT,100,1",
        "2,1,NEW,50,buy,LIMIT,99,5",
        "3,1,NEW,100,buy,LIMIT,101,4",
        "4,1,NEW,2,sell,LIMIT,99,1",
    )
    out = tmp_path / "out"
    report = run(flow, tmp_path / "venue.db", "--out", out)
    assert {} == report["refusals"]
    assert ["1,3,1,1,100,buy,100,1", "2,4,1,100,2,sell,101,1"] == table(out / "trades.csv")
    assert ["50,buy,99,5", "100,buy,101,2"] == table(out / "final_orders.csv")


def test_orders_beside_tick_and_lot_are_refused_and_counted(tmp_path: Path) -> None:
    """A tick or lot finer than the file's decimals is no obstacle."""
    flow = flow_file(
        tmp_path,
        "1,1,NEW,1,buy,LIMIT,100.05,0.4",
        "2,1,NEW,2,buy,LIMIT,100.04,0.4",
        "3,1,NEW,3,buy,LIMIT,100.01,0.4",
        "4,1,NEW,4,buy,LIMIT,100.10,0.3",
        "5,1,REDUCE,1,buy,,,0.1",
        "6,1,REDUCE,1,buy,,,0.2",
    )
    coarse = run(flow, tmp_path / "coarse.db", "--tick", "0.05", "--lot", "0.2")
    assert {"OFF_LOT": 2, "OFF_TICK": 2} == coarse["refusals"]
    assert ("100.05 × 0.2", 1) == (coarse["best_bid"], coarse["resting_orders"])
    fine = run(flow, tmp_path / "fine.db", "--tick", "0.0001", "--lot", "0.001")
    assert {} == fine["refusals"]
    assert ("100.1000 × 0.300", 4) == (fine["best_bid"], fine["resting_orders"])


def test_price_zero_quantity_zero_and_crossing_post_only_are_refused(tmp_path: Path) -> None:
    flow = flow_file(
        tmp_path,
        "1,1,NEW,1,buy,LIMIT,0.00,1.0",
        "2,1,NEW,2,sell,POST_ONLY,0,1",
        "3,1,NEW,3,buy,LIMIT,5,0.0",
        "4,1,NEW,4,buy,MARKET,,0",
        "5,1,NEW,5,buy,LIMIT,5,1",
        "6,1,NEW,6,sell,POST_ONLY,5,1",
        "7,1,NEW,7,sell,POST_ONLY,4.99,1",
        "8,1,NEW,8,sell,POST_ONLY,5.01,1",
        "9,1,REDUCE,8,sell,,,0",
    )
    report = run(flow, tmp_path / "venue.db")
    assert {"PRICE_BOUNDS": 2, "QUANTITY_BOUNDS": 3, "WOULD_TRADE": 2} == report["refusals"]
    assert (2, 0) == (report["resting_orders"], report["trades"])


def test_a_file_of_a_header_alone_runs(tmp_path: Path) -> None:
    report = run(flow_file(tmp_path), tmp_path / "venue.db", "--out", tmp_path / "out")
    assert same_facts({"commands": 0, "trades": 0, "bbo_sha256": sha256().hexdigest()}, report)
    assert [] == table(tmp_path / "out" / "trades.csv")


def test_a_file_of_other_decimals_may_share_the_assets_of_a_store(tmp_path: Path) -> None:
    """Its accounts are funded in the assets' own units, which are finer here than the file's."""
    store = tmp_path / "venue.db"
    run(flow_file(tmp_path, "1,1,NEW,1,sell,LIMIT,5.00,1.00000000"), store)
    coarse = flow_file(
        tmp_path, "1,1,NEW,1,sell,LIMIT,7,2", "2,1,NEW,2,buy,LIMIT,7,2", name="coarse.csv"
    )
    exchange("feed", "run", coarse, "--store", url(store), code=2)
    report = run(coarse, store, "--symbol", "BTC-EUR")
    assert same_facts({"trades": 1, "refusals": {}, "notional": "14"}, report)
    assert lasting(report) == lasting(run(coarse, store, "--symbol", "BTC-EUR"))
    assert answer("verify", "--store", url(store))["ok"]


def test_people_get_the_same_facts_as_machines(example: Path, small: Fed) -> None:
    said = exchange("feed", "run", example, "--fees", "zero").stdout
    assert small.report["state_hash"] in said
    assert small.report["bbo_sha256"] in said
    assert "flow.csv on memory:" in said
    assert "WOULD_TRADE 1" in said


def test_a_store_in_memory_and_one_on_disk_end_alike(example: Path, small: Fed) -> None:
    report = answer("feed", "run", example, "--fees", "zero")
    assert lasting(small.report) == lasting(report)


@pytest.mark.parametrize(
    ("options", "setting"),
    [
        (["--fees", "standard"], "fees"),
        (["--tick", "2"], "tick"),
        (["--tick", "0.5"], "tick"),
        (["--lot", "2"], "lot"),
        (["--lot", "0.5"], "lot"),
        (["--symbol", "ETH-USD"], "symbol"),
        (["--symbol", "BTC-EUR"], "symbol"),
    ],
)
def test_other_settings_on_the_same_store_are_refused(
    options: list[str], setting: str, small: Fed, example: Path
) -> None:
    """Clearly, and before anything is changed; the same line still works."""
    store = copy_of(small.store, example.parent)
    line = ("feed", "run", example, "--store", url(store))
    _, said = inside(*line, "--fees", "zero", *options, code=2)
    assert "has run this file with another" in said
    assert setting in said
    assert orders_and_money(small.store) == orders_and_money(store)
    assert lasting(small.report) == lasting(run(example, store))


# Expectations


def test_equal_tables_are_found_equal(example: Path) -> None:
    """All five, and those that a run has written itself."""
    folder = expectations(example.parent / "expected")
    report = answer("feed", "run", example, "--fees", "zero", "--expect", folder)
    assert [
        "5/5 trades",
        "3/3 final orders",
        "15/15 accounts",
        "2/2 best bid and offer",
        "5/5 exchange's tape",
    ] == report["equal"]
    assert report["difference"] is None


@pytest.mark.parametrize(
    ("name", "line", "before", "after"),
    [
        ("trades", 3, "102,2", "102,3"),
        ("trades", 2, "buy", "sell"),
        ("final_orders", 4, "98", "97"),
        ("accounts", 9, "392", "393"),
        ("accounts", 14, "693", "692"),
        ("expected_bbo_every_5000", 3, "98,4", "98,5"),
        ("exchange_trade_tape", 6, "99,1", "98,1"),
        ("exchange_trade_tape", 2, "1,4", "4,1"),
    ],
)
def test_a_changed_row_is_named(  # one number each, of what is changed
    name: str, line: int, before: str, after: str, example: Path
) -> None:
    rows = list(EXPECTED[f"{name}.csv"])
    assert before in rows[line - 2]
    rows[line - 2] = rows[line - 2].replace(before, after)
    folder = expectations(example.parent / "expected", **{name: rows})
    _, said = inside("feed", "run", example, "--fees", "zero", "--expect", folder, code=1)
    assert f"differs: {name}.csv line {line}: " in said
    assert f"(row {rows[line - 2]})" in said


@pytest.mark.parametrize("name", [name.removesuffix(".csv") for name in EXPECTED])
def test_a_missing_and_a_surplus_row_are_named(name: str, example: Path) -> None:
    rows = EXPECTED[f"{name}.csv"]
    more = expectations(example.parent / "more", **{name: [*rows, rows[-1]]})
    _, said = inside("feed", "run", example, "--fees", "zero", "--expect", more, code=1)
    assert f"{name}.csv line {len(rows) + 2}: {rows[-1]} is missing here" in said
    less = expectations(example.parent / "less", **{name: rows[:-1]})
    _, said = inside("feed", "run", example, "--fees", "zero", "--expect", less, code=1)
    assert f"{name}.csv ends after {len(rows) - 1} rows; here follows {rows[-1]}" in said


def test_accounts_without_fees_are_expected_only_of_a_run_without_fees(example: Path) -> None:
    folder = expectations(example.parent / "expected")
    (folder / "accounts.csv").rename(folder / "expected_accounts_zero_fee.csv")
    free = answer("feed", "run", example, "--fees", "zero", "--expect", folder)
    assert "15/15 accounts" in free["equal"]
    paid = answer("feed", "run", example, "--fees", "standard", "--expect", folder)
    assert "15/15 accounts" not in paid["equal"]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"price,qty\n1,1\n", "has no column maker_order_id"),
        (b"\xff\xfe", "can't be read"),
    ],
)
def test_an_expectation_that_is_no_table_is_refused(
    content: bytes, told: str, example: Path
) -> None:
    folder = expectations(example.parent / "expected")
    (folder / "exchange_trade_tape.csv").write_bytes(content)
    _, said = inside("feed", "run", example, "--fees", "zero", "--expect", folder, code=2)
    assert "exchange_trade_tape.csv" in said
    assert told in said


# Wrong use and wrong surroundings


@pytest.mark.parametrize(
    ("file", "told"),
    [("missing.csv", "No such file"), (".", "directory"), ("[b]:100:.csv", "[b]:100:.csv")],
)
def test_a_file_that_is_none_is_wrong_use(file: str, told: str, tmp_path: Path) -> None:
    """Named letter by letter: what looks like markup stays as it is."""
    done = exchange("feed", "run", file, "--store", "sqlite:///venue.db", cwd=tmp_path, code=2)
    assert done.stderr.startswith(f"error: {file} can't be read: ")
    assert told in done.stderr
    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "symbol",
    [
        "BTCUSD", "-USD", "BTC-", "-", "", "BTC-BTC", "BT C-USD", "BTC-U:D", "BTC/USD-X", "É-USD",
        "[b]-USD", "A" * 20 + "-" + "B" * 20,
    ],
)  # fmt: skip
def test_a_symbol_that_names_no_two_assets_is_wrong_use(symbol: str, example: Path) -> None:
    store = example.parent / "venue.db"
    _, said = inside("feed", "run", example, "--symbol", symbol, "--store", url(store), code=2)
    assert said == f"error: symbol {symbol!r} does not name two assets, as BTC-USD does\n"
    assert not store.exists()


@pytest.mark.parametrize("option", ["--tick", "--lot"])
@pytest.mark.parametrize("step", ["0", "0.00", "-1", "x", "1e5", "1" * 19, "0." + "0" * 18 + "1"])
def test_a_tick_or_lot_that_is_no_step_is_wrong_use(option: str, step: str, example: Path) -> None:
    store = example.parent / "venue.db"
    _, said = inside("feed", "run", example, option, step, "--store", url(store), code=2)
    assert said.startswith("error: tick ")
    assert not store.exists()


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("1,1,NEW,1,buy,LIMIT,0.1234567890,0.123456789", "need 19 decimals, 18 at most"),
        (f"1,1,NEW,1,buy,LIMIT,{'9' * 18}.99,{'9' * 18}.99", "at most"),
    ],
)
def test_numbers_beyond_what_a_store_can_hold_are_refused_unapplied(
    line: str, told: str, tmp_path: Path
) -> None:
    store = tmp_path / "venue.db"
    flow = flow_file(tmp_path, line)
    _, said = inside("feed", "run", flow, "--store", url(store), code=2)
    assert "prices × quantities" in said
    assert told in said
    assert [] == orders_and_money(store)


@pytest.mark.parametrize("option", ["--acks", "--out", "--expect"])
def test_a_place_that_is_not_there_is_wrong_use(option: str, example: Path) -> None:
    _, said = inside("feed", "run", example, option, example / "inside", code=2)
    assert str(example / "inside") in said


@pytest.mark.parametrize(
    "store", ["venue.db", "sqlite:venue.db", "sqlite://venue.db", "postgres:///x", "sqlite:///", ""]
)
def test_a_store_that_is_no_url_is_refused(store: str, example: Path) -> None:
    _, said = inside("feed", "run", example, "--store", store, code=3)
    assert f"{store!r} is no store" in said
    assert [example] == list(example.parent.iterdir())


def test_a_store_without_a_folder_is_refused(example: Path) -> None:
    folder = example.parent / "nowhere"
    done = exchange("feed", "run", example, "--store", url(folder / "venue.db"), code=3)
    assert f"there is no folder {folder}" in done.stderr
    done = exchange("feed", "run", example, "--store", url(example.parent), code=3)
    assert f"{example.parent} is no file" in done.stderr


def test_a_store_that_another_writer_holds_is_refused(example: Path) -> None:
    """The holder is named, and it stays the only one who may write; reading is free."""
    store = example.parent / "venue.db"
    holder = LogWriter(StoreUrl.parse(url(store)), EVENTS, at_us=0)
    try:
        done = exchange("feed", "run", example, "--store", url(store), code=3)
        assert f"held by another writer (process {os.getpid()})" in done.stderr
        assert 2 == answer("verify", "--store", url(store))["events"]
    finally:
        holder.close()
    assert 18 == run(example, store)["commands"]


@pytest.mark.parametrize("content", [b"Dear diary,\n", b"x" * 5_000])
def test_a_file_that_is_no_store_is_refused_and_kept(content: bytes, example: Path) -> None:
    store = example.parent / "diary.txt"
    store.write_bytes(content)
    done = exchange("feed", "run", example, "--store", url(store), code=3)
    assert "not an exchange store" in done.stderr
    assert content == store.read_bytes()


def test_a_foreign_database_is_refused_and_kept(example: Path) -> None:
    store = example.parent / "photos.db"
    with closing(sqlite3.connect(store)) as database:
        database.execute("CREATE TABLE photos (name TEXT)")
        database.commit()
    content = store.read_bytes()
    done = exchange("feed", "run", example, "--store", url(store), code=3)
    assert "not an exchange store" in done.stderr
    assert content == store.read_bytes()


def test_a_store_of_a_newer_format_is_refused(small: Fed, example: Path) -> None:
    store = copy_of(small.store, example.parent)
    with closing(sqlite3.connect(store)) as database:
        database.execute("PRAGMA user_version=99")
        database.commit()
    for command in (("feed", "run", example), ("verify",), ("balances",)):
        done = exchange(*command, "--store", url(store), code=3)
        assert "format 99" in done.stderr
        assert "newer version" in done.stderr


def test_a_folder_that_may_not_be_written_is_refused(example: Path) -> None:
    folder = example.parent / "sealed"
    folder.mkdir(mode=0o555)
    line = ["feed", "run", str(example), "--store", url(folder / "venue.db")]
    done = without_privileges(folder, EXCHANGE, *line)
    assert (3, "") == (done.returncode, done.stdout)
    assert "can't be written" in done.stderr
    assert "Traceback" not in done.stderr
    assert [] == list(folder.iterdir())


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_output_that_can_not_be_written_is_told(example: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(  # noqa: S603 - our own command
            [EXCHANGE, "feed", "run", example],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert 3 == done.returncode
    assert "No space left" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_a_disk_that_fills_up_ends_the_run_in_one_line_and_loses_nothing(
    five_minutes: Path, beginning: Fed, tmp_path: Path
) -> None:
    """The first write that fails ends it; with room again the same line goes on."""
    store, acks = tmp_path / "venue.db", tmp_path / "acks"
    line = ["feed", "run", five_minutes, "--store", url(store), "--fees", "zero", "--acks", acks,
            "--followers", "none"]  # fmt: skip
    limited = (
        "import os, resource, sys;"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (3_000_000, 3_000_000));"
        "os.execv(sys.argv[1], sys.argv[1:])"
    )
    done = subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-c", limited, EXCHANGE, *map(str, line)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert 3 == done.returncode, done.stderr
    assert done.stderr.startswith(f"error: {url(store)}: the batch at ")
    assert 1 == done.stderr.count("\n")
    assert answer("verify", "--store", url(store))["ok"]
    assert len(acknowledged(acks)) <= run(five_minutes, store, "--limit", 0)["commands"]
    assert lasting(beginning.report) == lasting(run(five_minutes, store, "--limit", 9_000))


def test_made_up_flow_is_the_same_each_time_and_runs(tmp_path: Path) -> None:
    """It exercises every kind of order and passes every law."""
    assert synthetic_flow(500) == synthetic_flow(500)
    assert synthetic_flow(500, seed=1) != synthetic_flow(500, seed=2)
    flow = tmp_path / "flow.csv"
    flow.write_bytes(synthetic_flow(3_000))
    assert flow.read_text().startswith(HEADER)
    report = run(flow, tmp_path / "venue.db", fees="standard")
    assert 3_000 == report["commands"]
    assert report["trades"] > 100
    assert report["resting_orders"] > 100
    assert answer("verify", "--store", url(tmp_path / "venue.db"))["ok"]


def without_privileges(folder: Path, *command: str) -> "subprocess.CompletedProcess[str]":
    """Run it as somebody who may not write where permissions forbid: also root, without its own.

    Skips where root can't give that up.
    """
    override = 1  # CAP_DAC_OVERRIDE; 24 is PR_CAPBSET_DROP
    drop = (
        "import ctypes, os, sys;"
        f"os.geteuid() or ctypes.CDLL(None).prctl(24, {override}, 0, 0, 0);"
        "os.execv(sys.argv[1], sys.argv[1:])"
    )
    probe = f"import os; raise SystemExit(os.access({str(folder)!r}, os.W_OK))"

    def dropped(*words: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(  # noqa: S603 - our own command
            [sys.executable, "-c", drop, *words], capture_output=True, text=True, check=False
        )

    if dropped(sys.executable, "-c", probe).returncode:
        pytest.skip("every place can be written here, whatever its permissions")
    return dropped(*command)
