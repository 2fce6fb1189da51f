"""The book as text: asks above the line, bids below, each queue from its first order on."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from exchange.feeds.script.words import Unreadable
from exchange.feeds.terms import Scale
from exchange.kernel.decimals import to_text, to_units
from exchange.matching.book import Book
from exchange.matching.ladder import Ladder

LINE = "----"

Row = tuple[int, tuple[tuple[str, int, int], ...]]
"""Price, and the queue there as account, shown and open quantity; all in units."""


class Picture(NamedTuple):
    """What a reader sees of a book: the highest price first, on both sides."""

    asks: tuple[Row, ...]
    bids: tuple[Row, ...]


def picture_of(book: Book) -> Picture:
    """The book as it stands."""
    asks, bids = tuple(_rows(book.asks)), tuple(_rows(book.bids))
    return Picture(asks[::-1], bids)


def written(picture: Picture, scale: Scale) -> list[str]:
    """One line a level, prices under each other: ``101.00 | carol 3, bob 0.5 of 2``."""
    asks, bids = ([_written(row, scale) for row in side] for side in picture)
    width = max((len(price) for price, _ in [*asks, *bids]), default=0)
    above, below = (
        [f"{price:>{width}} | {queue}" for price, queue in side] for side in (asks, bids)
    )
    return [*above, LINE, *below]


def read(lines: Sequence[str], scale: Scale) -> Picture:
    """The picture that ``lines`` write.

    Raises:
        Unreadable: the line between the sides is missing, or a level is none.
        DecimalError: a price or a quantity is none.
    """
    if lines.count(LINE) != 1:
        raise Unreadable(f"one line {LINE!r} parts asks from bids, {lines.count(LINE)} are there")
    middle = lines.index(LINE)
    asks, bids = (
        tuple(_read(line, scale) for line in side) for side in (lines[:middle], lines[middle + 1 :])
    )
    return Picture(asks, bids)


def plain(units: int, decimals: int) -> str:
    """An amount as people write it: no zeros behind its last digit, no bare point."""
    text = to_text(units, decimals)
    return text.rstrip("0").rstrip(".") if decimals else text


def _rows(ladder: Ladder) -> Iterator[Row]:
    """The side's levels, best first."""
    for key in reversed(ladder.keys):
        level = ladder.levels[key]
        queue, order = [], level.head
        while order is not None:
            shown = order.shown
            queue.append((order.account, shown, order.leaves))
            order = order.next
        yield level.price, tuple(queue)


def _written(row: Row, scale: Scale) -> tuple[str, str]:
    price, queue = row
    orders = []
    for account, *quantities in queue:
        shown, whole = (plain(quantity, scale.quantity) for quantity in quantities)
        orders.append(f"{account} {shown}" if shown == whole else f"{account} {shown} of {whole}")
    return to_text(price, scale.price), ", ".join(orders)


def _read(line: str, scale: Scale) -> Row:
    price, _, queue = line.partition("|")
    orders = tuple(_read_order(line, order, scale) for order in queue.split(","))
    return to_units(price.strip(), scale.price), orders


def _read_order(line: str, order: str, scale: Scale) -> tuple[str, int, int]:
    match order.split():
        case [account, shown]:
            whole = shown
        case [account, shown, "of", whole]:
            pass
        case _:
            raise Unreadable(f"{line!r} is no level: write PRICE | ACCOUNT QUANTITY, …")
    return account, to_units(shown, scale.quantity), to_units(whole, scale.quantity)
