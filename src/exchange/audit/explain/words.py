"""Why an order was refused, or why what was left of it did not trade: in words, with numbers."""

from collections.abc import Callable
from typing import NamedTuple

from exchange.audit.explain.units import Units
from exchange.audit.times import time_text
from exchange.kernel.orders import BUY, EndReason, Met, SelfTrade, Side
from exchange.kernel.rejects import Refusal
from exchange.matching.book import Book
from exchange.matching.ladder import Order
from exchange.matching.plan import FILLS_MAX, floor_of, opposite, queue
from exchange.matching.sweep import blocking_price
from exchange.orders.commands import (
    AmendOrder,
    CancelOrders,
    ChangeMarketState,
    ExpireOrders,
    ReduceOrder,
)
from exchange.orders.records import CommandRecorded
from exchange.venue.decide import poison_of

REFUSALS = {
    "INTERNAL": "a fault of the venue ({field}) refused it; nothing was done",
    "NOT_PERMITTED": "the role {value} may not give this command",
    "INVALID_ID": "{field} breaks its pattern",
    "UNKNOWN_ACCOUNT": "the actor has no such account",
    "UNKNOWN_MARKET": "there is no market {value}",
    "MARKET_STATE": "the market was {value}, which does not let it through",
    "FIELD_COMBINATION": "{field} does not go with the rest of it",
    "PRICE_BOUNDS": "{field} {value} lies beyond the bound {bound}",
    "OFF_TICK": "{field} {value} is no whole multiple of the tick {bound}",
    "QUANTITY_BOUNDS": "{field} {value} lies beyond the bound {bound}",
    "OFF_LOT": "{field} {value} is no whole multiple of the lot {bound}",
    "NOTIONAL_MIN": "it comes to {value}, the least is {bound}",
    "NOTIONAL_MAX": "it comes to {value}, the most is {bound}",
    "DEADLINE_BOUNDS": "its deadline {value} is beyond {bound}, the last that any database holds",
    "DEADLINE_PASSED": "its deadline {value} is not after the venue time {bound}",
    "DUPLICATE_CLIENT_ORDER_ID": "the client order id {value} is another open order's",
    "OPEN_ORDERS_MAX": "the account has {value} open orders, the most is {bound}",
    "WOULD_TRIGGER": "the last price {bound} is through the trigger {value} already",
    "WOULD_TRADE": "it was to post only, and at {value} it would have traded at {bound}",
    "NOT_FILLABLE": "fill or kill: of {value} only {bound} could be filled",
    "INSUFFICIENT_FUNDS": "it needs {value}, available was {bound}",
    "NOT_FOUND": "no open order of the account is named so",
    "IN_LIST": "it shares its hold with the order {value}",
}
"""Code -> the sentence, made of the refusal's field and numbers."""

POISONED = "the venue had to stop at it before ({value} broke), so it was not decided again"

MODES = {
    SelfTrade.EXPIRE_TAKER: "the one that comes in expires",
    SelfTrade.EXPIRE_MAKER: "the one that rests expires",
    SelfTrade.EXPIRE_BOTH: "both expire",
    SelfTrade.DECREMENT: "both lose the smaller open quantity",
}


def why_refused(refusal: Refusal, value: object, bound: object) -> str:
    """The refusal in words; value and bound as people write them."""
    if poison_of(refusal) is not None:
        return POISONED.format(value=refusal.value)
    sentence = REFUSALS.get(refusal.code.value)
    if sentence is None:
        return str(refusal)
    return sentence.format(field=refusal.field, value=value, bound=bound)


class Rest(NamedTuple):
    """What was left of an order that came in, in the book that it left behind.

    ``price`` is the limit, if it had one; ``left`` in quantity units, of a budget in quote units.
    """

    book: Book
    units: Units
    account: str
    group: str
    side: Side
    price: int | None
    left: int
    mode: SelfTrade
    at_us: int
    met: tuple[Met, ...]

    @property
    def best(self) -> str | None:
        """The best price on the other side that is not due, as people write it."""
        found = blocking_price(self.book, self.side, self.at_us)
        return None if found is None else self.units.price(found)

    @property
    def offer(self) -> str:
        """What it would have traded with."""
        return "offer" if self.side is BUY else "bid"

    def is_own(self, order: Order) -> bool:
        """Whether self-trade prevention keeps it from trading with that order."""
        return order.account == self.account or order.group == self.group

    def fillable(self) -> int:
        """Quantity units of others in its reach."""
        floor = None if self.price is None else floor_of(self.side, self.price)
        line = queue(opposite(self.book, self.side), floor)
        return sum(it.leaves for it in line if not it.is_due(self.at_us) and not self.is_own(it))


