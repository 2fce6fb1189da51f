"""Who may give a command, whom it may concern, and what is due on roles, suspensions, switches."""

from collections.abc import Iterator

from exchange.audit.blame import Effect
from exchange.audit.demand import demand
from exchange.audit.ended import LEDGER, Cause, ended
from exchange.kernel.ids import is_key, is_text
from exchange.kernel.journal import Entry
from exchange.kernel.orders import EndReason
from exchange.kernel.rejects import RejectCode
from exchange.kernel.roles import Role
from exchange.orders import commands
from exchange.orders.command import Command, givers
from exchange.orders.commands import account_of
from exchange.orders.events import VenueKilled, VenueReleased
from exchange.orders.governing import (
    BlacklistUser,
    GrantRole,
    KillAccount,
    KillVenue,
    ReinstateUser,
    ReleaseAccount,
    ReleaseVenue,
    RevokeRole,
    SuspendUser,
)
from exchange.orders.money_commands import CancelWithdrawal
from exchange.orders.records import CommandRecorded
from exchange.users.events import (
    AccountKilled,
    AccountReleased,
    RoleGranted,
    RoleRevoked,
    UserBlacklisted,
    UserReinstated,
    UserSuspended,
)
from exchange.users.user import User
from exchange.venue.state import VenueState
from exchange.wallet.events import EntriesPosted

LEAVING: tuple[type[Command], ...] = (
    commands.CancelOrder, commands.CancelOrders, commands.ReduceOrder, CancelWithdrawal,
)  # fmt: skip
ENTERING: tuple[type[Command], ...] = (
    commands.PlaceOrder, commands.PlaceOrderList, commands.AmendOrder,
)  # fmt: skip


def check_right(state: VenueState, record: CommandRecorded) -> None:
    """A trader acts for its own accounts, others by the roles that the log gives them.

    Raises:
        Rejected: the command was not theirs to give, or was stopped.
    """
    command, role, account = record.command, record.role, account_of(record.command)
    owner = state.owners.get(account or "")
    if role is Role.TRADER:
        demand(account is not None, RejectCode.NOT_PERMITTED)
    else:
        demand(role in givers(type(command)), RejectCode.NOT_PERMITTED)
        appointed = role is Role.SYSTEM or role in _user(state, record.actor).roles
        demand(appointed or not state.admins, RejectCode.NOT_PERMITTED)
    if account is None:
        return
    demand(owner is not None, RejectCode.UNKNOWN_ACCOUNT)
    demand(role is not Role.TRADER or owner == record.actor, RejectCode.UNKNOWN_ACCOUNT)
    user = _user(state, owner or "")
    if role is Role.TRADER and not isinstance(command, LEAVING):
        demand(not user.suspended, RejectCode.USER_SUSPENDED)
        listed = any(until_us > record.at_us for until_us in user.blacklist.values())
        demand(not listed, RejectCode.USER_BLACKLISTED)
    if isinstance(command, ENTERING):
        killed = account in user.killed or state.switch.killed
        demand(not killed, RejectCode.KILL_SWITCH)


def due_on_grant(state: VenueState, command: GrantRole, _: Cause) -> Iterator[Effect]:
    """What is due on a grant.

    Raises:
        Rejected: it should have been refused.
    """
    user, role = _known(state, command.user), command.role
    demand(role not in {Role.TRADER, Role.SYSTEM}, RejectCode.FIELD_COMBINATION)
    demand(role not in user.roles, RejectCode.ALREADY_EXISTS)
    yield user.id, RoleGranted(role)


def due_on_revoke(state: VenueState, command: RevokeRole, _: Cause) -> Iterator[Effect]:
    """What is due when a grant is taken back.

    Raises:
        Rejected: it should have been refused.
    """
    user, role = _known(state, command.user), command.role
    demand(role in user.roles, RejectCode.NOT_IN_FORCE)
    others = state.admins - {command.user}
    demand(role is not Role.ADMIN or bool(others), RejectCode.LAST_ADMIN)
    yield user.id, RoleRevoked(role)


