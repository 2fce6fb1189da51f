"""What `exchange deposit|withdrawal|trade|claim|fees|insurance` do, print, and end with."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.test_order import COMMANDS, balance, opened, store
from tests.command import answer, exchange, inside

__all__ = ["opened", "store"]  # fixtures: ann's account alice has 1,000 USD, bob 10 BTC

TERMS = ("terms", "USD", "--fee", "1.5", "--min", 5, "--max", 500, "--four-eyes-above", 100)


def give(store: str, *words: object, code: int = 0) -> Any:  # noqa: ANN401 - any JSON
    """The document that the command prints in this process."""
    return json.loads(inside(*words, "--store", store, "--json", code=code)[0])


def withdrawal(store: str, *words: object, code: int = 0) -> Any:  # noqa: ANN401 - any JSON
    return give(store, "withdrawal", *words, code=code)


def own(store: str, name: str) -> dict[str, str]:
    """Balances of a ledger account by asset."""
    rows = json.loads(inside("balances", "--store", store, "--json")[0])
    return {row["asset"]: row["balance"] for row in rows if row["account"] == name}


def verified(store: str) -> bool:
    return bool(json.loads(inside("verify", "--store", store, "--json")[0])["ok"])


def test_a_withdrawal_goes_all_the_way_and_the_store_verifies(store: str) -> None:
    """By processes of their own, told to people."""

    def said(*words: object, code: int = 0) -> list[str]:
        out = exchange("withdrawal", *words, "--store", store, code=code).stdout
        return out.splitlines()

    assert ["accepted"] == said(*TERMS)
    assert ["accepted", "withdrawal  1"] == said("request", "alice", "USD", 200, "--to", "bank-a")
    assert ["accepted"] == said("approve", 1)
    assert [
        "withdrawal  account  asset  amount     fee      to      state      approvals  needed  by",
        "1           alice    USD    200.00000  1.50000  bank-a  requested  1          2       ann",
    ] == said("list")
    assert ["accepted"] == said("approve", 1, "--actor", "bea")
    assert ["accepted"] == said("send", 1, "--reference", "wire-1")
    assert ["accepted"] == said("complete", 1)
    (head,) = said("list")
    assert head.startswith("withdrawal  account")
    assert ["798.50000"] == balance(store, "alice", "USD")
    assert {"USD": "1.50000"} == own(store, "venue:fees")
    assert answer("verify", "--store", store)["ok"]


def test_a_refused_step_tells_code_field_and_numbers_and_ends_with_1(store: str) -> None:
    withdrawal(store, *TERMS)
    assert 1 == withdrawal(store, "request", "alice", "USD", 200, "--to", "bank-a")["withdrawal"]
    out, _ = inside("withdrawal", "send", 1, "--reference", "w", "--store", store, code=1)
    assert ["refused", "code   WITHDRAWAL_STATE", "field  state", "value  requested",
            "bound  approved"] == out.splitlines()  # fmt: skip


@pytest.mark.parametrize(
    ("words", "refusal"),
    [
        (("request", "alice", "USD", 4), ("AMOUNT_BOUNDS", "amount", "4.00000", "5.00000")),
        (("request", "alice", "USD", 499.5), None),
        (("request", "bob", "USD", 5), ("INSUFFICIENT_FUNDS", "funds", "6.50000", "0.00000")),
        (("request", "bob", "BTC", 1), ("WITHDRAWAL_TERMS", "asset", "BTC", None)),
        (("approve", 7), ("NOT_FOUND", "withdrawal", 7, None)),
        (("cancel", "alice", 7), ("NOT_FOUND", "withdrawal", 7, None)),
        (("complete", 7), ("NOT_FOUND", "withdrawal", 7, None)),
        (("reject", 7, "--reason", "no"), ("NOT_FOUND", "withdrawal", 7, None)),
    ],
    ids=lambda it: " ".join(map(str, it)) if it and it[0] == it[0].lower() else None,
)
def test_amounts_are_told_in_the_asset_s_decimals(
    words: tuple[object, ...], refusal: tuple[object, ...] | None, store: str
) -> None:
    withdrawal(store, *TERMS)
    more = ("--to", "bank-a") if words[0] == "request" else ()
    told = withdrawal(store, *words, *more, code=0 if refusal is None else 1)
    names = ("code", "field", "value", "bound")
    found = told["refusal"] and tuple(told["refusal"][name] for name in names)
    assert (refusal is None, refusal) == (told["accepted"], found)


def test_the_owner_asks_or_an_operator_who_then_may_not_approve(store: str) -> None:
    withdrawal(store, *TERMS)
    withdrawal(store, "request", "alice", "USD", 10, "--to", "bank-a", "--actor", "bea")
    told = withdrawal(store, "approve", 1, "--actor", "bea", code=1)
    assert ("SECOND_PERSON_REQUIRED", "bea") == (told["refusal"]["code"], told["refusal"]["value"])
    assert withdrawal(store, "approve", 1, "--actor", "cid")["accepted"]
    withdrawal(store, "send", 1, "--reference", "wire-1", "--actor", "bea")
    assert withdrawal(store, "reject", 1, "--reason", "came back", "--actor", "cid")["accepted"]
    assert ["1000.00000"] == balance(store, "alice", "USD")


def test_a_request_can_be_cancelled_and_leaves_the_list(store: str) -> None:
    withdrawal(store, *TERMS)
    withdrawal(store, "request", "alice", "USD", 10, "--to", "bank-a")
    (row,) = withdrawal(store, "list", "alice")
    assert (1, "10.00000", "requested", 0, 1) == tuple(
        row[name] for name in ("withdrawal", "amount", "state", "approvals", "needed")
    )
    assert [] == withdrawal(store, "list", "bob")
    assert withdrawal(store, "cancel", "alice", 1)["accepted"]
    assert [] == withdrawal(store, "list")
    assert ["1000.00000"] == balance(store, "alice", "USD")


def test_a_trade_is_busted_once(store: str) -> None:
    trade(store)
    assert ["800.00000"] == balance(store, "alice", "USD")[:1]
    assert give(store, "trade", "bust", "BTC-USD:1", "--reason", "erroneous")["accepted"]
    assert ["1000.00000"] == balance(store, "alice", "USD")
    assert ["10.000"] == balance(store, "bob", "BTC")
    told = give(store, "trade", "bust", "BTC-USD:1", "--reason", "erroneous", code=1)
    assert ("ALREADY_CORRECTED", "bust:BTC-USD:1") == (
        told["refusal"]["code"],
        told["refusal"]["value"],
    )
    told = give(store, "trade", "bust", "BTC-USD:2", "--reason", "erroneous", code=1)
    assert ("NOT_FOUND", 2, 1) == tuple(
        told["refusal"][name] for name in ("code", "value", "bound")
    )
    assert verified(store)


def trade(store: str) -> None:
    """Bob sells 2 BTC to alice for 200 USD."""
    inside("order", "place", "alice", "BTC-USD", "buy", 2, "--price", 100, "--store", store)
    inside("order", "place", "bob", "BTC-USD", "sell", 2, "--price", 100, "--store", store)


def test_a_claim_is_proposed_listed_and_approved_by_another(store: str) -> None:
    """Alice has spent 200 of the 1,000 USD that came by mistake: bob's 199.60 and a fee."""
    trade(store)
    give(store, "insurance", "fund", "USD", 500, "--reference", "owner-1")
    told = give(store, "deposit", "reverse", 1, "--reason", "chargeback", code=1)
    assert ("INSUFFICIENT_FUNDS", "acct:alice:available:USD", "1000.00000", "800.00000") == tuple(
        told["refusal"][name] for name in ("code", "field", "value", "bound")
    )
    words = ("deposit", "reverse", 1, "--reason", "chargeback", "--claim")
    assert 1 == give(store, *words, "--actor", "bea")["claim"]
    out, _ = inside("claim", "list", "--store", store)
    assert [
        "claim  correction  proposer  reason",
        "1      reversal:1  bea       chargeback",
    ] == out.splitlines()
    told = give(store, "claim", "approve", 1, "--actor", "bea", code=1)
    assert "SECOND_PERSON_REQUIRED" == told["refusal"]["code"]
    assert give(store, "claim", "approve", 1, "--actor", "cid")["accepted"]
    assert [] == give(store, "claim", "list")
    assert {"USD": "-200.00000"} == own(store, "venue:suspense")
    assert {"USD": "-500.00000"} == {
        name: it for name, it in own(store, "venue:external").items() if name == "USD"
    }
    assert verified(store)


