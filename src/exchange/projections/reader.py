"""The views opened to be asked: one consistent moment at a time, page by page."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from exchange.projections.schema import explained, open_to_read
from exchange.projections.views import Anchor, read_anchor

PAGE_MAX = 1_000
"""The most rows of one page."""
ALL = 2**63 - 1
"""Above every number of a row."""


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
    def moment(self) -> Iterator[Anchor]:
        """One consistent moment: all reads within see the views as they stand here.

        Raises:
            StoreError: the views were dropped, or can't be read.
        """
        if self._file != _file(self.pointer):
            self.connection.close()
            self._file = _file(self.pointer)
            self.connection = open_to_read(self.pointer)
        with explained(self.pointer):
            self.connection.execute("BEGIN")
            try:
                yield read_anchor(self.connection)
            finally:
                self.connection.rollback()

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
