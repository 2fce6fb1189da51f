"""What every read model is told beside an event: when and where it happened."""

import sqlite3
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import msgspec

from exchange.kernel.events import Event
from exchange.projections.bulk import Script


class Now(msgspec.Struct, gc=False):
    """The place of the event that is followed, and its command's record."""

    position: int = 0
    at_us: int = 0  # venue time
    rulebook_version: int = 0


Handler = Callable[[str, Any, Now], None]
"""Takes the stream, an event of its type, and now."""


class Projection(Protocol):
    """Some tables and how they follow the log.

    What it has followed stays in memory until ``flush``; ``load`` takes up what it must know of
    the tables as they are.
    """

    def handlers(self) -> Mapping[type[Event], Handler]:
        """Which events it follows, and how."""

    def load(self, connection: sqlite3.Connection) -> None:
        """Take up where the tables stand."""

    def flush(self, script: Script) -> None:
        """Let the script write each row that is new or has changed, once, as it is now."""
