"""What an incoming order would do to any book: icebergs, deadlines, every self-trade mode."""

from collections import deque
from collections.abc import Iterator, Sequence

from exchange.kernel.money import lots_affordable
from exchange.kernel.orders import EndReason, Fill, Met, OrderTerms, SelfTrade, Side
from exchange.matching import plan as bounds
from exchange.matching.book import Book
from exchange.matching.ladder import Ladder, Order
from exchange.matching.plan import NOTHING, Plan, floor_of, opposite, queue

SELF_TRADE, DEADLINE = EndReason.SELF_TRADE, EndReason.DEADLINE
SPENT, NO_LIQUIDITY = EndReason.BUDGET_SPENT, EndReason.NO_LIQUIDITY
NONE, DECREMENT = SelfTrade.NONE, SelfTrade.DECREMENT
EXPIRING_MAKER = frozenset({SelfTrade.EXPIRE_MAKER, SelfTrade.EXPIRE_BOTH})
EXPIRING_TAKER = frozenset({SelfTrade.EXPIRE_TAKER, SelfTrade.EXPIRE_BOTH})


def plan_sweep(
    book: Book,
    terms: OrderTerms,
    account: str,
    group: str,
    at_us: int,
    value_unit: int,
    lot: int,
) -> Plan:
    """Trade by quantity or budget as the terms say, at venue time ``at_us``.

    Pure; O(fills and orders met). Due orders that it meets expire before it trades; the taker's
    mode says what becomes of orders of its own ``account`` and ``group``.
    """
    done = _Sweep(terms, value_unit, lot)
    stopped = dry = NO_LIQUIDITY if terms.price is None else None
    floor = None if terms.price is None else floor_of(terms.side, terms.price)
    for maker, shown, open_ in _slices(opposite(book, terms.side), floor, done.fills):
        if maker.is_due(at_us):
            done.met.append(_met(maker, open_, DEADLINE, last=True))
            continue
        wanted = done.wanted(maker.price)
        if not wanted:
            stopped = stopped if stopped is SELF_TRADE else SPENT
            break
        own = maker.group == group or maker.account == account
        if own and terms.self_trade is not NONE:
            lost = done.meet_own(maker, open_, wanted)
            if terms.self_trade in EXPIRING_TAKER or (lost == wanted and done.over(lost, open_)):
                stopped = SELF_TRADE
                break
            if terms.self_trade is DECREMENT:
                stopped = SELF_TRADE if lost == wanted else dry
            continue
        if len(done.fills) == bounds.FILLS_MAX:
            stopped = EndReason.FILLS_MAX
            break
        traded = min(wanted, shown)
        done.trade(maker, traded, open_)
        if terms.budget is not None:
            stopped = SPENT if traded == wanted else NO_LIQUIDITY
        if traded == wanted and done.over(traded, open_):
            stopped = None if terms.budget is None else SPENT
            break
    return done.plan(stopped)


def blocking_price(book: Book, side: Side, at_us: int) -> int | None:
    """The best price that an order of ``side`` would trade at, due orders left out."""
    for maker in queue(opposite(book, side), None):
        if not maker.is_due(at_us):
            return maker.price
    return None


def plan_passive(book: Book, terms: OrderTerms, at_us: int) -> Plan:
    """What a post-only order would do: expire due orders in its reach, or be stopped by others.

    Orders of its own group stand in its way too.
    """
    assert terms.price is not None  # noqa: S101 - for the type checker: only limits post
    met = []
    for maker in queue(opposite(book, terms.side), floor_of(terms.side, terms.price)):
        if not maker.is_due(at_us):
            return Plan(stopped=EndReason.WOULD_TRADE)
        met.append(_met(maker, maker.leaves, DEADLINE, last=True))
    return Plan(met=tuple(met)) if met else NOTHING


class _Sweep:
    """What the order has done so far."""

    def __init__(self, terms: OrderTerms, value_unit: int, lot: int) -> None:
        self.terms, self.value_unit, self.lot = terms, value_unit, lot
        self.fills: list[Fill] = []
        self.met: list[Met] = []
        self.filled = self.value = 0  # value: sum of price × quantity
        self.prevented = self.lost = 0  # the same of what its own group took from it

    def wanted(self, price: int) -> int:
        """Quantity units that the order may still trade at ``price``."""
        if self.terms.budget is None:
            return (self.terms.quantity or 0) - self.filled - self.prevented
        left = self.terms.budget - (self.value + self.lost) * self.value_unit
        return lots_affordable(left, price, self.value_unit, self.lot)

    def over(self, quantity: int, open_: int) -> bool:
        """Whether an order that got all it wanted looks at nobody further.

        What is left of a budget may buy a lot of the next one, unless this one has more.
        """
        return self.terms.budget is None or quantity < open_

    def meet_own(self, maker: Order, open_: int, wanted: int) -> int:
        """An order of the same group is in the way; what the taker loses by it."""
        mode = self.terms.self_trade
        if mode in EXPIRING_MAKER:
            self.met.append(_met(maker, open_, SELF_TRADE, last=True))
        if mode is not DECREMENT:
            return 0
        cut = min(wanted, open_)
        self.met.append(_met(maker, cut, SELF_TRADE, last=cut == open_))
        self.prevented += cut
        self.lost += cut * maker.price
        return cut

    def trade(self, maker: Order, quantity: int, open_: int) -> None:
        """A print at the maker's price."""
        last = quantity == open_
        self.fills.append(Fill(maker.number, maker.account, maker.price, quantity, last))
        self.filled += quantity
        self.value += quantity * maker.price

    def plan(self, stopped: EndReason | None) -> Plan:
        """All of it."""
        fills, met = tuple(self.fills), tuple(self.met)
        return Plan(fills, self.filled, self.value, stopped, met, self.prevented)


def _slices(
    ladder: Ladder, floor: int | None, fills: Sequence[Fill]
) -> Iterator[tuple[Order, int, int]]:
    """Order, shown and open quantity in the order of the queue, down to the key ``floor``.

    An iceberg whose slice the last of ``fills`` has used up comes again behind its level.
    """
    for key in reversed(ladder.keys):
        if floor is not None and key < floor:
            return
        order = ladder.levels[key].head
        again: deque[tuple[Order, int, int]] = deque()
        while order is not None or again:
            if order is None:
                maker, shown, open_ = again.popleft()
            else:
                maker, open_ = order, order.leaves
                shown = order.shown
                order = order.next
            count = len(fills)
            yield maker, shown, open_
            if maker.display is not None and len(fills) > count and shown < open_:
                left = open_ - fills[-1].quantity
                again.append((maker, min(maker.display, left), left))


def _met(maker: Order, quantity: int, reason: EndReason, *, last: bool) -> Met:
    return Met(maker.number, maker.account, maker.price, quantity, reason, last)
