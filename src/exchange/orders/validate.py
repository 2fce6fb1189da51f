"""Whether an order is well formed under its market's rules, in the fixed order of checks."""

from exchange.kernel.ids import is_key
from exchange.kernel.instruments import Instrument, MarketState
from exchange.kernel.money import INTEGER_MAX, stop_price
from exchange.kernel.orders import (
    BUY,
    FOK,
    LIMIT,
    MARKET,
    OrderTerms,
    OrderType,
    SelfTrade,
    TimeInForce,
)
from exchange.kernel.rejects import RejectCode, Rejected
from exchange.orders.rulebook import DAY_US, Market

CONTINUOUS, POST_ONLY = MarketState.CONTINUOUS, MarketState.POST_ONLY
GTD, DAY, NONE = TimeInForce.GTD, TimeInForce.DAY, SelfTrade.NONE
LIMITED = frozenset({OrderType.STOP_LIMIT, OrderType.TAKE_PROFIT_LIMIT})

SLICES_MAX = 100
"""An iceberg shows at least this part of its quantity: what a taker may have to walk through."""


def check_placing(market: Market, terms: OrderTerms) -> None:
    """Nothing, while such an order may enter.

    Raises:
        Rejected: MARKET_STATE.
    """
    if market.state is not CONTINUOUS and not (market.state is POST_ONLY and terms.post_only):
        raise Rejected(RejectCode.MARKET_STATE, "state", market.state.value)


def check_trading(market: Market) -> None:
    """Nothing, while open orders may change.

    Raises:
        Rejected: MARKET_STATE.
    """
    if market.state is not CONTINUOUS and market.state is not POST_ONLY:
        raise Rejected(RejectCode.MARKET_STATE, "state", market.state.value)


def check_deadline(terms: OrderTerms, rules: Instrument, at_us: int) -> int | None:
    """From when the order can't trade any more, by venue time; null: never.

    A DAY order ends at the instrument's next ``day_end_us`` behind ``at_us``.

    Raises:
        Rejected: DEADLINE_PASSED, or DEADLINE_BOUNDS for one that no database holds.
    """
    if terms.time_in_force is DAY:
        return at_us + DAY_US - (at_us - rules.day_end_us) % DAY_US
    deadline_us = terms.deadline_us
    if deadline_us is not None:
        if deadline_us <= at_us:
            raise Rejected(RejectCode.DEADLINE_PASSED, "deadline_us", deadline_us, at_us)
        if deadline_us > INTEGER_MAX:
            raise Rejected(RejectCode.DEADLINE_BOUNDS, "deadline_us", deadline_us, INTEGER_MAX)
    return deadline_us


def check_cancelling(market: Market) -> None:
    """Nothing, while orders may be cancelled.

    Raises:
        Rejected: MARKET_STATE.
    """
    if market.state is MarketState.CLOSED:
        raise Rejected(RejectCode.MARKET_STATE, "state", market.state.value)


def check_terms(terms: OrderTerms, rules: Instrument) -> None:
    """Nothing, when the terms go together and keep the market's units and bounds.

    Order: field combinations, tick, lot and bounds, notional.

    Raises:
        Rejected: FIELD_COMBINATION, PRICE_BOUNDS, OFF_TICK, QUANTITY_BOUNDS, OFF_LOT,
            NOTIONAL_MIN or NOTIONAL_MAX, with the numbers compared.
    """
    _check_fields(terms)
    if terms.self_trade is NONE and not rules.self_trade_allowed:
        raise Rejected(RejectCode.FIELD_COMBINATION, "self_trade")
    price, quantity, budget = terms.price, terms.quantity, terms.budget
    if price is not None:
        _check_price(price, rules)
    if quantity is not None:
        _check_quantity(quantity, rules)
        if terms.display is not None:
            _check_display(terms.display, quantity, rules)
    if terms.trigger is not None:
        _check_price(terms.trigger, rules, "trigger")
    value = budget
    if price is not None and quantity is not None:
        value = price * quantity * rules.value_unit
    if value is not None:
        _check_notional(value, rules)
    elif terms.trigger is not None and quantity is not None:
        _check_stop_notional(terms, quantity, rules)


