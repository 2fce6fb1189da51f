"""How does a workload drive a book, and what must come of it?

One symbol, no funds, no store: a validated command goes in, the book's decision comes out as
an event, and the book has followed it.
"""

import array
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
from msgspec.structs import astuple

from exchange.bench.workload import COLUMNS
from exchange.kernel.orders import GTC, LIMIT, EndReason, Fill, OrderTerms, Side, TimeInForce
from exchange.matching.accept import accept, plan
from exchange.matching.book import Book
from exchange.matching.events import BookEvent, OrderAccepted, OrderReduced, OrdersCancelled
from exchange.matching.ladder import Order
from exchange.orders.commands import CancelOrder, PlaceOrder

SYMBOL = "BENCH"
SIDES = (Side.BUY, Side.SELL)
CANCELLED, IOC = EndReason.CANCELLED, TimeInForce.IOC
HASH_MASK = (1 << 64) - 1

ACCOUNTS = tuple([f"{side.value}er-{n}" for n in range(50)] for side in SIDES)
"""Side -> its accounts. Nobody is on both sides, so that nobody meets an own order."""

CHUNK_COMMANDS = 500
"""Prepared, timed and checked at a time: about a batch of the venue."""


class ReduceTo(msgspec.Struct, frozen=True, gc=False):
    """Leave ``leaves`` of an order, which keeps its place."""

    account: str
    number: int
    leaves: int


class Replace(msgspec.Struct, frozen=True, gc=False):
    """Cancel an order and place another: one command."""

    cancel: CancelOrder
    place: PlaceOrder


Step = PlaceOrder | CancelOrder | ReduceTo | Replace


def chunks(rows: "array.array[int]", first: int = 0) -> Iterator[list[Step]]:
    """The commands from row ``first`` on, ``CHUNK_COMMANDS`` at a time."""
    size = CHUNK_COMMANDS * COLUMNS
    for start in range(first * COLUMNS, len(rows), size):
        numbers = iter(rows[start : start + size])
        yield [_step(*row) for row in zip(*[numbers] * COLUMNS, strict=True)]


def _step(op: int, side: int, order: int, price: int, quantity: int, old: int) -> Step:
    account = _account(side, order)
    match op:
        case 1:
            return CancelOrder(account, SYMBOL, order)
        case 3:
            return ReduceTo(account, order, quantity)
    terms = OrderTerms(SIDES[side], LIMIT, price, quantity, IOC if op == 2 else GTC)  # noqa: PLR2004 - as the workload numbers them
    place = PlaceOrder(account, SYMBOL, terms)
    if op == 4:  # noqa: PLR2004
        return Replace(CancelOrder(_account(side, old), SYMBOL, old), place)
    return place


def _account(side: int, order: int) -> str:
    accounts = ACCOUNTS[side]
    return accounts[order % len(accounts)]


def run(book: Book, steps: Iterable[Step]) -> list[BookEvent]:
    """Decide each command and let ``book`` follow; the events, in order."""
    events: list[BookEvent] = []
    out, evolve = events.append, book.evolve
    event: BookEvent
    for step in steps:
        if isinstance(step, PlaceOrder):
            event = _place(book, step)
        elif isinstance(step, CancelOrder):
            event = _cancel(book, step)
        elif isinstance(step, ReduceTo):
            event = _reduce(book, step)
        else:
            event = _cancel(book, step.cancel)
            evolve(event)
            out(event)
            event = _place(book, step.place)
        evolve(event)
        out(event)
    return events


def _place(book: Book, command: PlaceOrder) -> OrderAccepted:
    account, terms = command.account, command.terms
    return accept(book, account, terms, plan(book, account, terms, 1, 1))


def _cancel(book: Book, command: CancelOrder) -> OrdersCancelled:
    assert command.number is not None  # noqa: S101 - for the type checker: ``_step`` names it
    return OrdersCancelled((_find(book, command.account, command.number).number,), CANCELLED)


def _reduce(book: Book, command: ReduceTo) -> OrderReduced:
    order = _find(book, command.account, command.number)
    return OrderReduced(order.number, order.leaves - command.leaves)


def _find(book: Book, account: str, number: int) -> Order:
    """The account's open order.

    Raises:
        LookupError: there is none, so this book and the workload's have parted.
    """
    order = book.orders.get(number)
    if order is None or order.account != account:
        raise LookupError(f"{account} has no open order {number}")
    return order


Recipe = tuple[Any, ...]
"""An event's type and its fields; fills as bare tuples."""


def recipes(events: Iterable[BookEvent]) -> list[Recipe]:
    """What it takes to build the events again."""
    return [
        (
            OrderAccepted,
            event.number, event.account, event.terms, event.trade,
            [astuple(fill) for fill in event.fills], event.leaves, event.ended,
        )
        if isinstance(event, OrderAccepted)
        else (type(event), *astuple(event))
        for event in events
    ]  # fmt: skip


def build(ingredients: Iterable[Recipe]) -> list[BookEvent]:
    """The events again, without a book: the least that any such loop must do."""
    events: list[BookEvent] = []
    out = events.append
    for kind, *fields in ingredients:
        if kind is OrderAccepted:
            number, account, terms, trade, fills, leaves, ended = fields
            made = tuple([Fill(*fill) for fill in fills]) if fills else ()
            out(OrderAccepted(number, account, terms, trade, made, leaves, ended))
        else:
            out(kind(*fields))
    return events


def fold_trades(before: int, events: Iterable[BookEvent]) -> int:
    """The hash of all trades so far: the generator's formula, 64 bits."""
    mixed = before
    for event in events:
        if isinstance(event, OrderAccepted):
            for fill in event.fills:
                trade = event.number * 31 + fill.maker * 17 + fill.price * 7 + fill.quantity
                mixed = (mixed * 1_000_003 + trade) & HASH_MASK
    return mixed


def fold_orders(book: Book) -> int:
    """The hash of the open orders, bids before asks, best price first, first come first."""
    mixed = 0
    for number, ladder in enumerate((book.bids, book.asks)):
        for key in reversed(ladder.keys):
            order = ladder.levels[key].head
            while order is not None:
                mark = order.number * 31 + order.leaves * 17 + order.price * 7 + number
                mixed = (mixed * 1_000_003 + mark) & HASH_MASK
                order = order.next
    return mixed
