"""Money that comes in and moves between a user's accounts."""

from exchange.kernel.accounts import available
from exchange.kernel.ids import is_key
from exchange.kernel.money import UNITS_MAX
from exchange.kernel.rejects import RejectCode, Rejected
from exchange.orders.commands import Deposit, TransferFunds
from exchange.venue.journal import Journal
from exchange.venue.state import VenueState
from exchange.wallet import entries
from exchange.wallet.events import EntriesPosted


def deposit(state: VenueState, command: Deposit, journal: Journal) -> None:
    """Credit an account with what custody received.

    Raises:
        Rejected: UNKNOWN_ACCOUNT, UNKNOWN_ASSET, AMOUNT_BOUNDS, INVALID_ID or
            DUPLICATE_REFERENCE.
    """
    state.check_account(command.account, journal.request)
    _check_amount(state, command.asset, command.amount)
    if not is_key(command.reference):
        raise Rejected(RejectCode.INVALID_ID, "reference")
    if entries.deposit_id(command.reference) in state.ledger.references:
        raise Rejected(RejectCode.DUPLICATE_REFERENCE, "reference", command.reference)

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
    _check_amount(state, command.asset, command.amount)
    free = state.ledger.balance(available(command.account), command.asset)
    if command.amount > free:
        raise Rejected(RejectCode.INSUFFICIENT_FUNDS, "amount", command.amount, free)

    cause = journal.begin()
    number = state.ledger.transfer_count + 1
    entry = entries.transfer(number, command.account, command.target, command.asset, command.amount)
    journal.record(state.ledger, EntriesPosted(*cause, (entry,)))


def _check_amount(state: VenueState, asset: str, amount: int) -> None:
    if asset not in state.assets.by_code:
        raise Rejected(RejectCode.UNKNOWN_ASSET, "asset", asset)
    if not 0 < amount <= UNITS_MAX:
        bound = 1 if amount <= 0 else UNITS_MAX
        raise Rejected(RejectCode.AMOUNT_BOUNDS, "amount", amount, bound)
