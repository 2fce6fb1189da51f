"""What the views answer: pages that join, statements that add up, candles without holes."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from functools import partial
from itertools import pairwise
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from exchange.kernel.accounts import FEES, available, held, withdrawal
from exchange.kernel.laws import InvariantViolation
from exchange.projections.candles import MINUTE_US, SPANS
from exchange.projections.movements import deposits, withdrawals
from exchange.projections.queries import candles, markets, orders, trades
from exchange.projections.reader import Behind, Cursor, Reader
from exchange.projections.statement import Statement, statement
from exchange.projections.views import Anchor
from exchange.venue.replay import replay
from exchange.venue.state import VenueState
from tests.audit.logs import append, log_of
from tests.build import BUY, SELL, SYMBOL, desk, limit
from tests.projections.world import batches, follow, opened, rows_of, views_of, write_log


@pytest.fixture(scope="module")
def reader(busy: Path) -> Reader:
    return Reader(views_of(busy))


@pytest.fixture(scope="module")
def state(busy: Path) -> VenueState:
    folded = VenueState()
    with opened(busy) as log:
        replay(folded, log.read())
    return folded


def every(ask: Any, *arguments: Any, **how: Any) -> list[Any]:  # noqa: ANN401 - any query
    """All pages of an answer."""
    pages = [ask(*arguments, **how)]
    while pages[-1].cursor is not None:
        again = Cursor.parse(str(pages[-1].cursor))
        pages.append(ask(*arguments, **(how | {"cursor": again})))
    return pages


def rows(pages: list[Any]) -> list[Any]:
    return [row for page in pages for row in page.rows]


@pytest.mark.parametrize("size", [1, 7, 100])
@pytest.mark.parametrize("asset", ["BTC", "ETH", "USD"])
def test_the_pages_of_a_statement_join_and_end_at_the_balance(
    reader: Reader, state: VenueState, asset: str, size: int
) -> None:
    pages: list[Statement] = every(statement, reader, "B", asset, limit=size)
    assert all(before.closing == after.opening for before, after in pairwise(pages))
    names = [available("B"), held("B")]
    if asset == "USD":
        names.append(withdrawal("B"))
    assert dict.fromkeys(names, 0) == pages[0].opening
    assert {name: state.ledger.balance(name, asset) for name in names} == pages[-1].closing
    lines = [line for page in pages for line in page.lines]
    (whole,) = every(statement, reader, "B", asset, limit=10**6)
    assert whole.lines == lines
    assert len(lines) > 100


def test_a_statement_of_a_period_opens_where_the_period_before_closed(reader: Reader) -> None:
    (whole,) = every(statement, reader, "A", "USD", limit=10**6)
    times = sorted({line.at_us for line in whole.lines})
    cuts = times[:: len(times) // 5]
    parts = [
        statement(reader, "A", "USD", from_us=a, until_us=b, limit=10**6) for a, b in pairwise(cuts)
    ]
    assert all(before.closing == after.opening for before, after in pairwise(parts))
    for (a, b), part in zip(pairwise(cuts), parts, strict=True):
        assert part.lines == [line for line in whole.lines if a <= line.at_us < b]
        paged = every(statement, reader, "A", "USD", from_us=a, until_us=b, limit=9)
        assert part.lines == [line for page in paged for line in page.lines]
        assert part.closing == paged[-1].closing


def test_a_period_in_which_nothing_was_booked_closes_as_it_opens(reader: Reader) -> None:
    (whole,) = every(statement, reader, "A", "USD", limit=10**6)
    last = whole.lines[-1].at_us
    later = statement(reader, "A", "USD", from_us=last + 1, until_us=last + 2)
    assert ([], whole.closing, whole.closing) == (later.lines, later.opening, later.closing)
    mixed_up = statement(reader, "A", "USD", from_us=last + 1, until_us=0)
    assert ([], whole.closing, whole.closing) == (
        mixed_up.lines,
        mixed_up.opening,
        mixed_up.closing,
    )


def test_a_ledger_account_has_a_statement_too(reader: Reader, state: VenueState) -> None:
    (told,) = every(statement, reader, FEES, "USD", limit=10**6)
    assert {FEES: state.ledger.balance(FEES, "USD")} == told.closing
    kinds = {"trade", "bust", "withdrawal", "fee_payout"}
    assert kinds == {line.kind for line in told.lines}


@pytest.mark.parametrize(("account", "asset"), [("nobody", "USD"), ("A", "XRP")])
def test_a_statement_of_nothing_says_so(reader: Reader, account: str, asset: str) -> None:
    with pytest.raises(LookupError):
        statement(reader, account, asset)


def test_a_statement_that_does_not_add_up_is_never_told(tmp_path: Path) -> None:
    path = tmp_path / "venue.db"
    write_log(desk("AB"), path)
    follow(path)
    with closing(sqlite3.connect(views_of(path), isolation_level=None)) as connection:
        connection.execute(
            "UPDATE postings SET lines=json_set(lines, '$[1][2]', 5) WHERE first_line=1"
        )
    reader = Reader(views_of(path))
    with pytest.raises(InvariantViolation, match="L3"):
        statement(reader, "A", "BTC")
    reader.close()


@pytest.mark.parametrize("size", [1, 10, 1_000])
@pytest.mark.parametrize(
    "which",
    [
        {"account": "A"},
        {"symbol": "ETH-USD"},
        {"account": "B", "symbol": "BTC-USD"},
        {"account": "A", "only_open": True},
        {"symbol": "BTC-USD", "only_open": True},
    ],
)
def test_the_pages_of_orders_are_all_of_them_newest_first(
    busy: Path, reader: Reader, which: dict[str, Any], size: int
) -> None:
    found = rows(every(orders, reader, limit=size, **which))
    due = [
        (row["created_position"], row["number"])
        for row in rows_of(views_of(busy), "orders")
        if which.get("account") in (None, row["account"])
        and which.get("symbol") in (None, row["symbol"])
        and not (which.get("only_open") and row["reason"] is not None)
    ]
    assert sorted(due, reverse=True) == [(it.created_position, it.number) for it in found]
    assert found


def test_orders_of_nobody_in_particular_are_not_told(reader: Reader) -> None:
    with pytest.raises(ValueError, match="account or market"):
        orders(reader)


@pytest.mark.parametrize("size", [1, 100])
def test_the_pages_of_trades_are_all_of_them_newest_first(
    reader: Reader, state: VenueState, size: int
) -> None:
    found = rows(every(trades, reader, "BTC-USD", limit=size))
    count = state.rooms["BTC-USD"].book.trade_count
    assert list(range(count, 0, -1)) == [it.number for it in found]


@pytest.mark.parametrize("span", SPANS)
@pytest.mark.parametrize("size", [1, 3, 1_000])
def test_candles_have_no_holes_and_flat_ones_keep_the_close(
    reader: Reader, span: str, size: int
) -> None:
    found = rows(every(candles, reader, "BTC-USD", span, limit=size))[::-1]
    assert all(b.start_us - a.start_us == SPANS[span] for a, b in pairwise(found))
    for before, after in pairwise(found):
        if not after.trades:
            assert {before.close} == {after.open, after.high, after.low, after.close}
    assert found[0].trades
    tape = rows(every(trades, reader, "BTC-USD"))
    assert sum(it.trades for it in found) == len(tape)
    assert sum(it.volume for it in found) == sum(it.quantity for it in tape)


def test_candles_reach_to_the_time_of_the_last_command(tmp_path: Path) -> None:
    """An hour after the only trade, told minute by minute."""
    path, quiet = tmp_path / "venue.db", desk("AB")
    quiet.at_us = 30 * MINUTE_US + 7
    quiet.place("A", limit(SELL, 40, 5))
    quiet.place("B", limit(BUY, 40, 3))
    quiet.at_us += 60 * MINUTE_US
    quiet.place("A", limit(SELL, 50, 1))
    write_log(quiet, path)
    follow(path)
    reader = Reader(views_of(path))
    found = rows(every(candles, reader, SYMBOL, "1m", limit=8))
    assert [n * MINUTE_US for n in range(90, 29, -1)] == [it.start_us for it in found]
    first = found[-1]
    assert (40, 40, 40, 40, 3, 120, 1) == (
        first.open, first.high, first.low, first.close, first.volume, first.value, first.trades,
    )  # fmt: skip
    assert {(40, 0)} == {(it.open, it.volume) for it in found[:-1]}
    reader.close()


def test_a_market_without_a_trade_has_no_candles(tmp_path: Path) -> None:
    path = tmp_path / "venue.db"
    write_log(desk("A"), path)
    follow(path)
    reader = Reader(views_of(path))
    assert [] == rows(every(candles, reader, SYMBOL, "1m"))
    reader.close()


@pytest.mark.parametrize("size", [1, 6, 1_000])
@pytest.mark.parametrize("which", [{}, {"account": "A"}, {"asset": "USD"},
                                   {"account": "B", "asset": "USD"}])  # fmt: skip
def test_the_pages_of_deposits_are_all_of_them_newest_first(
    busy: Path, reader: Reader, which: dict[str, Any], size: int
) -> None:
    found = rows(every(deposits, reader, limit=size, **which))
    due = [
        (row["position"], row["reference"], row["reversed_position"])
        for row in rows_of(views_of(busy), "deposits")
        if which.get("asset") in (None, row["asset"])
        and ("account" not in which or row["account"] == available(which["account"]))
    ]
    told = [(it.position, it.reference, it.reversed_position) for it in found]
    assert sorted(due, reverse=True) == told
    assert {it.account for it in found} <= {"A", "A2", "B", "C"}
    assert found


@pytest.mark.parametrize("size", [1, 6, 1_000])
@pytest.mark.parametrize("which", [{}, {"account": "A"}, {"asset": "USD"}, {"status": "completed"},
                                   {"account": "B", "status": "cancelled"}])  # fmt: skip
def test_the_pages_of_withdrawals_are_all_of_them_newest_first(
    busy: Path, reader: Reader, which: dict[str, Any], size: int
) -> None:
    found = rows(every(withdrawals, reader, limit=size, **which))
    due = [
        row["number"]
        for row in rows_of(views_of(busy), "withdrawals")
        if all(row[name] == value for name, value in which.items())
    ]
    assert sorted(due, reverse=True) == [it.number for it in found]
    assert found


def test_the_markets_are_told_with_their_rules(reader: Reader, state: VenueState) -> None:
    found = rows(every(markets, reader))
    assert ["BTC-USD", "ETH-USD"] == [it.rules.symbol for it in found]
    for it in found:
        market = state.rooms[it.rules.symbol].market
        assert (market.instrument, market.version) == (it.rules, it.rulebook_version)
        assert market.state.value == it.state


def test_an_answer_is_never_older_than_what_was_asked_for(reader: Reader) -> None:
    """Whichever question: one that needs a later moment is not answered by an earlier one."""
    with reader.moment() as moment:
        last = moment.position
    questions: list[Callable[..., Any]] = [
        partial(orders, reader, "A"), partial(trades, reader, "BTC-USD"),
        partial(candles, reader, "BTC-USD", "1h"), partial(markets, reader),
        partial(deposits, reader), partial(withdrawals, reader),
        partial(statement, reader, "A", "USD"),
    ]  # fmt: skip
    for ask in questions:
        assert last == ask(min_position=last).moment.position
        with pytest.raises(Behind) as refused:
            ask(min_position=last + 1)
        assert (last, last + 1) == (refused.value.position, refused.value.asked)


def test_who_waits_is_served_when_the_views_have_come_so_far(tmp_path: Path) -> None:
    path, all_of_it = tmp_path / "venue.db", batches(desk("AB"), [1])
    with log_of(*all_of_it[:4], path=path) as log:
        behind = follow(path)
        reader = Reader(views_of(path))
        with pytest.raises(Behind, match=f"stand at position {behind}, asked for was {behind + 1}"):
            reader.wait_for(behind + 1, 0.05)
        waited: list[Anchor] = []
        patient = Thread(target=lambda: waited.append(reader.wait_for(behind + 1, 60)))
        patient.start()
        append(log, all_of_it[4])
        assert log.position == follow(path)
        patient.join()
        assert [log.position] == [it.position for it in waited]
        reader.close()


def test_an_answer_is_of_one_moment_while_the_views_go_on(busy: Path) -> None:
    """All reads within a moment see the views as they stood at its beginning."""
    reader = Reader(views_of(busy))
    with reader.moment() as moment:
        with closing(sqlite3.connect(views_of(busy), isolation_level=None)) as writer:
            writer.execute("UPDATE followers SET position=position+1")
            again = reader.connection.execute("SELECT position FROM followers").fetchone()
            writer.execute("UPDATE followers SET position=position-1")
        assert (moment.position,) == again
    reader.close()


def test_no_question_reads_a_whole_table(busy: Path) -> None:
    """Every statement that a question runs is planned through a key or an index, sorting none."""
    reader, asked = Reader(views_of(busy)), set[str]()
    at = Cursor(4_000, 100)
    reader.connection.set_trace_callback(asked.add)
    statement(reader, "A", "USD", from_us=5, until_us=10**9, limit=5, cursor=at)
    statement(reader, FEES, "USD", limit=5)
    orders(reader, "A", limit=5, cursor=at)
    orders(reader, "A", "BTC-USD", only_open=True, limit=5, cursor=at)
    orders(reader, None, "BTC-USD", limit=5, cursor=at)
    trades(reader, "BTC-USD", limit=5, cursor=at)
    candles(reader, "BTC-USD", "1h", limit=5)
    withdrawals(reader, limit=5, cursor=at)
    withdrawals(reader, "A", status="completed", limit=5, cursor=at)
    reader.connection.set_trace_callback(None)
    large = ("orders", "trades", "fills", "candles", "entries", "lines", "balances",
             "withdrawals")  # fmt: skip
    for query in (it for it in asked if it.startswith("SELECT")):
        plan = [row[3] for row in reader.connection.execute(f"EXPLAIN QUERY PLAN {query}")]
        whole = [step for step in plan if step.startswith("SCAN") and step.split()[1] in large]
        assert not whole, (query, plan)
        assert not [step for step in plan if "TEMP B-TREE" in step], (query, plan)
    assert len(asked) > 10
    reader.close()


@pytest.mark.parametrize("text", ["", "5", "x.1", "1.x", "-1.2", "1.2.3", "²1.1"])
def test_what_is_no_cursor_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no cursor"):
        Cursor.parse(text)
