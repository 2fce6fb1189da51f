"""What `exchange market`, `user`, `account` and `venue` do to a store, print, and end with."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.cli.test_order import COMMANDS, PLACE_ALICE, PLACE_BOB, balance, opened, order
from tests.command import answer, exchange, inside, url

__all__ = ["opened"]  # a fixture of the other file: a market, alice with USD, bob with BTC

NEWS = ("--reason", "news")


@pytest.fixture
def store(opened: Path, tmp_path: Path) -> str:
    """A store of its own for each test, on which nothing has traded yet."""
    for path in opened.parent.glob(f"{opened.name}*"):
        shutil.copy(path, tmp_path)
    return url(tmp_path / opened.name)


def say(store: str, *words: object, code: int = 0) -> Any:  # noqa: ANN401 - any JSON
    """The document that the command prints in this process."""
    return json.loads(inside(*words, "--store", store, "--json", code=code)[0])


def refused(store: str, *words: object) -> tuple[object, ...]:
    """Code, field, value and bound of what is refused; nothing but the record is left of it."""
    before = inside("balances", "--store", store)
    told = say(store, *words, code=1)
    assert not told["accepted"]
    assert before == inside("balances", "--store", store)
    return tuple(told["refusal"][name] for name in ("code", "field", "value", "bound"))


def facts(said: str) -> dict[str, str]:
    """Names and values as people see them."""
    return {name: rest.strip() for name, _, rest in (it.partition(" ") for it in said.splitlines())}


def test_a_market_is_shown_in_its_decimals_and_changed_by_text(store: str) -> None:
    """By processes of their own; the store verifies afterwards."""
    said = exchange(
        "market", "change", "BTC-USD", *NEWS, "--tick", "0.05", "--lot", "0.1", "--maker-ppm", -250,
        "--notional-max", "100000.5", "--day-end", "17:30", "--store", store,
    ).stdout  # fmt: skip
    assert "accepted" == said.splitlines()[0]
    told = facts(exchange("market", "show", "BTC-USD", "--store", store).stdout)
    assert {
        "state": "continuous", "version": "2", "tick": "0.05", "lot": "0.100", "maker_ppm": "-250",
        "taker_ppm": "2,000", "notional_max": "100000.50000", "day_end": "17:30:00",
        "quantity_max": "1000.000", "tiers": "none",
    }.items() <= told.items()  # fmt: skip
    verdict = answer("verify", "--store", store)
    assert (True, len(COMMANDS) + 1) == (verdict["ok"], verdict["commands"])


def test_every_version_of_a_rulebook_can_be_read(store: str) -> None:
    say(store, "market", "change", "BTC-USD", *NEWS, "--tick", "0.05")
    say(store, "market", "tier", "BTC-USD", "gold", "--maker-ppm", -100, "--taker-ppm", 900)
    say(store, "market", "state", "BTC-USD", "halted", *NEWS)
    shown = [say(store, "market", "show", "BTC-USD", "--version", n) for n in (1, 2, 3, 4)]
    assert ["0.01", "0.05", "0.05", "0.05"] == [it["tick"] for it in shown]
    gold = {"gold": {"maker_ppm": -100, "taker_ppm": 900}}
    assert [{}, {}, gold, gold] == [it["tiers"] for it in shown]
    assert ["continuous"] * 3 + ["halted"] == [it["state"] for it in shown]
    assert shown[3] == say(store, "market", "show", "BTC-USD")
    assert [shown[3]] == say(store, "market", "list")
    header, line = inside("market", "list", "--store", store)[0].splitlines()
    assert ["symbol", "state", "tick"] == header.split()[:3]
    assert ["BTC-USD", "halted", "0.05"] == line.split()[:3]


def test_a_refused_change_is_told_in_the_markets_decimals(store: str) -> None:
    change = ("market", "change", "BTC-USD", *NEWS)
    told = refused(store, *change, "--price-max", "0")
    assert ("INVALID_INSTRUMENT", "price_max", "0.00", None) == told
    told = refused(store, *change, "--lot", "0")
    assert ("INVALID_INSTRUMENT", "lot", "0.000", None) == told
    assert ("FIELD_COMBINATION", "change", None, None) == refused(store, *change)
    told = refused(store, *change, "--maker-ppm", -1_000_001)
    assert ("INVALID_INSTRUMENT", "maker_ppm", -1_000_001, None) == told


def test_a_halt_takes_the_orders_out_when_told_to(store: str) -> None:
    order(store, *PLACE_ALICE, 2, "--price", 100)
    say(store, "market", "state", "BTC-USD", "halted", *NEWS, "--cancel-orders")
    assert ["1000.00000"] == balance(store, "alice", "USD")
    told = refused(store, "market", "state", "BTC-USD", "halted", *NEWS)
    assert ("MARKET_STATE", "state", "halted", None) == told


def test_an_account_in_a_tier_pays_its_rates(store: str) -> None:
    """Bob sells 1 at 100: 2,000 ppm were 0.2 USD; 900 are 0.09, of which alice gets 100 ppm."""
    say(store, "market", "tier", "BTC-USD", "gold", "--maker-ppm", -100, "--taker-ppm", 900)
    for account in ("alice", "bob"):
        say(store, "account", "tier", account, "gold")
    order(store, *PLACE_ALICE, 1, "--price", 100)
    order(store, *PLACE_BOB, 1, "--price", 100)
    assert ["99.91000"] == balance(store, "bob", "USD")
    assert ["900.01000"] == balance(store, "alice", "USD")
    shown = say(store, "account", "show", "alice")
    assert ("ann", "gold", None) == (shown["user"], shown["tier"], shown["group"])
    assert {"BTC-USD": {"maker_ppm": -100, "taker_ppm": 900}} == shown["rates"]
    assert {"BTC": "1.000", "USD": "900.01000"} == shown["available"]
    say(store, "account", "tier", "alice")
    assert 1_000 == say(store, "account", "show", "alice")["rates"]["BTC-USD"]["maker_ppm"]
    say(store, "market", "tier", "BTC-USD", "gold", "--off")
    assert ("UNKNOWN_TIER", "tier", "gold", None) == refused(
        store, "account", "tier", "bob", "gold"
    )
    assert say(store, "verify")["ok"]


def test_users_and_accounts_come_and_are_listed(store: str) -> None:
    say(store, "user", "register", "cid")
    say(store, "account", "open", "cid", "cid-1")
    say(store, "account", "group", "cid-1", "desk")
    assert ["ann", "bob", "cid"] == [it["user"] for it in say(store, "user", "list")]
    *_, last = say(store, "account", "list")
    assert {
        "account": "cid-1", "user": "cid", "tier": None, "group": "desk", "killed": False,
    } == last  # fmt: skip
    lines = inside("account", "list", "--store", store)[0].splitlines()
    assert [["alice", "ann"], ["bob", "bob"], ["cid-1", "cid", "desk"]] == [
        line.split() for line in lines[1:]
    ]
    assert ("ALREADY_EXISTS", "user", "cid", None) == refused(store, "user", "register", "cid")


def test_roles_decide_once_there_is_an_admin(store: str) -> None:
    for user, role in (("bob", "operator"), ("ann", "admin")):
        say(store, "user", "grant", user, role)
    denied = ("NOT_PERMITTED", "role", "operator", None)
    assert denied == refused(store, "user", "register", "cid")
    assert denied == refused(store, "user", "register", "cid", "--actor", "ann")
    say(store, "user", "register", "cid", "--actor", "bob")
    denied = ("NOT_PERMITTED", "role", "admin", None)
    assert denied == refused(store, "user", "grant", "cid", "auditor", "--actor", "bob")
    say(store, "user", "grant", "cid", "auditor", "--actor", "ann")
    told = refused(store, "user", "revoke", "ann", "admin", "--actor", "ann")
    assert ("LAST_ADMIN", "user", "ann", None) == told
    assert ["auditor"] == say(store, "user", "show", "cid")["roles"]
    assert ["ann"] == say(store, "venue", "show")["admins"]
    told = order(store, "cancel-all", "alice", "BTC-USD", "--as-operator", code=1)
    assert "NOT_PERMITTED" == told["refusal"]["code"]
    order(store, "cancel-all", "alice", "BTC-USD", "--as-operator", "--actor", "bob")
    told = order(store, *PLACE_ALICE, 1, "--price", 1, "--actor", "bob", code=1)
    assert "UNKNOWN_ACCOUNT" == told["refusal"]["code"]


def test_who_is_stopped_hears_why(store: str) -> None:
    place = (*PLACE_ALICE, 1, "--price", 100)
    order(store, *place)
    say(store, "user", "suspend", "ann", "case-7", "--cancel-orders")
    assert ["1000.00000"] == balance(store, "alice", "USD")
    assert "USER_SUSPENDED" == order(store, *place, code=1)["refusal"]["code"]
    assert say(store, "user", "show", "ann")["suspended"]
    say(store, "user", "reinstate", "ann", "case-7")
    say(store, "user", "blacklist", "ann", "list-3", "--until", "2099-01-31T10:30:00+01:00")
    told = order(store, *place, code=1)["refusal"]
    assert ("USER_BLACKLISTED", "list-3") == (told["code"], told["value"])
    shown = facts(inside("user", "show", "ann", "--store", store)[0])
    assert "list-3 2099-01-31T09:30:00Z" == shown["blacklist"]
    say(store, "user", "blacklist", "ann", "list-3", "--off")
    say(store, "account", "kill", "alice", *NEWS)
    told = order(store, *place, code=1)["refusal"]
    assert ("KILL_SWITCH", "account", "alice") == (told["code"], told["field"], told["value"])
    assert ["alice"] == say(store, "user", "show", "ann")["killed"]
    say(store, "account", "release", "alice", *NEWS)
    say(store, "venue", "kill", *NEWS)
    assert say(store, "venue", "show")["killed"]
    told = order(store, *place, code=1)["refusal"]
    assert ("KILL_SWITCH", "venue") == (told["code"], told["field"])
    say(store, "venue", "release", *NEWS)
    order(store, *place)
    assert say(store, "verify")["ok"]


def test_a_refusal_is_told_to_people(store: str) -> None:
    said, _ = inside("venue", "release", *NEWS, "--store", store, code=1)
    assert ["refused", "code   NOT_IN_FORCE", "field  kill_switch"] == said.splitlines()
    said, _ = inside("venue", "kill", *NEWS, "--store", store)
    assert "accepted" == said.splitlines()[0]
    said, _ = inside("venue", "show", "--store", store)
    assert {"killed": "yes", "admins": "none", "markets": "BTC-USD continuous"}.items() <= facts(
        said
    ).items()


def test_a_key_makes_the_same_line_again_the_same_answer(store: str) -> None:
    line = ("venue", "kill", *NEWS, "--key", "k1")
    assert say(store, *line) == say(store, *line)
    told = say(store, "venue", "kill", "--reason", "other", "--key", "k1", code=1)
    assert "was used for another command" in told["error"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("market", "show", "ETH-USD"), "'ETH-USD' is no market of this store"),
        (("market", "show", "BTC-USD", "--version", 2), "of BTC-USD is at version 1"),
        (("market", "show", "BTC-USD", "--version", 0), "Invalid value for"),
        (("market", "change", "ETH-USD", *NEWS, "--tick", 1), "it has: BTC-USD"),
        (("market", "change", "BTC-USD", "--tick", 1), "Missing option '--reason'"),
        (("market", "change", "BTC-USD", *NEWS, "--tick", "0.001"), "has more than 2 decimals"),
        (("market", "change", "BTC-USD", *NEWS, "--lot", "-1"), "'-1' is not a plain decimal"),
        (("market", "change", "BTC-USD", *NEWS, "--day-end", "noon"), "'noon' is no time of day"),
        (("market", "change", "BTC-USD", *NEWS, "--day-end", "17:30Z"), "is no time of day"),
        (("market", "state", "BTC-USD", "asleep", *NEWS), "'asleep' is not one of"),
        (("market", "tier", "BTC-USD", "gold"), "or is --off"),
        (("market", "tier", "BTC-USD", "gold", "--maker-ppm", 1), "or is --off"),
        (("market", "tier", "BTC-USD", "gold", "--maker-ppm", 1, "--off"), "or is --off"),
        (("user", "show", "zoe"), "'zoe' is no user of this store"),
        (("user", "grant", "ann", "king"), "'king' is not one of"),
        (("user", "blacklist", "ann", "x"), "or is taken --off"),
        (("user", "blacklist", "ann", "x", "--until", "soon"), "'soon' is no time like"),
        (("user", "register", "cid", "--actor", "a b"), "breaks its pattern"),
        (("account", "show", "zoe"), "'zoe' is no account of this store"),
        (("account", "kill", "alice"), "Missing option '--reason'"),
        (("venue", "kill"), "Missing option '--reason'"),
    ],
    ids=lambda it: (it if isinstance(it, str) else " ".join(map(str, it)))[:60],
)
def test_what_is_mistyped_ends_with_2_and_leaves_no_record(
    words: tuple[object, ...], told: str, store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "6000")
    _, said = inside(*words, "--store", store, code=2)
    assert told in said
    assert len(COMMANDS) == say(store, "verify")["commands"]
