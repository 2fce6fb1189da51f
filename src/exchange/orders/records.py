"""The record that every command leaves: the first event of its effects."""

import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec

from exchange.kernel.events import Event
from exchange.kernel.rejects import Refusal
from exchange.orders.commands import AnyCommand, Command, Role

OPERATORS = "commands"
"""The stream of commands that belong to no account."""

_ENCODER = msgspec.json.Encoder()


class CommandRecorded(Event, frozen=True):
    """A command, whole, with all that its decision took in beside the state.

    The events up to the next record are its effects; a refused one has none.
    """

    TOPIC = "orders.CommandRecorded.v1"
    command: AnyCommand
    actor: str
    role: Role
    key: str | None
    digest: str  # of the content: see ``digest_of``
    trace_id: str | None
    at_us: int  # venue time, microseconds since 1970 UTC
    rulebook_version: int  # version of market:<symbol>, 0 where no market is concerned
    refusal: Refusal | None


class CommandLog:
    """How many commands a stream of records holds; an event-sourced aggregate."""

    __slots__ = ("id", "refusals", "version")

    def __init__(self, stream: str) -> None:
        self.id = stream
        self.version = 0
        self.refusals = 0

    def evolve(self, event: Event) -> None:
        """Follow one event of this stream."""
        if type(event) is not CommandRecorded:
            raise TypeError(f"{self.id} has no event {type(event).__name__}")
        self.version += 1
        if event.refusal is not None:
            self.refusals += 1

    def dump(self) -> dict[str, Any]:
        """All that decides what comes next, for JSON: what the state hash covers."""
        return {"version": self.version, "refusals": self.refusals}

    def load(self, dumped: Mapping[str, Any]) -> None:
        """Become what was dumped; only an empty aggregate can."""
        self.version, self.refusals = dumped["version"], dumped["refusals"]


def record_stream(account: str | None) -> str:
    """Where commands of ``account`` (null: operators) are recorded."""
    return OPERATORS if account is None else f"orders:{account}"


def content(command: Command) -> bytes:
    """The command as it is stored: what makes two requests the same.

    Raises:
        ValueError: a text or a number in it has no stored form.
    """
    return _ENCODER.encode(command)


def digest_of(stored: bytes) -> str:
    """32 hex digits of the SHA-256 of a command's content."""
    return hashlib.sha256(stored).hexdigest()[:32]


def content_digest(command: Command) -> str:
    """The digest of a command's content."""
    return digest_of(content(command))
