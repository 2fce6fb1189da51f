"""What `exchange order` does to a store, prints, and ends with."""

import asyncio
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from exchange.kernel.orders import OrderTerms
from exchange.orders.commands import (
    Deposit,
    OpenAccount,
    RegisterAsset,
    RegisterUser,
    Request,
    Role,
)
from exchange.store.lock import WriterLock
from exchange.store.urls import StoreUrl
from exchange.venue.sequencer import serving
from tests.build import OPERATOR, listing
from tests.command import answer, exchange, inside, url

COMMANDS = (
    RegisterAsset("BTC", 3),
    RegisterAsset("USD", 5),
    listing(price_decimals=2, quantity_decimals=3, quantity_max=10**6),
    RegisterUser("ann"),
    OpenAccount("ann", "alice"),
    RegisterUser("bob"),
    OpenAccount("bob", "bob"),
    Deposit("alice", "USD", 1_000 * 10**5, "1"),
    Deposit("bob", "BTC", 10 * 10**3, "2"),
)
"""A market of 0.01 and 0.001; ann's account alice has 1,000 USD, bob 10 BTC."""


async def give(store: StoreUrl) -> None:
    async with serving(store) as venue:
        for command in COMMANDS:
            ack = await venue.submit(Request(command, OPERATOR, Role.OPERATOR))
            assert ack.refusal is None, ack


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("opened") / "venue.db"
    asyncio.run(give(StoreUrl.parse(url(path))))
    return path


@pytest.fixture
def store(opened: Path, tmp_path: Path) -> str:
    """A store of its own for each test, on which nothing has traded yet."""
    for path in opened.parent.glob(f"{opened.name}*"):
        shutil.copy(path, tmp_path)
    return url(tmp_path / opened.name)


def order(store: str, *words: object, code: int = 0) -> Any:  # noqa: ANN401 - any JSON
    """The document that the command prints in this process."""
    return json.loads(inside("order", *words, "--store", store, "--json", code=code)[0])


def balance(store: str, account: str, asset: str) -> list[str]:
    """What is available and held, of what is not zero."""
    rows = json.loads(inside("balances", account, "--store", store, "--json")[0])
    return [row["balance"] for row in rows if row["asset"] == asset]


PLACE_ALICE = ("place", "alice", "BTC-USD", "buy")
PLACE_BOB = ("place", "bob", "BTC-USD", "sell")


def test_an_order_rests_trades_and_is_on_disk(store: str) -> None:
    """By processes of their own; the store verifies afterwards."""
    said = exchange("order", *PLACE_ALICE, 2, "--price", "100.5", "--store", store).stdout
    assert ["accepted", "order_id  BTC-USD:1", "status    NEW"] == said.splitlines()
    said = exchange(
        "order", *PLACE_BOB, "2.5", "--price", 100, "--tif", "ioc", "--store", store
    ).stdout
    assert [
        "accepted",
        "order_id  BTC-USD:2",
        "status    EXPIRED",
        "fills     2.000 @ 100.50 from alice (BTC-USD:1)",
    ] == said.splitlines()
    verdict = answer("verify", "--store", store)
    assert (True, len(COMMANDS) + 2) == (verdict["ok"], verdict["commands"])
    assert ["799.00000"] == balance(store, "alice", "USD")


def test_a_machine_gets_the_answer_whole(store: str) -> None:
    order(store, *PLACE_BOB, 1, "--price", 99)
    told = order(store, *PLACE_ALICE, "--market", "--budget", "49.5")
    assert {
        "accepted": True,
        "order_id": "BTC-USD:2",
        "other_id": None,
        "status": "FILLED",
        "fills": [
            {"order_id": "BTC-USD:1", "account": "bob", "price": "99.00", "quantity": "0.500"}
        ],
        "refusal": None,
    } == {name: fact for name, fact in told.items() if name != "position"}
    verdict = json.loads(inside("verify", "--store", store, "--json")[0])
    assert told["position"] == verdict["events"] - 1  # the seal stands behind it