def check_list(first: OrderTerms, second: OrderTerms) -> None:
    """Nothing, when two orders can be a list: one side, one quantity, at most one limit order.

    Raises:
        Rejected: FIELD_COMBINATION with the field of the second that does not go with the first.
    """
    wrong = (
        "side" if first.side is not second.side
        else "quantity" if first.quantity is None or first.quantity != second.quantity
        else "trigger" if first.trigger is None and second.trigger is None
        else "time_in_force" if not all(map(_waits, (first, second)))
        else None
    )  # fmt: skip
    if wrong is not None:
        raise Rejected(RejectCode.FIELD_COMBINATION, wrong)


def _waits(terms: OrderTerms) -> bool:
    """Whether there is something that the order can wait for."""
    return terms.trigger is not None or (terms.type is LIMIT and terms.time_in_force.rests)


def check_client_order_id(terms: OrderTerms) -> None:
    """Nothing, when the client order id, if there is one, keeps its form.

    Raises:
        Rejected: INVALID_ID.
    """
    if terms.client_order_id is not None and not is_key(terms.client_order_id):
        raise Rejected(RejectCode.INVALID_ID, "client_order_id")


def _check_fields(terms: OrderTerms) -> None:
    kind, lasting = terms.type, terms.time_in_force
    if kind is LIMIT or kind in LIMITED:
        rests = lasting.rests
        wrong = (
            "price" if terms.price is None
            else "quantity" if terms.quantity is None
            else "budget" if terms.budget is not None
            else "post_only" if terms.post_only and not rests
            else "display" if terms.display is not None and not rests
            else None
        )  # fmt: skip
    else:
        wrong = (
            "price" if terms.price is not None
            else "post_only" if terms.post_only
            else "display" if terms.display is not None
            else "quantity" if (terms.quantity is None) is (terms.budget is None)
            else "budget" if terms.budget is not None and _no_budget(terms)
            else "time_in_force" if kind is not MARKET and not lasting.rests
            else None
        )  # fmt: skip
    if wrong is None and (terms.trigger is None) is not (kind is LIMIT or kind is MARKET):
        wrong = "trigger"
    timed = lasting is GTD and kind is not MARKET
    if wrong is None and (terms.deadline_us is not None) is not timed:
        wrong = "deadline_us"
    if wrong is not None:
        raise Rejected(RejectCode.FIELD_COMBINATION, wrong)


def _no_budget(terms: OrderTerms) -> bool:
    """Nothing can be filled whole by a budget; a sale's would not say what to hold till then."""
    return terms.time_in_force is FOK or (terms.trigger is not None and terms.side is not BUY)


def _check_price(price: int, rules: Instrument, field: str = "price") -> None:
    if not rules.price_min <= price <= rules.price_max:
        raise _beyond(RejectCode.PRICE_BOUNDS, field, price, rules.price_min, rules.price_max)
    if price % rules.tick:
        raise Rejected(RejectCode.OFF_TICK, field, price, rules.tick)


def _check_notional(value: int, rules: Instrument) -> None:
    least = max(1, rules.notional_min)
    if value < least:
        raise Rejected(RejectCode.NOTIONAL_MIN, "notional", value, least)
    if value > rules.notional_max:
        raise Rejected(RejectCode.NOTIONAL_MAX, "notional", value, rules.notional_max)


def _check_stop_notional(terms: OrderTerms, quantity: int, rules: Instrument) -> None:
    """The most that a stop at market may come to; the least is nobody's business, as for MARKET."""
    price = terms.trigger or 0
    if terms.side is BUY:
        price = stop_price(price, rules.stop_slippage_ppm)
    value = rules.notional(price, quantity)
    if value > rules.notional_max:
        raise Rejected(RejectCode.NOTIONAL_MAX, "notional", value, rules.notional_max)


def _check_display(display: int, quantity: int, rules: Instrument) -> None:
    if not 0 < display <= quantity or display * SLICES_MAX < quantity:
        least = -(-quantity // SLICES_MAX)
        raise _beyond(RejectCode.QUANTITY_BOUNDS, "display", display, least, quantity)
    if display % rules.lot:
        raise Rejected(RejectCode.OFF_LOT, "display", display, rules.lot)


def _check_quantity(quantity: int, rules: Instrument) -> None:
    least, most = rules.quantity_min, rules.quantity_max
    if not least <= quantity <= most:
        raise _beyond(RejectCode.QUANTITY_BOUNDS, "quantity", quantity, least, most)
    if quantity % rules.lot:
        raise Rejected(RejectCode.OFF_LOT, "quantity", quantity, rules.lot)


def _beyond(code: RejectCode, field: str, value: int, least: int, most: int) -> Rejected:
    return Rejected(code, field, value, least if value < least else most)
