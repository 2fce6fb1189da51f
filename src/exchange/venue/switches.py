"""Kill switches, and what they and suspensions stop."""

from collections.abc import Collection

from exchange.kernel.ids import is_text
from exchange.kernel.journal import Entry
from exchange.kernel.orders import EndReason
from exchange.kernel.rejects import RejectCode, Rejected
from exchange.kernel.roles import Role
from exchange.orders.commands import (
    AmendOrder,
    CancelOrder,
    CancelOrders,
    PlaceOrder,
    PlaceOrderList,
    ReduceOrder,
    Request,
)
from exchange.orders.events import VenueKilled, VenueReleased
from exchange.orders.governing import KillAccount, KillVenue, ReleaseAccount, ReleaseVenue
from exchange.orders.money_commands import CancelWithdrawal
from exchange.users.events import AccountKilled, AccountReleased
from exchange.users.user import User
from exchange.venue.journal import Journal
from exchange.venue.parts import end_orders, post
from exchange.venue.state import VenueState

LEAVING = frozenset({CancelOrder, CancelOrders, ReduceOrder, CancelWithdrawal})
"""What a suspended user may still do as a trader."""

ENTERING = frozenset({PlaceOrder, PlaceOrderList, AmendOrder})
"""What a kill switch stops."""


def check_flow(state: VenueState, request: Request, account: str, at_us: int) -> None:
    """Nothing, while neither a suspension nor a kill switch stops the command for the account.

    A suspension stops the user as a trader, a switch whoever acts.

    Raises:
        Rejected: USER_SUSPENDED, USER_BLACKLISTED or KILL_SWITCH, in this order.
    """
    kind, owner = type(request.command), state.owners[account]
    user = state.user(owner)
    if request.role is Role.TRADER and kind not in LEAVING:
        _check_user(user, owner, at_us)
    if kind in ENTERING:
        if account in user.killed:
            raise Rejected(RejectCode.KILL_SWITCH, "account", account)
        if state.switch.killed:
            raise Rejected(RejectCode.KILL_SWITCH, "venue")


def _check_user(user: User, name: str, at_us: int) -> None:
    if user.suspended:
        raise Rejected(RejectCode.USER_SUSPENDED, "user", name)
    for reference, until_us in user.blacklist.items():
        if at_us < until_us:
            raise Rejected(RejectCode.USER_BLACKLISTED, "reference", reference, until_us)


def kill_account(state: VenueState, command: KillAccount, journal: Journal) -> None:
    """Stop new orders and amends of an account, and take out its open orders when told to.

    Raises:
        Rejected: UNKNOWN_ACCOUNT, or INVALID_ID for the reason. A second time is no refusal.
    """
    account = command.account
    state.check_account(account, journal.request)
    _check_reason(command.reason)

    cause = journal.begin()
    journal.record(state.user(state.owners[account]), AccountKilled(account, command.reason))
    if command.cancel_orders:
        entries = pull_orders(state, frozenset({account}), EndReason.KILL_SWITCH, journal)
        post(state, entries, journal, cause)


def release_account(state: VenueState, command: ReleaseAccount, journal: Journal) -> None:
    """Let an account trade again.

    Raises:
        Rejected: UNKNOWN_ACCOUNT, INVALID_ID for the reason, or NOT_IN_FORCE.
    """
    account = command.account
    state.check_account(account, journal.request)
    _check_reason(command.reason)
    user = state.user(state.owners[account])
    if account not in user.killed:
        raise Rejected(RejectCode.NOT_IN_FORCE, "kill_switch")

    journal.begin()
    journal.record(user, AccountReleased(account, command.reason))


def kill_venue(state: VenueState, command: KillVenue, journal: Journal) -> None:
    """Stop new orders and amends everywhere, and take out all open orders when told to.

    Raises:
        Rejected: INVALID_ID for the reason. A second time is no refusal.
    """
    _check_reason(command.reason)

    cause = journal.begin()
    journal.record(state.switch, VenueKilled(command.reason))
    if command.cancel_orders:
        entries = pull_orders(state, state.owners.keys(), EndReason.KILL_SWITCH, journal)
        post(state, entries, journal, cause)


def release_venue(state: VenueState, command: ReleaseVenue, journal: Journal) -> None:
    """Let the venue trade again.

    Raises:
        Rejected: INVALID_ID for the reason, or NOT_IN_FORCE.
    """
    _check_reason(command.reason)
    if not state.switch.killed:
        raise Rejected(RejectCode.NOT_IN_FORCE, "kill_switch")

    journal.begin()
    journal.record(state.switch, VenueReleased(command.reason))


def pull_orders(
    state: VenueState, accounts: Collection[str], reason: EndReason, journal: Journal
) -> list[Entry]:
    """End all open orders of the accounts, by symbol, then by number; what frees their holds."""
    entries: list[Entry] = []
    for _, room in sorted(state.rooms.items()):
        owned = room.book.accounts
        numbers = sorted(number for account in accounts for number in owned.get(account, ()))
        entries += end_orders(room, [room.book.orders[it] for it in numbers], reason, journal)
    return entries


def _check_reason(reason: str) -> None:
    if not is_text(reason):
        raise Rejected(RejectCode.INVALID_ID, "reason")
