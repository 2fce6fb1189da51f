"""What commands on money must do: withdrawals, corrections, fees and insurance.

Worked out without the code that decided them: sums by account instead of lines turned round.
"""

from collections.abc import Callable, Container, Iterator
from typing import Any, NamedTuple

from exchange.audit.blame import Effect
from exchange.audit.ended import LEDGER, Cause
from exchange.kernel.accounts import EXTERNAL, FEES, INSURANCE, SUSPENSE, available, withdrawal
from exchange.kernel.events import Past
from exchange.kernel.ids import is_key, is_text
from exchange.kernel.instruments import WithdrawalTerms
from exchange.kernel.journal import Entry, EntryKind
from exchange.kernel.money import UNITS_MAX
from exchange.kernel.rejects import RejectCode, Rejected
from exchange.orders import money_commands as money
from exchange.orders.command import Command
from exchange.orders.events import WithdrawalTermsSet
from exchange.orders.records import CommandRecorded
from exchange.venue.lookback import posted_entry, settled_trade
from exchange.venue.state import VenueState
from exchange.wallet.corrections import correction_id
from exchange.wallet.events import (
    Bust,
    ClaimDropped,
    ClaimProposed,
    Corrected,
    Correction,
    EntriesPosted,
    Reversal,
    WithdrawalApproved,
    WithdrawalCancelled,
    WithdrawalCompleted,
    WithdrawalRejected,
    WithdrawalRequested,
    WithdrawalSent,
)
from exchange.wallet.withdrawals import Withdrawal

WITHDRAWALS, CORRECTIONS = "withdrawals", "corrections"

Owed = list[tuple[str, str, int]]
"""Ledger account, asset, and units that it gets (above zero) or gives."""


class Asked(NamedTuple):
    """A command of this page's, with all that its effects follow from."""

    state: VenueState
    actor: str
    cause: Cause
    past: Past


def due_on_money(
    state: VenueState, record: CommandRecorded, cause: Cause, past: Past
) -> Iterator[Effect]:
    """What is due on a command of ``MONEY``.

    Raises:
        Rejected: it should have been refused.
    """
    return MONEY[type(record.command)](Asked(state, record.actor, cause, past), record.command)


def _terms(asked: Asked, it: money.SetWithdrawalTerms) -> Iterator[Effect]:
    _demand(it.asset in asked.state.assets.by_code, RejectCode.UNKNOWN_ASSET)
    least = min(it.fee, it.amount_min - 1, it.amount_max, it.four_eyes_above)
    most = max(it.fee, it.amount_min, it.amount_max, it.four_eyes_above)
    _demand(least >= 0 and most <= UNITS_MAX, RejectCode.AMOUNT_BOUNDS)
    terms = WithdrawalTerms(it.fee, it.amount_min, it.amount_max, it.four_eyes_above)
    yield asked.state.assets.id, WithdrawalTermsSet(it.asset, terms)


def _requested(asked: Asked, it: money.RequestWithdrawal) -> Iterator[Effect]:
    _check_amount(asked, it.asset, it.amount)
    terms = asked.state.assets.withdrawal_terms.get(it.asset)
    if terms is None:
        raise Rejected(RejectCode.WITHDRAWAL_TERMS)
    _demand(terms.amount_min <= it.amount <= terms.amount_max, RejectCode.AMOUNT_BOUNDS)
    _demand(is_key(it.destination), RejectCode.INVALID_ID)
    number, units = asked.state.withdrawals.count + 1, it.amount + terms.fee
    yield WITHDRAWALS, WithdrawalRequested(
        number, it.account, it.asset, it.amount, terms.fee, it.destination, asked.actor,
        1 + (it.amount > terms.four_eyes_above),
    )  # fmt: skip
    moves = [(available(it.account), it.asset, -units), (withdrawal(it.account), it.asset, units)]
    yield _posted(asked, f"withdrawal:{number}:hold", EntryKind.WITHDRAWAL_HOLD, moves)


def _approved(asked: Asked, it: money.ApproveWithdrawal) -> Iterator[Effect]:
    found = _open(asked, it.withdrawal)
    waits = found.sender is None and len(found.approvers) < found.asked.approvals
    _demand(waits, RejectCode.WITHDRAWAL_STATE)
    owner = asked.state.owners.get(found.asked.account)
    _demand_another(asked, owner, found.asked.requester, *found.approvers)
    yield WITHDRAWALS, WithdrawalApproved(it.withdrawal, asked.actor)


def _sent(asked: Asked, it: money.SendWithdrawal) -> Iterator[Effect]:
    found = _open(asked, it.withdrawal)
    others = set(found.approvers) - {found.asked.requester, asked.state.owners[found.asked.account]}
    ready = found.sender is None and len(others) >= found.asked.approvals
    _demand(ready, RejectCode.WITHDRAWAL_STATE)
    _check_reference(it.reference, it.reference, asked.state.withdrawals.references)
    _check_custody(asked, found.asked.asset, found.asked.amount)
    yield WITHDRAWALS, WithdrawalSent(it.withdrawal, it.reference, asked.actor)


