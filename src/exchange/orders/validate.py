"""Whether an order is well formed under its market's rules, in the fixed order of checks."""

from exchange.kernel.ids import is_key
from exchange.kernel.instruments import Instrument, MarketState
from exchange.kernel.orders import FOK, GTC, LIMIT, OrderTerms
from exchange.kernel.rejects import RejectCode, Rejected
from exchange.orders.rulebook import Market

CONTINUOUS = MarketState.CONTINUOUS


def check_trading(market: Market) -> None:
    """Nothing, while orders may enter and change.

    Raises:
        Rejected: MARKET_STATE.
    """
    if market.state is not CONTINUOUS:
        raise Rejected(RejectCode.MARKET_STATE, "state", market.state.value)


def check_cancelling(market: Market) -> None:
    """Nothing, while orders may be cancelled.

    Raises:
        Rejected: MARKET_STATE.
    """
    if market.state is MarketState.CLOSED:
        raise Rejected(RejectCode.MARKET_STATE, "state", market.state.value)


def check_terms(terms: OrderTerms, rules: Instrument) -> None:
    """Nothing, when the terms go together and keep the market's units and bounds.

    Order: field combinations, tick, lot and bounds, notional, form of the client order id.

    Raises:
        Rejected: FIELD_COMBINATION, PRICE_BOUNDS, OFF_TICK, QUANTITY_BOUNDS, OFF_LOT,
            NOTIONAL_MIN, NOTIONAL_MAX or INVALID_ID, with the numbers compared.
    """
    _check_fields(terms)
    price, quantity, budget = terms.price, terms.quantity, terms.budget
    if price is not None:
        if not rules.price_min <= price <= rules.price_max:
            raise _beyond(RejectCode.PRICE_BOUNDS, "price", price, rules.price_min, rules.price_max)
        if price % rules.tick:
            raise Rejected(RejectCode.OFF_TICK, "price", price, rules.tick)
    if quantity is not None:
        _check_quantity(quantity, rules)
    value = budget
    if price is not None and quantity is not None:
        value = price * quantity * rules.value_unit
    if value is not None:
        if value < rules.notional_min or value <= 0:
            raise Rejected(RejectCode.NOTIONAL_MIN, "notional", value, max(1, rules.notional_min))
        if value > rules.notional_max:
            raise Rejected(RejectCode.NOTIONAL_MAX, "notional", value, rules.notional_max)
    if terms.client_order_id is not None and not is_key(terms.client_order_id):
        raise Rejected(RejectCode.INVALID_ID, "client_order_id")


def _check_fields(terms: OrderTerms) -> None:
    if terms.type is LIMIT:
        wrong = (
            "price" if terms.price is None
            else "quantity" if terms.quantity is None
            else "budget" if terms.budget is not None
            else "post_only" if terms.post_only and terms.time_in_force is not GTC
            else None
        )  # fmt: skip
    else:
        wrong = (
            "price" if terms.price is not None
            else "post_only" if terms.post_only
            else "quantity" if (terms.quantity is None) is (terms.budget is None)
            else "budget" if terms.budget is not None and terms.time_in_force is FOK
            else None
        )  # fmt: skip
    if wrong is not None:
        raise Rejected(RejectCode.FIELD_COMBINATION, wrong)


def _check_quantity(quantity: int, rules: Instrument) -> None:
    least, most = rules.quantity_min, rules.quantity_max
    if not least <= quantity <= most:
        raise _beyond(RejectCode.QUANTITY_BOUNDS, "quantity", quantity, least, most)
    if quantity % rules.lot:
        raise Rejected(RejectCode.OFF_LOT, "quantity", quantity, rules.lot)


def _beyond(code: RejectCode, field: str, value: int, least: int, most: int) -> Rejected:
    return Rejected(code, field, value, least if value < least else most)
