"""A process that makes a snapshot and kills itself at a point of that, or trades meanwhile."""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from exchange.audit.snapshots import Snapshotter
from exchange.store import snapshots
from exchange.store.snapshots import SnapshotFolder
from tests.audit.grown import reading

Stop = Callable[..., object]


def nothing(*_: object) -> None:
    """Leave undone what was to be done."""


def all_of_it(original: Stop, *arguments: object) -> None:
    """Do what was to be done."""
    original(*arguments)


def half(_: Stop, path: Path, content: bytes) -> None:
    """Write a part."""
    path.write_bytes(content[: len(content) // 2])


POINTS: dict[str, tuple[Any, str, Callable[..., None]]] = {
    "before the file": (snapshots, "_write_synced", nothing),
    "inside the file": (snapshots, "_write_synced", half),
    "before its name": (Path, "replace", nothing),
    "behind its name": (Path, "replace", all_of_it),
    "before the name is synced": (snapshots, "_sync_folder", nothing),
    "before older ones go": (SnapshotFolder, "remove", nothing),
    "while older ones go": (SnapshotFolder, "remove", all_of_it),
}
"""What is called at the point -> how much of it is done before the end."""


def die_at(path: Path, point: str) -> None:
    """Make a snapshot, keep one, and be killed on the way."""
    owner, name, stop = POINTS[point]
    original = getattr(owner, name)

    def stopping(*arguments: object) -> None:
        stop(original, *arguments)
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(owner, name, stopping)
    with reading(path) as log:
        Snapshotter(log).make(keep=1)


if __name__ == "__main__":
    die_at(Path(sys.argv[1]), sys.argv[2])
