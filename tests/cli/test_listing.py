"""A venue from nothing, by hand: created, its market listed, traded on, money in and out."""

from pathlib import Path
from typing import Any

import pytest

from tests.cli.test_order import balance
from tests.cli.test_staff import say
from tests.command import inside, url

NOW = ("--reason", "set up")


@pytest.fixture
def store(tmp_path: Path) -> str:
    """An empty venue."""
    made = url(tmp_path / "venue.db")
    assert 2 == say(made, "venue", "create")["position"]
    return made


def listed(store: str, *more: object, code: int = 0) -> Any:  # noqa: ANN401 - any JSON
    """The answer to a listing of BTC-USD in steps of 0.01 and 0.001."""
    for asset, decimals in (("BTC", 8), ("USD", 6)):
        say(store, "asset", "add", asset, decimals)
    words = ("market", "add", "BTC-USD", "--tick", "0.01", "--lot", "0.001")
    return say(store, *words, *more, code=code)


def test_a_venue_is_run_by_hand_from_its_first_day(store: str) -> None:
    """And its log holds every law."""
    assert listed(store)["accepted"]
    for user in ("alice", "bob", "carol"):
        say(store, "user", "register", user)
    for account in ("alice", "bob"):
        say(store, "account", "open", account, account)
    say(store, "deposit", "make", "alice", "USD", "1000", "--reference", "wire-1")
    say(store, "deposit", "make", "bob", "BTC", "3", "--reference", "chain-1")
    say(store, "order", "place", "alice", "BTC-USD", "buy", "2", "--price", "100.5")
    told = say(store, "order", "place", "bob", "BTC-USD", "sell", "2", "--market")
    assert "FILLED" == told["status"]
    assert ["799.000000"] == balance(store, "alice", "USD")
    assert ["1.99800000"] == balance(store, "alice", "BTC")
    say(store, "withdrawal", "terms", "BTC", "--fee", "0.001", "--min", "0.01", "--max", "5",
        "--four-eyes-above", "1")  # fmt: skip
    say(store, "withdrawal", "request", "alice", "BTC", "0.5", "--to", "wallet-1")
    say(store, "withdrawal", "approve", "1", "--actor", "carol")
    say(store, "withdrawal", "send", "1", "--reference", "chain-2")
    say(store, "withdrawal", "complete", "1")
    say(store, "account", "open", "alice", "savings")
    say(store, "account", "transfer", "alice", "savings", "BTC", "1.5", code=1)
    assert say(store, "account", "transfer", "alice", "savings", "BTC", "1")["accepted"]
    assert ["0.49700000"] == balance(store, "alice", "BTC")
    assert ["1.00000000"] == balance(store, "savings", "BTC")
    say(store, "account", "transfer", "alice", "bob", "BTC", "0.1", code=1)  # another's
    assert say(store, "verify")["ok"]
    say(store, "follow", "--once")
    assert [] == say(store, "reconcile")["findings"]


def test_what_a_listing_leaves_out_follows_from_its_steps(store: str) -> None:
    listed(store)
    shown = say(store, "market", "show", "BTC-USD")
    expected = {
        "base": "BTC", "quote": "USD", "tick": "0.01", "lot": "0.001", "price_min": "0.01",
        "quantity_min": "0.001", "price_max": "46116860184273879.04", "maker_ppm": 1_000,
        "taker_ppm": 2_000, "open_orders_max": 200, "state": "continuous", "day_end": "00:00:00",
    }  # fmt: skip
    assert expected.items() <= shown.items()
    assert [{"code": "BTC", "decimals": 8}, {"code": "USD", "decimals": 6}] == say(
        store, "asset", "list"
    )


def test_a_listing_says_all_that_there_is_to_say(store: str) -> None:
    listed(
        store, "--price-decimals", 3, "--price-max", "500", "--notional-min", "10", "--state",
        "halted", "--maker-ppm", -100, "--day-end", "17:30", "--open-orders-max", 7,
    )  # fmt: skip
    shown = say(store, "market", "show", "BTC-USD")
    expected = {
        "tick": "0.010", "price_max": "500.000", "notional_min": "10.000000", "state": "halted",
        "maker_ppm": -100, "day_end": "17:30:00", "open_orders_max": 7,
    }  # fmt: skip
    assert expected.items() <= shown.items()


@pytest.mark.parametrize(
    ("words", "refusal"),
    [
        (("--quote", "EUR"), ("UNKNOWN_ASSET", "quote", "EUR")),
        (("--taker-ppm", 1_000_001), ("INVALID_INSTRUMENT", "taker_ppm", 1_000_001)),
        (("--price-decimals", 5), ("INVALID_INSTRUMENT", "price_decimals", 8)),
        (("--price-max", "46116860184273879.05"), ("INVALID_INSTRUMENT", "price_max", 2**62 + 1)),
    ],
)
def test_a_listing_that_makes_no_market_is_refused(
    store: str, words: tuple[object, ...], refusal: tuple[object, ...]
) -> None:
    told = listed(store, *words, code=1)["refusal"]
    assert refusal == (told["code"], told["field"], told["value"])
    assert [] == say(store, "market", "list")


def test_what_is_there_is_not_made_again(store: str, tmp_path: Path) -> None:
    before = (tmp_path / "venue.db").read_bytes()
    said = inside("venue", "create", "--store", store, code=3)[1]
    assert "is there already" in said
    assert before == (tmp_path / "venue.db").read_bytes()
    listed(store)
    told = say(store, "asset", "add", "BTC", 8, code=1)["refusal"]
    assert ("ALREADY_EXISTS", "code", "BTC") == (told["code"], told["field"], told["value"])


@pytest.mark.parametrize(
    "words",
    [
        ("market", "add", "BTC-USD", "--tick", "1e-2", "--lot", "1"),
        ("market", "add", "BTC-USD", "--tick", "0.01", "--lot", "1", "--price-max", "0.005"),
        ("market", "add", "BTC-USD", "--tick", "0.01", "--lot", "1", "--day-end", "noon"),
        ("asset", "add", "BTC", "-1"),
    ],
)
def test_words_that_say_nothing_are_named(store: str, words: tuple[str, ...]) -> None:
    for asset in ("BTC", "USD"):
        say(store, "asset", "add", asset + "2", 2)
    before = say(store, "verify")["commands"]
    inside(*words, "--store", store, code=2)
    assert before == say(store, "verify")["commands"]


def test_a_store_in_memory_is_no_store_to_create() -> None:
    assert "memory" in inside("venue", "create", "--store", "memory:", code=2)[1]
