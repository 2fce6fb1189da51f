"""Idempotency: which command a key is bound to. A cache of the log."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Protocol

from exchange.kernel.rejects import Refusal, RejectCode
from exchange.orders.commands import Command, PlaceOrder, Role, account_of, kind
from exchange.orders.records import CommandRecorded

GENERATION = 250_000
"""Keys that are bound before those of the generation before may leave memory."""


class OlderKeys(Protocol):
    """Where bindings are that have left memory: kept by a follower of the log."""

    fault: str | None
    """Why they had to be taken from the log again, if that was so."""

    def reached(self) -> int:
        """The position up to which every binding is there; it never goes back."""

    def find(self, digests: Sequence[bytes]) -> Mapping[bytes, int]:
        """Those of them that are bound, up to ``reached`` at least, with their positions."""

    def close(self) -> None:
        """Let go of it."""


class Keys:
    """Digest of scope, kind and key -> position of the record that bound it.

    A header's key binds refusals too; a client order id stands in for a missing key of a
    place and is bound by acceptance only. With ``older`` the last two generations at most stay
    in memory, as far as the follower keeps up: a binding leaves it only when it is there.
    """

    def __init__(self, older: OlderKeys | None = None) -> None:
        self._older = older
        self._new: dict[bytes, int] = {}
        self._old: dict[bytes, int] = {}  # the generation before
        self._turn_at = GENERATION
        self.forgotten = 0 if older is None else older.reached()
        """Bindings up to this position need not be in memory."""

    def recent(self, digest: bytes) -> int | None:
        """Where the record stands that bound the key, if memory knows."""
        return self._new.get(digest) or self._old.get(digest)

    def find_older(self, digests: Sequence[bytes]) -> Mapping[bytes, int]:
        """The same for many that memory does not know; none when nothing was forgotten."""
        if self._older is None or not self.forgotten:
            return {}
        return self._older.find(digests)

    def position(self, digest: bytes) -> int | None:
        """Where the record stands that bound the key."""
        return self.recent(digest) or self.find_older([digest]).get(digest)

    def bind(self, digest: bytes, position: int) -> None:
        """Bind a key for ever."""
        self._new[digest] = position
        if len(self._new) >= self._turn_at:
            self._turn()

    def follow(self, record: CommandRecorded, position: int) -> None:
        """Bind what the record stored at ``position`` binds."""
        if binds(record.command, record.key, record.refusal):
            digest = key_digest(record.command, record.key, record.actor)
            if digest is not None:
                self.bind(digest, position)

    def __len__(self) -> int:
        """How many are in memory."""
        return len(self._new) + len(self._old)

    def _turn(self) -> None:
        """Begin a generation, and forget the last but one; not before the follower has it."""
        self._turn_at = len(self._new) + GENERATION // 16
        if self._older is None:
            return
        last = next(reversed(self._old.values()), 0)
        if last <= self._older.reached():
            self.forgotten = max(self.forgotten, last)
            self._old, self._new, self._turn_at = self._new, {}, GENERATION


def key_digest(command: Command, key: str | None, actor: str) -> bytes | None:
    """The digest that stands for the command's key, or null: it can't be repeated.

    A key is its account's, whoever acts for that; of a command that belongs to no account, its
    actor's: who approves by another's key has approved, too.
    """
    if key is None and type(command) is PlaceOrder:
        key = command.terms.client_order_id
    if key is None:
        return None
    name = f"{account_of(command) or actor}\n{kind(command)}\n{key}"
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
