"""Idempotency: which command a key is bound to. A cache of the log."""

import hashlib

from exchange.kernel.rejects import Refusal, RejectCode
from exchange.orders.commands import Command, PlaceOrder, Role, account_of, kind
from exchange.orders.records import CommandRecorded


class Keys:
    """Digest of scope, kind and key -> position of the record that bound it.

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

    def follow(self, record: CommandRecorded, position: int) -> None:
        """Bind what the record stored at ``position`` binds."""
        if binds(record.command, record.key, record.refusal):
            digest = key_digest(record.command, record.key, record.actor)
            if digest is not None:
                self._positions[digest] = position

    def __len__(self) -> int:
        return len(self._positions)


def key_digest(command: Command, key: str | None, actor: str) -> bytes | None:
    """The digest that stands for the command's key, or null: it can't be repeated.

    A key is its account's, whoever acts for that; of a command that belongs to no account, its
    actor's: who approves by another's key has approved, too.
    """
    if key is None and type(command) is PlaceOrder:
        key = command.terms.client_order_id
    if key is None:
        return None
    scope = account_of(command) or actor
    name = f"{scope}\n{kind(command)}\n{key}"
    return hashlib.blake2b(name.encode(), digest_size=16).digest()


def binds(command: Command, key: str | None, refusal: Refusal | None) -> bool:
    """Whether a command with this outcome binds its key.

    One that was refused because the actor may not give it must not: a stranger could take a
    key away from its owner.
    """
    if refusal is None:
        return True
    return key is not None and not _by_stranger(command, refusal)


def _by_stranger(command: Command, refusal: Refusal) -> bool:
    if refusal.code is RejectCode.NOT_PERMITTED:
        return True
    foreign = refusal.code is RejectCode.UNKNOWN_ACCOUNT and refusal.field == "account"
    return foreign and command.ROLE is Role.TRADER
