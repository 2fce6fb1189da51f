"""A book told in plain data, and its queues checked link by link."""

from collections.abc import Iterable
from typing import Any

from exchange.kernel.laws import hold_law
from exchange.matching.ladder import Ladder, Order


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


def queues(ladder: Ladder) -> list[list[Any]]:
    """``[price, [[number, account, client id, quantity, leaves, mode], ...]]``, best first."""
    levels = []
    for key in reversed(ladder.keys):
        level, queue = ladder.levels[key], []
        order = level.head
        while order is not None:
            queue.append(
                [order.number, order.account, order.terms.client_order_id, order.quantity,
                 order.leaves, order.terms.self_trade.value]
            )  # fmt: skip
            order = order.next
        levels.append([level.price, queue])
    return levels


def asleep(orders: Iterable[Order]) -> list[list[Any]]:
    """``[number, account, client id, trigger, price, quantity, leaves]``, as they arrived."""
    sleeping = sorted((o for o in orders if o.level is None), key=lambda order: order.arrival)
    return [
        [o.number, o.account, o.terms.client_order_id, o.trigger, o.price, o.quantity, o.leaves]
        for o in sleeping
    ]


def ordinary(order: Order) -> bool:
    """Whether there is nothing special about it."""
    return order.odd is None and order.group == order.account


def special(order: Order) -> list[Any]:
    """``[number, trade group, display, shown, deadline]``."""
    return [order.number, order.group, order.display, order.shown, order.deadline_us]