def _completed(asked: Asked, it: money.CompleteWithdrawal) -> Iterator[Effect]:
    found = _open(asked, it.withdrawal)
    _demand(found.sender is not None, RejectCode.WITHDRAWAL_STATE)
    paid = found.asked
    yield WITHDRAWALS, WithdrawalCompleted(it.withdrawal)
    moves = [
        (withdrawal(paid.account), paid.asset, -(paid.amount + paid.fee)),
        (EXTERNAL, paid.asset, paid.amount),
        (FEES, paid.asset, paid.fee),
    ]
    yield _posted(asked, f"withdrawal:{it.withdrawal}", EntryKind.WITHDRAWAL, moves)


def _rejected(asked: Asked, it: money.RejectWithdrawal) -> Iterator[Effect]:
    found = _open(asked, it.withdrawal)
    _demand(is_text(it.reason), RejectCode.INVALID_ID)
    if found.sender is not None:
        _demand_another(asked, found.sender, asked.state.owners.get(found.asked.account))
    yield WITHDRAWALS, WithdrawalRejected(it.withdrawal, it.reason)
    yield _released(asked, found)


def _cancelled(asked: Asked, it: money.CancelWithdrawal) -> Iterator[Effect]:
    found = _open(asked, it.withdrawal)
    _demand(found.asked.account == it.account, RejectCode.NOT_FOUND)
    _demand(found.sender is None, RejectCode.WITHDRAWAL_STATE)
    yield WITHDRAWALS, WithdrawalCancelled(it.withdrawal)
    yield _released(asked, found)


def _released(asked: Asked, ended: Withdrawal) -> Effect:
    it, name = ended.asked, f"withdrawal:{ended.asked.number}:release"
    units = it.amount + it.fee
    moves = [(withdrawal(it.account), it.asset, -units), (available(it.account), it.asset, units)]
    return _posted(asked, name, EntryKind.WITHDRAWAL_RELEASE, moves)


def _reversed(asked: Asked, it: money.ReverseDeposit) -> Iterator[Effect]:
    return _corrected(asked, Reversal(it.reference), it)


def _busted(asked: Asked, it: money.BustTrade) -> Iterator[Effect]:
    return _corrected(asked, Bust(it.symbol, it.trade), it)


def _corrected(
    asked: Asked, correction: Correction, it: money.ReverseDeposit | money.BustTrade
) -> Iterator[Effect]:
    _demand(is_text(it.reason), RejectCode.INVALID_ID)
    owed, corrections = _owed(asked, correction), asked.state.corrections
    if it.claim:
        waiting = [claim.correction for claim in corrections.claims.values()]
        _demand(correction not in waiting, RejectCode.ALREADY_EXISTS)
        number = corrections.claim_count + 1
        yield CORRECTIONS, ClaimProposed(number, correction, it.reason, asked.actor)
        return
    balance = asked.state.ledger.balance
    covered = all(balance(name, asset) + units >= 0 for name, asset, units in owed if units < 0)
    _demand(covered, RejectCode.INSUFFICIENT_FUNDS)
    yield CORRECTIONS, Corrected(correction, it.reason, None)
    yield from _taken_back(asked, correction, owed)


def _claimed(asked: Asked, it: money.ApproveClaim) -> Iterator[Effect]:
    claim = asked.state.corrections.claims.get(it.claim)
    if claim is None:
        raise Rejected(RejectCode.NOT_FOUND)
    _demand_another(asked, claim.proposer)
    owed, short = _owed(asked, claim.correction), dict[str, int]()
    for number, (name, asset, units) in enumerate(owed):
        lacking = -min(0, asked.state.ledger.balance(name, asset) + units) if units < 0 else 0
        owed[number] = name, asset, units + lacking
        short[asset] = short.get(asset, 0) - lacking
    yield CORRECTIONS, Corrected(claim.correction, claim.reason, it.claim)
    owed += [(SUSPENSE, asset, units) for asset, units in short.items()]
    yield from _taken_back(asked, claim.correction, owed)


def _dropped(asked: Asked, it: money.DropClaim) -> Iterator[Effect]:
    _demand(it.claim in asked.state.corrections.claims, RejectCode.NOT_FOUND)
    yield CORRECTIONS, ClaimDropped(it.claim)


def _owed(asked: Asked, correction: Correction) -> Owed:
    """Who gives and gets how much where everything is undone; may name zeros."""
    _demand(
        correction_id(correction) not in asked.state.corrections.done,
        RejectCode.ALREADY_CORRECTED,
    )
    if isinstance(correction, Bust):
        return _owed_for_trade(asked, correction)
    deposit = posted_entry(asked.past, asked.state.ledger, f"deposit:{correction.reference}")
    if deposit is None:
        raise Rejected(RejectCode.NOT_FOUND)
    (_, asset, _), (account, _, amount) = deposit.lines
    _check_custody(asked, asset, amount)
    return [(account, asset, -amount), (EXTERNAL, asset, amount)]


