"""How a venue's state comes out of its store: the newest good snapshot, then the log behind it.

A snapshot is a cache. One that is missing, damaged, of another version or of another log is
passed over for an older one, and the last resort is the whole log: the state is the same.
"""

from pathlib import Path

import msgspec

from exchange.collector import paused
from exchange.orders.records import CommandRecorded
from exchange.store.errors import StoreError
from exchange.store.log import EventLog
from exchange.store.snapshots import SnapshotFile, SnapshotFolder
from exchange.venue.keys import Keys
from exchange.venue.replay import replay
from exchange.venue.snapshot import Snapshot, Unusable, restored, unpack
from exchange.venue.state import VenueState


class Passed(msgspec.Struct, frozen=True):
    """A snapshot that was not used, and why; for the operator."""

    path: Path
    reason: str


class Start(msgspec.Struct):
    """A state behind the seal at ``position``, to let the log's tail follow; 0: before genesis."""

    state: VenueState
    position: int = 0
    command: int = 0  # position of the last event of the last command
    passed: tuple[Passed, ...] = ()


def open_state(log: EventLog, keys: Keys) -> Start:
    """The state at the log's end, and in ``keys`` what is bound behind ``keys.forgotten``.

    O(state + events behind the snapshot), and a look at each row behind ``keys.forgotten``.

    Raises:
        InvariantViolation: the log can't be followed.
        StoreError: it can't be read.
    """
    start, keys_after = nearest(log), keys.forgotten
    together = keys_after <= start.position  # the events behind the snapshot bring their keys
    with paused():
        upto = start.position if together else log.last_position
        for position, record in log.of_kind(CommandRecorded, keys_after, upto):
            keys.follow(record, position)
        replay(start.state, log.placed(start.position), keys if together else None)
    return start


def nearest(log: EventLog, upto: int | None = None, at_us: int | None = None) -> Start:
    """The newest good snapshot at or before a position and a venue time; else genesis.

    Raises:
        StoreError: the log can't be read.
    """
    passed: list[Passed] = []
    for it in _files(log, passed):
        if upto is not None and it.position > upto:
            continue
        try:
            snapshot = read_snapshot(log, it)
            if at_us is None or snapshot.header.at_us <= at_us:
                with paused():
                    state = restored(snapshot)
                return Start(state, it.position, snapshot.header.command, tuple(passed))
        except Unusable as reason:
            passed.append(Passed(it.path, str(reason)))
    return Start(VenueState(), passed=tuple(passed))


def read_snapshot(log: EventLog, file: SnapshotFile) -> Snapshot:
    """What is in the file, which stands behind a seal of this very log.

    Raises:
        Unusable: it can't be read, is damaged, or stands elsewhere.
        OtherVersion: a newer or older program made it.
        StoreError: the log can't be read.
    """
    try:
        content = file.read()
    except StoreError as error:
        raise Unusable(str(error)) from error
    snapshot = unpack(content)
    header, log_id = snapshot.header, log.first_epoch().log_id
    if header.position != file.position:
        raise Unusable(f"it stands at {header.position}, its name says {file.position}")
    if header.log_id != log_id:
        raise Unusable(f"it is of another log, {header.log_id}; this one is {log_id}")
    last = log.last_position
    if header.position > last:
        raise Unusable(f"it stands at {header.position}, but the log ends at {last}")
    seal = log.seal_at(header.position)
    if seal is None or seal.hash != header.seal:
        raise Unusable(f"the log has another seal at {header.position}, or none")
    return snapshot


def _files(log: EventLog, passed: list[Passed]) -> list[SnapshotFile]:
    """The store's snapshots, the newest first; none where their folder can't be read."""
    if log.url.path is None:
        return []
    folder = SnapshotFolder(log.url)
    try:
        return folder.files()
    except StoreError as error:
        passed.append(Passed(folder.path, str(error)))
        return []
