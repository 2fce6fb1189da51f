"""From a plan to the event that says what the book did with an order."""

from exchange.kernel.orders import GTC, EndReason, OrderTerms
from exchange.matching.book import Book
from exchange.matching.events import OrderAccepted
from exchange.matching.plan import Plan, plan_budget, plan_quantity

FILLED = EndReason.FILLED


def plan(book: Book, account: str, terms: OrderTerms, value_unit: int, lot: int) -> Plan:
    """What the order would do now. Pure; the terms are valid. Units as in ``plan_budget``."""
    if terms.budget is not None:
        return plan_budget(book, terms.side, account, terms.budget, value_unit, lot)
    assert terms.quantity is not None  # noqa: S101 - for the type checker: there is no budget
    return plan_quantity(book, terms.side, account, terms.quantity, terms.price)


def accept(book: Book, account: str, terms: OrderTerms, planned: Plan) -> OrderAccepted:
    """The next order of ``book``, with the fills of its plan; nothing here can refuse."""
    quantity, leaves, ended = terms.quantity, 0, planned.stopped
    if planned.filled == quantity:
        ended = FILLED
    elif ended is None:
        if terms.time_in_force is GTC:
            leaves = quantity - planned.filled  # type: ignore[operator]  # a budget's plan stops
        else:
            ended = EndReason.IMMEDIATE
    return OrderAccepted(
        book.order_count + 1,
        account,
        terms,
        book.trade_count + 1 if planned.fills else 0,
        planned.fills,
        leaves,
        ended,
    )