def _owed_for_trade(asked: Asked, bust: Bust) -> Owed:
    room = asked.state.room(bust.symbol)
    rules, trade = room.market.instrument, settled_trade(asked.past, room.settlement, bust.trade)
    if trade is None:
        raise Rejected(RejectCode.NOT_FOUND)
    buyer, seller = available(trade.buy.account), available(trade.sell.account)
    moves = [
        (buyer, rules.quote, trade.quote),
        (seller, rules.quote, trade.sell.fee - trade.quote),
        (FEES, rules.quote, -trade.sell.fee),
        (seller, rules.base, trade.base),
        (buyer, rules.base, trade.buy.fee - trade.base),
        (FEES, rules.base, -trade.buy.fee),
    ]
    rebated = (buyer, rules.quote) if trade.buy.rate_ppm < 0 else (seller, rules.base)
    moves += [(*rebated, -trade.rebate), (FEES, rebated[1], trade.rebate)]
    units: dict[tuple[str, str], int] = {}
    for name, asset, moved in moves:
        units[name, asset] = units.get((name, asset), 0) + moved
    return [(*key, moved) for key, moved in units.items()]


def _taken_back(asked: Asked, correction: Correction, owed: Owed) -> Iterator[Effect]:
    kind = EntryKind.BUST if isinstance(correction, Bust) else EntryKind.REVERSAL
    if any(units for _, _, units in owed):
        yield _posted(asked, correction_id(correction), kind, owed)


def _paid_out(asked: Asked, it: money.PayOutFees) -> Iterator[Effect]:
    _check_amount(asked, it.asset, it.amount)
    name = f"payout:{it.reference}"
    _check_reference(it.reference, name, asked.state.ledger.references)
    _check_custody(asked, it.asset, it.amount)
    moves = [(FEES, it.asset, -it.amount), (EXTERNAL, it.asset, it.amount)]
    yield _posted(asked, name, EntryKind.FEE_PAYOUT, moves)


def _insured(asked: Asked, it: money.FundInsurance) -> Iterator[Effect]:
    _check_amount(asked, it.asset, it.amount)
    name = f"insurance:{it.reference}"
    _check_reference(it.reference, name, asked.state.ledger.references)
    moves = [(EXTERNAL, it.asset, -it.amount), (INSURANCE, it.asset, it.amount)]
    yield _posted(asked, name, EntryKind.INSURANCE_FUNDING, moves)


def _posted(asked: Asked, name: str, kind: EntryKind, moves: Owed) -> Effect:
    lines = tuple([move for move in moves if move[2]])
    return LEDGER, EntriesPosted(*asked.cause, (Entry(name, kind, lines),))


def _open(asked: Asked, number: int) -> Withdrawal:
    found = asked.state.withdrawals.open.get(number)
    if found is None:
        raise Rejected(RejectCode.NOT_FOUND)
    return found


def _check_amount(asked: Asked, asset: str, amount: int) -> None:
    _demand(asset in asked.state.assets.by_code, RejectCode.UNKNOWN_ASSET)
    _demand(0 < amount <= UNITS_MAX, RejectCode.AMOUNT_BOUNDS)


def _check_reference(reference: str, used_as: str, used: Container[str]) -> None:
    _demand(is_key(reference), RejectCode.INVALID_ID)
    _demand(used_as not in used, RejectCode.DUPLICATE_REFERENCE)


def _check_custody(asked: Asked, asset: str, amount: int) -> None:
    """What is sent and what is still to leave is no more than custody holds."""
    state = asked.state
    on_the_way = sum(
        it.asked.amount
        for it in state.withdrawals.open.values()
        if it.sender is not None and it.asked.asset == asset
    )
    fine = amount + on_the_way + state.ledger.balance(EXTERNAL, asset) <= 0
    _demand(fine, RejectCode.INSUFFICIENT_FUNDS)


def _demand_another(asked: Asked, *persons: str | None) -> None:
    _demand(asked.actor not in persons, RejectCode.SECOND_PERSON_REQUIRED)


def _demand(fine: bool, code: RejectCode) -> None:  # noqa: FBT001 - what is demanded
    if not fine:
        raise Rejected(code)


MONEY: dict[type[Command], Callable[[Asked, Any], Iterator[Effect]]] = {
    money.SetWithdrawalTerms: _terms,
    money.RequestWithdrawal: _requested,
    money.ApproveWithdrawal: _approved,
    money.SendWithdrawal: _sent,
    money.CompleteWithdrawal: _completed,
    money.RejectWithdrawal: _rejected,
    money.CancelWithdrawal: _cancelled,
    money.ReverseDeposit: _reversed,
    money.BustTrade: _busted,
    money.ApproveClaim: _claimed,
    money.DropClaim: _dropped,
    money.PayOutFees: _paid_out,
    money.FundInsurance: _insured,
}
"""What each kind must do."""
