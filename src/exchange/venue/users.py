"""What users may do: roles, suspensions, blacklist references."""

from exchange.kernel.ids import is_key
from exchange.kernel.orders import EndReason
from exchange.kernel.rejects import RejectCode, Rejected
from exchange.kernel.roles import Role
from exchange.orders.governing import (
    BlacklistUser,
    GrantRole,
    ReinstateUser,
    RevokeRole,
    SuspendUser,
)
from exchange.users.events import (
    RoleGranted,
    RoleRevoked,
    UserBlacklisted,
    UserReinstated,
    UserSuspended,
)
from exchange.users.user import User
from exchange.venue.journal import Journal
from exchange.venue.parts import post
from exchange.venue.state import VenueState
from exchange.venue.switches import pull_orders

GRANTED = frozenset({Role.OPERATOR, Role.AUDITOR, Role.ADMIN})
"""Roles that come by a grant; every registered user is a trader, nobody is the venue."""


def grant_role(state: VenueState, command: GrantRole, journal: Journal) -> None:
    """Let a user act in a role; the first admin ends the open house.

    Raises:
        Rejected: UNKNOWN_USER, FIELD_COMBINATION for a role that nobody is granted, or
            ALREADY_EXISTS.
    """
    user, role = _known_user(state, command.user), command.role
    if role not in GRANTED:
        raise Rejected(RejectCode.FIELD_COMBINATION, "role", role.value)
    if role in user.roles:
        raise Rejected(RejectCode.ALREADY_EXISTS, "role", role.value)

    journal.begin()
    journal.record(user, RoleGranted(role))


def revoke_role(state: VenueState, command: RevokeRole, journal: Journal) -> None:
    """Take a role back.

    Raises:
        Rejected: UNKNOWN_USER, NOT_IN_FORCE when the user has no such grant, or LAST_ADMIN.
    """
    user, role = _known_user(state, command.user), command.role
    if role not in user.roles:
        raise Rejected(RejectCode.NOT_IN_FORCE, "role", role.value)
    if role is Role.ADMIN and len(state.admins) == 1:
        raise Rejected(RejectCode.LAST_ADMIN, "user", command.user)

    journal.begin()
    journal.record(user, RoleRevoked(role))


def suspend_user(state: VenueState, command: SuspendUser, journal: Journal) -> None:
    """Stop a user's new flow, and take out its open orders when told to.

    Raises:
        Rejected: UNKNOWN_USER or INVALID_ID. A second time is no refusal.
    """
    user = _known_user(state, command.user)
    _check_reference(command.reference)

    cause = journal.begin()
    journal.record(user, UserSuspended(command.reference))
    if command.cancel_orders:
        accounts = frozenset(user.accounts)
        post(state, pull_orders(state, accounts, EndReason.SUSPENDED, journal), journal, cause)


def reinstate_user(state: VenueState, command: ReinstateUser, journal: Journal) -> None:
    """End a suspension; blacklist references and kill switches go on.

    Raises:
        Rejected: UNKNOWN_USER, INVALID_ID, or NOT_IN_FORCE when there is none.
    """
    user = _known_user(state, command.user)
    _check_reference(command.reference)
    if not user.suspended:
        raise Rejected(RejectCode.NOT_IN_FORCE, "suspension")

    journal.begin()
    journal.record(user, UserReinstated(command.reference))


def blacklist_user(state: VenueState, command: BlacklistUser, journal: Journal) -> None:
    """Let a reference stop a user before a venue time, in place of what it said before.

    Raises:
        Rejected: UNKNOWN_USER, INVALID_ID, DEADLINE_PASSED, or NOT_IN_FORCE for a reference to be
            taken off that is not there.
    """
    user, until_us = _known_user(state, command.user), command.until_us
    _check_reference(command.reference)
    if until_us is None and command.reference not in user.blacklist:
        raise Rejected(RejectCode.NOT_IN_FORCE, "reference", command.reference)
    if until_us is not None and until_us <= journal.at_us:
        raise Rejected(RejectCode.DEADLINE_PASSED, "until_us", until_us, journal.at_us)

    journal.begin()
    journal.record(user, UserBlacklisted(command.reference, until_us))


def _known_user(state: VenueState, name: str) -> User:
    user = state.aggregates.get(f"user:{name}")
    if not isinstance(user, User):
        raise Rejected(RejectCode.UNKNOWN_USER, "user", name)
    return user


def _check_reference(reference: str) -> None:
    if not is_key(reference):
        raise Rejected(RejectCode.INVALID_ID, "reference")
