"""False withdrawals, corrections and payouts under true seals: verify says which law they break."""

from collections.abc import Callable

import pytest

from exchange.audit.verify import verify
from exchange.kernel.events import Envelope
from exchange.orders.commands import AnyCommand, Deposit, Request, Role, TransferFunds
from exchange.orders.events import WithdrawalTermsSet
from exchange.orders.money_commands import (
    ApproveClaim,
    ApproveWithdrawal,
    BustTrade,
    CancelWithdrawal,
    CompleteWithdrawal,
    DropClaim,
    FundInsurance,
    PayOutFees,
    RejectWithdrawal,
    RequestWithdrawal,
    ReverseDeposit,
    SendWithdrawal,
    SetWithdrawalTerms,
)
from exchange.orders.records import CommandRecorded
from exchange.wallet.events import (
    Bust,
    ClaimDropped,
    ClaimProposed,
    Corrected,
    EntriesPosted,
    WithdrawalApproved,
    WithdrawalCancelled,
    WithdrawalCompleted,
    WithdrawalRejected,
    WithdrawalRequested,
    WithdrawalSent,
)
from tests.audit.forging import (
    Change,
    Forged,
    amounts,
    drop,
    edit,
    entries,
    nth,
    on,
    put,
    story,
    twice,
)
from tests.audit.logs import commands_of, log_of
from tests.audit.test_laws_found import asked, bound_parts, case, changed, named
from tests.build import OPERATOR, SYMBOL, Desk

TERMS = SetWithdrawalTerms("USD", fee=5, amount_min=10, amount_max=900, four_eyes_above=500)
ASK = RequestWithdrawal("A", "USD", 600, "bank-1")
ASK_LESS = RequestWithdrawal("A", "USD", 500, "bank-1")
APPROVE, COMPLETE = ApproveWithdrawal(1), CompleteWithdrawal(1)
SEND, REJECT = SendWithdrawal(1, "wire-1"), RejectWithdrawal(1, "no")
CANCEL = CancelWithdrawal("A", 1)
WHY = "clearly erroneous"
BUST = BustTrade(SYMBOL, 1, WHY)
"""D has bought 4 at 106 of A; the seller's fee is 1 USD, the buyer's 1 BTC."""
WIRE = Deposit("A", "USD", 700, "wire-7")
REVERSE = ReverseDeposit("wire-7", WHY)
CLAIM = ReverseDeposit("wire-7", WHY, claim=True)
CLAIMED, DROP = ApproveClaim(1), DropClaim(1)
PAYOUT, FUND = PayOutFees("BTC", 1, "owner-1"), FundInsurance("USD", 40, "owner-2")

Step = AnyCommand | tuple[str, AnyCommand]
"""A command, or who gives it as an operator and the command."""


def after(*steps: Step, funds: int = 10**12) -> Callable[[], Desk]:
    """The story with terms for dollars and one deposit more, and these steps behind it."""

    def told() -> Desk:
        desk = story(TERMS, WIRE, funds=funds)
        for step in steps:
            actor, command = step if isinstance(step, tuple) else ("", step)
            ack = desk.by(actor, command) if actor else desk.do(command)
            assert ack.refusal is None, (step, ack.refusal)
        return desk

    return told


def by(actor: str) -> Change:
    """The record, and whatever names the actor, has another one."""

    def change(forged: Forged) -> Forged:
        forged = put(WithdrawalApproved, approver=actor)(forged)
        return put(CommandRecorded, actor=actor)(forged)

    return change


ASKED = after(ASK)
ONCE = after(ASK, ("op1", APPROVE))
READY = after(ASK, ("op1", APPROVE), ("op2", APPROVE))
SENT = after(ASK, ("op1", APPROVE), ("op2", APPROVE), ("op3", SEND))
PROPOSED = after(("op1", CLAIM))
POOR = after(TransferFunds("A", "A2", "USD", 1_900), funds=1_500)