def why_left(reason: EndReason, rest: Rest) -> str:
    """Why what was left of an order that came in did not trade and does not wait."""
    return WHYS[reason](rest)


def _why_dry(rest: Rest) -> str:
    best, offer = rest.best, rest.offer
    if best is None:
        return f"no {offer} was left, and it was not to wait"
    if rest.price is None:
        return f"the best {offer} left was {best}, and it was not to wait"
    limit = rest.units.price(rest.price)
    return f"the best {offer} left, {best}, was beyond its limit {limit}, and it was not to wait"


def _why_spent(rest: Rest) -> str:
    left, rules, offer = rest.units.value(rest.left), rest.units.rules, rest.offer
    best = blocking_price(rest.book, rest.side, rest.at_us)
    if best is None:
        return f"{left} of the budget were left, and no {offer}"
    lot = rest.units.value(rules.notional(best, rules.lot))
    return f"{left} of the budget were left, and one lot at the best {offer} comes to {lot}"


def _why_prevented(rest: Rest) -> str:
    own = [it.maker for it in rest.met if it.reason is EndReason.SELF_TRADE]
    line = queue(opposite(rest.book, rest.side), None)
    standing = next((it for it in line if not it.is_due(rest.at_us)), None)
    number = own[-1] if own else None if standing is None else standing.number
    what = MODES.get(rest.mode, rest.mode.value)
    name = f"{rest.units.rules.symbol}:{number}"
    return f"next in line was {name}, of its own account or trade group: {what}"


def _why_posting(rest: Rest) -> str:
    limit = rest.units.price(rest.price or 0)
    return f"it was to post only at {limit}, and the best {rest.offer} was {rest.best}"


def _why_killed(rest: Rest) -> str:
    could, of = rest.units.quantity(rest.fillable()), rest.units.quantity(rest.left)
    return f"fill or kill: of {of} only {could} could be filled"


WHYS: dict[EndReason, Callable[[Rest], str]] = {
    EndReason.FILLED: lambda _: "all of it traded",
    EndReason.IMMEDIATE: _why_dry,
    EndReason.NO_LIQUIDITY: _why_dry,
    EndReason.BUDGET_SPENT: _why_spent,
    EndReason.SELF_TRADE: _why_prevented,
    EndReason.FILLS_MAX: lambda _: f"one command makes {FILLS_MAX:,} trades at most",
    EndReason.WOULD_TRADE: _why_posting,
    EndReason.NOT_FILLABLE: _why_killed,
    EndReason.DEADLINE: lambda _: "its deadline had come before its turn",
}


def why_taken_out(reason: EndReason, record: CommandRecorded, order: Order, units: Units) -> str:
    """Why a command took an open order out of the book; not for LIST."""
    command, actor = record.command, record.actor
    if reason is EndReason.DEADLINE:
        swept = "the venue swept it" if isinstance(command, ExpireOrders) else "an amend came late"
        return f"{_why_due(order, record.at_us)}: {swept}"
    match command:
        case ChangeMarketState(reason=said):
            return f"{actor} closed the market: {said}"
        case CancelOrders():
            return f"{actor} cancelled all such orders of the account"
        case ReduceOrder(quantity=quantity):
            by, left = units.quantity(quantity), units.quantity(order.leaves)
            return f"{actor} took {by} off, which is all that was open, {left}"
        case AmendOrder(quantity=total) if total is not None:
            new, used = units.quantity(total), units.quantity(order.quantity - order.leaves)
            return f"{actor} set the total to {new}, of which {used} had gone already"
        case _:
            return f"{actor} cancelled it"


def why_met(met: Met, taker: str, mode: SelfTrade, order: Order, at_us: int) -> str:
    """Why an order that rested ended when another met it."""
    if met.reason is EndReason.DEADLINE:
        return f"{_why_due(order, at_us)} when {taker} met it"
    return f"{taker}, of its own account or trade group, met it: {MODES.get(mode, mode.value)}"


def _why_due(order: Order, at_us: int) -> str:
    deadline = "" if order.deadline_us is None else f" {time_text(order.deadline_us)}"
    return f"its deadline{deadline} had come by {time_text(at_us)}"