def due_on_suspend(state: VenueState, command: SuspendUser, cause: Cause) -> Iterator[Effect]:
    """What is due on a suspension.

    Raises:
        Rejected: it should have been refused.
    """
    user = _known(state, command.user)
    demand(is_key(command.reference), RejectCode.INVALID_ID)
    yield user.id, UserSuspended(command.reference)
    if command.cancel_orders:
        yield from _pulled(state, set(user.accounts), EndReason.SUSPENDED, cause)


def due_on_reinstate(state: VenueState, command: ReinstateUser, _: Cause) -> Iterator[Effect]:
    """What is due when a suspension ends.

    Raises:
        Rejected: it should have been refused.
    """
    user = _known(state, command.user)
    demand(is_key(command.reference), RejectCode.INVALID_ID)
    demand(user.suspended, RejectCode.NOT_IN_FORCE)
    yield user.id, UserReinstated(command.reference)


def due_on_blacklist(state: VenueState, command: BlacklistUser, _: Cause) -> Iterator[Effect]:
    """What is due on a blacklist reference.

    Raises:
        Rejected: it should have been refused.
    """
    user, reference, until_us = _known(state, command.user), command.reference, command.until_us
    demand(is_key(reference), RejectCode.INVALID_ID)
    demand(until_us is not None or reference in user.blacklist, RejectCode.NOT_IN_FORCE)
    demand(until_us is None or until_us > state.at_us, RejectCode.DEADLINE_PASSED)
    yield user.id, UserBlacklisted(reference, until_us)


def due_on_kill(
    state: VenueState, command: KillAccount | ReleaseAccount, cause: Cause
) -> Iterator[Effect]:
    """What is due on an account's kill switch, thrown or put back.

    Raises:
        Rejected: it should have been refused.
    """
    account, reason = command.account, command.reason
    demand(account in state.owners, RejectCode.UNKNOWN_ACCOUNT)
    demand(is_text(reason), RejectCode.INVALID_ID)
    user = _known(state, state.owners[account])
    if isinstance(command, ReleaseAccount):
        demand(account in user.killed, RejectCode.NOT_IN_FORCE)
        yield user.id, AccountReleased(account, reason)
        return
    yield user.id, AccountKilled(account, reason)
    if command.cancel_orders:
        yield from _pulled(state, {account}, EndReason.KILL_SWITCH, cause)


def due_on_kill_venue(
    state: VenueState, command: KillVenue | ReleaseVenue, cause: Cause
) -> Iterator[Effect]:
    """The same for the venue's.

    Raises:
        Rejected: it should have been refused.
    """
    demand(is_text(command.reason), RejectCode.INVALID_ID)
    if isinstance(command, ReleaseVenue):
        demand(state.switch.killed, RejectCode.NOT_IN_FORCE)
        yield "switch", VenueReleased(command.reason)
        return
    yield "switch", VenueKilled(command.reason)
    if command.cancel_orders:
        yield from _pulled(state, set(state.owners), EndReason.KILL_SWITCH, cause)


def _pulled(
    state: VenueState, accounts: set[str], reason: EndReason, cause: Cause
) -> Iterator[Effect]:
    """Every open order of the accounts ends, by symbol, then by number."""
    entries: list[Entry] = []
    for symbol in sorted(state.rooms):
        room = state.rooms[symbol]
        theirs = [it for _, it in sorted(room.book.orders.items()) if it.account in accounts]
        yield from ended(room, theirs, reason, entries)
    if entries:
        yield LEDGER, EntriesPosted(*cause, tuple(entries))


def _known(state: VenueState, name: str) -> User:
    demand(f"user:{name}" in state.aggregates, RejectCode.UNKNOWN_USER)
    return _user(state, name)


def _user(state: VenueState, name: str) -> User:
    """The user; one that may do nothing for a name that nobody has."""
    found = state.aggregates.get(f"user:{name}")
    return found if isinstance(found, User) else User(name)
