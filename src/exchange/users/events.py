"""What can happen to a user."""

from exchange.kernel.events import Event
from exchange.kernel.roles import Role


class UserRegistered(Event, frozen=True):
    """A user exists; who that is stays outside the log."""

    TOPIC = "users.UserRegistered.v1"


class AccountOpened(Event, frozen=True):
    """The user owns one more account."""

    TOPIC = "users.AccountOpened.v1"
    account: str


class TradeGroupSet(Event, frozen=True):
    """New orders of the account don't trade with those of the group; null: with its own only."""

    TOPIC = "users.TradeGroupSet.v1"
    account: str
    group: str | None


class AccountTierSet(Event, frozen=True):
    """Fills of the account cost what its tier pays; null: what each market asks of all."""

    TOPIC = "users.AccountTierSet.v1"
    account: str
    tier: str | None


class RoleGranted(Event, frozen=True):
    """The user may act in a further role."""

    TOPIC = "users.RoleGranted.v1"
    role: Role


class RoleRevoked(Event, frozen=True):
    """The user may not act in that role any more."""

    TOPIC = "users.RoleRevoked.v1"
    role: Role


class UserSuspended(Event, frozen=True):
    """As a trader the user can cancel and reduce, nothing else; why stands at the reference."""

    TOPIC = "users.UserSuspended.v1"
    reference: str


class UserReinstated(Event, frozen=True):
    """The suspension is over."""

    TOPIC = "users.UserReinstated.v1"
    reference: str


class UserBlacklisted(Event, frozen=True):
    """As if suspended before that venue time; null: the reference counts no more."""

    TOPIC = "users.UserBlacklisted.v1"
    reference: str
    until_us: int | None


class AccountKilled(Event, frozen=True):
    """No new orders and no amends of the account, whoever gives them."""

    TOPIC = "users.AccountKilled.v1"
    account: str
    reason: str


class AccountReleased(Event, frozen=True):
    """The account's kill switch is back."""

    TOPIC = "users.AccountReleased.v1"
    account: str
    reason: str


EVENTS: tuple[type[Event], ...] = (
    UserRegistered,
    AccountOpened,
    TradeGroupSet,
    AccountTierSet,
    RoleGranted,
    RoleRevoked,
    UserSuspended,
    UserReinstated,
    UserBlacklisted,
    AccountKilled,
    AccountReleased,
)
