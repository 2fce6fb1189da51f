"""A matcher too simple to be wrong: one list of orders, looked through anew for each trade.

Written from the rules of trading alone; it knows of no level, no link and no index. What an
order would do is found by letting it happen to a copy.
"""

from copy import deepcopy
from dataclasses import dataclass
from typing import NamedTuple

from msgspec.structs import replace

from exchange.kernel.orders import EndReason, Fill, Met, OrderTerms, OrderType, SelfTrade, Side
from exchange.kernel.orders import TimeInForce as Lasting
from exchange.kernel.rejects import RejectCode

SELF_TRADE, SPENT = EndReason.SELF_TRADE, EndReason.BUDGET_SPENT


@dataclass
class Resting:
    """An order that waits; ``rank`` says since when it has its place."""

    number: int
    account: str
    group: str | None
    side: Side
    price: int
    quantity: int  # less reductions
    leaves: int
    client_order_id: str | None
    rank: int
    shown: int
    display: int | None
    deadline_us: int | None
    terms: OrderTerms
    trigger: int | None = None  # while it sleeps
    woken: int = 0  # its place among those that a print has woken; 0: none


class Entry(NamedTuple):
    """What became of an order that a print had woken."""

    number: int
    verdict: "Verdict"


class Verdict(NamedTuple):
    """What becomes of an order that comes in."""

    refusal: RejectCode | None = None
    fills: tuple[Fill, ...] = ()
    leaves: int = 0
    ended: EndReason | None = None
    met: tuple[Met, ...] = ()


