"""Open orders, the queues that they wait in, and the levels of each side of a book."""

import msgspec
from sortedcontainers import SortedList

from exchange.kernel.orders import BUY, OrderTerms, Side


class Odd(msgspec.Struct, gc=False):
    """What most orders don't have: a part that is hidden, a time after which they don't trade."""

    display: int | None  # an iceberg shows so much at a time
    shown: int  # of an iceberg's leaves
    deadline_us: int | None
    trigger: int | None = None  # while it sleeps, or waits to enter


class Order(msgspec.Struct, gc=False):
    """An open order: a node of its level's queue.

    The collector does not track nodes, so the links of one that leaves must be cut: a
    forgotten link is a leak that no hash of the book shows.
    """

    number: int
    account: str
    group: str  # its trade group; the account where it has none
    terms: OrderTerms  # as submitted
    side: Side
    price: int  # price units
    quantity: int  # quantity units, less reductions
    leaves: int
    arrival: int  # rises along a queue
    odd: Odd | None = None
    level: "Level | None" = None
    prev: "Order | None" = None
    next: "Order | None" = None

    @property
    def display(self) -> int | None:
        """Of an iceberg: so much is shown at a time."""
        return None if self.odd is None else self.odd.display

    @property
    def deadline_us(self) -> int | None:
        """The venue time from which it can't trade, if any."""
        return None if self.odd is None else self.odd.deadline_us

    def is_due(self, at_us: int) -> bool:
        """Whether its deadline has come by venue time ``at_us``."""
        return self.odd is not None and (
            self.odd.deadline_us is not None and self.odd.deadline_us <= at_us
        )

    @property
    def trigger(self) -> int | None:
        """The price of a print that wakes it, while it waits for one or to enter."""
        return None if self.odd is None else self.odd.trigger

    @property
    def shown(self) -> int:
        """What the book shows of it."""
        return self.leaves if self.odd is None or self.odd.display is None else self.odd.shown


def shared(order: Order, other: Order) -> int:
    """What an order that ends leaves to the other of its list, which it was held for as well.

    In price units × quantity units where they buy, else in quantity units. One of them may have
    traded since, but not the one that ends.
    """
    if order.side is BUY:
        return min(order.price, other.price) * order.leaves
    return order.leaves


class Level(msgspec.Struct, gc=False):
    """The queue at one price, first in at ``head``; O(1) to join and to leave."""

    key: int
    price: int
    quantity: int = 0  # sum of what is shown
    head: Order | None = None
    tail: Order | None = None


class Ladder:
    """One side's levels. Keys are signed so that on both sides the best is the greatest."""

    __slots__ = ("best", "keys", "levels", "sign")

    def __init__(self, sign: int) -> None:
        self.sign = sign  # bids +1, asks -1
        self.levels: dict[int, Level] = {}  # sign × price -> level, never an empty one
        self.keys: SortedList[int] = SortedList()
        self.best: Level | None = None

    def open(self, key: int) -> Level:
        """A new level: O(log levels)."""
        level = self.levels[key] = Level(key, self.sign * key)
        self.keys.add(key)
        if self.best is None or key > self.best.key:
            self.best = level
        return level

    def drop(self, level: Level) -> None:
        """Forget an empty level: O(1) for the best one, else O(log levels)."""
        del self.levels[level.key]
        if level is not self.best:
            self.keys.remove(level.key)
            return
        self.keys.pop()
        self.best = self.levels[self.keys[-1]] if self.levels else None
