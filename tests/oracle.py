"""A matcher too simple to be wrong: one list of orders, looked through anew for each trade.

Written from the rules of trading alone. Who comes first at a price stands first in the list.
"""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from itertools import chain, product

from exchange.kernel.orders import EndReason, Fill, Met, OrderTerms, OrderType, SelfTrade, Side
from exchange.kernel.orders import TimeInForce as Lasting
from exchange.kernel.rejects import RejectCode

EXPIRE_TAKER, EXPIRE_MAKER, EXPIRE_BOTH, DECREMENT, NONE = SelfTrade


@dataclass(eq=False)
class Order:
    """One that comes in or waits: its terms as amended, and what it met when it came in."""

    number: int
    account: str
    group: str  # the account, or a name that no account has
    terms: OrderTerms
    price: int  # the worst that it takes; 0: any
    leaves: int
    trigger: int | None  # while it sleeps
    other: "Order | None" = None  # of its list, while both are open
    shown: int = 0
    fills: list[Fill] = field(default_factory=list)
    met: list[Met] = field(default_factory=list)
    ended: EndReason | RejectCode | None = None

    def is_due(self, at: int) -> bool:
        return self.terms.deadline_us is not None and self.terms.deadline_us <= at

    def wakes(self, price: int) -> bool:
        stops = self.terms.type in {OrderType.STOP, OrderType.STOP_LIMIT}
        sign = 1 if stops is (self.terms.side is Side.BUY) else -1
        return self.trigger is not None and sign * price >= sign * self.trigger


class Oracle:
    """One market at venue time ``at``, with the prices that it has printed."""

    def __init__(self, lot: int = 1, value_unit: int = 1, fills_max: int = 10_000) -> None:
        self.lot, self.value_unit, self.fills_max = lot, value_unit, fills_max
        self.orders, self.prints, self.at = list[Order](), list[int](), 0

    def enter(self, *orders: Order) -> list[Fill]:
        """Let an order or the two of a list come in; any that is refused changes nothing."""
        before = deepcopy(vars(self))
        for order in orders:
            self.orders = [it for it in self.orders if it.number != order.number]
            if order.trigger is None:
                self._trade(order)
            elif any(map(order.wakes, self.prints[-1:])):
                order.ended = RejectCode.WOULD_TRIGGER
            if order.ended is None:
                order.shown = min(order.terms.display or order.leaves, order.leaves)
                self.orders.append(order)
        if any(isinstance(order.ended, RejectCode) for order in orders):
            vars(self).update(before)
            orders[-1].fills, orders[-1].met = [], []
        return orders[-1].fills

    def amend(self, old: Order, new: Order) -> None:
        """Put the new one in the place of the old, if it is just less of it; or let it enter."""
        wider = (new.terms.display or 0) > (old.terms.display or old.terms.quantity or 0)
        moves = wider or new.leaves > old.leaves or new.price != old.price
        if new.trigger != old.trigger or (moves and new.trigger is None):
            self.enter(new)
        else:
            new.shown = min(old.shown, new.leaves, new.terms.display or new.leaves)
            self.orders[self.orders.index(old)] = new

    def end(self, *orders: Order) -> None:
        """Orders leave, and the others of their lists with them."""
        self.orders = [it for it in self.orders if it not in orders and it.other not in orders]

    def run_stops(self, fills: list[Fill]) -> Iterator[Order]:
        """Prints wake orders, which enter one after the other and make more prints."""
        line = list[Order]()  # It grows while it is gone through.
        for turn, prints in enumerate(chain([fills], map(self.enter, line))):
            yield from line[turn - 1 : turn]
            for fill, order in product(prints, list(self.orders)):
                if order.wakes(fill.price) and not order.is_due(self.at) and order in self.orders:
                    self.end(order)
                    order.trigger = order.other = None
                    line.append(order)

    def queue(self, side: Side, price: int = 0) -> list[Order]:
        """Whom an order of ``side`` meets down to ``price``: best price first, then first come."""
        sign = 1 if side is Side.BUY else -1
        facing = [it for it in self.orders if it.trigger is None and it.terms.side is not side]
        reached = [it for it in facing if not price or sign * it.price <= sign * price]
        return sorted(reached, key=lambda order: sign * order.price)

    def _trade(self, taker: Order) -> None:
        """Let it meet whom it must, one after the other."""
        terms, left = taker.terms, taker.terms.budget or taker.leaves
        stop: EndReason | RejectCode | None = None  # why it meets nobody else
        full: EndReason | None = None  # why it wants nobody else
        while not stop and (left or terms.budget) and (line := self.queue(terms.side, taker.price)):
            maker = line[0]
            unit, lot = (maker.price * self.value_unit, self.lot) if terms.budget else (1, 1)
            wanted = left // (unit * lot) * lot
            own = maker.account == taker.account or maker.group == taker.group
            mode = terms.self_trade if own else NONE
            out = EndReason.DEADLINE if maker.is_due(self.at) else None
            stop = (
                None if out
                else RejectCode.WOULD_TRADE if terms.post_only or taker.other is not None
                else full or EndReason.BUDGET_SPENT if not wanted
                else EndReason.SELF_TRADE if mode in {EXPIRE_TAKER, EXPIRE_BOTH}
                else EndReason.FILLS_MAX if mode is NONE and len(taker.fills) == self.fills_max
                else None
            )  # fmt: skip
            if out or (wanted and mode in {EXPIRE_MAKER, EXPIRE_BOTH}):
                self._lose(maker, maker.leaves, taker, out or EndReason.SELF_TRADE)
            elif stop is None:
                why = EndReason.SELF_TRADE if mode is DECREMENT else None
                cut = min(wanted, maker.leaves if why else maker.shown)
                self._lose(maker, cut, taker, why)
                left -= cut * unit
                done = why or (EndReason.BUDGET_SPENT if terms.budget else EndReason.FILLED)
                full = done if cut == wanted else None
                stop = full if maker.leaves else None  # Nobody further back trades before it.
        lasting, traded = terms.time_in_force, sum(fill.quantity for fill in taker.fills)
        if lasting is Lasting.FOK and traded < taker.leaves:
            stop = RejectCode.NOT_FILLABLE
        dry = EndReason.IMMEDIATE if lasting is Lasting.IOC else None
        taker.ended = stop or full or (EndReason.NO_LIQUIDITY if terms.price is None else dry)
        taker.leaves = 0 if taker.ended else left

    def _lose(self, maker: Order, cut: int, taker: Order, why: EndReason | None) -> None:
        """A print takes what is shown, and the next slice goes last; else what is hidden goes."""
        maker.leaves -= cut
        maker.shown = min(maker.shown, maker.leaves) if why else maker.shown - cut
        row, last = (maker.number, maker.account, maker.price, cut), not maker.leaves
        taker.met += [Met(*row, why, last)] if why else []
        taker.fills += [] if why else [Fill(*row, last)]
        self.prints += [] if why else [maker.price]
        if not maker.shown:
            self.orders.remove(maker)
            maker.shown = min(maker.terms.display or 0, maker.leaves)
            self.orders += [maker] * (maker.shown > 0)
        self.orders = [it for it in self.orders if it.other is not maker]
        maker.other = None
