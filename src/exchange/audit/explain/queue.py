"""Who stands before an order in its queue, and what becomes of each of them."""

from collections.abc import Iterable
from typing import NamedTuple

from exchange.audit.explain.story import Ahead, Gone
from exchange.audit.explain.units import Units
from exchange.kernel.events import Event
from exchange.kernel.ids import order_id
from exchange.kernel.orders import BUY, Fill, Met
from exchange.matching.book import Book
from exchange.matching.events import (
    OrderAccepted,
    OrderAmended,
    OrderListAccepted,
    OrderReduced,
    OrdersCancelled,
    StopEntered,
)
from exchange.matching.ladder import Order


class Ranks(NamedTuple):
    """How many orders, and how much they show."""

    orders: int
    quantity: int


class Place(NamedTuple):
    """Somebody's place before ours: what is left of it, and since when it is there."""

    told: Ahead
    left: int
    arrival: int


class Queue:
    """The places before one order, from when it has joined the queue last."""

    def __init__(self, symbol: str, units: Units) -> None:
        self._symbol, self._units = symbol, units
        self._places: dict[int, Place] = {}  # order number -> its place, while it has that

    def join(self, order: Order) -> list[Ahead]:
        """Those ahead of an order that has just joined, first come first."""
        self._places = {}
        each = order.prev
        found = []
        while each is not None:
            found.append(each)
            each = each.prev
        for it in reversed(found):
            told = Ahead(self._name(it.number), it.account, self._units.quantity(it.shown))
            self._places[it.number] = Place(told, it.shown, it.arrival)
        return [place.told for place in self._places.values()]

    @property
    def now(self) -> Ranks:
        """What is still ahead."""
        return Ranks(len(self._places), sum(place.left for place in self._places.values()))

    def follow(self, book: Book, event: Event, position: int, at_us: int, actor: str) -> None:
        """Note what an event that ``book`` has followed took off the places ahead."""
        if not self._places:
            return
        for number, how, by in _touched(event):
            place = self._places.get(number)
            if place is None:
                continue
            order = book.orders.get(number)
            stays = order is not None and order.arrival == place.arrival
            left = order.shown if order is not None and stays else 0
            if left < place.left:
                quantity = self._units.quantity(place.left - left)
                taker = actor if by is None else self._name(by)
                place.told.gone.append(Gone(position, at_us, how, quantity, taker))
            if stays:
                self._places[number] = place._replace(left=left)
            else:
                del self._places[number]

    def _name(self, number: int) -> str:
        return order_id(self._symbol, number)


def better(book: Book, order: Order) -> Ranks:
    """Those on the order's own side at better prices."""
    ladder, count, quantity = book.bids if order.side is BUY else book.asks, 0, 0
    for key in reversed(ladder.keys):
        level = ladder.levels[key]
        if level is order.level:
            break
        quantity += level.quantity
        each = level.head
        while each is not None:
            count, each = count + 1, each.next
    return Ranks(count, quantity)


def _touched(event: Event) -> Iterable[tuple[int, str, int | None]]:
    """Number of each resting order that the event changes, how, and the taker if there is one."""
    match event:
        case OrderListAccepted(orders=orders):
            for accepted in orders:
                yield from _taken(accepted.number, accepted.fills, accepted.met)
        case OrderAccepted() | StopEntered():
            yield from _taken(event.number, event.fills, event.met)
        case OrderAmended():
            yield from _taken(event.number, event.fills, event.met)
            yield event.number, "amended", None
        case OrderReduced():
            yield event.number, "reduced", None
        case OrdersCancelled():
            for number in event.numbers:
                yield number, event.reason.value, None


def _taken(
    taker: int, fills: Iterable[Fill], met: Iterable[Met]
) -> Iterable[tuple[int, str, int | None]]:
    for fill in fills:
        yield fill.maker, "filled", taker
    for it in met:
        yield it.maker, it.reason.value, taker