CASES = {
    # What is set aside.
    "a request sets too little aside": case(
        "F2", ASK, entries(nth(0, lines=amounts(1, -1))), here=after()
    ),
    "a request sets nothing aside": case("F2", ASK, drop(EntriesPosted), here=after()),
    "another's money is set aside": case(
        "F2",
        ASK,
        entries(nth(0, lines=lambda old: (("acct:B:available", "USD", -605), old[1]))),
        here=after(),
    ),
    "a request sets no fee aside": case(
        "R7", ASK, put(WithdrawalRequested, fee=0), here=after()
    ),
    "a cancelled one gives too little back": case(
        "F2", CANCEL, entries(nth(0, lines=amounts(1, -1))), here=ASKED
    ),
    "a rejected one gives nothing back": case("F2", REJECT, drop(EntriesPosted), here=ASKED),
    "a rejected one goes to another": case(
        "F2",
        REJECT,
        entries(nth(0, lines=lambda old: (old[0], ("acct:B:available", "USD", 605)))),
        here=ASKED,
    ),
    # Money that leaves or comes.
    "a withdrawal pays out the fee too": case(
        "L5", COMPLETE, entries(nth(0, lines=amounts(0, 1, -1))), here=SENT
    ),
    "a withdrawal is not booked": case("L5", COMPLETE, drop(EntriesPosted), here=SENT),
    "a payout takes more than it says": case(
        "L5", PayOutFees("USD", 1, "p"), entries(nth(0, lines=amounts(-1, 1))), here=after()
    ),
    "a funding adds less than it says": case(
        "L5", FUND, entries(nth(0, lines=amounts(1, -1))), here=after()
    ),
    "a reversal takes less than was credited": case(
        "L5", REVERSE, entries(nth(0, lines=amounts(1, -1))), here=after()
    ),
    "a reversal takes from another": case(
        "L5",
        REVERSE,
        entries(nth(0, lines=lambda old: (("acct:B:available", "USD", -700), old[1]))),
        here=after(),
    ),
    "more fees leave than there are": case(
        "L4", PayOutFees("USD", 1, "p"), here=after(PayOutFees("USD", 1, "o")), there=after(FUND)
    ),
    "more is asked for than there is": case(
        "L4", ASK, here=after(ReverseDeposit("A-USD", WHY), funds=1_500), there=after(funds=1_500)
    ),
    # Once only.
    "a trade is busted again": case("L6", BUST, here=after(BUST), there=after()),
    "a deposit is reversed again": case("L6", REVERSE, here=after(REVERSE), there=after()),
    "a claim is approved on what is done": case("B2", CLAIMED, here=after(REVERSE), there=PROPOSED),
    "a payment pays twice": case(
        "L6",
        SendWithdrawal(2, "wire-1"),
        here=after(ASK_LESS, APPROVE, SEND, ASK_LESS, ApproveWithdrawal(2)),
        there=after(ASK_LESS, APPROVE, ASK_LESS, ApproveWithdrawal(2)),
    ),
    "a payout's reference comes again": case(
        "L6", PAYOUT, here=after(PayOutFees("USD", 1, "owner-1")), there=after()
    ),
    "a funding's reference comes again": case("L6", FUND, here=after(FUND), there=after()),
    "a hold is of another withdrawal": case(
        "L6", ASK, entries(named("withdrawal:2:hold")), here=after()
    ),
    "a payment is of another withdrawal": case(
        "L6", COMPLETE, entries(named("withdrawal:2")), here=SENT
    ),
    "a bust is of another trade": case("L6", BUST, entries(named("bust:BTC-USD:2")), here=after()),
    # No step without the one before it, no step of one person alone.
    "one is sent that nobody approved": case("L8", SEND, here=ASKED, there=READY),
    "one is sent that one of two approved": case("L8", SEND, here=ONCE, there=READY),
    "one is sent again": case("L8", SendWithdrawal(1, "wire-2"), here=SENT, there=READY),
    "one is completed that was not sent": case("L8", COMPLETE, here=READY, there=SENT),
    "one is cancelled that was sent": case("L8", CANCEL, here=SENT, there=READY),
    "one is approved again": case("L8", APPROVE, here=READY, there=ONCE),
    "one is approved by who asked": case("L8", APPROVE, by("A"), here=ASKED),
    "one is approved twice by one": case("L8", APPROVE, by("op1"), here=ONCE),
    "one is approved by who is paid": case("L8", APPROVE, by("A"), here=after(("op1", ASK))),
    "one is given back by who is paid": case("L8", REJECT, by("A"), here=SENT),
    "one is given back by who sent it": case("L8", REJECT, by("op3"), here=SENT),
    "a claim is approved by who proposed it": case("L8", CLAIMED, by("op1"), here=PROPOSED),
    # What a bust moves.
    "a bust leaves the buyer something": case(
        "S4", BUST, entries(nth(0, lines=amounts(0, 0, 0, -1, 1, 0))), here=after()
    ),
    "a bust keeps the fee": case(
        "S4",
        BUST,
        entries(nth(0, lines=lambda old: tuple(
            line for line in amounts(-1, 0, 1, 0, 0, 0)(old) if line[2]
        ))),
        here=after(),
    ),
    "a bust moves nothing": case("S4", BUST, drop(EntriesPosted), here=after()),
    # All else.
    "a withdrawal's number is skipped": case(
        "R7", ASK, put(WithdrawalRequested, number=2), here=after()
    ),
    "a large one needs one approval": case(
        "R7", ASK, put(WithdrawalRequested, approvals=1), here=after()
    ),
    "a request is too large": case(
        "R7", ASK, here=after(SetWithdrawalTerms("USD", 5, 10, 599, 500)), there=after()
    ),
    "a request is too small": case(
        "R7", ASK, here=after(SetWithdrawalTerms("USD", 5, 601, 900, 500)), there=after()
    ),
    "an asset without terms is asked for": case(
        "R7",
        RequestWithdrawal("A", "BTC", 1, "bank-1"),
        here=after(),
        there=after(SetWithdrawalTerms("BTC", 0, 1, 9, 9)),
    ),
    "a destination is none": case("R7", ASK, asked(destination="no where"), here=after()),
    "another's is cancelled": case("R7", CANCEL, on("orders:B", CommandRecorded), here=ASKED),
    "one is cancelled for another": case(
        "B2", CANCEL, asked(account="B"), on("orders:B", CommandRecorded),
        put(CommandRecorded, actor="B"), here=ASKED,
    ),
    "one that is gone is approved": case(
        "B2", APPROVE, here=after(ASK, CANCEL), there=ASKED
    ),
    "terms are others": case(
        "R7", TERMS, edit(WithdrawalTermsSet, lambda it: WithdrawalTermsSet("BTC", it.terms)),
        here=after(),
    ),
    "terms make no sense": case("R7", TERMS, asked(amount_min=0), here=after()),
    "an approval is another's": case("R7", APPROVE, put(WithdrawalApproved, approver="op9"),
                                     here=ASKED),
    "a payment has another reference": case("R7", SEND, put(WithdrawalSent, reference="w"),
                                            here=READY),
    "another one is completed": case("R7", COMPLETE, put(WithdrawalCompleted, number=2), here=SENT),
    "a rejection has another reason": case("R7", REJECT, put(WithdrawalRejected, reason=""),
                                           here=ASKED),
    "one is cancelled twice over": case("R7", CANCEL, twice(WithdrawalCancelled), here=ASKED),
    "a bust is not marked": case("R7", BUST, drop(Corrected), here=after()),
    "another trade is marked": case(
        "R7", BUST, put(Corrected, correction=Bust(SYMBOL, 2)), here=after()
    ),
    "a bust names a claim": case("R7", BUST, put(Corrected, claim=1), here=after()),
    "a trade is busted that was never made": case("B2", BUST, asked(trade=2), here=after()),
    "a deposit is reversed that never came": case("B2", REVERSE, asked(reference="w"),
                                                  here=after()),
    "a reversal takes what is not there": case("R7", REVERSE, here=POOR, there=after(funds=1_500)),
    "a claim is made at once": case(
        "R7", CLAIM, edit(ClaimProposed, lambda it: Corrected(it.correction, it.reason, None)),
        here=after(),
    ),
    "a claim is another's": case("R7", CLAIM, put(ClaimProposed, proposer="op9"), here=after()),
    "another claim is dropped": case("R7", DROP, put(ClaimDropped, number=2), here=PROPOSED),
    "a claim is dropped that nobody made": case("B2", DROP, here=after(), there=PROPOSED),
    "a claim puts too much on suspense": case(
        "L5", CLAIMED, entries(nth(0, lines=amounts(1, 0, -1))),
        here=after(("op1", CLAIM), TransferFunds("A", "A2", "USD", 1_900), funds=1_500),
    ),
    "a trader sends": case("R7", SEND, put(CommandRecorded, role=Role.TRADER), here=READY),
    "a trader busts": case("R7", BUST, put(CommandRecorded, role=Role.TRADER), here=after()),
}  # fmt: skip


