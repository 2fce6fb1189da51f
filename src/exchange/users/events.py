"""What can happen to a user."""

from exchange.kernel.events import Event


class UserRegistered(Event, frozen=True):
    """A user exists; who that is stays outside the log."""

    TOPIC = "users.UserRegistered.v1"


class AccountOpened(Event, frozen=True):
    """The user owns one more account."""

    TOPIC = "users.AccountOpened.v1"
    account: str


EVENTS: tuple[type[Event], ...] = (UserRegistered, AccountOpened)
