"""Every accepted order as it stands: its terms, what became of it, its place in the queue."""

import sqlite3
from collections.abc import Iterable, Mapping

import msgspec

from exchange.kernel.events import Event
from exchange.kernel.orders import CANCELLING, EndReason, Fill, Met, SelfTrade, Status
from exchange.matching.events import (
    OrderAccepted,
    OrderAmended,
    OrderListAccepted,
    OrderReduced,
    OrdersCancelled,
    StopEntered,
    StopsTriggered,
)
from exchange.projections.bulk import Bulk, Script
from exchange.projections.markets import Markets
from exchange.projections.moment import Handler, Now

SYMBOL = len("book:")
NEW, PARTIALLY_FILLED = Status.NEW.value, Status.PARTIALLY_FILLED.value
FILLED, CANCELED, EXPIRED = Status.FILLED.value, Status.CANCELED.value, Status.EXPIRED.value
UNTRIGGERED, TRIGGERED = Status.UNTRIGGERED.value, Status.TRIGGERED.value
FINISHED = frozenset({EndReason.FILLED, EndReason.BUDGET_SPENT})


class Row(msgspec.Struct, array_like=True, gc=False):
    """A row of ``orders``; ``filled_value`` in quote units."""

    filled_value: int
    symbol: str
    number: int
    account: str
    side: str
    type: str
    time_in_force: str
    post_only: bool
    self_trade: str
    leaves: int
    shown: int
    arrival: int
    filled: int
    prevented: int
    status: str
    rulebook_version: int
    created_position: int
    created_us: int
    updated_position: int
    updated_us: int
    client_order_id: str | None
    price: int | None
    quantity: int | None
    budget: str | None
    display: int | None
    trigger: int | None
    bound: int | None
    deadline_us: int | None
    other_number: int | None
    reason: str | None


COLUMNS = Row.__struct_fields__
FIXED = (
    "account", "side", "type", "time_in_force", "post_only", "self_trade", "client_order_id",
    "budget", "created_position", "created_us",
)  # fmt: skip
"""Never changed by an event."""


class OpenOrders:
    """The orders of one market that may still change."""

    __slots__ = ("arrival_count", "changed", "rows", "symbol", "value_unit")

    def __init__(self, symbol: str, value_unit: int) -> None:
        self.symbol = symbol
        self.value_unit = value_unit
        self.rows: dict[int, Row] = {}  # number -> open order
        self.changed: dict[int, Row] = {}  # number -> what is to be written
        self.arrival_count = 0  # how often an order has joined a queue


