"""What every event is, and the envelope that places it in the log."""

from collections.abc import Callable
from typing import ClassVar, NamedTuple

import msgspec


class Event(msgspec.Struct, frozen=True, array_like=True, gc=False, forbid_unknown_fields=True):
    """A fact in the words of its context, stored for ever as a JSON array.

    Fields are only ever added at the end, with a default; any other change is a new event
    with a new ``TOPIC``. No two contexts may use one topic.
    """

    TOPIC: ClassVar[str]
    """The name it is stored under: ``<context>.<Event>.v<N>``."""


Placed = tuple[str, int, Event, int]
"""Stream, version, event, position: an envelope without its names, for who meets very many."""


class Envelope(NamedTuple):
    """An event with its place: the library's domain-event protocol.

    ``originator_id`` names the stream ("book:BTC-USD"), ``originator_version`` the event's
    gapless place there, from 1; ``position`` its gapless place in the log, from 1, or 0
    while it has none.
    """

    originator_id: str
    originator_version: int
    event: Event
    position: int = 0


Past = Callable[[str, int], Event | None]
"""Looks back into the log: the event of a stream at a version, or null."""


def no_past(stream: str, version: int) -> Event | None:
    """Where nothing can be looked up.

    Raises:
        LookupError: always.
    """
    raise LookupError(f"no log at hand to find {stream} at {version} in")