class Oracle:
    """One market's orders. ``at`` is venue time, ``group`` a trade group."""

    def __init__(self, lot: int = 1, value_unit: int = 1, fills_max: int = 10_000) -> None:
        self.lot = lot
        self.value_unit = value_unit  # quote units in one price unit × one quantity unit
        self.fills_max = fills_max
        self.resting: list[Resting] = []
        self.order_count = self.trade_count = self.rank = self.woken_count = 0
        self.last_price: int | None = None

    def place(
        self, account: str, terms: OrderTerms, at: int = 0, group: str | None = None
    ) -> Verdict:
        """Let the order trade and rest, unless it is refused."""
        verdict = self.judge(account, terms, at, group)
        if verdict.refusal is None:
            self.admit(account, terms, verdict, at, group)
        return verdict

    def judge(self, account: str, terms: OrderTerms, at: int, group: str | None) -> Verdict:
        """What the order would do; nothing changes."""
        return deepcopy(self)._enter(account, terms, at, group)  # noqa: SLF001 - it is one of us

    def admit(
        self, account: str, terms: OrderTerms, verdict: Verdict, at: int, group: str | None
    ) -> None:
        """Let happen what was judged."""
        assert verdict == self._enter(account, terms, at, group)
        self.order_count += 1
        self.trade_count += len(verdict.fills)
        if verdict.ended is None:
            shown = min(terms.display or verdict.leaves, verdict.leaves)
            self.resting.append(
                Resting(
                    self.order_count, account, group, terms.side, terms.price or 0,
                    terms.quantity or 0, verdict.leaves, terms.client_order_id, self._next_rank(),
                    shown, terms.display, terms.deadline_us, terms,
                )
            )  # fmt: skip

    def sleep(
        self, account: str, terms: OrderTerms, bound: int | None, group: str | None
    ) -> Verdict:
        """A stop or take-profit waits for its trigger, unless the last print was through it."""
        assert terms.trigger is not None
        if self.last_price is not None and self._wakes(terms, terms.trigger, self.last_price):
            return Verdict(RejectCode.WOULD_TRIGGER)
        self.order_count += 1
        self.resting.append(
            Resting(
                self.order_count, account, group, terms.side, terms.price or bound or 0,
                terms.quantity or 0, terms.quantity or 0, terms.client_order_id,
                self._next_rank(), 0, terms.display, terms.deadline_us, terms, terms.trigger,
            )
        )  # fmt: skip
        return Verdict(leaves=terms.quantity or 0)

    def run_stops(self, fills: tuple[Fill, ...], at: int) -> list[Entry]:
        """Prints wake orders, which enter one after the other and make more prints."""
        entries: list[Entry] = []
        self._wake(fills, at)
        while woken := sorted((it for it in self.resting if it.woken), key=lambda it: it.woken):
            order = woken[0]
            self.resting.remove(order)
            verdict = self._entering(order, at)
            entries.append(Entry(order.number, verdict))
            self.trade_count += len(verdict.fills)
            if verdict.ended is None:
                order.trigger, order.woken, order.leaves = None, 0, verdict.leaves
                order.rank = self._next_rank()
                order.shown = min(order.display or order.leaves, order.leaves)
                self.resting.append(order)
            self._wake(verdict.fills, at)
        return entries

    def _entering(self, order: Resting, at: int) -> Verdict:
        """A woken order comes in, and ends with a reason where it can't do what it asks."""
        if order.deadline_us is not None and order.deadline_us <= at:
            return Verdict(ended=EndReason.DEADLINE)
        terms, at_market = replace(order.terms, quantity=order.leaves), order.terms.price is None
        kind = OrderType.LIMIT
        if at_market and (order.side is Side.SELL or terms.budget is not None):
            kind = OrderType.MARKET
        lasting = Lasting.IOC if at_market else terms.time_in_force
        quantity = None if terms.budget is not None else order.leaves
        price = order.price if kind is OrderType.LIMIT else None
        terms = replace(terms, type=kind, price=price, quantity=quantity, time_in_force=lasting)
        trial = deepcopy(self)
        verdict = trial._enter(order.account, terms, at, order.group)  # noqa: SLF001 - one of us
        if verdict.refusal is not None:
            posts = verdict.refusal is RejectCode.WOULD_TRADE
            return Verdict(ended=EndReason.WOULD_TRADE if posts else EndReason.NOT_FILLABLE)
        self.resting, self.rank, self.last_price = trial.resting, trial.rank, trial.last_price
        if at_market and verdict.ended is EndReason.IMMEDIATE:
            return verdict._replace(ended=EndReason.NO_LIQUIDITY)
        return verdict

    def _wake(self, fills: tuple[Fill, ...], at: int) -> None:
        """Each print in turn wakes who sleeps, first come first."""
        for fill in fills:
            for order in sorted(self.resting, key=lambda it: it.rank):
                if order.trigger is None or order.woken:
                    continue
                due = order.deadline_us is not None and order.deadline_us <= at
                if not due and self._wakes(order.terms, order.trigger, fill.price):
                    self.woken_count += 1
                    order.woken = self.woken_count

    @staticmethod
    def _wakes(terms: OrderTerms, trigger: int, price: int) -> bool:
        stops = terms.type in {OrderType.STOP, OrderType.STOP_LIMIT}
        return price >= trigger if stops is (terms.side is Side.BUY) else price <= trigger

    def cancel(self, account: str, number: int) -> RejectCode | None:
        """Take an order out; one that is unknown, finished or another's is not found."""
        if (account, number) not in {(it.account, it.number) for it in self.resting}:
            return RejectCode.NOT_FOUND
        self.resting = [it for it in self.resting if it.number != number]
        return None

    def reduce(self, account: str, number: int, quantity: int) -> RejectCode | None:
        """Take an amount off in place; all that is open or more cancels."""
        found = [it for it in self.resting if (it.account, it.number) == (account, number)]
        if not found or found[0].leaves <= quantity:
            return self.cancel(account, number)
        found[0].quantity -= quantity
        self._cut(found[0], quantity)
        return None

    def amend(self, account: str, number: int, at: int, changed: OrderTerms) -> Verdict:
        """Change an order to a price, a total, a display and a deadline."""
        found = [it for it in self.resting if (it.account, it.number) == (account, number)]
        if not found:
            return Verdict(RejectCode.NOT_FOUND)
        order, total = found[0], changed.quantity or 0
        left = total - (order.quantity - order.leaves)
        if left <= 0:
            self.cancel(account, number)
            return Verdict(None, ended=EndReason.CANCELLED)
        shows_more = order.display is not None and (changed.display or 0) > order.display
        if changed.price == order.price and total <= order.quantity and not shows_more:
            self._cut(order, order.leaves - left)
            order.shown = min(order.shown, changed.display or left)
            verdict = Verdict(leaves=left)
        else:
            terms = replace(changed, quantity=left)
            trial = deepcopy(self)
            trial.cancel(account, number)
            verdict = trial._enter(account, terms, at, order.group)  # noqa: SLF001
            if verdict.refusal is not None:
                return verdict
            self.resting, self.rank, self.last_price = trial.resting, trial.rank, trial.last_price
            self.trade_count += len(verdict.fills)
            if verdict.ended is not None:
                return verdict
            order.price, order.leaves = changed.price or 0, verdict.leaves
            order.rank = self._next_rank()
            order.shown = min(changed.display or order.leaves, order.leaves)
            self.resting.append(order)
        order.quantity, order.display = total, changed.display
        order.deadline_us = changed.deadline_us
        return verdict

    def queue(self, side: Side) -> list[Resting]:
        """Whom an order of ``side`` meets: the best price first, then first come."""
        buys = side is Side.BUY
        others = [it for it in self.resting if it.side is not side and it.trigger is None]
        return sorted(others, key=lambda it: (it.price if buys else -it.price, it.rank))

    def rows(self) -> list[tuple[int, int, str, str | None, int, int]]:
        """Asks, then bids: price, number, account, client order id, quantity, leaves."""
        queued = [*self.queue(Side.BUY), *self.queue(Side.SELL)]
        return [
            (o.price, o.number, o.account, o.client_order_id, o.quantity, o.leaves) for o in queued
        ]

    def _enter(self, account: str, terms: OrderTerms, at: int, group: str | None) -> Verdict:
        """Let the order meet whom it must, one after the other."""
        fills: list[Fill] = []
        met: list[Met] = []
        left = terms.quantity or terms.budget or 0
        dry = EndReason.NO_LIQUIDITY if terms.type is OrderType.MARKET else None
        ended = dry
        while found := [it for it in self.queue(terms.side) if self._in_reach(it, terms)]:
            maker, unit, wanted = found[0], 1, left
            if terms.budget is not None:
                unit = maker.price * self.value_unit
                wanted = left // (unit * self.lot) * self.lot
            due = maker.deadline_us is not None and maker.deadline_us <= at
            if not wanted and not (due and terms.budget is not None):
                ended = ended if terms.budget is None or ended is SELF_TRADE else SPENT
                break
            end, why, cut = self._meeting(maker, account, group, terms, at, wanted)
            if end is None and why is None and len(fills) == self.fills_max:
                end, cut = EndReason.FILLS_MAX, 0
            last = cut == maker.leaves
            if cut and why is None:
                fills.append(Fill(maker.number, maker.account, maker.price, cut, last))
                self.last_price = maker.price
                self._use_up(maker, cut)
            elif cut and why is not None:
                met.append(Met(maker.number, maker.account, maker.price, cut, why, last))
                self._cut(maker, cut)
            if end is not None:
                ended = end
                break
            if why is None or (why is SELF_TRADE and terms.self_trade is SelfTrade.DECREMENT):
                left -= cut * unit
                ended = dry if cut < wanted else why or (SPENT if terms.budget else None)
                if cut == wanted and not last:
                    break  # nobody further back trades while this one waits
        return self._verdict(terms, fills, met, left, ended)

    @staticmethod
    def _meeting(  # noqa: PLR0911 - one line a rule
        maker: Resting, account: str, group: str | None, terms: OrderTerms, at: int, wanted: int
    ) -> tuple[EndReason | None, EndReason | None, int]:
        """What ends the taker, why the maker loses without a trade, and how much."""
        if maker.deadline_us is not None and maker.deadline_us <= at:
            return None, EndReason.DEADLINE, maker.leaves
        if terms.post_only:
            return EndReason.WOULD_TRADE, None, 0
        own = maker.account == account or (group is not None and maker.group == group)
        if not own or terms.self_trade is SelfTrade.NONE:
            return None, None, min(wanted, maker.shown)
        match terms.self_trade:
            case SelfTrade.EXPIRE_TAKER:
                return SELF_TRADE, None, 0
            case SelfTrade.EXPIRE_MAKER:
                return None, SELF_TRADE, maker.leaves
            case SelfTrade.EXPIRE_BOTH:
                return SELF_TRADE, SELF_TRADE, maker.leaves
        return None, SELF_TRADE, min(wanted, maker.leaves)

    @staticmethod
    def _verdict(
        terms: OrderTerms, fills: list[Fill], met: list[Met], left: int, ended: EndReason | None
    ) -> Verdict:
        """What becomes of what is left."""
        if ended is EndReason.WOULD_TRADE:
            return Verdict(RejectCode.WOULD_TRADE)
        if terms.time_in_force is Lasting.FOK and sum(it.quantity for it in fills) < (
            terms.quantity or 0
        ):
            return Verdict(RejectCode.NOT_FILLABLE)
        if terms.budget is None and not left and ended is not SELF_TRADE:
            ended = EndReason.FILLED
        if ended is None and terms.time_in_force is Lasting.IOC:
            ended = EndReason.IMMEDIATE
        return Verdict(None, tuple(fills), 0 if ended else left, ended, tuple(met))

    def _use_up(self, maker: Resting, quantity: int) -> None:
        """A print; a slice that is gone is followed by the next, at the end of the queue."""
        maker.shown -= quantity
        maker.leaves -= quantity
        if not maker.shown:
            maker.shown, maker.rank = min(maker.display or 0, maker.leaves), self._next_rank()
        self._forget_finished()

    def _cut(self, maker: Resting, quantity: int) -> None:
        """Less of an order, in its place; what is hidden goes first."""
        maker.leaves -= quantity
        maker.shown = min(maker.shown, maker.leaves)
        self._forget_finished()

    def _forget_finished(self) -> None:
        self.resting = [it for it in self.resting if it.leaves or it.terms.budget is not None]

    def _next_rank(self) -> int:
        self.rank += 1
        return self.rank

    @staticmethod
    def _in_reach(maker: Resting, terms: OrderTerms) -> bool:
        if terms.price is None:
            return True
        buys = terms.side is Side.BUY
        return maker.price <= terms.price if buys else maker.price >= terms.price
