"""Withdrawals, step by step: requested, approved, sent, completed; or rejected, or cancelled."""

from exchange.kernel.ids import is_key, is_text
from exchange.kernel.instruments import WithdrawalTerms
from exchange.kernel.money import UNITS_MAX
from exchange.kernel.rejects import RejectCode, Rejected
from exchange.orders.events import WithdrawalTermsSet
from exchange.orders.money_commands import (
    ApproveWithdrawal,
    CancelWithdrawal,
    CompleteWithdrawal,
    RejectWithdrawal,
    RequestWithdrawal,
    SendWithdrawal,
    SetWithdrawalTerms,
)
from exchange.venue.funds import check_amount, check_custody, check_reference
from exchange.venue.journal import Journal
from exchange.venue.parts import check_funds, post
from exchange.venue.state import VenueState
from exchange.wallet.events import (
    WithdrawalApproved,
    WithdrawalCancelled,
    WithdrawalCompleted,
    WithdrawalRejected,
    WithdrawalRequested,
    WithdrawalSent,
)
from exchange.wallet.payments import withdrawal_hold, withdrawal_payment, withdrawal_release
from exchange.wallet.withdrawals import Stage, Withdrawal


def set_terms(state: VenueState, command: SetWithdrawalTerms, journal: Journal) -> None:
    """Let an asset be withdrawn on these terms.

    Raises:
        Rejected: UNKNOWN_ASSET, or AMOUNT_BOUNDS with the field at fault.
    """
    if command.asset not in state.assets.by_code:
        raise Rejected(RejectCode.UNKNOWN_ASSET, "asset", command.asset)
    for field, least in (("fee", 0), ("amount_min", 1), ("amount_max", 0), ("four_eyes_above", 0)):
        units = getattr(command, field)
        if not least <= units <= UNITS_MAX:
            bound = least if units < least else UNITS_MAX
            raise Rejected(RejectCode.AMOUNT_BOUNDS, field, units, bound)

    journal.begin()
    terms = WithdrawalTerms(
        command.fee, command.amount_min, command.amount_max, command.four_eyes_above
    )
    journal.record(state.assets, WithdrawalTermsSet(command.asset, terms))


def request(state: VenueState, command: RequestWithdrawal, journal: Journal) -> None:
    """Set amount and fee aside.

    Raises:
        Rejected: UNKNOWN_ASSET, AMOUNT_BOUNDS, WITHDRAWAL_TERMS where the asset has none,
            INVALID_ID or INSUFFICIENT_FUNDS.
    """
    account, asset, amount = command.account, command.asset, command.amount
    check_amount(state, asset, amount)
    terms = state.assets.withdrawal_terms.get(asset)
    if terms is None:
        raise Rejected(RejectCode.WITHDRAWAL_TERMS, "asset", asset)
    if not terms.amount_min <= amount <= terms.amount_max:
        bound = terms.amount_max if amount > terms.amount_max else terms.amount_min
        raise Rejected(RejectCode.AMOUNT_BOUNDS, "amount", amount, bound)
    if not is_key(command.destination):
        raise Rejected(RejectCode.INVALID_ID, "destination")
    check_funds(state, account, asset, amount + terms.fee)

    cause = journal.begin()
    requested = WithdrawalRequested(
        state.withdrawals.count + 1, account, asset, amount, terms.fee, command.destination,
        journal.request.actor, approvals_needed(terms, amount),
    )  # fmt: skip
    journal.record(state.withdrawals, requested)
    post(state, [withdrawal_hold(requested)], journal, cause)


def approvals_needed(terms: WithdrawalTerms, amount: int) -> int:
    """How many must say that such an amount may leave, whoever asks for it not counted."""
    return 2 if amount > terms.four_eyes_above else 1