@pytest.mark.parametrize(
    ("words", "refusal"),
    [
        (
            (*PLACE_ALICE, 1, "--price", 101, "--post-only"),
            ("WOULD_TRADE", "price", "101.00", "101.00"),
        ),
        (
            (*PLACE_ALICE, 11, "--price", 100),
            ("INSUFFICIENT_FUNDS", "funds", "1100.00000", "1000.00000"),
        ),
        (
            (*PLACE_BOB, 12, "--price", 200),
            ("INSUFFICIENT_FUNDS", "funds", "12.000", "9.000"),
        ),
        ((*PLACE_ALICE, 1001, "--market"), ("QUANTITY_BOUNDS", "quantity", "1001.000", "1000.000")),
        (
            (*PLACE_ALICE, 2, "--price", 101, "--tif", "fok"),
            ("NOT_FILLABLE", "quantity", "2.000", "1.000"),
        ),
        ((*PLACE_ALICE, "--price", 1), ("FIELD_COMBINATION", "quantity", None, None)),
        (
            (*PLACE_ALICE, 1, "--market", "--budget", 5),
            ("FIELD_COMBINATION", "quantity", None, None),
        ),
        (("cancel", "alice", "BTC-USD:1"), ("NOT_FOUND", "order", None, None)),
        (("cancel", "bob", "BTC-USD:9"), ("NOT_FOUND", "order", None, None)),
        (("reduce", "bob", "BTC-USD:1", 0), ("QUANTITY_BOUNDS", "quantity", "0.000", "0.001")),
    ],
    ids=lambda it: " ".join(map(str, it)),
)
def test_a_refusal_has_code_field_and_numbers_and_ends_with_1(
    words: tuple[object, ...], refusal: tuple[str | None, ...], store: str
) -> None:
    """In the market's decimals; nothing but the record is left of it."""
    order(store, *PLACE_BOB, 1, "--price", 101)
    before = inside("balances", "--store", store)
    told = order(store, *words, code=1)
    assert not told["accepted"]
    assert ("REJECTED", None, []) == (told["status"], told["order_id"], told["fills"])
    assert refusal == tuple(told["refusal"][name] for name in ("code", "field", "value", "bound"))
    assert before == inside("balances", "--store", store)


def test_a_refusal_is_told_to_people(store: str) -> None:
    said, _ = inside("order", *PLACE_ALICE, 11, "--price", 100, "--store", store, code=1)
    assert [
        "refused",
        "code   INSUFFICIENT_FUNDS",
        "field  funds",
        "value  1100.00000",
        "bound  1000.00000",
    ] == said.splitlines()


def test_an_order_is_reduced_and_cancelled_by_its_printed_id_or_its_client_id(store: str) -> None:
    order(store, *PLACE_ALICE, 2, "--price", 100)
    order(store, *PLACE_ALICE, 3, "--price", 100, "--client-id", "a2")
    assert ["500.00000", "500.00000"] == balance(store, "alice", "USD")
    assert "BTC-USD:1" == order(store, "reduce", "alice", "BTC-USD:1", "0.5")["order_id"]
    told = order(store, "reduce", "alice", "BTC-USD", 1, "--client-id", "a2")
    assert ("BTC-USD:2", None, []) == (told["order_id"], told["status"], told["fills"])
    assert ["650.00000", "350.00000"] == balance(store, "alice", "USD")
    assert "CANCELED" == order(store, "cancel", "alice", "BTC-USD:1")["status"]
    told = order(store, "cancel", "alice", "BTC-USD", "--client-id", "a2")
    assert ("BTC-USD:2", "CANCELED") == (told["order_id"], told["status"])
    assert ["1000.00000"] == balance(store, "alice", "USD")


def test_an_order_may_show_little_and_end_at_a_time(store: str) -> None:
    """Exactly the microsecond that was written, in whichever zone."""
    words = ("--price", 100, "--display", "0.5", "--tif", "gtd")
    order(store, *PLACE_ALICE, 2, *words, "--until", "2031-01-31T10:30:00.000001+01:00")
    said, _ = inside("events", "--store", store, "--stream", "orders:alice", "--json")
    *_, display, deadline_us, _ = json.loads(said)["event"][0][3]
    assert (500, 1_927_618_200_000_001) == (display, deadline_us)


