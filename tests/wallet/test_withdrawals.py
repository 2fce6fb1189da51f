"""A withdrawal's way out, step by step, and every way that is barred."""

import msgspec
import pytest

from exchange.kernel.rejects import Refusal, RejectCode
from exchange.orders.commands import (
    AnyCommand,
    Deposit,
    OpenAccount,
    RegisterAsset,
    TransferFunds,
)
from exchange.orders.money_commands import (
    ApproveClaim,
    ApproveWithdrawal,
    CancelWithdrawal,
    CompleteWithdrawal,
    FundInsurance,
    RejectWithdrawal,
    RequestWithdrawal,
    ReverseDeposit,
    SendWithdrawal,
    SetWithdrawalTerms,
)
from exchange.wallet.events import WithdrawalRequested
from tests.build import Desk, desk
from tests.money import Books

TERMS = SetWithdrawalTerms("USD", fee=5, amount_min=10, amount_max=900, four_eyes_above=500)
STATE, SECOND = RejectCode.WITHDRAWAL_STATE, RejectCode.SECOND_PERSON_REQUIRED


@pytest.fixture
def at() -> Desk:
    """A and B have 1,000 USD each."""
    opened = desk("AB", funds=1_000)
    opened.done(TERMS, OpenAccount("A", "A2"))
    return opened


def ask(amount: int, account: str = "A") -> RequestWithdrawal:
    return RequestWithdrawal(account, "USD", amount, "bank-1")


def refusal(at: Desk, command: AnyCommand, by: str | None = None) -> Refusal | None:
    """Why it is refused; a refused one leaves nothing but its record."""
    before = at.money()
    found = (at.do(command) if by is None else at.by(by, command)).refusal
    assert found is None or before == at.money()
    return found


WAY_OUT = Books("""
    after     | A USD | A aside USD | custody USD | fees USD
    nothing   | 1,000 |           0 |       2,000 |        0
    requested |   395 |         605 |       2,000 |        0
    approved  |   395 |         605 |       2,000 |        0
    sent      |   395 |         605 |       2,000 |        0
    completed |   395 |           0 |       1,400 |        5
""")
"""600 USD and the fee of 5 are set aside at once; they leave the books when custody has paid."""


def test_a_withdrawal_leaves_step_by_step(at: Desk) -> None:
    WAY_OUT.check(at, "nothing")
    assert 1 == at.do(ask(600)).number
    WAY_OUT.check(at, "requested")
    assert "A" == at.effect(WithdrawalRequested).requester
    for person in ("op1", "op2"):
        assert at.by(person, ApproveWithdrawal(1)).refusal is None
    WAY_OUT.check(at, "approved")
    at.done(SendWithdrawal(1, "wire-1"))
    WAY_OUT.check(at, "sent")
    at.done(CompleteWithdrawal(1))
    WAY_OUT.check(at, "completed")
    assert 2 == at.do(ask(10)).number


@pytest.mark.parametrize(
    ("after", "end"),
    [
        (after, end)
        for after in ("requested", "approved")
        for end in (RejectWithdrawal(1, "no"), CancelWithdrawal("A", 1))
    ]
    + [("sent", RejectWithdrawal(1, "came back"))],
    ids=str,
)
def test_one_that_ends_before_it_is_paid_gives_everything_back(
    at: Desk, after: str, end: AnyCommand
) -> None:
    come_to(at, after)
    assert at.by("op3", end).refusal is None
    WAY_OUT.check(at, "nothing")


def test_without_a_fee_nothing_goes_to_the_fees(at: Desk) -> None:
    at.done(SetWithdrawalTerms("USD", 0, 1, 900, 900))
    come_to(at, "completed")
    assert (400, 0) == (at.free("A", "USD"), at.state.ledger.balance("venue:fees", "USD"))


# Stages and steps: which step each stage lets through.


def come_to(at: Desk, stage: str) -> None:
    """Bring withdrawal 1, of 600 for A, to a stage; ``op2`` sends."""
    terms = at.state.assets.withdrawal_terms["USD"]
    at.done(ask(600))
    if stage == "requested":
        return
    if stage in ("rejected", "cancelled"):
        at.done(RejectWithdrawal(1, "no") if stage == "rejected" else CancelWithdrawal("A", 1))
        return
    for person in ("op1", "op2")[: 2 if terms.four_eyes_above < 600 else 1]:
        assert at.by(person, ApproveWithdrawal(1)).refusal is None
    if stage == "approved":
        return
    assert at.by("op2", SendWithdrawal(1, "wire-1")).refusal is None
    if stage == "completed":
        at.done(CompleteWithdrawal(1))


STEPS: dict[str, AnyCommand] = {
    "approve": ApproveWithdrawal(1),
    "send": SendWithdrawal(1, "wire-2"),
    "complete": CompleteWithdrawal(1),
    "reject": RejectWithdrawal(1, "no"),
    "cancel": CancelWithdrawal("A", 1),
}

PATHS = """
    stage     | approve | send  | complete | reject | cancel
    requested | yes     | state | state    | yes    | yes
    approved  | state   | yes   | state    | yes    | yes
    sent      | state   | state | yes      | yes    | state
    completed | none    | none  | none     | none   | none
    rejected  | none    | none  | none     | none   | none
    cancelled | none    | none  | none     | none   | none
"""


def cells() -> list[tuple[str, str, str]]:
    """Stage, step, and what comes of it."""
    head, *lines = [line.split("|") for line in PATHS.strip().splitlines()]
    return [
        (line[0].strip(), step.strip(), cell.strip())
        for line in lines
        for step, cell in zip(head[1:], line[1:], strict=True)
    ]


@pytest.mark.parametrize(("stage", "step", "outcome"), cells())
def test_each_stage_lets_through_what_the_table_says(
    at: Desk, stage: str, step: str, outcome: str
) -> None:
    """By somebody who has done nothing yet, so that only the stage can be in the way."""
    come_to(at, stage)
    found = refusal(at, STEPS[step], "op3")
    code = {"yes": None, "state": STATE, "none": RejectCode.NOT_FOUND}[outcome]
    assert code == (found and found.code)


def test_one_approval_of_two_is_not_enough_to_send(at: Desk) -> None:
    at.done(ask(600))
    at.by("op1", ApproveWithdrawal(1))
    expected = Refusal(STATE, "state", "requested", "approved")
    assert expected == refusal(at, SendWithdrawal(1, "wire-1"), "op2")


def test_up_to_the_limit_one_approval_is_enough(at: Desk) -> None:
    at.done(ask(500), ask(10, "B"), ApproveWithdrawal(1), SendWithdrawal(1, "wire-1"))
    assert STATE is getattr(refusal(at, SendWithdrawal(2, "wire-2"), "op1"), "code", None)


# Who may do it.


def test_who_asks_does_not_approve(at: Desk) -> None:
    """An operator may ask for an account, and is then out of it, however small the amount."""
    assert at.by("op1", ask(10)).refusal is None
    assert Refusal(SECOND, "actor", "op1") == refusal(at, ApproveWithdrawal(1), "op1")
    assert refusal(at, ApproveWithdrawal(1), "op2") is None


def test_who_is_paid_does_not_approve_though_another_asks(at: Desk) -> None:
    """An operator may have accounts of her own."""
    assert at.by("op1", ask(10)).refusal is None
    assert Refusal(SECOND, "actor", "A") == refusal(at, ApproveWithdrawal(1), "A")


def test_who_is_paid_does_not_say_that_it_came_back(at: Desk) -> None:
    come_to(at, "sent")
    assert Refusal(SECOND, "actor", "A") == refusal(at, RejectWithdrawal(1, "it did"), "A")


def test_nobody_approves_twice(at: Desk) -> None:
    at.done(ask(600))
    at.by("op1", ApproveWithdrawal(1))
    assert Refusal(SECOND, "actor", "op1") == refusal(at, ApproveWithdrawal(1), "op1")


def test_who_sent_it_does_not_give_it_back(at: Desk) -> None:
    """Else one person could pay it out and credit it too."""
    come_to(at, "sent")
    back = RejectWithdrawal(1, "it came back")
    assert Refusal(SECOND, "actor", "op2") == refusal(at, back, "op2")
    assert refusal(at, back, "op1") is None


@pytest.mark.parametrize("step", ["approve", "send", "complete", "reject"])
def test_a_trader_takes_no_step_of_the_venue_s(at: Desk, step: str) -> None:
    at.done(ask(600))
    before = at.money()
    found = at.do(STEPS[step], "A").refusal
    assert Refusal(RejectCode.NOT_PERMITTED, "role", "trader") == found
    assert before == at.money()


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (ask(10), RejectCode.UNKNOWN_ACCOUNT),
        (CancelWithdrawal("A", 1), RejectCode.UNKNOWN_ACCOUNT),
        (CancelWithdrawal("B", 1), RejectCode.NOT_FOUND),
    ],
)
def test_another_user_hears_nothing_of_it(at: Desk, command: AnyCommand, code: RejectCode) -> None:
    at.done(ask(600))
    found = at.do(command, "B").refusal
    assert code is getattr(found, "code", None)


def test_an_account_of_the_same_user_is_another_account(at: Desk) -> None:
    at.done(ask(600))
    found = refusal(at, CancelWithdrawal("A2", 1))
    assert Refusal(RejectCode.NOT_FOUND, "withdrawal", 1) == found


# What may be asked for.


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (ask(9), Refusal(RejectCode.AMOUNT_BOUNDS, "amount", 9, 10)),
        (ask(901), Refusal(RejectCode.AMOUNT_BOUNDS, "amount", 901, 900)),
        (ask(0), Refusal(RejectCode.AMOUNT_BOUNDS, "amount", 0, 1)),
        (ask(-10), Refusal(RejectCode.AMOUNT_BOUNDS, "amount", -10, 1)),
        (ask(10**39), Refusal(RejectCode.AMOUNT_BOUNDS, "amount", 10**39, 10**38)),
        (ask(10, "A2"), Refusal(RejectCode.INSUFFICIENT_FUNDS, "funds", 15, 0)),
        (
            RequestWithdrawal("A", "BTC", 10, "bank-1"),
            Refusal(RejectCode.WITHDRAWAL_TERMS, "asset", "BTC"),
        ),
        (
            RequestWithdrawal("A", "ETH", 10, "bank-1"),
            Refusal(RejectCode.UNKNOWN_ASSET, "asset", "ETH"),
        ),
        (
            RequestWithdrawal("A", "USD", 10, "an address"),
            Refusal(RejectCode.INVALID_ID, "destination"),
        ),
        (
            RequestWithdrawal("nobody", "USD", 10, "bank-1"),
            Refusal(RejectCode.UNKNOWN_ACCOUNT, "account", "nobody"),
        ),
    ],
    ids=str,
)
def test_a_request_is_refused_with_the_numbers_compared(
    at: Desk, command: AnyCommand, expected: Refusal
) -> None:
    assert expected == refusal(at, command)


def test_the_fee_counts_among_what_must_be_there(at: Desk) -> None:
    at.done(TransferFunds("A", "A2", "USD", 100))
    short = Refusal(RejectCode.INSUFFICIENT_FUNDS, "funds", 901, 900)
    assert short == refusal(at, ask(896))
    assert refusal(at, ask(895)) is None
    assert 0 == at.free("A", "USD")


def test_what_is_set_aside_can_be_spent_by_nothing_else(at: Desk) -> None:
    at.done(ask(600))
    short = Refusal(RejectCode.INSUFFICIENT_FUNDS, "amount", 396, 395)
    assert short == refusal(at, TransferFunds("A", "A2", "USD", 396))


def test_new_terms_leave_what_was_asked_for_as_it_was(at: Desk) -> None:
    """A limit that is raised afterwards does not spare the second approval; fees stay too."""
    at.done(ask(600), SetWithdrawalTerms("USD", 50, 10, 900, 900))
    at.by("op1", ApproveWithdrawal(1))
    assert STATE is getattr(refusal(at, SendWithdrawal(1, "wire-1"), "op1"), "code", None)
    at.by("op2", ApproveWithdrawal(1))
    at.done(SendWithdrawal(1, "wire-1"), CompleteWithdrawal(1))
    WAY_OUT.check(at, "completed")


def test_a_most_of_zero_closes_withdrawals(at: Desk) -> None:
    at.done(SetWithdrawalTerms("USD", 5, 10, 0, 500))
    assert Refusal(RejectCode.AMOUNT_BOUNDS, "amount", 10, 0) == refusal(at, ask(10))


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (("ETH", 0, 1, 1, 1), Refusal(RejectCode.UNKNOWN_ASSET, "asset", "ETH")),
        (("USD", -1, 1, 1, 1), Refusal(RejectCode.AMOUNT_BOUNDS, "fee", -1, 0)),
        (("USD", 0, 0, 1, 1), Refusal(RejectCode.AMOUNT_BOUNDS, "amount_min", 0, 1)),
        (("USD", 0, 1, -1, 1), Refusal(RejectCode.AMOUNT_BOUNDS, "amount_max", -1, 0)),
        (
            ("USD", 0, 1, 10**39, 1),
            Refusal(RejectCode.AMOUNT_BOUNDS, "amount_max", 10**39, 10**38),
        ),
        (("USD", 0, 1, 1, -1), Refusal(RejectCode.AMOUNT_BOUNDS, "four_eyes_above", -1, 0)),
    ],
    ids=str,
)
def test_terms_that_make_no_sense_are_refused(
    at: Desk, fields: tuple[str, int, int, int, int], expected: Refusal
) -> None:
    assert expected == refusal(at, SetWithdrawalTerms(*fields))


