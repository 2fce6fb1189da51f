"""Money that comes in, moves between a user's accounts, or is the venue's own."""

from collections.abc import Container

from exchange.kernel.accounts import EXTERNAL, FEES, available
from exchange.kernel.ids import is_key
from exchange.kernel.money import UNITS_MAX
from exchange.kernel.rejects import RejectCode, Rejected
from exchange.orders.commands import Deposit, TransferFunds
from exchange.orders.money_commands import FundInsurance, PayOutFees
from exchange.venue.journal import Journal
from exchange.venue.parts import post
from exchange.venue.state import VenueState
from exchange.wallet import entries, payments
from exchange.wallet.events import EntriesPosted


def deposit(state: VenueState, command: Deposit, journal: Journal) -> None:
    """Credit an account with what custody received.

    Raises:
        Rejected: UNKNOWN_ACCOUNT, UNKNOWN_ASSET, AMOUNT_BOUNDS, INVALID_ID or
            DUPLICATE_REFERENCE.
    """
    state.check_account(command.account, journal.request)
    check_amount(state, command.asset, command.amount)
    check_reference(
        command.reference, entries.deposit_id(command.reference), state.ledger.references
    )

    cause = journal.begin()
    entry = entries.deposit(command.reference, command.account, command.asset, command.amount)
    journal.record(state.ledger, EntriesPosted(*cause, (entry,)))


def transfer(state: VenueState, command: TransferFunds, journal: Journal) -> None:
    """Move money between two accounts of one user.

    Raises:
        Rejected: UNKNOWN_ACCOUNT (the target of another user too), UNKNOWN_ASSET,
            AMOUNT_BOUNDS, FIELD_COMBINATION or INSUFFICIENT_FUNDS.
    """
    if state.owners.get(command.target) != state.owners[command.account]:
        raise Rejected(RejectCode.UNKNOWN_ACCOUNT, "target", command.target)
    if command.target == command.account:
        raise Rejected(RejectCode.FIELD_COMBINATION, "target", command.target)
    check_amount(state, command.asset, command.amount)
    free = state.ledger.balance(available(command.account), command.asset)
    if command.amount > free:
        raise Rejected(RejectCode.INSUFFICIENT_FUNDS, "amount", command.amount, free)

    cause = journal.begin()
    number = state.ledger.transfer_count + 1
    entry = entries.transfer(number, command.account, command.target, command.asset, command.amount)
    journal.record(state.ledger, EntriesPosted(*cause, (entry,)))


def pay_out_fees(state: VenueState, command: PayOutFees, journal: Journal) -> None:
    """Let fees leave the venue.

    Raises:
        Rejected: UNKNOWN_ASSET, AMOUNT_BOUNDS, INVALID_ID, DUPLICATE_REFERENCE or
            INSUFFICIENT_FUNDS.
    """
    asset, amount = command.asset, command.amount
    check_amount(state, asset, amount)
    known = state.ledger.references
    check_reference(command.reference, payments.payout_id(command.reference), known)
    fees = state.ledger.balance(FEES, asset)
    if amount > fees:
        raise Rejected(RejectCode.INSUFFICIENT_FUNDS, f"{FEES}:{asset}", amount, fees)
    check_custody(state, asset, amount)

    cause = journal.begin()
    post(state, [payments.fee_payout(command.reference, asset, amount)], journal, cause)


def fund_insurance(state: VenueState, command: FundInsurance, journal: Journal) -> None:
    """Add what custody received to the insurance fund.

    Raises:
        Rejected: UNKNOWN_ASSET, AMOUNT_BOUNDS, INVALID_ID or DUPLICATE_REFERENCE.
    """
    check_amount(state, command.asset, command.amount)
    known = state.ledger.references
    check_reference(command.reference, payments.funding_id(command.reference), known)

    cause = journal.begin()
    entry = payments.insurance_funding(command.reference, command.asset, command.amount)
    post(state, [entry], journal, cause)


def check_amount(state: VenueState, asset: str, amount: int) -> None:
    """Nothing, when there is such an asset, and the amount is one.

    Raises:
        Rejected: UNKNOWN_ASSET or AMOUNT_BOUNDS.
    """
    if asset not in state.assets.by_code:
        raise Rejected(RejectCode.UNKNOWN_ASSET, "asset", asset)
    if not 0 < amount <= UNITS_MAX:
        bound = 1 if amount <= 0 else UNITS_MAX
        raise Rejected(RejectCode.AMOUNT_BOUNDS, "amount", amount, bound)


def check_reference(reference: str, used_as: str, used: Container[str]) -> None:
    """Nothing, when ``reference`` is one and ``used_as``, what it stands for, is new.

    Raises:
        Rejected: INVALID_ID or DUPLICATE_REFERENCE.
    """
    if not is_key(reference):
        raise Rejected(RejectCode.INVALID_ID, "reference")
    if used_as in used:
        raise Rejected(RejectCode.DUPLICATE_REFERENCE, "reference", reference)


def check_custody(state: VenueState, asset: str, amount: int) -> None:
    """Nothing, while custody holds so much beside what it was told to pay already.

    It holds less than the venue owes where a claim is unpaid; who comes last must wait.

    Raises:
        Rejected: INSUFFICIENT_FUNDS of ``venue:external``.
    """
    left = -state.ledger.balance(EXTERNAL, asset) - state.withdrawals.sent.get(asset, 0)
    if amount > left:
        raise Rejected(RejectCode.INSUFFICIENT_FUNDS, f"{EXTERNAL}:{asset}", amount, left)
