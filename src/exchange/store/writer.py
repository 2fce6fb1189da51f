"""The one appender of a log: batches in the making, their seals, commits and checkpoints."""

import os
import sqlite3
import uuid
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from eventsourcing.persistence import PersistenceError

from exchange import __version__
from exchange.kernel.events import Envelope, Event, Placed
from exchange.kernel.laws import hold_law
from exchange.store.errors import CommitFailed, StoreDamaged, StoreError, StoreFormat
from exchange.store.events import LOG_FORMAT, VENUE, BatchSealed, EpochStarted
from exchange.store.heads import Head, HeadsFile
from exchange.store.lock import WriterLock, kept_open
from exchange.store.log import PAGE_ROWS, EventLog, explained
from exchange.store.mapper import Catalogue
from exchange.store.seal import Packed, Row, genesis, seal, unpacked
from exchange.store.urls import StoreUrl

RECENT_ROWS = 20_000
"""Rows that the writer keeps at hand for those who follow it closely."""
CHECKPOINT_ROWS = 30_000
"""Rows appended between checkpoints; a batch is never split by one."""


class Draft:
    """A batch in the making, kept as it will be stored: two texts that only grow.

    An event is written down while it is at hand, and nothing of it is kept beside that.
    """

    __slots__ = ("_encode_into", "_places", "_states", "count", "last")

    def __init__(self, catalogue: Catalogue) -> None:
        self._encode_into = catalogue.encode_into
        self._places = bytearray()  # JSON of the rows' places, a comma behind each
        self._states = bytearray()
        self.count = 0  # of rows
        self.last = 0  # position of the last one

    def add(self, placed: Sequence[Placed]) -> None:
        """Take in what comes next."""
        encode_into, places, states = self._encode_into, self._places, self._states
        end = len(states)
        for stream, version, event, position in placed:
            start = end
            encode_into(event, states, -1)
            end = len(states)
            place = position, stream, version, event.TOPIC, start + 1, end - start
            encode_into(place, places, -1)
            places += b","
        self.last = placed[-1][3]
        self.count += len(placed)

    def __len__(self) -> int:
        """How many rows it has."""
        return self.count

    @property
    def first(self) -> int:
        """The position of its first row, as it stands there."""
        return int(self._places[1 : self._places.index(b",")])

    def packed(self) -> Packed:
        """All of it, as it is hashed and stored."""
        return Packed(b"[" + self._places[:-1] + b"]", bytes(self._states))


class Numbered(NamedTuple):
    """A batch whose places in the log are settled, its seal's too."""

    draft: Draft
    batch: int
    first: int
    last: int
    version: int  # of its seal, on stream ``venue``


class Stored(NamedTuple):
    """A batch as it was stored, its seal the last of its rows."""

    first: int
    last: int
    rows: Packed


