"""What a woken order does to the book when its turn comes."""

from exchange.kernel.orders import (
    BUY,
    FOK,
    LIMIT,
    MARKET,
    EndReason,
    OrderTerms,
    TimeInForce,
)
from exchange.matching.accept import plan
from exchange.matching.book import Book
from exchange.matching.events import StopEntered
from exchange.matching.ladder import Order
from exchange.matching.plan import Plan


def enter(book: Book, order: Order, value_unit: int, lot: int, at_us: int) -> StopEntered:
    """The order enters at venue time ``at_us``. Pure; what it can't do ends it with a reason."""
    terms = entering_terms(order)
    if order.is_due(at_us):
        planned = Plan(stopped=EndReason.DEADLINE)
    else:
        planned = plan(book, order.account, terms, value_unit, lot, at_us, order.group)
        if terms.time_in_force is FOK and planned.filled != order.leaves:
            planned = Plan(stopped=EndReason.NOT_FILLABLE)
    left, ended = order.leaves - planned.filled - planned.prevented, planned.stopped
    if terms.budget is None and not left:
        ended = ended or EndReason.FILLED
    elif ended is None and order.terms.price is None:
        ended = EndReason.NO_LIQUIDITY
    elif ended is None and not terms.time_in_force.rests:
        ended = EndReason.IMMEDIATE
    trade = book.trade_count + 1 if planned.fills else 0
    left = 0 if ended is not None else left
    return StopEntered(order.number, trade, planned.fills, planned.met, left, ended)


def entering_terms(order: Order) -> OrderTerms:
    """The order as it comes in: a limit order, or one at market; a purchase has its bound."""
    asked, mode = order.terms, order.terms.self_trade
    if asked.price is not None:
        return OrderTerms(
            asked.side, LIMIT, order.price, order.leaves, asked.time_in_force, asked.post_only,
            mode, display=order.display,
        )  # fmt: skip
    if asked.budget is not None:
        return OrderTerms(asked.side, MARKET, None, None, self_trade=mode, budget=asked.budget)
    if asked.side is BUY:
        ioc = TimeInForce.IOC
        return OrderTerms(BUY, LIMIT, order.price, order.leaves, ioc, self_trade=mode)
    return OrderTerms(asked.side, MARKET, None, order.leaves, self_trade=mode)
