"""What can happen to a user."""

from exchange.kernel.events import Event


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


EVENTS: tuple[type[Event], ...] = (UserRegistered, AccountOpened, TradeGroupSet)
