"""A matcher too simple to be wrong: one list of orders, sorted anew for each that comes in.

Written from the rules of trading alone; it knows of no level, no link and no index. Every
order's self-trade mode is EXPIRE_TAKER, the only one there is.
"""

from dataclasses import dataclass
from typing import NamedTuple

from exchange.kernel.orders import EndReason, Fill, OrderTerms, OrderType, Side, TimeInForce
from exchange.kernel.rejects import RejectCode


@dataclass
class Resting:
    """An order that waits; ``number`` is also its arrival."""

    number: int
    account: str
    side: Side
    price: int
    quantity: int  # less reductions
    leaves: int
    client_order_id: str | None


class Verdict(NamedTuple):
    """What becomes of an order that comes in."""

    refusal: RejectCode | None = None
    fills: tuple[Fill, ...] = ()
    leaves: int = 0
    ended: EndReason | None = None


class Oracle:
    """One market's orders."""

    def __init__(self, lot: int = 1, value_unit: int = 1, fills_max: int = 10_000) -> None:
        self.lot = lot
        self.value_unit = value_unit  # quote units in one price unit × one quantity unit
        self.fills_max = fills_max
        self.resting: list[Resting] = []
        self.order_count = 0
        self.trade_count = 0

    def place(self, account: str, terms: OrderTerms) -> Verdict:
        """Judge the order and, unless it is refused, let it trade and rest."""
        verdict = self.judge(account, terms)
        if verdict.refusal is None:
            self.admit(account, terms, verdict)
        return verdict

    def judge(self, account: str, terms: OrderTerms) -> Verdict:
        """What the order would do; nothing changes."""
        if terms.post_only and any(self._in_reach(it, terms) for it in self.queue(terms.side)):
            return Verdict(RejectCode.WOULD_TRADE)
        fills, stopped = self._match(account, terms)
        rest = (terms.quantity or 0) - sum(fill.quantity for fill in fills)
        if terms.time_in_force is TimeInForce.FOK and rest:
            return Verdict(RejectCode.NOT_FILLABLE)
        if stopped is None and terms.type is OrderType.MARKET:
            stopped = EndReason.NO_LIQUIDITY
        if stopped is None and terms.time_in_force is TimeInForce.IOC:
            stopped = EndReason.IMMEDIATE
        if terms.budget is None and rest == 0:
            stopped = EndReason.FILLED
        return Verdict(None, fills, 0 if stopped else rest, stopped)

    def admit(self, account: str, terms: OrderTerms, verdict: Verdict) -> None:
        """Let happen what was judged."""
        self.order_count += 1
        self.trade_count += len(verdict.fills)
        for fill in verdict.fills:
            self.order(fill.maker).leaves -= fill.quantity
        self.resting = [order for order in self.resting if order.leaves]
        if verdict.ended is None:
            number, price, quantity = self.order_count, terms.price or 0, terms.quantity or 0
            named = terms.client_order_id
            rest = Resting(number, account, terms.side, price, quantity, verdict.leaves, named)
            self.resting.append(rest)

    def cancel(self, account: str, number: int) -> RejectCode | None:
        """Take an order out; one that is unknown, finished or another's is not found."""
        if (account, number) not in {(it.account, it.number) for it in self.resting}:
            return RejectCode.NOT_FOUND
        self.resting.remove(self.order(number))
        return None

    def reduce(self, account: str, number: int, quantity: int) -> RejectCode | None:
        """Take an amount off in place; all that is open or more cancels."""
        found = [it for it in self.resting if (it.account, it.number) == (account, number)]
        if not found or found[0].leaves <= quantity:
            return self.cancel(account, number)
        found[0].leaves -= quantity
        found[0].quantity -= quantity
        return None

    def order(self, number: int) -> Resting:
        """The resting order of that number."""
        return next(it for it in self.resting if it.number == number)

    def queue(self, side: Side) -> list[Resting]:
        """Whom an order of ``side`` meets: the best price first, then first come."""
        buys = side is Side.BUY
        others = [it for it in self.resting if it.side is not side]
        return sorted(others, key=lambda it: (it.price if buys else -it.price, it.number))

    def rows(self) -> list[tuple[int, int, str, str | None, int, int]]:
        """Asks, then bids: price, number, account, client order id, quantity, leaves."""
        queued = [*self.queue(Side.BUY), *self.queue(Side.SELL)]
        return [
            (o.price, o.number, o.account, o.client_order_id, o.quantity, o.leaves) for o in queued
        ]

    def _match(self, account: str, terms: OrderTerms) -> tuple[tuple[Fill, ...], EndReason | None]:
        """Fills in order, and what stopped them before the book's end or the limit."""
        fills: list[Fill] = []
        covered = terms.quantity
        for maker in self.queue(terms.side):
            covered = self._covered(terms, fills, maker.price)
            if not self._in_reach(maker, terms) or covered == 0:
                break
            if maker.account == account:
                return tuple(fills), EndReason.SELF_TRADE
            if len(fills) == self.fills_max:
                return tuple(fills), EndReason.FILLS_MAX
            traded = min(covered, maker.leaves)
            last = traded == maker.leaves
            fills.append(Fill(maker.number, maker.account, maker.price, traded, last))
            covered -= traded
            if not last:
                break  # nobody further back trades while this one waits
        spent = terms.budget is not None and covered == 0
        return tuple(fills), EndReason.BUDGET_SPENT if spent else None

    def _covered(self, terms: OrderTerms, fills: list[Fill], price: int) -> int:
        """How much more the order may trade at ``price``."""
        if terms.budget is None:
            return (terms.quantity or 0) - sum(fill.quantity for fill in fills)
        spent = sum(fill.price * fill.quantity for fill in fills) * self.value_unit
        return (terms.budget - spent) // (price * self.value_unit * self.lot) * self.lot

    @staticmethod
    def _in_reach(maker: Resting, terms: OrderTerms) -> bool:
        if terms.price is None:
            return True
        buys = terms.side is Side.BUY
        return maker.price <= terms.price if buys else maker.price >= terms.price
