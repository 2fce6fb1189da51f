"""Idempotency: which command a key is bound to. A cache of the log."""

import hashlib

from exchange.kernel.events import Envelope
from exchange.orders.commands import Command, PlaceOrder, Request, account_of, kind
from exchange.orders.records import CommandRecorded


class Keys:
    """Digest of account, kind and key -> position of the record that bound it.

    A header's key binds refusals too; a client order id stands in for a missing key of a
    place and is bound by acceptance only.
    """

    def __init__(self) -> None:
        self._positions: dict[bytes, int] = {}

    def position(self, digest: bytes) -> int | None:
        """Where the record stands that bound the key."""
        return self._positions.get(digest)

    def bind(self, digest: bytes, position: int) -> None:
        """Bind a key for ever."""
        self._positions[digest] = position

    def follow(self, envelope: Envelope) -> None:
        """Bind what a stored record binds; other events do nothing."""
        record = envelope.event
        if isinstance(record, CommandRecorded):
            digest = binding(record.command, record.key, refused=record.refusal is not None)
            if digest is not None:
                self._positions[digest] = envelope.position

    def __len__(self) -> int:
        return len(self._positions)


def scope(request: Request) -> bytes | None:
    """The digest under which to look for an earlier command, or null: it can't be a repeat."""
    return binding(request.command, request.key, refused=False)


def binding(command: Command, key: str | None, *, refused: bool) -> bytes | None:
    """The digest that a command with this outcome binds, if any."""
    if key is None and type(command) is PlaceOrder and not refused:
        key = command.terms.client_order_id
    if key is None:
        return None
    name = f"{account_of(command) or ''}\n{kind(command)}\n{key}"
    return hashlib.blake2b(name.encode(), digest_size=16).digest()
