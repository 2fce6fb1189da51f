"""A story in the making: the order's place, its totals, and the steps told so far."""

from collections.abc import Sequence
from typing import Any

from exchange.audit.explain.money import Bill, Posted, posted_by
from exchange.audit.explain.queue import Queue, better
from exchange.audit.explain.refused import cause_of
from exchange.audit.explain.story import AnyStep, Cause, Ended, Queued, Story
from exchange.audit.explain.units import Units
from exchange.kernel.events import Envelope
from exchange.kernel.ids import order_id
from exchange.kernel.orders import CANCELLING, EndReason, OrderTerms, Status
from exchange.matching.ladder import Order
from exchange.matching.sweep import blocking_price
from exchange.orders.records import CommandRecorded
from exchange.venue.answers import FINISHED
from exchange.venue.state import VenueState

STANDING = ("price", "display", "deadline_us", "trigger")


class Tale:
    """What is known of one order, from its command on; ``reason`` is null while it is open."""

    command: Sequence[Envelope]  # that is being told
    record: CommandRecorded
    cause: Cause
    entries: dict[str, Posted]
    account: str
    group: str  # its trade group; the account where it has none
    terms: OrderTerms  # as accepted
    total: int | None  # quantity units; null: a budget

    def __init__(self, state: VenueState, symbol: str, number: int) -> None:
        self.state, self.symbol, self.number = state, symbol, number
        self.name = order_id(symbol, number)
        self.units, self.room = Units(state, symbol), state.rooms[symbol]
        self.queue, self.bill = Queue(symbol, self.units), Bill(self.name, number, self.units)
        self.steps: list[AnyStep] = []
        self.later: list[AnyStep] = []  # told behind the trades of the same event
        self.arrival = 0  # when it joined the queue that it stands in
        self.taker = 0  # number of the order that took last
        self.prints: list[tuple[int, int]] = []  # trade and price of that one's fills
        self.partner: int | None = None  # the other order of its list
        self.filled = self.prevented = self.unfilled = 0  # quantity units
        self.reason: EndReason | None = None

    def begin(self, command: Sequence[Envelope], record: CommandRecorded) -> None:
        """Turn to the next command."""
        self.command, self.record = command, record
        self.cause, self.entries = cause_of(command[0], record), posted_by(command)

    @property
    def order(self) -> Order | None:
        """The order, while it is open."""
        return self.room.book.orders.get(self.number)

    def named(self, number: int) -> str:
        """Another order of the same book."""
        return order_id(self.symbol, number)

    def tell_later(self) -> None:
        """Tell what waited for the trades to be told."""
        self.steps += self.later
        self.later = []

    def look_at_place(self, position: int) -> None:
        """Where the order has joined a queue, or an iceberg the back of its own: who is ahead."""
        order = self.order
        if order is None or order.level is None or order.arrival == self.arrival:
            return
        self.arrival = order.arrival
        units, book, ahead = self.units, self.room.book, self.queue.join(order)
        best = blocking_price(book, order.side, self.record.at_us)
        before = better(book, order)
        self.later.append(
            Queued(
                position=position,
                cause=self.cause,
                price=units.price(order.price),
                leaves=units.quantity(order.leaves),
                shown=units.quantity(order.shown),
                best_opposite=None if best is None else units.price(best),
                better_orders=before.orders,
                better_quantity=units.quantity(before.quantity),
                ahead_orders=len(ahead),
                ahead_quantity=units.quantity(self.queue.now.quantity),
                ahead=ahead,
            )
        )

    def end(self, position: int, reason: EndReason, unfilled: int | None, why: str) -> None:
        """The order is over, with so much of it untraded (null: a budget's)."""
        self.reason = reason
        self.unfilled += unfilled or 0
        quantity = None if unfilled is None else self.units.quantity(unfilled)
        self.later.append(
            Ended(
                position=position, cause=self.cause, reason=reason.value, quantity=quantity, why=why
            )
        )

    def story(self) -> Story:
        """All that was told so far."""
        order, units = self.order, self.units
        standing = order is not None and order.level is not None
        ahead = self.queue.now if standing else None
        return Story(
            order=self.name,
            symbol=self.symbol,
            account=self.account,
            status=self._status(order).value,
            reason=None if self.reason is None else self.reason.value,
            quantity=None if self.total is None else units.quantity(self.total),
            filled=units.quantity(self.filled),
            prevented=units.quantity(self.prevented),
            open=units.quantity(0 if order is None else order.leaves),
            ended=units.quantity(self.unfilled),
            now={} if order is None else _now(order, units),
            fees={asset: units.amount(asset, fee) for asset, fee in self.bill.fees.items()},
            ahead_orders=None if ahead is None else ahead.orders,
            ahead_quantity=None if ahead is None else units.quantity(ahead.quantity),
            position=self.command[-1].position,
            at_us=self.record.at_us,
            steps=self.steps,
        )

    def _status(self, order: Order | None) -> Status:
        if order is None:
            if self.reason in FINISHED and self.filled:
                return Status.FILLED
            return Status.CANCELED if self.reason in CANCELLING else Status.EXPIRED
        if order.level is None:
            woken = self.number in self.room.book.stops.woken
            return Status.TRIGGERED if woken else Status.UNTRIGGERED
        return Status.PARTIALLY_FILLED if self.filled else Status.NEW


def _now(order: Order, units: Units) -> dict[str, Any]:
    """The fields of an open order that amends may have changed."""
    fields = {name: getattr(order, name) for name in STANDING}
    return {
        name.removesuffix("_us"): units.field(name, value)
        for name, value in fields.items()
        if value is not None
    }
