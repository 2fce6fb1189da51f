"""How people write orders: decimal text for a market's integers, and back."""

from typing import NamedTuple

import msgspec

from exchange.kernel.decimals import to_text, to_units
from exchange.kernel.orders import BUY, OrderTerms, OrderType, SelfTrade, Side, TimeInForce
from exchange.kernel.rejects import Refusal
from exchange.venue.state import VenueState


class Scale(NamedTuple):
    """Decimals of what a market counts."""

    price: int
    quantity: int
    base: int  # of the base asset's amounts
    quote: int  # of the quote asset's amounts


class OrderText(msgspec.Struct, frozen=True, kw_only=True):
    """An order in words; every number is decimal text. Without a price it is at market.

    With a trigger it sleeps: as a stop, or as a take-profit.

    A new type, deadline or flag is a field here and a line in :func:`terms_of`.
    """

    side: Side
    price: str | None = None
    quantity: str | None = None
    budget: str | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    post_only: bool = False
    self_trade: SelfTrade = SelfTrade.EXPIRE_TAKER
    client_order_id: str | None = None
    display: str | None = None
    deadline_us: int | None = None  # venue time, as in the terms
    trigger: str | None = None
    takes_profit: bool = False


def scale_of(state: VenueState, symbol: str) -> Scale:
    """The decimals of a listed market.

    Raises:
        Rejected: UNKNOWN_MARKET.
    """
    rules, assets = state.room(symbol).market.instrument, state.assets.by_code
    base, quote = assets[rules.base], assets[rules.quote]
    return Scale(rules.price_decimals, rules.quantity_decimals, base.decimals, quote.decimals)


def terms_of(order: OrderText, scale: Scale) -> OrderTerms:
    """The order's terms; whether they go together is the venue's to judge.

    Raises:
        DecimalError: a number is none, or finer than the market's units.
    """
    return OrderTerms(
        order.side,
        type_of(order),
        units_of(order.price, scale.price),
        units_of(order.quantity, scale.quantity),
        order.time_in_force,
        order.post_only,
        order.self_trade,
        units_of(order.budget, scale.quote),
        order.client_order_id,
        units_of(order.display, scale.quantity),
        order.deadline_us,
        units_of(order.trigger, scale.price),
    )


def type_of(order: OrderText) -> OrderType:
    """What kind of order its words make."""
    limited = order.price is not None
    if order.trigger is None:
        return OrderType.LIMIT if limited else OrderType.MARKET
    if order.takes_profit:
        return OrderType.TAKE_PROFIT_LIMIT if limited else OrderType.TAKE_PROFIT
    return OrderType.STOP_LIMIT if limited else OrderType.STOP


def in_decimals(refusal: Refusal, scale: Scale, side: Side | None = None) -> Refusal:
    """The refusal of an order command with its numbers as decimal text, counts left as they are.

    ``side`` tells which asset the order would have held.
    """
    decimals = {
        "price": scale.price,
        "trigger": scale.price,
        "quantity": scale.quantity,
        "display": scale.quantity,
        "notional": scale.quote,
        "funds": scale.quote if side is BUY else scale.base,
    }.get(refusal.field)
    if decimals is None:
        return refusal
    value, bound = (
        to_text(number, decimals) if isinstance(number, int) else number
        for number in (refusal.value, refusal.bound)
    )
    return Refusal(refusal.code, refusal.field, value, bound)


def units_of(text: str | None, decimals: int) -> int | None:
    """Units of ``10**-decimals``, if there is a text.

    Raises:
        DecimalError: it is no number, or a finer one.
    """
    return None if text is None else to_units(text, decimals)
