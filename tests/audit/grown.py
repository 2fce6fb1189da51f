"""A store that grew while snapshots of it were made, and what its states were on the way."""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path

from exchange.audit.snapshots import Snapshotter
from exchange.store.log import EventLog
from exchange.store.snapshots import SnapshotFile, SnapshotFolder
from exchange.venue.catalogue import EVENTS
from exchange.venue.replay import replay
from exchange.venue.state import VenueState
from tests.audit.eventful import eventful
from tests.audit.logs import append, log_of, url_of

SEED = 20261126
BATCH = 5
"""Commands of a batch."""


def grow(path: Path, steps: int, snapshots: int, seed: int = SEED) -> list[SnapshotFile]:
    """A busy venue's log at ``path``; the snapshots that were made of it, the newest first."""
    done = [it.command for it in eventful(seed, steps)]
    parts = [done[first : first + BATCH] for first in range(0, len(done), BATCH)]
    batches = [list(chain.from_iterable(part)) for part in parts]
    every = len(batches) // (snapshots + 1)
    with log_of(path=path) as log:
        for number, batch in enumerate(batches, 1):
            append(log, batch)
            if number % every == 0 and number // every <= snapshots:
                snapshot(path)
    return SnapshotFolder(url_of(path)).files()


def snapshot(path: Path, keep: int = 99) -> int:
    """Make one, by a reader as anybody has it; where it stands."""
    with reading(path) as log:
        made = Snapshotter(log).make(keep)
    assert made is not None
    return made.position


@contextmanager
def reading(path: Path) -> Iterator[EventLog]:
    log = EventLog(url_of(path), EVENTS)
    try:
        yield log
    finally:
        log.close()


def folded(log: EventLog) -> VenueState:
    """The state at the log's end, from its genesis."""
    state = VenueState()
    replay(state, log.read())
    return state


def copied(path: Path, folder: Path, *suffixes: str) -> Path:
    """A copy of a closed store with what lies beside it; only these, where some are named."""
    folder.mkdir(exist_ok=True)
    for suffix in suffixes or ("", ".heads", ".snapshots"):
        source, target = path.with_name(path.name + suffix), folder / (path.name + suffix)
        if source.is_dir():
            shutil.copytree(source, target)
        else:
            shutil.copy(source, target)
    return folder / path.name


def positions(files: Sequence[SnapshotFile]) -> list[int]:
    return [it.position for it in files]
