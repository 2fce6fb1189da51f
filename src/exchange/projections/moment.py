"""What every read model is told beside an event: when and where it happened."""

import sqlite3
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import msgspec

from exchange.kernel.events import Event
from exchange.projections.bulk import Writes


class Now(msgspec.Struct, gc=False):
    """The place of the event that is followed, and its command's record."""

    position: int = 0
    at_us: int = 0  # venue time
    rulebook_version: int = 0


Handler = Callable[[str, Any, Now], None]
"""Takes the stream, an event of its type, and now."""


class Projection(Protocol):
    """Some tables and how they follow the log.

    What it has followed stays in memory until ``spill`` or ``flush`` writes it; ``load`` takes
    up what it must know of the tables as they are.
    """

    def handlers(self) -> Mapping[type[Event], Handler]:
        """Which events it follows, and how."""

    def load(self, connection: sqlite3.Connection) -> None:
        """Take up where the tables stand."""

    def spill(self, writes: Writes) -> None:
        """Write rows that are only ever added, while the processor's cache still holds them."""

    def flush(self, writes: Writes) -> None:
        """Write the rest, each row that changed once, within the transaction that is open."""
