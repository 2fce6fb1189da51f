"""What the writer decides and stores together, and what waits for it."""

import asyncio
from typing import Any, Generic, TypeVar

import msgspec

from exchange.store.writer import Draft
from exchange.venue.answers import Ack
from exchange.venue.intake import Admitted
from exchange.venue.journal import Journal

T = TypeVar("T")

PIECE_NS = 2_000_000
"""How long a batch is lengthened at a time while the disk is busy."""
LONGEST = 4
"""Times the bound on deciding that it may take then."""


class KeyConflict(Exception):  # noqa: N818 - the condition is the message
    """The key is bound to a command of other content; nothing was done."""


class Bounds(msgspec.Struct, frozen=True):
    """What bounds a batch and the queue; 0 commands: only the other bounds.

    A batch whose time is over while the disk is busy with the one before takes more.
    """

    commands: int = 0
    events: int = 20_000
    deciding_ms: int = 10
    queue: int = 4_096


class Seen(msgspec.Struct, Generic[T], frozen=True):
    """What a look saw: the state behind the event at ``position``, at venue time ``at_us``."""

    answer: T
    position: int
    at_us: int


class Waiting(msgspec.Struct, gc=False):
    """A command in the queue, and who waits for its answer."""

    admitted: Admitted
    at_us: int | None
    future: "asyncio.Future[Ack]"
    older: int | None = None  # where its key was bound long ago, 0: nowhere, null: not asked


class Batch:
    """What one batch has decided so far."""

    __slots__ = ("answers", "bound", "deciding_ns", "draft", "journal", "until_ns")

    def __init__(self, journal: Journal, draft: Draft, bounds: Bounds) -> None:
        self.journal = journal
        self.draft = draft
        self.answers: list[tuple[asyncio.Future[Any], Ack | KeyConflict | Seen[Any]]] = []
        self.bound: dict[bytes, tuple[str, Ack]] = {}  # key -> content digest, answer
        self.deciding_ns = 0
        self.until_ns = bounds.deciding_ms * 1_000_000

    def full(self, bounds: Bounds) -> bool:
        """Whether it takes no further command; it takes one at least."""
        return (
            self.deciding_ns > self.until_ns
            or self.draft.count >= bounds.events
            or 0 < bounds.commands <= len(self.answers)
        ) and bool(self.draft.count or self.answers)

    def lengthen(self, bounds: Bounds) -> None:
        """Let it take a little more: it could not be sent anyway."""
        longest_ns = LONGEST * bounds.deciding_ms * 1_000_000
        self.until_ns = min(self.deciding_ns + PIECE_NS, longest_ns)