def approve(state: VenueState, command: ApproveWithdrawal, journal: Journal) -> None:
    """Add the actor's word.

    Raises:
        Rejected: NOT_FOUND, WITHDRAWAL_STATE, or SECOND_PERSON_REQUIRED for whoever has asked
            for it, approved it already, or is paid.
    """
    found, actor = _at(state, command.withdrawal, Stage.REQUESTED), journal.request.actor
    _check_another(state, actor, found, found.asked.requester, *found.approvers)

    journal.begin()
    journal.record(state.withdrawals, WithdrawalApproved(command.withdrawal, actor))


def send(state: VenueState, command: SendWithdrawal, journal: Journal) -> None:
    """Record that custody was told to pay.

    Raises:
        Rejected: NOT_FOUND, WITHDRAWAL_STATE, INVALID_ID, DUPLICATE_REFERENCE or
            INSUFFICIENT_FUNDS for custody.
    """
    found, reference = _at(state, command.withdrawal, Stage.APPROVED), command.reference
    check_reference(reference, reference, state.withdrawals.references)
    check_custody(state, found.asked.asset, found.asked.amount)

    journal.begin()
    sent = WithdrawalSent(command.withdrawal, reference, journal.request.actor)
    journal.record(state.withdrawals, sent)


def complete(state: VenueState, command: CompleteWithdrawal, journal: Journal) -> None:
    """Book what has left.

    Raises:
        Rejected: NOT_FOUND or WITHDRAWAL_STATE.
    """
    found = _at(state, command.withdrawal, Stage.SENT)

    cause = journal.begin()
    journal.record(state.withdrawals, WithdrawalCompleted(command.withdrawal))
    post(state, [withdrawal_payment(found.asked)], journal, cause)


def reject(state: VenueState, command: RejectWithdrawal, journal: Journal) -> None:
    """Give the money back; what was sent, only by another than who sent it and who is paid.

    Raises:
        Rejected: NOT_FOUND, INVALID_ID for the reason, or SECOND_PERSON_REQUIRED.
    """
    found, actor = _open(state, command.withdrawal), journal.request.actor
    if not is_text(command.reason):
        raise Rejected(RejectCode.INVALID_ID, "reason")
    if found.sender is not None:
        _check_another(state, actor, found, found.sender)

    cause = journal.begin()
    journal.record(state.withdrawals, WithdrawalRejected(command.withdrawal, command.reason))
    post(state, [withdrawal_release(found.asked)], journal, cause)


def cancel(state: VenueState, command: CancelWithdrawal, journal: Journal) -> None:
    """Give the money back to whoever has changed his mind in time.

    Raises:
        Rejected: NOT_FOUND, also for one of another account, or WITHDRAWAL_STATE.
    """
    found = _open(state, command.withdrawal)
    if found.asked.account != command.account:
        raise Rejected(RejectCode.NOT_FOUND, "withdrawal", command.withdrawal)
    if found.stage is Stage.SENT:
        raise Rejected(RejectCode.WITHDRAWAL_STATE, "state", found.stage.value)

    cause = journal.begin()
    journal.record(state.withdrawals, WithdrawalCancelled(command.withdrawal))
    post(state, [withdrawal_release(found.asked)], journal, cause)


def _check_another(state: VenueState, actor: str, found: Withdrawal, *persons: str) -> None:
    """The actor is none of these persons, nor the owner of the account."""
    if actor in persons or actor == state.owners[found.asked.account]:
        raise Rejected(RejectCode.SECOND_PERSON_REQUIRED, "actor", actor)


def _at(state: VenueState, number: int, stage: Stage) -> Withdrawal:
    """The open withdrawal, which must have come to just that stage."""
    found = _open(state, number)
    if found.stage is not stage:
        raise Rejected(RejectCode.WITHDRAWAL_STATE, "state", found.stage.value, stage.value)
    return found


def _open(state: VenueState, number: int) -> Withdrawal:
    found = state.withdrawals.open.get(number)
    if found is None:
        raise Rejected(RejectCode.NOT_FOUND, "withdrawal", number)
    return found