class Orders:
    """Follows streams ``book:<symbol>``. Open orders stay in memory, as in the venue's book."""

    def __init__(self, markets: Markets) -> None:
        self._markets = markets
        self._books: dict[str, OpenOrders] = {}  # stream -> its open orders
        self._bulk = Bulk(
            "orders", COLUMNS, key=("symbol", "number"), fixed=FIXED, amounts=("filled_value",)
        )
        self._queues = Bulk("queues", ("symbol", "arrivals"), key=("symbol",))

    def handlers(self) -> Mapping[type[Event], Handler]:
        """All that happens to a book."""
        return {
            OrderAccepted: self._accept,
            OrderListAccepted: self._accept_list,
            OrderReduced: self._reduce,
            OrderAmended: self._amend,
            StopsTriggered: self._trigger,
            StopEntered: self._enter,
            OrdersCancelled: self._cancel,
        }

    def load(self, connection: sqlite3.Connection) -> None:
        """The open orders, and how often one has joined a queue."""
        columns = ",".join(COLUMNS)
        query = f"SELECT {columns} FROM orders WHERE reason IS NULL"  # noqa: S608 - our names
        for values in connection.execute(query):
            row = Row(*values)
            row.filled_value = int(row.filled_value)
            self._book(f"book:{row.symbol}").rows[row.number] = row
        for symbol, arrivals in connection.execute("SELECT symbol, arrivals FROM queues"):
            self._book(f"book:{symbol}").arrival_count = arrivals

    def flush(self, script: Script) -> None:
        """Write each order that changed, once."""
        for book in self._books.values():
            if book.changed:
                self._bulk.rows += book.changed.values()
                self._queues.rows.append((book.symbol, book.arrival_count))
        self._bulk.flush(script)
        self._queues.flush(script)
        for book in self._books.values():
            book.changed.clear()

    def _book(self, stream: str) -> OpenOrders:
        book = self._books.get(stream)
        if book is None:
            symbol = stream[SYMBOL:]
            book = OpenOrders(symbol, self._markets.rules[symbol].value_unit)
            self._books[stream] = book
        return book

    def _accept(self, stream: str, event: OrderAccepted, now: Now) -> None:
        book = self._books.get(stream) or self._book(stream)
        terms, number, position, at_us = event.terms, event.number, now.position, now.at_us
        leaves, display = event.leaves, terms.display
        row = Row(
            0, book.symbol, number, event.account, terms.side._value_, terms.type._value_,
            terms.time_in_force._value_, terms.post_only, terms.self_trade._value_, leaves,
            leaves, 0, 0, 0, NEW, now.rulebook_version, position, at_us, position, at_us,
            terms.client_order_id, terms.price, terms.quantity,
            None if terms.budget is None else str(terms.budget), display, terms.trigger,
            event.bound, event.deadline_us, None, None,
        )  # fmt: skip
        book.changed[number] = row
        if event.fills or event.met:
            self._take(book, row, event, now)
        if event.ended is not None:
            _end(row, event.ended)
            return
        if terms.trigger is not None:
            row.status = UNTRIGGERED
        elif row.filled:
            row.status = PARTIALLY_FILLED
        book.rows[number] = row
        row.arrival = book.arrival_count = book.arrival_count + 1
        if display is not None and terms.trigger is None:
            row.shown = min(display, leaves)

    def _accept_list(self, stream: str, event: OrderListAccepted, now: Now) -> None:
        for accepted in event.orders:
            self._accept(stream, accepted, now)
        first, second = (self._books[stream].rows[it.number] for it in event.orders)
        first.other_number, second.other_number = second.number, first.number

    def _take(
        self,
        book: OpenOrders,
        taker: Row,
        event: OrderAccepted | OrderAmended | StopEntered,
        now: Now,
    ) -> None:
        """An incoming order trades and meets others; its own leaves are set by the caller."""
        self._fill_makers(book, event.fills, now)
        for fill in event.fills:
            taker.filled += fill.quantity
            taker.filled_value += fill.price * fill.quantity * book.value_unit
        if event.met:
            decrement = taker.self_trade == SelfTrade.DECREMENT.value
            taker.prevented += self._meet(book, event.met, now, decrement=decrement)

    def _fill_makers(self, book: OpenOrders, fills: Iterable[Fill], now: Now) -> None:
        rows, changed, unit = book.rows, book.changed, book.value_unit
        for fill in fills:
            number, quantity = fill.maker, fill.quantity
            row = changed[number] = rows[number]
            row.filled += quantity
            row.filled_value += fill.price * quantity * unit
            row.leaves -= quantity
            row.updated_position, row.updated_us = now.position, now.at_us
            if fill.last:
                row.shown, row.status, row.reason = 0, FILLED, "filled"
                del rows[number]
                continue
            row.status = PARTIALLY_FILLED
            row.shown -= quantity
            if not row.shown:  # an iceberg: the next slice joins the back of the queue
                row.shown = min(row.display or 0, row.leaves)
                row.arrival = book.arrival_count = book.arrival_count + 1

    def _meet(self, book: OpenOrders, met: Iterable[Met], now: Now, *, decrement: bool) -> int:
        """Orders that a taker met; the quantity that self-trade prevention took off both."""
        prevented = 0
        for it in met:
            row = self._touch(book, it.maker, now)
            if decrement and it.reason is EndReason.SELF_TRADE:
                prevented += it.quantity
                row.prevented += it.quantity
                _cut(row, it.quantity)
            if it.last:
                del book.rows[it.maker]
                _end(row, it.reason)
        return prevented

    def _touch(self, book: OpenOrders, number: int, now: Now) -> Row:
        """The open order, to be written again."""
        row = book.changed[number] = book.rows[number]
        row.updated_position, row.updated_us = now.position, now.at_us
        return row

    def _reduce(self, stream: str, event: OrderReduced, now: Now) -> None:
        row = self._touch(self._book(stream), event.number, now)
        if row.quantity is not None:
            row.quantity -= event.quantity
        _cut(row, event.quantity)

    def _trigger(self, stream: str, event: StopsTriggered, now: Now) -> None:
        book = self._book(stream)
        for number in event.numbers:
            self._touch(book, number, now).status = TRIGGERED

    def _cancel(self, stream: str, event: OrdersCancelled, now: Now) -> None:
        book = self._book(stream)
        for number in event.numbers:
            _end(self._touch(book, number, now), event.reason)
            del book.rows[number]

    def _enter(self, stream: str, event: StopEntered, now: Now) -> None:
        """A woken order enters the book."""
        book = self._book(stream)
        row = self._touch(book, event.number, now)
        del book.rows[event.number]
        self._take(book, row, event, now)
        self._stand(book, row, event.leaves, event.ended)

    def _amend(self, stream: str, event: OrderAmended, now: Now) -> None:
        book = self._book(stream)
        row = self._touch(book, event.number, now)
        row.rulebook_version, row.deadline_us = now.rulebook_version, event.deadline_us
        if row.status in {UNTRIGGERED, TRIGGERED}:
            _amend_sleeping(book, row, event)
            return
        row.price, row.quantity = event.price, event.quantity
        if event.entered:
            row.display = event.display
            del book.rows[event.number]
            self._take(book, row, event, now)
            self._stand(book, row, event.leaves, event.ended)
            return
        _cut(row, row.leaves - event.leaves)
        row.display = event.display
        row.shown = row.leaves if event.display is None else min(event.display, row.shown)

    def _stand(self, book: OpenOrders, row: Row, leaves: int, ended: EndReason | None) -> None:
        """What has come in anew ends, or joins the back of the queue at its price."""
        row.leaves = leaves
        if ended is not None:
            _end(row, ended)
            return
        row.status = PARTIALLY_FILLED if row.filled else NEW
        row.shown = leaves if row.display is None else min(row.display, leaves)
        row.arrival = book.arrival_count = book.arrival_count + 1
        book.rows[row.number] = row


def _amend_sleeping(book: OpenOrders, row: Row, event: OrderAmended) -> None:
    """A new trigger puts a sleeping order to the back."""
    if row.bound is None:
        row.price = event.price or None
    else:
        row.bound = event.price
    if row.budget is None:
        row.quantity = event.quantity
    row.display, row.trigger = event.display, event.trigger
    row.leaves = row.shown = event.leaves
    if event.entered:
        row.arrival = book.arrival_count = book.arrival_count + 1


def _cut(row: Row, quantity: int) -> None:
    """Take off ``quantity`` in place: of an iceberg the hidden part first."""
    row.leaves -= quantity
    row.shown = row.leaves if row.display is None else min(row.shown, row.leaves)


def _end(row: Row, reason: EndReason) -> None:
    """The order is no longer open."""
    row.leaves = row.shown = 0
    row.reason = reason._value_
    if reason in FINISHED and row.filled:
        row.status = FILLED
    else:
        row.status = CANCELED if reason in CANCELLING else EXPIRED
