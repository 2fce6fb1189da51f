"""From an order to its plan, and from that to the event that says what the book did."""

from exchange.kernel.orders import BUY, GTC, EndReason, OrderTerms, SelfTrade
from exchange.matching.book import Book
from exchange.matching.events import OrderAccepted
from exchange.matching.plan import NOTHING, Plan, plan_budget, plan_quantity
from exchange.matching.sweep import plan_passive, plan_sweep

EXPIRE_TAKER, FILLED = SelfTrade.EXPIRE_TAKER, EndReason.FILLED


def plan(
    book: Book,
    account: str,
    terms: OrderTerms,
    value_unit: int,
    lot: int,
    at_us: int = 0,
    group: str | None = None,
) -> Plan:
    """What the order would do at venue time ``at_us``.

    Pure; the terms are valid. Units as in ``plan_budget``; ``group`` is a ``group_key``.
    """
    price = terms.price
    if price is not None:  # Most find nobody in their reach, whoever they are.
        if terms.side is BUY:
            best = book.asks.best
            if best is None or best.price > price:
                return NOTHING
        else:
            best = book.bids.best
            if best is None or best.price < price:
                return NOTHING
    if terms.post_only:
        return plan_passive(book, terms, at_us)
    key = account if group is None else group
    if book.odd_count or key != account or terms.self_trade is not EXPIRE_TAKER:
        return plan_sweep(book, terms, account, key, at_us, value_unit, lot)
    if terms.budget is not None:
        return plan_budget(book, terms.side, account, terms.budget, value_unit, lot)
    assert terms.quantity is not None  # noqa: S101 - for the type checker: there is no budget
    return plan_quantity(book, terms.side, account, terms.quantity, price)


def accept(
    book: Book,
    account: str,
    terms: OrderTerms,
    planned: Plan,
    group: str | None = None,
    deadline_us: int | None = None,
) -> OrderAccepted:
    """The next order of ``book``, with the fills of its plan; nothing here can refuse."""
    lasting = terms.time_in_force
    if planned is NOTHING and lasting is GTC and group is None and deadline_us is None:
        return OrderAccepted(book.order_count + 1, account, terms, 0, (), terms.quantity, None)  # type: ignore[arg-type]  # a limit
    quantity, filled, leaves, ended = terms.quantity, planned.filled, 0, planned.stopped
    if filled == quantity:
        ended = FILLED
    elif planned.prevented and filled + planned.prevented == quantity:
        ended = ended or FILLED
    elif ended is None:
        if lasting.rests:
            leaves = quantity - filled - planned.prevented  # type: ignore[operator]  # a budget's plan stops
        else:
            ended = EndReason.IMMEDIATE
    number, fills, met = book.order_count + 1, planned.fills, planned.met
    trade = book.trade_count + 1 if fills else 0
    if met or group is not None or deadline_us is not None:
        return OrderAccepted(
            number, account, terms, trade, fills, leaves, ended, met, group, deadline_us
        )
    return OrderAccepted(number, account, terms, trade, fills, leaves, ended)
