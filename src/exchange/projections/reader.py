"""The views opened to be asked: one consistent moment at a time, page by page."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import msgspec

from exchange.projections.schema import explained, open_to_read
from exchange.projections.views import Anchor, read_anchor
from exchange.store.errors import StoreError

T = TypeVar("T")

PAGE_MAX = 1_000
"""The most rows of one page."""
ALL = 2**63 - 1
"""Above every number of a row."""
POLL_S = 0.02
"""Between two looks at how far the views have come."""


class Behind(StoreError):  # noqa: N818 - the condition is the message
    """The views have not reached the position that was asked for."""

    def __init__(self, position: int, asked: int) -> None:
        self.position, self.asked = position, asked
        super().__init__(
            f"the views stand at position {position}, asked for was {asked}: does `exchange "
            "follow` keep them?"
        )


class Cursor(NamedTuple):
    """A place in the log, and which of the rows there."""

    position: int
    part: int

    @classmethod
    def parse(cls, text: str) -> "Cursor":
        """The cursor that ``text`` is.

        Raises:
            ValueError: it is none.
        """
        position, dot, part = text.partition(".")
        if not (dot and all(it.isascii() and it.isdigit() for it in (position, part))):
            raise ValueError(f"{text!r} is no cursor")
        return cls(int(position), int(part))

    def __str__(self) -> str:
        return f"{self.position}.{self.part}"


class Page(msgspec.Struct, frozen=True):
    """Rows of one moment, and where the next page begins."""

    moment: Anchor
    rows: list[Any]
    cursor: Cursor | None


def page_of(moment: Anchor, found: list[T], limit: int, place: Callable[[T], Cursor]) -> Page:
    """The first ``limit`` rows; where more were found, another page begins behind the last."""
    rows = found[:limit]
    return Page(moment, rows, place(rows[-1]) if len(found) > limit else None)


class MarketRow(msgspec.Struct, frozen=True):
    """In which decimals a market's numbers are told."""

    symbol: str
    base: str
    quote: str
    price_decimals: int
    quantity_decimals: int
    state: str


class Reader:
    """The views that ``pointer`` leads to, to be asked; each moment asks those of its time.

    Raises:
        StoreError: there are none, or they can't be read.
        StoreFormat: they are of another version.
    """

    def __init__(self, pointer: Path) -> None:
        self.pointer = pointer
        self._file = _file(pointer)
        self.connection = open_to_read(pointer)

    def close(self) -> None:
        """Let go of the views."""
        self.connection.close()

    @contextmanager
    def moment(self, min_position: int = 0) -> Iterator[Anchor]:
        """One consistent moment: all reads within see the views as they stand here.

        A client that hands on the position of an answer sees what it has done.

        Raises:
            Behind: they have not reached ``min_position``.
            StoreError: the views were dropped, or can't be read.
        """
        if self._file != _file(self.pointer):
            self.connection.close()
            self._file = _file(self.pointer)
            self.connection = open_to_read(self.pointer)
        with explained(self.pointer):
            self.connection.execute("BEGIN")
            try:
                anchor = read_anchor(self.connection)
                if anchor.position < min_position:
                    raise Behind(anchor.position, min_position)
                yield anchor
            finally:
                self.connection.rollback()

    def wait_for(self, position: int, seconds: float) -> Anchor:
        """Where the views stand once they have reached ``position``; looks every 20 ms.

        Raises:
            Behind: they have not within so many seconds.
            StoreError: as for :meth:`moment`.
        """
        until = time.monotonic() + seconds
        while True:
            try:
                with self.moment(position) as anchor:
                    return anchor
            except Behind:
                left = until - time.monotonic()
                if left <= 0:
                    raise
                time.sleep(min(POLL_S, left))

    def markets(self) -> dict[str, MarketRow]:
        """Symbol -> market."""
        found = self.connection.execute(
            "SELECT symbol, base, quote, price_decimals, quantity_decimals, state FROM markets"
        )
        return {row[0]: MarketRow(*row) for row in found}

    def decimals(self) -> dict[str, int]:
        """Asset -> its decimals."""
        return dict(self.connection.execute("SELECT code, decimals FROM assets"))


def _file(pointer: Path) -> tuple[int, int] | None:
    """Which file the pointer leads to; null for none."""
    try:
        found = pointer.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino
