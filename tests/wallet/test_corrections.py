"""Deposits taken back, and the venue's own money: fees that leave, insurance that comes."""

import pytest

from exchange.kernel.accounts import FEES, SUSPENSE
from exchange.kernel.journal import EntryKind
from exchange.kernel.rejects import Refusal, RejectCode
from exchange.orders.commands import AnyCommand, Deposit, PlaceOrder
from exchange.orders.money_commands import (
    ApproveClaim,
    ApproveWithdrawal,
    CompleteWithdrawal,
    DropClaim,
    FundInsurance,
    PayOutFees,
    RequestWithdrawal,
    ReverseDeposit,
    SendWithdrawal,
    SetWithdrawalTerms,
)
from exchange.wallet.events import ClaimProposed, Corrected, EntriesPosted, Reversal
from tests.build import BUY, SELL, SYMBOL, Desk, desk, limit
from tests.money import Books

WHY = "sent in error"
BACK = ReverseDeposit("wire-7", WHY)
CLAIM = ReverseDeposit("wire-7", WHY, claim=True)


@pytest.fixture
def at() -> Desk:
    """A has 1,000 USD, and 300 more by mistake."""
    opened = desk("AB", funds=1_000)
    opened.done(Deposit("A", "USD", 300, "wire-7"))
    return opened


def refusal(at: Desk, command: AnyCommand, by: str = "op1") -> Refusal | None:
    """Why it is refused; a refused one leaves nothing but its record."""
    before = at.money()
    found = at.by(by, command).refusal
    assert found is None or before == at.money()
    return found


REVERSED = Books("""
    after        | A USD | B USD | custody USD | suspense USD
    the deposit  | 1,300 | 1,000 |       2,300 |            0
    the reversal | 1,000 | 1,000 |       2,000 |            0
""")


def test_a_reversal_takes_the_deposit_back(at: Desk) -> None:
    REVERSED.check(at, "the deposit")
    at.done(BACK)
    REVERSED.check(at, "the reversal")
    (entry,) = at.effect(EntriesPosted).entries
    assert (EntryKind.REVERSAL, "reversal:wire-7") == (entry.kind, entry.entry_id)
    taken, left = ("acct:A:available", "USD", -300), ("venue:external", "USD", 300)
    assert (taken, left) == entry.lines
    assert Corrected(Reversal("wire-7"), WHY, None) == at.effect(Corrected)


def test_a_deposit_is_reversed_once_and_its_reference_stays_used(at: Desk) -> None:
    at.done(BACK)
    again = Refusal(RejectCode.ALREADY_CORRECTED, "correction", "reversal:wire-7")
    assert [again, again] == [refusal(at, command) for command in (BACK, CLAIM)]
    used = Refusal(RejectCode.DUPLICATE_REFERENCE, "reference", "wire-7")
    assert used == refusal(at, Deposit("A", "USD", 300, "wire-7"))


@pytest.mark.parametrize("reference", ["wire-8", "", "deposit:wire-7", "x" * 1_000])
def test_a_deposit_that_never_came_is_not_found(at: Desk, reference: str) -> None:
    expected = Refusal(RejectCode.NOT_FOUND, "reference", reference)
    assert expected == refusal(at, ReverseDeposit(reference, WHY))


def test_references_of_other_payments_are_no_deposits(at: Desk) -> None:
    at.done(FundInsurance("USD", 5, "owner-1"))
    expected = Refusal(RejectCode.NOT_FOUND, "reference", "owner-1")
    assert expected == refusal(at, ReverseDeposit("owner-1", WHY))


def test_a_reason_must_be_a_text(at: Desk) -> None:
    expected = Refusal(RejectCode.INVALID_ID, "reason")
    assert expected == refusal(at, ReverseDeposit("wire-7", "\x1b[31m"))


CLAIMED = Books("""
    after        | A USD | B USD | custody USD | suspense USD
    the order    |   100 | 1,000 |       2,300 |            0
    the reversal |     0 | 1,000 |       2,000 |         -200
    the cancel   | 1,200 | 1,000 |       2,000 |         -200
""")
"""An order of A's holds 1,200: what it holds is not taken, and 200 are owed to the venue."""


def test_what_is_short_goes_to_suspense_when_a_second_person_approves(at: Desk) -> None:
    at.place("A", limit(BUY, 12, 100))
    CLAIMED.check(at, "the order")
    short = Refusal(RejectCode.INSUFFICIENT_FUNDS, "acct:A:available:USD", 300, 100)
    assert short == refusal(at, BACK)
    assert 1 == at.by("op1", CLAIM).number
    CLAIMED.check(at, "the order")
    assert ClaimProposed(1, Reversal("wire-7"), WHY, "op1") == at.effect(ClaimProposed)
    same = Refusal(RejectCode.SECOND_PERSON_REQUIRED, "actor", "op1")
    assert same == refusal(at, ApproveClaim(1), "op1")
    assert refusal(at, ApproveClaim(1), "op2") is None
    CLAIMED.check(at, "the reversal")
    at.cancel("A", 1)
    CLAIMED.check(at, "the cancel")


def test_an_account_with_nothing_has_nothing_taken(at: Desk) -> None:
    at.place("A", limit(BUY, 13, 100))
    at.by("op1", CLAIM)
    at.by("op2", ApproveClaim(1))
    (entry,) = at.effect(EntriesPosted).entries
    owed, left = ("venue:suspense", "USD", -300), ("venue:external", "USD", 300)
    assert {owed, left} == set(entry.lines)


