"""Who stands in each queue of a book, for ``exchange book --queues``."""

from typing import Any

from exchange.cli.output import print_table, stdout
from exchange.kernel.decimals import to_text
from exchange.kernel.ids import order_id
from exchange.matching.ladder import Ladder
from exchange.venue.state import Room

Levels = list[dict[str, Any]]
"""A side's levels as they are printed, best first."""

COLUMNS = ("order", "account", "shown", "open")


def join_queues(room: Room, sides: tuple[Levels, Levels]) -> None:
    """Give each level of bids and asks its ``queue``, first in line first."""
    for levels, ladder in zip(sides, (room.book.bids, room.book.asks), strict=True):
        for level, key in zip(levels, reversed(ladder.keys), strict=False):
            level["queue"] = _queue(room, ladder, key)


def print_queues(bids: Levels, asks: Levels) -> None:
    """A line an order: the bids, then the asks, best price first."""
    stdout.print()
    rows = [
        (side, level["price"], *(order[column] for column in COLUMNS))
        for side, levels in (("bid", bids), ("ask", asks))
        for level in levels
        for order in level["queue"]
    ]
    print_table(("side", "price", *COLUMNS), rows)


def _queue(room: Room, ladder: Ladder, key: int) -> list[dict[str, str]]:
    rules, found = room.market.instrument, []
    order = ladder.levels[key].head
    while order is not None:
        texts = (
            order_id(rules.symbol, order.number),
            order.account,
            to_text(order.shown, rules.quantity_decimals),
            to_text(order.leaves, rules.quantity_decimals),
        )
        found.append(dict(zip(COLUMNS, texts, strict=True)))
        order = order.next
    return found