def test_a_claim_is_dropped(store: str) -> None:
    words = ("deposit", "reverse", 1, "--reason", "chargeback", "--claim")
    give(store, *words)
    assert give(store, "claim", "drop", 1)["accepted"]
    assert "NOT_FOUND" == give(store, "claim", "approve", 1, code=1)["refusal"]["code"]


def test_deposits_fees_and_insurance_move_by_reference(store: str) -> None:
    give(store, "deposit", "make", "bob", "USD", "12.5", "--reference", "wire-9")
    assert ["12.50000"] == balance(store, "bob", "USD")
    told = give(store, "deposit", "make", "bob", "USD", 1, "--reference", "wire-9", code=1)
    assert "DUPLICATE_REFERENCE" == told["refusal"]["code"]
    give(store, "deposit", "reverse", "wire-9", "--reason", "sent twice")
    assert [] == balance(store, "bob", "USD")
    give(store, "insurance", "fund", "USD", 100, "--reference", "owner-1")
    trade(store)
    assert {"BTC": "0.002", "USD": "0.40000"} == own(store, "venue:fees")
    give(store, "fees", "payout", "USD", "0.35", "--reference", "owner-2")
    assert {"BTC": "0.002", "USD": "0.05000"} == own(store, "venue:fees")
    told = give(store, "fees", "payout", "USD", "0.06", "--reference", "owner-3", code=1)
    assert ("venue:fees:USD", "0.06000", "0.05000") == tuple(
        told["refusal"][name] for name in ("field", "value", "bound")
    )
    assert {"USD": "100.00000"} == own(store, "venue:insurance")
    assert verified(store)


