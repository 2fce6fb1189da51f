"""What can happen to a book."""

from exchange.kernel.events import Event
from exchange.kernel.orders import EndReason, Fill, Met, OrderTerms


class OrderAccepted(Event, frozen=True):
    """An order entered the book: what it traded at once, and what became of the rest.

    ``number`` counts the book's accepted orders, ``trade`` is the number of the first fill
    (0 without fills; the others follow), ``ended`` is null while ``leaves`` rests. ``met`` are
    orders that it met and did not trade with, in order.
    """

    TOPIC = "matching.OrderAccepted.v1"
    number: int
    account: str
    terms: OrderTerms
    trade: int
    fills: tuple[Fill, ...]
    leaves: int  # quantity units that rest at the price of the terms
    ended: EndReason | None
    met: tuple[Met, ...] = ()
    group: str | None = None  # trade group; null: the account alone
    deadline_us: int | None = None  # venue time from which the order can't trade
    bound: int | None = None  # price units: the most that a buy stop by quantity will pay


class OrderListAccepted(Event, frozen=True):
    """Two orders entered of which one will cancel the other: they share what they hold.

    They are numbered and have arrived in this order, and wait: neither has fills or has ended.
    """

    TOPIC = "matching.OrderListAccepted.v1"
    orders: tuple[OrderAccepted, OrderAccepted]


class OrderReduced(Event, frozen=True):
    """An open order lost ``quantity`` and kept its place; something is left of it."""

    TOPIC = "matching.OrderReduced.v1"
    number: int
    quantity: int


class OrderAmended(Event, frozen=True):
    """An open order changed: in its place, or (``entered``) out and in again.

    One that entered may have traded, as in ``OrderAccepted``. ``quantity`` is the new total,
    ``leaves`` what is open of it after that.
    """

    TOPIC = "matching.OrderAmended.v1"
    number: int
    price: int
    quantity: int
    display: int | None
    deadline_us: int | None
    entered: bool
    trade: int
    fills: tuple[Fill, ...]
    met: tuple[Met, ...]
    leaves: int
    ended: EndReason | None
    trigger: int | None = None  # of an order that sleeps on


class StopsTriggered(Event, frozen=True):
    """Prints have woken sleeping orders, which will enter the book in this order."""

    TOPIC = "matching.StopsTriggered.v1"
    numbers: tuple[int, ...]


class StopEntered(Event, frozen=True):
    """The first of the woken orders entered the book; fields as in ``OrderAccepted``."""

    TOPIC = "matching.StopEntered.v1"
    number: int
    trade: int
    fills: tuple[Fill, ...]
    met: tuple[Met, ...]
    leaves: int
    ended: EndReason | None


class OrdersCancelled(Event, frozen=True):
    """Open orders left the book, in this order."""

    TOPIC = "matching.OrdersCancelled.v1"
    numbers: tuple[int, ...]
    reason: EndReason


BookEvent = (
    OrderAccepted
    | OrderListAccepted
    | OrderReduced
    | OrderAmended
    | StopsTriggered
    | StopEntered
    | OrdersCancelled
)
EVENTS: tuple[type[Event], ...] = (
    OrderAccepted,
    OrderListAccepted,
    OrderReduced,
    OrderAmended,
    StopsTriggered,
    StopEntered,
    OrdersCancelled,
)