def test_a_key_makes_the_same_line_again_the_same_answer(store: str) -> None:
    """Another line under it does nothing; so it is with a client id that stands in for one."""
    for name, value in (("--key", "k1"), ("--client-id", "a1")):
        line = (*PLACE_ALICE, 1, "--price", 100, name, value)
        assert order(store, *line) == order(store, *line)
        other = (*PLACE_ALICE, 2, "--price", 100, name, value)
        told = order(store, *other, code=1)
        assert "was used for another command" in told["error"]
    assert ["800.00000", "200.00000"] == balance(store, "alice", "USD")


def test_the_owner_gives_the_command_or_an_operator(store: str) -> None:
    order(store, *PLACE_ALICE, 1, "--price", 100)
    order(store, "cancel", "alice", "BTC-USD:1", "--as-operator")
    said, _ = inside("events", "--store", store, "--stream", "orders:alice", "--json")
    actors = [json.loads(line)["event"][1:3] for line in said.splitlines()]
    assert [["ann", "trader"], ["operator", "operator"]] == actors


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((*PLACE_ALICE, 1), "an order has either a --price or --market"),
        ((*PLACE_ALICE, 1, "--price", 1, "--market"), "an order has either a --price or --market"),
        ((*PLACE_ALICE, 1, "--price", "1.001"), "'1.001' has more than 2 decimals"),
        ((*PLACE_ALICE, "1e3", "--price", 1), "'1e3' is not a plain decimal number"),
        ((*PLACE_ALICE, "--market", "--budget", "0.000001"), "has more than 5 decimals"),
        ((*PLACE_ALICE, 1, "--market", "--key", "a key"), "breaks its pattern"),
        ((*PLACE_ALICE, 1, "--price", 1, "--until", "soon"), "'soon' is no time like"),
        ((*PLACE_ALICE, 1, "--price", 1, "--until", "2031-01-31T09:30:00"), "is no time like"),
        (("place", "alice", "BTC-USD", "bid", 1, "--market"), "'bid' is not one of"),
        (("place", "alice", "ETH-USD", "buy", 1, "--market"), "it has: BTC-USD"),
        (("place", "carol", "BTC-USD", "buy", 1, "--market"), "'carol' is no account of this"),
        (("cancel", "alice", "ETH-USD:1"), "it has: BTC-USD"),
        (("cancel", "alice", "BTC-USD"), "name the order as SYMBOL:NUMBER"),
        (("cancel", "alice", "BTC-USD:1", "--client-id", "a1"), "name the order as SYMBOL:NUMBER"),
        (("cancel", "alice", "BTC-USD:one"), "'BTC-USD:one' is no order"),
        (("cancel", "alice", "BTC-USD:²"), "is no order"),
        (("cancel", "alice", "BTC-USD:" + "1" * 5000), "is no order"),
        (("reduce", "alice", "BTC-USD:1", "half"), "'half' is not a plain decimal number"),
        (("reduce", "alice", "BTC-USD:1"), "Missing argument 'quantity'"),
    ],
    ids=lambda it: (it if isinstance(it, str) else " ".join(map(str, it)))[:60],
)
def test_what_is_mistyped_ends_with_2_and_leaves_no_record(
    words: tuple[object, ...], told: str, store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "6000")
    _, said = inside("order", *words, "--store", store, code=2)
    assert told in said
    verdict = json.loads(inside("verify", "--store", store, "--json")[0])
    assert (True, len(COMMANDS)) == (verdict["ok"], verdict["commands"])