@pytest.mark.parametrize("what", CASES)
def test_the_law_and_the_command_that_breaks_it_are_named(what: str) -> None:
    law, forgery = CASES[what]
    with forgery().log() as (log, position):
        verdict, _ = verify(log)
    assert [(law, position, 3)] == [(it.law, it.position, it.batch) for it in verdict.findings]


HISTORY: tuple[Step, ...] = (
    ASK, ("op1", APPROVE), ("op2", APPROVE), ("op3", SEND), COMPLETE,
    ASK, ("op1", RejectWithdrawal(2, "no")), ASK_LESS, CancelWithdrawal("A", 3),
    BUST, REVERSE,
    ("op1", ReverseDeposit("A-USD", WHY, claim=True)), DROP,
    ("op1", ReverseDeposit("B-USD", WHY, claim=True)), ("op2", ApproveClaim(2)),
    FUND, PayOutFees("USD", 4, "owner-3"),
)  # fmt: skip


def test_without_a_change_nothing_is_found() -> None:
    """So what is found above is what was changed."""
    with log_of(after(*HISTORY)().envelopes) as log:
        assert [] == verify(log)[0].findings


def test_no_part_of_an_effect_can_be_another() -> None:
    """Whatever field of whatever effect is changed, and whatever was asked for."""
    commands, tried = commands_of(after(*HISTORY)()), 0
    for number in range(len(commands) - len(HISTORY), len(commands)):
        command = commands[number]
        before = [it for each in commands[:number] for it in each]
        for index, envelope in enumerate(command):
            for path in bound_parts(envelope.event):
                other = changed(envelope.event, path)
                if other is None:
                    continue
                false = Envelope(envelope.originator_id, envelope.originator_version, other)
                with log_of(before, [*command[:index], false, *command[index + 1 :]]) as log:
                    assert verify(log)[0].findings, (envelope, other)
                tried += 1
    assert tried > 200


def test_an_operator_s_own_name_is_no_secret_way() -> None:
    """The requester is who gave the command, not whose account it is."""
    desk = after()()
    desk.decide(Request(ASK, OPERATOR, Role.OPERATOR))
    assert OPERATOR == desk.effect(WithdrawalRequested).requester
    assert desk.by(OPERATOR, APPROVE).refusal is not None