def test_a_claim_that_is_dropped_leaves_the_deposit_as_it_was(at: Desk) -> None:
    at.by("op1", CLAIM)
    at.by("op1", DropClaim(1))
    REVERSED.check(at, "the deposit")
    gone = Refusal(RejectCode.NOT_FOUND, "claim", 1)
    assert [gone, gone] == [refusal(at, it, "op2") for it in (ApproveClaim(1), DropClaim(1))]
    assert refusal(at, BACK) is None


def test_claims_and_busts_count_on_one_counter_and_wait_side_by_side(at: Desk) -> None:
    at.by("op1", CLAIM)
    assert 2 == at.by("op1", ReverseDeposit("A-USD", WHY, claim=True)).number
    assert refusal(at, ApproveClaim(2), "op2") is None
    assert [1] == sorted(at.state.corrections.claims)


def test_what_custody_does_not_hold_is_not_given_back(at: Desk) -> None:
    """2,100 of the 2,300 USD are on their way out: 300 more can't leave, whoever approves."""
    at.done(SetWithdrawalTerms("USD", 0, 1, 9_999, 9_999))
    for number, (account, amount) in enumerate((("A", 1_300), ("B", 800)), 1):
        at.done(RequestWithdrawal(account, "USD", amount, "bank"), ApproveWithdrawal(number))
        at.done(SendWithdrawal(number, f"out-{number}"))
    short = Refusal(RejectCode.INSUFFICIENT_FUNDS, "venue:external:USD", 300, 200)
    assert [short, short] == [refusal(at, command) for command in (BACK, CLAIM)]
    at.done(CompleteWithdrawal(1), CompleteWithdrawal(2))
    assert short == refusal(at, CLAIM)


# Fees and insurance.

OWN = Books("""
    after       | fees USD | insurance USD | custody USD | fees BTC | custody BTC
    the trade   |        1 |             0 |       2,300 |        1 |       2,000
    the payout  |        0 |             0 |       2,299 |        1 |       2,000
    the funding |        0 |           500 |       2,799 |        1 |       2,000
""")


def test_fees_leave_and_insurance_comes_with_a_reference_each(at: Desk) -> None:
    earn(at)
    OWN.check(at, "the trade")
    at.done(PayOutFees("USD", 1, "owner-1"))
    OWN.check(at, "the payout")
    (entry,) = at.effect(EntriesPosted).entries
    assert (EntryKind.FEE_PAYOUT, "payout:owner-1") == (entry.kind, entry.entry_id)
    at.done(FundInsurance("USD", 500, "owner-1"))
    OWN.check(at, "the funding")
    (entry,) = at.effect(EntriesPosted).entries
    assert (EntryKind.INSURANCE_FUNDING, "insurance:owner-1") == (entry.kind, entry.entry_id)


def earn(at: Desk) -> None:
    """A fee of 1 USD and one of 1 BTC."""
    at.done(
        PlaceOrder("A", SYMBOL, limit(SELL, 10, 50)), PlaceOrder("B", SYMBOL, limit(BUY, 10, 50))
    )


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (
            PayOutFees("USD", 2, "p1"),
            Refusal(RejectCode.INSUFFICIENT_FUNDS, "venue:fees:USD", 2, 1),
        ),
        (PayOutFees("USD", 0, "p1"), Refusal(RejectCode.AMOUNT_BOUNDS, "amount", 0, 1)),
        (PayOutFees("ETH", 1, "p1"), Refusal(RejectCode.UNKNOWN_ASSET, "asset", "ETH")),
        (PayOutFees("USD", 1, "p 1"), Refusal(RejectCode.INVALID_ID, "reference")),
        (
            PayOutFees("BTC", 1, "used"),
            Refusal(RejectCode.DUPLICATE_REFERENCE, "reference", "used"),
        ),
        (FundInsurance("USD", -1, "i1"), Refusal(RejectCode.AMOUNT_BOUNDS, "amount", -1, 1)),
        (FundInsurance("ETH", 1, "i1"), Refusal(RejectCode.UNKNOWN_ASSET, "asset", "ETH")),
        (FundInsurance("USD", 1, ""), Refusal(RejectCode.INVALID_ID, "reference")),
        (
            FundInsurance("USD", 1, "used"),
            Refusal(RejectCode.DUPLICATE_REFERENCE, "reference", "used"),
        ),
    ],
    ids=str,
)
def test_what_is_refused_of_the_venue_s_own_money(
    at: Desk, command: AnyCommand, expected: Refusal
) -> None:
    for _ in range(2):
        earn(at)
    at.done(PayOutFees("USD", 1, "used"), FundInsurance("USD", 1, "used"))
    assert expected == refusal(at, command)


def test_fees_don_t_leave_when_custody_lacks_them(at: Desk) -> None:
    """All deposits are gone again; of B's 500 USD, A has 499, the venue 1, and custody nothing."""
    earn(at)
    for number, reference in enumerate(("wire-7", "A-USD", "B-USD"), 1):
        at.by("op1", ReverseDeposit(reference, WHY, claim=True))
        at.by("op2", ApproveClaim(number))
    assert (1, -500) == tuple(at.state.ledger.balance(it, "USD") for it in (FEES, SUSPENSE))
    short = Refusal(RejectCode.INSUFFICIENT_FUNDS, "venue:external:USD", 1, 0)
    assert short == refusal(at, PayOutFees("USD", 1, "owner-1"))
