"""What an incoming order would do to a book of plain orders, worked out without touching it.

Most books are such: no open order is an iceberg, has a deadline or belongs to a trade group, and
the taker gives way to its own account's orders. ``sweep`` plans for all the others.
"""

from collections.abc import Iterator

import msgspec

from exchange.kernel.money import lots_affordable
from exchange.kernel.orders import BUY, EndReason, Fill, Met, Side
from exchange.matching.book import Book
from exchange.matching.ladder import Ladder, Order

FILLS_MAX = 10_000
"""The most fills of one command; the rest of the order expires."""


class Plan(msgspec.Struct, frozen=True, gc=False):
    """Fills in order, and what stopped them.

    ``filled`` in quantity units, ``value`` the sum of price × quantity, ``prevented`` what the
    order lost to orders of its own group. ``stopped`` is null when nothing is left to trade or
    what is left may rest. ``met`` are orders that leave the book, or lose a part, untraded.
    """

    fills: tuple[Fill, ...] = ()
    filled: int = 0
    value: int = 0
    stopped: EndReason | None = None
    met: tuple[Met, ...] = ()
    prevented: int = 0


NOTHING = Plan()
"""Nobody to trade with at that price: what most orders find."""

_EMPTY = Plan(stopped=EndReason.NO_LIQUIDITY)


def plan_quantity(book: Book, side: Side, account: str, quantity: int, price: int | None) -> Plan:
    """Trade up to ``quantity`` at ``price`` or better (null: any price).

    Pure; O(fills). Stops at an order of the taker's own account: the taker's rest expires.
    """
    if side is BUY:
        ladder, floor = book.asks, None if price is None else -price
    else:
        ladder, floor = book.bids, price
    best = ladder.best
    if best is None or (floor is not None and best.key < floor):
        return NOTHING if floor is not None else _EMPTY
    fills: list[Fill] = []
    left, value = quantity, 0
    stopped = EndReason.NO_LIQUIDITY if price is None else None
    for maker in queue(ladder, floor):
        if maker.account == account:
            stopped = EndReason.SELF_TRADE
            break
        if len(fills) == FILLS_MAX:
            stopped = EndReason.FILLS_MAX
            break
        leaves, at = maker.leaves, maker.price
        if leaves < left:
            fills.append(Fill(maker.number, maker.account, at, leaves, True))
            left -= leaves
            value += at * leaves
            continue
        fills.append(Fill(maker.number, maker.account, at, left, leaves == left))
        return Plan(tuple(fills), quantity, value + at * left)
    return Plan(tuple(fills), quantity - left, value, stopped)


def plan_budget(
    book: Book, side: Side, account: str, budget: int, value_unit: int, lot: int
) -> Plan:
    """Trade as many whole lots as ``budget`` quote units cover (a sell: bring in at most).

    Pure. ``stopped`` always tells why it ended; BUDGET_SPENT is the ordinary way.
    """
    ladder = opposite(book, side)
    fills: list[Fill] = []
    filled, value, stopped = 0, 0, EndReason.NO_LIQUIDITY
    for maker in queue(ladder, None):
        lots = lots_affordable(budget - value * value_unit, maker.price, value_unit, lot)
        if not lots:
            stopped = EndReason.BUDGET_SPENT
            break
        if maker.account == account:
            stopped = EndReason.SELF_TRADE
            break
        if len(fills) == FILLS_MAX:
            stopped = EndReason.FILLS_MAX
            break
        traded = min(maker.leaves, lots)
        fills.append(Fill(maker.number, maker.account, maker.price, traded, traded == maker.leaves))
        filled += traded
        value += maker.price * traded
        stopped = EndReason.BUDGET_SPENT if traded == lots else EndReason.NO_LIQUIDITY
        if traded < maker.leaves:
            break
    return Plan(tuple(fills), filled, value, stopped)


def opposite(book: Book, side: Side) -> Ladder:
    """The side of the book that an order of ``side`` meets."""
    return book.asks if side is BUY else book.bids


def floor_of(side: Side, price: int) -> int:
    """The least key of the opposite ladder that a limit of ``price`` may trade with."""
    return -price if side is BUY else price


def queue(ladder: Ladder, floor: int | None) -> Iterator[Order]:
    """The side's orders by price, then time, down to the key ``floor``."""
    level = ladder.best
    if level is None or (floor is not None and level.key < floor):
        return
    order = level.head
    while order is not None:
        yield order
        order = order.next
    keys = reversed(ladder.keys)
    next(keys)
    for key in keys:
        if floor is not None and key < floor:
            return
        order = ladder.levels[key].head
        while order is not None:
            yield order
            order = order.next
