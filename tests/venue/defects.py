"""Defects put into the book: what the venue does when recording a command fails."""

from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

from exchange.kernel.events import Event
from exchange.kernel.orders import OrderTerms, OrderType, Side
from exchange.matching.book import Book
from exchange.matching.events import OrderAccepted, OrdersCancelled
from exchange.orders.commands import PlaceOrder, Request, Role

FAULTY, LAWLESS = 700, 800
"""From these quantities on an order makes the book fail, or count wrongly; each up to 99 more."""


def faulty(number: int = 0, key: str | None = None, actor: str = "ada") -> Request:
    """An order that the broken book can't follow."""
    return _bid(FAULTY + number, key or f"faulty-{number}", actor)


def lawless(number: int = 0, key: str | None = None) -> Request:
    """An order after which the broken book and the ledger disagree."""
    return _bid(LAWLESS + number, key or f"lawless-{number}", "ada")


def _bid(quantity: int, key: str, actor: str) -> Request:
    terms = OrderTerms(Side.BUY, OrderType.LIMIT, 1, quantity)
    return Request(PlaceOrder("ada", "BTC-USD", terms), actor, Role.TRADER, key)


@contextmanager
def broken_book(*, sweeps: bool = False) -> Iterator[None]:
    """A book that fails at those orders; with ``sweeps`` at each end of an order, too."""
    evolve = Book.evolve

    def broken(book: Book, event: Event) -> None:
        quantity = event.terms.quantity if isinstance(event, OrderAccepted) else None
        kind = (quantity or 0) // 100 * 100
        if kind == FAULTY or (sweeps and isinstance(event, OrdersCancelled)):
            raise ZeroDivisionError
        evolve(book, event)
        if kind == LAWLESS:
            book.held_value += 1

    with patch.object(Book, "evolve", broken):
        yield
