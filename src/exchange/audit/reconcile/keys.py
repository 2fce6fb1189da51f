"""The idempotency keys in the views against those that the log's commands have bound."""

import sqlite3

from exchange.audit.reconcile.findings import Findings
from exchange.kernel.events import Envelope
from exchange.orders.records import CommandRecorded
from exchange.venue.keys import binds, key_digest

BOUND = "SELECT digest, position FROM keys"


class LoggedKeys:
    """Which record each key must lead to."""

    def __init__(self, connection: sqlite3.Connection, findings: Findings) -> None:
        self._connection, self._findings = connection, findings
        self._due: dict[bytes, int] = {}  # digest -> position of the first record that bound it

    def follow(self, envelope: Envelope) -> None:
        """Note what the command binds."""
        event = envelope.event
        if isinstance(event, CommandRecorded) and binds(event.command, event.key, event.refusal):
            digest = key_digest(event.command, event.key, event.actor)
            if digest is not None:
                self._due.setdefault(digest, envelope.position)

    def finish(self) -> None:
        """Each key leads to its record, and no other is there."""
        for digest, found in self._connection.execute(BOUND):
            self._compare(digest, self._due.pop(digest, None), found)
        for digest, due in self._due.items():
            self._compare(digest, due, None)

    def _compare(self, digest: bytes, due: int | None, found: int | None) -> None:
        at = [it for it in (due, found) if it is not None]
        self._findings.compare("keys", "R2", f"key {digest.hex()}", due, found, at)
