"""What a change of an open order does to it and to the book."""

from msgspec.structs import replace

from exchange.kernel.instruments import Instrument
from exchange.kernel.orders import EndReason, OrderTerms
from exchange.matching.accept import plan
from exchange.matching.book import Book
from exchange.matching.events import OrderAmended
from exchange.matching.ladder import Order


def amend(
    book: Book, order: Order, terms: OrderTerms, leaves: int, rules: Instrument, at_us: int
) -> OrderAmended:
    """The order with changed ``terms``, of which ``leaves`` are open. Pure; nothing can refuse.

    It keeps its place unless its price changes, or its quantity or what it shows grows; else it
    is planned as one that comes in.
    """
    assert terms.price is not None  # noqa: S101 - for the type checker: only limits rest
    assert terms.quantity is not None  # noqa: S101
    deadline_us = order.deadline_us if terms.deadline_us is None else terms.deadline_us
    fixed = (order.number, terms.price, terms.quantity, terms.display, deadline_us)
    shows_more = order.display is not None and (terms.display or 0) > order.display
    if terms.price == order.price and terms.quantity <= order.quantity and not shows_more:
        return OrderAmended(*fixed, False, 0, (), (), leaves, None)
    open_terms = replace(terms, quantity=leaves)
    planned = plan(book, order.account, open_terms, rules.value_unit, rules.lot, at_us, order.group)
    left, ended = leaves - planned.filled - planned.prevented, planned.stopped
    if not left:
        ended = ended or EndReason.FILLED
    trade = book.trade_count + 1 if planned.fills else 0
    left = 0 if ended else left
    return OrderAmended(*fixed, True, trade, planned.fills, planned.met, left, ended)
