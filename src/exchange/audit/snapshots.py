"""The follower that makes a store's snapshots, and whether those that are there are true.

It reads the log as anybody may and folds a state of its own: the writer knows nothing of it.
"""

from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path

import msgspec

from exchange.audit.asof import REPORT_EVERY, Progress
from exchange.collector import paused
from exchange.kernel.events import Envelope
from exchange.store.errors import StoreDamaged, StoreError
from exchange.store.log import EventLog
from exchange.store.snapshots import SnapshotFile, SnapshotFolder
from exchange.venue.opening import Passed, nearest, read_snapshot
from exchange.venue.replay import STORE_STREAM, replay
from exchange.venue.snapshot import Header, OtherVersion, Place, Unusable, pack, restored
from exchange.venue.state import VenueState

KEEP = 3
"""How many snapshots a store keeps: the newest, and what to fall back to."""


class Made(msgspec.Struct, frozen=True):
    """A snapshot that was written; ``events`` were followed for it."""

    path: Path
    position: int
    events: int
    orders: int
    bytes: int
    state_hash: str
    removed: int  # older ones


class Snapshotter:
    """Follows ``log`` from its newest good snapshot on, and writes one wherever it is told to.

    Raises:
        StoreError: the log is in memory, or can't be read.
    """

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._folder = folder_of(log)
        self._log_id = log.first_epoch().log_id
        start = nearest(log)
        self.passed: tuple[Passed, ...] = start.passed
        self._state, self._command = start.state, start.command
        self._position = self._written = start.position

    @property
    def events_behind(self) -> int:
        """Positions between the newest good snapshot and the log's end."""
        return self._log.last_position - self._written

    def make(self, keep: int = KEEP, progress: Progress | None = None) -> Made | None:
        """A snapshot at the last seal; null: there is one already.

        The ``keep`` newest good ones stay. Others go, also those that are of no use: of a log
        that was restored older, the ones from behind its end would else be kept as the newest.

        Raises:
            StoreLocked: another process makes one.
            StoreDamaged: the log does not end with a seal.
            InvariantViolation: it can't be followed.
            StoreError: log or snapshots can't be read or written.
        """
        with self._folder.writing():
            last, before = self._log.last_position, self._position
            if last == self._written:
                return None
            seal = self._log.seal_at(last)
            if seal is None:
                raise StoreDamaged(f"{self._log.url.text}: the log ends inside a batch: verify it")
            with paused():
                replay(self._state, self._followed(last, progress))
            self._position = last
            place = Place(self._log_id, last, seal.hash, self._command)
            header, content = pack(self._state, place)
            file = self._folder.write(last, content)
            self._written = last
            removed = self._tidy(keep)
        return Made(
            file.path, last, last - before, header.orders, len(content), header.state_hash, removed
        )

    def _tidy(self, keep: int) -> int:
        """Remove what is not kept; how many that were."""
        found = listed(self._log)
        kept = [it.file for it in found if it.wrong is None][:keep]
        gone = [it.file for it in found if it.file not in kept]
        for file in gone:
            self._folder.remove(file)
        return len(gone)

    def _followed(self, last: int, progress: Progress | None) -> Iterator[Envelope]:
        """The events up to ``last``, counted."""
        told = self._position
        for it in takewhile(lambda it: it.position <= last, self._log.read(self._position)):
            if it.originator_id != STORE_STREAM:
                self._command = it.position
            yield it
            if progress is not None and it.position - told >= REPORT_EVERY:
                told = it.position
                progress(told)


class Found(msgspec.Struct, frozen=True):
    """A snapshot file as it was found; without a header it can't even be read.

    ``wrong`` is why it is not used, null: it is; ``false`` whether the log says otherwise.
    """

    file: SnapshotFile
    bytes: int
    header: Header | None = None
    wrong: str | None = None
    false: bool = False


def listed(log: EventLog) -> list[Found]:
    """Each snapshot, the newest first: whole, of this version, and behind a seal of this log.

    Its state is not looked into; :func:`verified` does that.

    Raises:
        StoreError: the log or the folder can't be read.
    """
    return [_look(log, file) for file in folder_of(log).files()]


def verified(log: EventLog, progress: Progress | None = None) -> list[Found]:
    """The same, each state compared with the fold of the log from its genesis, in one pass.

    Raises:
        InvariantViolation: the log can't be followed; ``verify`` tells more.
        StoreError: the log or the folder can't be read.
    """
    found = listed(log)
    checks = {it.file.position: it for it in found if it.header is not None}
    state, last, command = VenueState(), max(checks, default=0), 0

    def followed() -> Iterator[Envelope]:
        nonlocal command
        for it in takewhile(lambda it: it.position <= last, log.read()):
            yield it
            if it.originator_id != STORE_STREAM:
                command = it.position
            elif it.position in checks:
                checks[it.position] = _compare(log, checks[it.position], state, command)
            if progress is not None and it.position % REPORT_EVERY == 0:
                progress(it.position)

    with paused():
        replay(state, followed())
    return [checks.get(it.file.position, it) for it in found]


def folder_of(log: EventLog) -> SnapshotFolder:
    """Where the log's snapshots lie.

    Raises:
        StoreError: a log in memory has none.
    """
    if log.url.path is None:
        raise StoreError("a store in memory ends with its process: it has no snapshots")
    return SnapshotFolder(log.url)


def _look(log: EventLog, file: SnapshotFile) -> Found:
    size = file.path.stat().st_size if file.path.is_file() else 0
    try:
        return Found(file, size, read_snapshot(log, file).header)
    except OtherVersion as reason:
        return Found(file, size, wrong=str(reason))
    except Unusable as reason:
        return Found(file, size, wrong=str(reason), false=True)


def _compare(log: EventLog, found: Found, state: VenueState, command: int) -> Found:
    """What is found, where the fold stands behind its seal and that command."""
    wrong, folded = None, state.state_hash()
    try:
        snapshot = read_snapshot(log, found.file)
        told, last = restored(snapshot).state_hash(), snapshot.header.command
        if told != folded:
            wrong = f"its state has hash {told}, the log's {folded}"
        elif last != command:
            wrong = f"its last command is at {last}, the log's at {command}"
    except Unusable as reason:
        wrong = str(reason)
    return msgspec.structs.replace(found, wrong=wrong, false=True) if wrong else found
