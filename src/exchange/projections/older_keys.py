"""Old bindings of idempotency keys, looked up in the views: they need not be in memory."""

import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path

from exchange.orders.records import CommandRecorded
from exchange.projections.builds import Builds
from exchange.projections.follower import stands_in
from exchange.projections.keys import older_keys
from exchange.projections.schema import open_to_read
from exchange.projections.views import anchor_in, read_anchor
from exchange.store.errors import StoreError
from exchange.store.log import EventLog
from exchange.venue.keys import Keys


class KeysInViews:
    """The bindings in the views of ``pointer``, as far as they have followed ``log``.

    The file that was opened stays open: whatever becomes of its name, what it has told stays
    true. Views that are built anew are taken once they have come as far. When they can't be read
    any more, all keys are in memory again, from the log; ``fault`` says why.
    """

    def __init__(self, log: EventLog, pointer: Path) -> None:
        self._log = log
        self._builds = Builds(pointer)
        self._file: Path | None = None
        self._connection: sqlite3.Connection | None = None
        self._reached = 0
        self._whole: Keys | None = None  # in their place, when they can't be read
        self.fault: str | None = None

    def reached(self) -> int:
        """The position up to which every binding is there; it never goes back."""
        try:
            self._take_newer()
            if self._connection is not None:
                self._reached = max(self._reached, read_anchor(self._connection).position)
        except (StoreError, sqlite3.Error) as error:
            self.fault = str(error)
        return self._reached

    def find(self, digests: Sequence[bytes]) -> Mapping[bytes, int]:
        """Those of them that are bound, with the positions of their records."""
        if self._connection is not None and self._whole is None:
            try:
                found = older_keys(self._connection, digests)
            except sqlite3.Error as error:
                self.fault = str(error)
            else:
                if found.position >= self._reached:
                    return found.bound
                self.fault = f"the views went back from {self._reached} to {found.position}"
        known = self._in_log()
        return {it: position for it in digests if (position := known.recent(it)) is not None}

    def close(self) -> None:
        """Let go of the views."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _take_newer(self) -> None:
        """Open the views that are read now, if they are others and no shorter."""
        current = self._builds.current()
        if current is None or current == self._file:
            return
        anchor = anchor_in(current)
        if anchor is None or anchor.position < self._reached or not stands_in(self._log, anchor):
            return
        opened = open_to_read(current)
        self.close()
        self._connection, self._file = opened, current

    def _in_log(self) -> Keys:
        """All that the log has bound, up to where the views have told."""
        if self._whole is None:
            self._whole = Keys()
            for position, record in self._log.of_kind(CommandRecorded, 0, self._reached):
                self._whole.follow(record, position)
        return self._whole


def keys_in_views(log: EventLog) -> KeysInViews | None:
    """Those beside the log's store; none for a store in memory."""
    return None if log.url.path is None else KeysInViews(log, log.url.beside(".views"))