def test_terms_are_part_of_the_state_and_an_asset_without_them_looks_as_before() -> None:
    at = Desk()
    at.done(RegisterAsset("USD", 2))
    assert [["USD", 2]] == at.state.assets.dump()["assets"]
    at.done(TERMS)
    assert [["USD", 2, [5, 10, 900, 500]]] == at.state.assets.dump()["assets"]


# Custody.


def test_one_payment_of_custody_s_pays_one_withdrawal(at: Desk) -> None:
    """For ever: also when the first has come back."""
    come_to(at, "sent")
    at.by("op1", RejectWithdrawal(1, "it came back"))
    at.done(ask(10), ApproveWithdrawal(2))
    again = Refusal(RejectCode.DUPLICATE_REFERENCE, "reference", "wire-1")
    assert again == refusal(at, SendWithdrawal(2, "wire-1"))
    assert Refusal(RejectCode.INVALID_ID, "reference") == refusal(at, SendWithdrawal(2, "wire 2"))
    assert refusal(at, SendWithdrawal(2, "wire-2")) is None


CLAIMED = Books("""
    after       | A USD | B USD | A2 USD | custody USD | suspense USD | insurance USD
    the claim   |     0 | 1,000 |    600 |       1,000 |         -600 |             0
    the funding |     0 |   395 |    600 |       1,600 |         -600 |           600
""")


def test_no_more_is_sent_than_custody_holds_and_was_not_told_to_pay(at: Desk) -> None:
    """A's deposit is reversed after 600 of it had moved on: 1,000 are left for 1,600 owed."""
    at.done(TransferFunds("A", "A2", "USD", 600))
    at.by("op1", ReverseDeposit("A-USD", "chargeback", claim=True))
    at.by("op2", ApproveClaim(1))
    CLAIMED.check(at, "the claim")
    at.done(SetWithdrawalTerms("USD", 5, 10, 900, 900))
    at.done(ask(595, "A2"), ApproveWithdrawal(1), SendWithdrawal(1, "wire-1"))
    at.done(ask(600, "B"), ApproveWithdrawal(2))
    short = Refusal(RejectCode.INSUFFICIENT_FUNDS, "venue:external:USD", 600, 405)
    assert short == refusal(at, SendWithdrawal(2, "wire-2"))
    at.by("op3", RejectWithdrawal(1, "it came back"))
    at.done(FundInsurance("USD", 600, "owner-1"))
    CLAIMED.check(at, "the funding")
    at.done(SendWithdrawal(2, "wire-2"), CompleteWithdrawal(2))


def test_a_withdrawal_that_has_ended_takes_no_room(at: Desk) -> None:
    """But for its payment's reference: once-only is for ever."""
    at.done(SetWithdrawalTerms("USD", 0, 1, 900, 900))
    for number in range(1, 21):
        at.done(ask(1), ApproveWithdrawal(number), SendWithdrawal(number, f"wire-{number}"))
        at.done(CompleteWithdrawal(number))
    dump = at.state.withdrawals.dump()
    assert (20, [], 20) == (dump["count"], dump["open"], len(dump["references"]))


@pytest.mark.parametrize("number", [0, -1, 2, 10**30])
@pytest.mark.parametrize("step", STEPS)
def test_one_that_was_never_asked_for_is_not_found(at: Desk, step: str, number: int) -> None:
    at.done(ask(600))
    other = msgspec.structs.replace(STEPS[step], withdrawal=number)
    assert Refusal(RejectCode.NOT_FOUND, "withdrawal", number) == refusal(at, other)


def test_the_reason_of_a_rejection_must_be_a_text(at: Desk) -> None:
    at.done(ask(600))
    found = refusal(at, RejectWithdrawal(1, "x" * 201))
    assert Refusal(RejectCode.INVALID_ID, "reason") == found


def test_deposits_still_come_in_meanwhile(at: Desk) -> None:
    at.done(ask(600), Deposit("A", "USD", 100, "more"))
    assert 495 == at.free("A", "USD")
