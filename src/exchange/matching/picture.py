"""A book told in plain data, and its queues checked link by link."""

from collections.abc import Iterable
from operator import attrgetter

import msgspec

from exchange.kernel.laws import hold_law
from exchange.kernel.orders import OrderTerms
from exchange.matching.ladder import Ladder, Odd, Order


def walk(ladder: Ladder) -> list[Order]:
    """Every order of a side, best price first, first come first; checks each level."""
    keys = list(ladder.keys)
    hold_law("B2", sorted(ladder.levels) == keys, "the price index and the levels differ")
    best = ladder.levels[keys[-1]] if keys else None
    hold_law("B2", ladder.best is best, "the cached best level is not the best")
    orders: list[Order] = []
    for key in reversed(keys):
        level, last, total = ladder.levels[key], 0, 0
        hold_law("B2", level.head is not None, f"level {level.price} is empty")
        hold_law("B2", level.key == key == ladder.sign * level.price, f"level {level.price}: key")
        order, previous = level.head, None
        while order is not None:
            hold_law(
                "B2", order.level is level and order.prev is previous, f"{order.number}: links"
            )
            hold_law("B2", order.price == level.price, f"{order.number} at another price")
            hold_law("B2", order.arrival > last, f"{order.number} queues behind {last}")
            hold_law("B3", 0 < order.leaves <= order.quantity, f"{order.number}: {order.leaves}")
            shown = order.shown
            hold_law("B2", 0 < shown <= order.leaves, f"{order.number} shows {shown}")
            last, total = order.arrival, total + shown
            orders.append(order)
            order, previous = order.next, order
        hold_law("B2", level.tail is previous, f"level {level.price}: tail")
        hold_law("B2", total == level.quantity, f"level {level.price}: {level.quantity} != {total}")
    return orders


class Row(msgspec.Struct, frozen=True, array_like=True, gc=False, forbid_unknown_fields=True):
    """An open order as its book's dump has it; the links follow from the rows' order."""

    number: int
    account: str
    group: str | None  # where it is more than the account
    price: int
    quantity: int
    leaves: int
    arrival: int
    display: int | None
    shown: int
    deadline_us: int | None
    trigger: int | None
    terms: OrderTerms


def row(order: Order) -> Row:
    """All of an order."""
    group = None if order.group == order.account else order.group
    odd = order.odd
    if odd is None:
        return Row(
            order.number, order.account, group, order.price, order.quantity, order.leaves,
            order.arrival, None, order.leaves, None, None, order.terms,
        )  # fmt: skip
    return Row(
        order.number, order.account, group, order.price, order.quantity, order.leaves,
        order.arrival, odd.display, order.shown, odd.deadline_us, odd.trigger, order.terms,
    )  # fmt: skip


def unlinked(row: Row, account: str) -> Order:
    """The order again, in no queue yet; ``account`` is one object for all of its orders.

    Whether an order has a trade group is asked by identity.
    """
    order = Order(
        row.number, account, row.group or account, row.terms, row.terms.side, row.price,
        row.quantity, row.leaves, row.arrival,
    )  # fmt: skip
    if (row.display, row.deadline_us, row.trigger) != (None, None, None):
        order.odd = Odd(row.display, row.shown, row.deadline_us, row.trigger)
    return order


def queues(ladder: Ladder) -> list[tuple[int, list[Row]]]:
    """Price and queue of each level, best first."""
    levels = []
    for key in reversed(ladder.keys):
        level, queue = ladder.levels[key], []
        order = level.head
        while order is not None:
            queue.append(row(order))
            order = order.next
        levels.append((level.price, queue))
    return levels


def asleep(orders: Iterable[Order]) -> list[Row]:
    """Those in no queue, as they arrived."""
    return [row(it) for it in sorted(filter(_sleeps, orders), key=attrgetter("arrival"))]


def _sleeps(order: Order) -> bool:
    return order.level is None