def test_a_key_makes_the_same_line_again_the_same_answer(store: str) -> None:
    withdrawal(store, *TERMS)
    line = ("request", "alice", "USD", 10, "--to", "bank-a", "--key", "k1")
    assert withdrawal(store, *line) == withdrawal(store, *line)
    other = ("request", "alice", "USD", 11, "--to", "bank-a", "--key", "k1")
    assert "was used for another command" in withdrawal(store, *other, code=1)["error"]
    assert 1 == len(withdrawal(store, "list"))


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("withdrawal", "request", "alice", "USD", "1e3", "--to", "b"), "not a plain decimal"),
        (("withdrawal", "request", "alice", "USD", "0.000001", "--to", "b"), "more than 5"),
        (("withdrawal", "request", "alice", "DOGE", 1, "--to", "b"), "it has: BTC, USD"),
        (("withdrawal", "request", "carol", "USD", 1, "--to", "b"), "'carol' is no account"),
        (("withdrawal", "request", "alice", "USD", 1), "Missing option '--to'"),
        (("withdrawal", "approve", 0), "greater than or equal to 1"),
        (("withdrawal", "approve", 1, "--actor", "a b"), "breaks its pattern"),
        (("withdrawal", "approve", "one"), "unable to parse"),
        (("withdrawal", "list", "carol"), "'carol' is no account"),
        (("withdrawal", "terms", "DOGE", "--min", 1, "--max", 1, "--four-eyes-above", 1),
         "it has: BTC, USD"),
        (("trade", "bust", "BTC-USD", "--reason", "x"), "write SYMBOL:NUMBER"),
        (("trade", "bust", "BTC-USD:one", "--reason", "x"), "'BTC-USD:one' is no trade"),
        (("trade", "bust", "BTC-USD:1"), "Missing option '--reason'"),
        (("deposit", "make", "alice", "USD", 1), "Missing option '--reference'"),
        (("fees", "payout", "USD", "-1", "--reference", "x"), "No such option"),
        (("insurance", "fund", "USD", "\u0661", "--reference", "x"), "not a plain decimal"),
    ],
    ids=lambda it: (it if isinstance(it, str) else " ".join(map(str, it)))[:60],
)  # fmt: skip
def test_what_is_mistyped_ends_with_2_and_leaves_no_record(
    words: tuple[object, ...], told: str, store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "6000")
    _, said = inside(*words, "--store", store, code=2)
    assert told in said
    verdict = json.loads(inside("verify", "--store", store, "--json")[0])
    assert (True, len(COMMANDS)) == (verdict["ok"], verdict["commands"])


def test_a_store_that_is_not_there_ends_with_3(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    _, said = inside("fees", "payout", "USD", 1, "--reference", "x", "--store", "memory:", code=3)
    assert "a store in memory ends with its process" in said
    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize("group", ["deposit", "withdrawal", "trade", "claim", "fees", "insurance"])
def test_every_command_says_what_it_does(group: str) -> None:
    said, _ = inside(group, "--help")
    commands = [line.split()[1] for line in said.splitlines() if line.startswith("│ ") and
                line[2].isalpha()]  # fmt: skip
    assert commands
    for command in commands:
        assert "--store" in inside(group, command, "--help")[0]