@pytest.mark.parametrize(
    ("place", "told"),
    [
        ("memory:", "a store in memory ends with its process"),
        ("sqlite:///missing.db", "there is no store missing.db"),
        ("venue.db", "'venue.db' is no store"),
    ],
)
def test_a_store_that_is_not_there_ends_with_3_and_is_not_made(
    place: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    _, said = inside("order", *PLACE_ALICE, 1, "--market", "--store", place, code=3)
    assert told in said
    assert [] == list(tmp_path.iterdir())


def test_a_store_with_another_writer_ends_with_3(store: str) -> None:
    lock = WriterLock(StoreUrl.parse(store).beside(".lock"))
    try:
        said = exchange("order", *PLACE_ALICE, 1, "--market", "--store", store, code=3).stderr
    finally:
        lock.release()
    assert said.startswith("error: ")


# Changes of what waits.


def test_an_amend_changes_what_it_names(store: str) -> None:
    assert 0 == exchange("order", "place", "alice", "BTC-USD", "buy", "2", "--price", "90",
                         "--store", store).returncode  # fmt: skip
    told = answer("order", "amend", "alice", "BTC-USD:1", "--price", "95.5", "--quantity", "1.5",
                  "--store", store, "--json")  # fmt: skip
    assert "NEW" == told["status"]
    book = answer("book", "BTC-USD", "--store", store, "--json")
    assert "95.50" in json.dumps(book)
    assert "90.00" not in json.dumps(book)


def test_an_amend_that_changes_nothing_is_refused(store: str) -> None:
    exchange("order", "place", "alice", "BTC-USD", "buy", "2", "--price", "90", "--store", store)
    done = exchange("order", "amend", "alice", "BTC-USD:1", "--store", store, code=1)
    assert "FIELD_COMBINATION" in done.stdout


def test_all_orders_of_a_side_are_cancelled(store: str) -> None:
    for price in ("90", "91"):
        exchange("order", "place", "alice", "BTC-USD", "buy", "1", "--price", price,
                 "--store", store)  # fmt: skip
    told = answer("order", "cancel-all", "alice", "BTC-USD", "--side", "buy", "--store", store,
                  "--json")  # fmt: skip
    assert told["accepted"]
    told = answer("order", "cancel-all", "alice", "BTC-USD", "--store", store, "--json")
    assert told["accepted"]
    assert "9" not in json.dumps(answer("book", "BTC-USD", "--store", store, "--json")["bids"])


def test_a_stop_sleeps_and_can_be_moved(store: str) -> None:
    placed = answer("order", "place", "alice", "BTC-USD", "buy", "1", "--market", "--stop", "95",
                    "--store", store, "--json")  # fmt: skip
    assert "UNTRIGGERED" == placed["status"]
    moved = answer("order", "amend", "alice", "BTC-USD:1", "--trigger", "96", "--store", store,
                   "--json")  # fmt: skip
    assert moved["accepted"]
    held = json.dumps(answer("balances", "alice", "--store", store, "--json"))
    assert "100.80" in held  # 96 and the five in a hundred that it may slip


# Two of which one cancels the other.

OCO_BOB = ("oco", "bob", "BTC-USD", "sell")
BRACKET = (*OCO_BOB, 2, "--price", 110, "--stop", 95)


def test_two_orders_stand_on_one_hold_and_are_on_disk(store: str) -> None:
    """By processes of their own; the store verifies afterwards."""
    said = exchange("order", *BRACKET, "--store", store).stdout
    assert [
        "accepted",
        "order_id  BTC-USD:1",
        "other_id  BTC-USD:2",
        "status    NEW",
    ] == said.splitlines()
    assert ["8.000", "2.000"] == balance(store, "bob", "BTC")
    assert 0 == exchange("order", *PLACE_ALICE, 1, "--price", 110, "--store", store).returncode
    told = answer("order", "cancel", "bob", "BTC-USD:2", "--store", store, code=1)
    assert ("NOT_FOUND", "order") == (told["refusal"]["code"], told["refusal"]["field"])
    assert "CANCELED" == order(store, "cancel", "bob", "BTC-USD:1")["status"]
    assert ["9.000"] == balance(store, "bob", "BTC")
    verdict = answer("verify", "--store", store)
    assert (True, len(COMMANDS) + 4) == (verdict["ok"], verdict["commands"])


@pytest.mark.parametrize("which", [1, 2])
def test_who_cancels_one_of_two_cancels_both(which: int, store: str) -> None:
    told = order(store, *BRACKET)
    assert ("BTC-USD:1", "BTC-USD:2", "NEW") == (
        told["order_id"],
        told["other_id"],
        told["status"],
    )
    order(store, "cancel", "bob", f"BTC-USD:{which}")
    assert ["10.000"] == balance(store, "bob", "BTC")


@pytest.mark.parametrize(
    ("words", "status", "held"),
    [
        (("--price", 90, "--stop", 110), "NEW", "231.00000"),  # 115.5 at most
        (("--price", 90, "--stop", 110, "--stop-price", 111), "NEW", "222.00000"),
        (("--price", 90, "--take-profit", 80), "NEW", "180.00000"),
        (("--stop", 110, "--take-profit", 90), "UNTRIGGERED", "231.00000"),
        (
            ("--take-profit", 90, "--take-profit-price", 91, "--stop", 100, "--stop-price", 101),
            "UNTRIGGERED",
            "202.00000",
        ),
    ],
    ids=lambda it: " ".join(map(str, it)) if isinstance(it, tuple) else None,
)
def test_any_two_of_three_are_held_for_by_the_dearer(
    words: tuple[object, ...], status: str, held: str, store: str
) -> None:
    told = order(store, "oco", "alice", "BTC-USD", "buy", 2, *words)
    assert (True, status, "BTC-USD:2") == (told["accepted"], told["status"], told["other_id"])
    assert held == balance(store, "alice", "USD")[1]


def terms(store: str, account: str) -> list[dict[str, Any]]:
    """The terms of the list that the account has placed, field by field."""
    said, _ = inside("events", "--store", store, "--stream", f"orders:{account}", "--json")
    _, _, *both = json.loads(said)["event"][0][1:]
    names = OrderTerms.__struct_fields__
    return [dict(zip(names, fields, strict=True)) for fields in both]


def test_each_order_gets_the_options_that_are_its_own(store: str) -> None:
    words: tuple[object, ...] = ("--price", 110, "--post-only", "--stop", 95)
    words += ("--stop-price", "94.5")
    words += ("--display", "0.5", "--self-trade", "decrement", "--client-id", "b1")
    words += ("--tif", "gtd", "--until", "2031-01-31T09:30:00Z", "--other-client-id", "b2")
    order(store, *OCO_BOB, 2, *words)
    deadline_us = 1_927_618_200_000_000
    for found, own in zip(
        terms(store, "bob"),
        (
            {"type": "limit", "price": 11_000, "post_only": True, "client_order_id": "b1"},
            {"type": "stop_limit", "price": 9_450, "trigger": 9_500, "client_order_id": "b2"},
        ),
        strict=True,
    ):
        expected = {"quantity": 2_000, "display": 500, "self_trade": "decrement"} | own
        expected |= {"time_in_force": "gtd", "deadline_us": deadline_us}
        assert expected == {name: found[name] for name in expected}
    assert "BTC-USD:2" == order(store, "cancel", "bob", "BTC-USD", "--client-id", "b2")["order_id"]


def test_a_stop_at_market_shows_nothing(store: str) -> None:
    """The display is the limit order's."""
    order(store, *BRACKET, "--display", "0.5", "--tif", "day")
    assert [500, None] == [it["display"] for it in terms(store, "bob")]
    assert ["day", "day"] == [it["time_in_force"] for it in terms(store, "bob")]


def test_a_key_makes_the_same_list_again_the_same_answer(store: str) -> None:
    line = (*BRACKET, "--key", "k1")
    assert order(store, *line) == order(store, *line)
    told = order(store, *OCO_BOB, 3, "--price", 110, "--stop", 95, "--key", "k1", code=1)
    assert "was used for another command" in told["error"]
    assert ["8.000", "2.000"] == balance(store, "bob", "BTC")


def test_an_operator_may_place_a_list(store: str) -> None:
    order(store, *BRACKET, "--as-operator")
    said, _ = inside("events", "--store", store, "--stream", "orders:bob", "--json")
    assert ["operator", "operator"] == json.loads(said)["event"][1:3]


@pytest.mark.parametrize(
    ("words", "refusal"),
    [
        ((2, "--price", 100, "--stop", 95), ("WOULD_TRADE", "price", "100.00", "100.00")),
        ((11, "--price", 110, "--stop", 95), ("INSUFFICIENT_FUNDS", "funds", "11.000", "9.000")),
        (
            (2, "--price", 110, "--stop", 95, "--tif", "ioc"),
            ("FIELD_COMBINATION", "time_in_force", None, None),
        ),
        (
            (2, "--price", 110, "--stop", 95, "--client-id", "b", "--other-client-id", "b"),
            ("DUPLICATE_CLIENT_ORDER_ID", "client_order_id", "b", None),
        ),
        (
            (2, "--price", 110, "--stop", 101),
            ("WOULD_TRIGGER", "trigger", "101.00", "100.00"),
        ),
        (
            (2, "--price", 110, "--stop", 95, "--until", "2031-01-31T09:30:00Z"),
            ("FIELD_COMBINATION", "deadline_us", None, None),
        ),
        (
            (2, "--price", 110, "--stop", 95, "--display", 3),
            ("QUANTITY_BOUNDS", "display", "3.000", "2.000"),
        ),
    ],
    ids=lambda it: " ".join(map(str, it)),
)
def test_a_refused_list_tells_why_and_leaves_nothing(
    words: tuple[object, ...], refusal: tuple[str | None, ...], store: str
) -> None:
    """The last print was at 100, and alice buys there."""
    order(store, *PLACE_ALICE, 2, "--price", 100)
    order(store, *PLACE_BOB, 1, "--price", 100)
    before = inside("balances", "--store", store)
    told = order(store, *OCO_BOB, *words, code=1)
    assert ("REJECTED", None, None) == (told["status"], told["order_id"], told["other_id"])
    assert refusal == tuple(told["refusal"][name] for name in ("code", "field", "value", "bound"))
    assert before == inside("balances", "--store", store)


def test_one_of_two_is_not_amended(store: str) -> None:
    order(store, *BRACKET)
    told = order(store, "amend", "bob", "BTC-USD:1", "--price", 109, code=1)
    assert ("IN_LIST", "order", "BTC-USD:2") == tuple(
        told["refusal"][name] for name in ("code", "field", "value")
    )


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((2,), "a list has two of --price, --stop and --take-profit"),
        ((2, "--price", 110), "a list has two of --price, --stop and --take-profit"),
        (
            (2, "--price", 110, "--stop", 95, "--take-profit", 120),
            "a list has two of --price, --stop and --take-profit",
        ),
        (
            (2, "--price", 110, "--take-profit", 120, "--stop-price", 95),
            "--stop-price goes with --stop",
        ),
        (
            (2, "--price", 110, "--stop", 95, "--take-profit-price", 95),
            "--take-profit-price goes with --take-profit",
        ),
        (
            (2, "--stop", 95, "--take-profit", 120, "--post-only"),
            "--post-only goes with --price",
        ),
        (
            (2, "--stop", 95, "--take-profit", 120, "--display", 1),
            "--display goes with a limit price",
        ),
        ((2, "--price", "110.001", "--stop", 95), "'110.001' has more than 2 decimals"),
        ((2, "--price", 110, "--stop", "low"), "'low' is not a plain decimal number"),
        (("2.0005", "--price", 110, "--stop", 95), "'2.0005' has more than 3 decimals"),
        ((2, "--price", 110, "--stop", 95, "--until", "soon"), "'soon' is no time like"),
        ((2, "--price", 110, "--stop", 95, "--tif", "ever"), "'ever' is not one of"),
        ((2, "--price", 110, "--stop", 95, "--market"), "No such option"),
        (("--price", 110, "--stop", 95), "Missing argument 'quantity'"),
    ],
    ids=lambda it: (it if isinstance(it, str) else " ".join(map(str, it)))[:60],
)
def test_a_mistyped_list_ends_with_2_and_leaves_no_record(
    words: tuple[object, ...], told: str, store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "6000")
    _, said = inside("order", *OCO_BOB, *words, "--store", store, code=2)
    assert told in said
    verdict = json.loads(inside("verify", "--store", store, "--json")[0])
    assert (True, len(COMMANDS)) == (verdict["ok"], verdict["commands"])


def test_a_list_for_a_stranger_or_another_market_ends_with_2(store: str) -> None:
    pair = ("sell", 2, "--price", 110, "--stop", 95, "--store", store)
    _, said = inside("order", "oco", "carol", "BTC-USD", *pair, code=2)
    assert "'carol' is no account of this" in said
    _, said = inside("order", "oco", "bob", "ETH-USD", *pair, code=2)
    assert "it has: BTC-USD" in said


def test_the_help_of_a_list_names_its_options(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    said, _ = inside("order", "oco", "--help")
    for name in ("--price", "--stop-price", "--take-profit-price", "--other-client-id", "--until"):
        assert name in said