class LogWriter(EventLog):
    """The one appender of a log: takes the lock, recovers, starts a new epoch.

    Raises:
        StoreLocked: another writer holds the store.
        StoreDamaged: the log ends inside a batch, or before a head that was written.
        StoreError: the file can't be written or checkpointed.
    """

    def __init__(self, url: StoreUrl, events: Iterable[type[Event]], *, at_us: int) -> None:
        self._lock: WriterLock | None = None
        self._heads: HeadsFile | None = None
        self._file: int | None = None
        self._recent: deque[Stored] = deque()  # the last batches, without gaps
        if url.path is not None:
            if not url.path.parent.is_dir():
                raise StoreError(f"there is no folder {url.path.parent}")
            if url.path.exists() and not url.path.is_file():
                raise StoreError(f"{url.path} is no file")
            self._lock = WriterLock(url.beside(".lock"))
        try:
            super().__init__(url, events, database=url.database("rwc", uuid.uuid4().hex))
            try:
                self._open(url, at_us)
            except BaseException:
                super().close()
                raise
        except BaseException:
            self._let_go()
            raise

    def _open(self, url: StoreUrl, at_us: int) -> None:
        with explained(url):
            self.recorder.create_table()
            if url.path is not None and not self.recorder.checkpoint("TRUNCATE"):
                raise StoreError(f"{url.path} is busy: its write-ahead log can't be checkpointed")
        self._since_checkpoint = 0
        self._in_doubt = False
        self._file = None if url.path is None else kept_open(url.path)
        if url.path is not None:
            self._heads = HeadsFile(url.beside(".heads"))
        self._resume()
        epoch = EpochStarted(self.log_id, self.epoch, LOG_FORMAT, __version__, at_us)
        self.venue_version += 1
        self.append([Envelope(VENUE, self.venue_version, epoch, self.position + 1)])

    def _resume(self) -> None:
        """Take up the chain at the log's last seal; the state of a new log for an empty one."""
        self.position = self.last_position
        if not self.position:
            if self._heads is not None and self._heads.last() is not None:
                raise StoreDamaged(f"{self._heads.path} has heads, but the log is empty")
            self.log_id, self.epoch, self.batch = uuid.uuid4().hex, 1, 0
            self.venue_version, self.head = 0, genesis(self.log_id)
            return
        first, (last,) = next(self.read(0, 1)).event, self.read(self.position - 1, 1)
        if not isinstance(first, EpochStarted) or not isinstance(last.event, BatchSealed):
            raise StoreDamaged(f"{self.url.text}: the log does not end with a seal; verify it")
        if first.format != LOG_FORMAT:
            known = f"this program writes {LOG_FORMAT}"
            raise StoreFormat(f"the log has format {first.format}, {known}")
        self.log_id, self.epoch, self.batch = first.log_id, last.event.epoch + 1, last.event.batch
        self.venue_version, self.head = last.originator_version, bytes.fromhex(last.event.hash)
        if self._heads is not None:
            self._check_heads(self._heads, Head(self.batch, self.position, last.event.hash))

    def _check_heads(self, heads: HeadsFile, ours: Head) -> None:
        """The last head that was written must be in the log; a missing one is added."""
        written = heads.last()
        if written is not None:
            sealed = next(self.read(written.position - 1, 1), None)
            found = sealed.event if sealed else None
            if not isinstance(found, BatchSealed) or (found.batch, found.hash) != (
                written.batch,
                written.hash,
            ):
                raise StoreDamaged(
                    f"{heads.path} has batch {written.batch} at position {written.position}, "
                    f"but the log (to {ours.position}) does not: it was cut or changed"
                )
        if written != ours:
            heads.append(ours)

    def append(self, placed: Sequence[Placed]) -> int:
        """Store a batch and its seal in one transaction; the seal's position.

        When this returns the batch is on disk. Its events have the next positions.

        Raises:
            CommitFailed: whether the batch is stored is unknown; the process must end.
            InvariantViolation: their positions are not the next ones.
        """
        draft = self.draft()
        draft.add(placed)
        return self.store(self.number(draft))

    def draft(self) -> Draft:
        """A batch in the making."""
        return Draft(self.catalogue)

    def number(self, draft: Draft) -> Numbered:
        """Give the batch and its seal the next places; whoever comes next stands behind them.

        A batch that is numbered must be stored, and stored in order.

        Raises:
            InvariantViolation: the positions of its rows are not the next ones.
        """
        first, last = draft.first, draft.last
        in_place = (first, last) == (self.position + 1, self.position + draft.count)
        hold_law("R3", in_place, f"a batch for {first} to {last} behind {self.position}")
        self.position, self.batch = last + 1, self.batch + 1
        self.venue_version += 1
        return Numbered(draft, self.batch, first, last, self.venue_version)

    def store(self, numbered: Numbered) -> int:
        """Seal a batch, commit it and note its head; the seal's position. From any one thread.

        Raises:
            CommitFailed: whether the batch is stored is unknown; the process must end.
        """
        if self._in_doubt:
            raise CommitFailed(f"{self.url.text}: an earlier batch is in doubt, open it anew")
        self._in_doubt = True
        draft, batch, first, last, version = numbered
        rows = draft.packed()
        head = seal(self.head, self.epoch, batch, first, last, rows)
        event = BatchSealed(self.epoch, batch, first, last, head.hex())
        sealed = (last + 1, VENUE, version, event.TOPIC, self.catalogue.encode(event))
        whole = rows.plus(sealed)
        try:
            self.recorder.insert_rows(whole)
        except (PersistenceError, sqlite3.Error) as error:
            raise CommitFailed(f"{self.url.text}: the batch at {first}: {error}") from error
        self._since_checkpoint += draft.count + 1
        if self._heads is not None:
            try:
                self._heads.append(Head(batch, last + 1, event.hash))
            except StoreError as error:
                raise CommitFailed(f"batch {batch} is stored, but {error}") from error
        self.head, self._in_doubt = head, False
        self._keep_recent(Stored(first, last + 1, whole))
        return last + 1

    def _keep_recent(self, batch: Stored) -> None:
        self._recent.append(batch)
        while self._recent and batch.last - self._recent[0].first > RECENT_ROWS:
            self._recent.popleft()

    def pages(self, after: int = 0, page: int = PAGE_ROWS) -> Iterator[list[Row]]:
        """As :meth:`EventLog.pages`; what was stored a moment ago comes from memory."""
        recent = list(self._recent)  # at once: another thread may be storing
        if recent and after >= recent[0].first - 1:
            for batch in recent:
                if after < batch.last:
                    rows = unpacked(batch.rows)
                    for start in range(max(0, after + 1 - batch.first), len(rows), page):
                        yield rows[start : start + page]
                    after = batch.last
        yield from super().pages(after, page)

    @property
    def checkpoint_due(self) -> bool:
        """Whether enough was appended since the last checkpoint."""
        return self._since_checkpoint >= CHECKPOINT_ROWS and self.url.path is not None

    def checkpoint(self) -> None:
        """Move the write-ahead log into the file, and sync that if the end was reached.

        Raises:
            StoreError: the file can't be written; nothing is lost, it stays in the log.
        """
        with explained(self.url):
            self.recorder.checkpoint()

    def ease_checkpoint(self) -> None:
        """Leave the next checkpoint little to move and little to sync: in a thread of its own.

        Raises:
            StoreError: the file can't be written; nothing is lost.
        """
        self._since_checkpoint = 0
        self.checkpoint()
        if self._file is not None:
            try:
                os.fsync(self._file)
            except OSError as error:
                raise StoreError(f"{self.url.text} can't be synced: {error.strerror}") from error
        self.checkpoint()

    def close(self) -> None:
        """Let go of the store; another writer may take it."""
        super().close()
        self._let_go()

    def _let_go(self) -> None:
        if self._heads is not None:
            self._heads.close()
            self._heads = None
        if self._lock is not None:
            self._lock.release()
            self._lock = None
