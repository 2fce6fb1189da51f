"""The poison file: which commands have stopped the venue, written aside before it stops.

A line is one of these, times in microseconds of the wall clock::

    AT_US stopped DIGEST KIND FAULT
    AT_US cleared DIGEST
    AT_US halted
"""

import os
from collections.abc import Iterable
from pathlib import Path

import msgspec

from exchange.store.errors import StoreDamaged, StoreError

OWN_WORK = "-"
"""In place of a digest: the venue's own work, which nobody can refuse."""
STOPS_MAX = 3
WITHIN_US = 60_000_000
"""So many stops within such a time are one too many: the markets are halted."""


class Stop(msgspec.Struct, frozen=True):
    """A command that the venue could not record, and the law or the exception that said so."""

    at_us: int
    digest: str  # of its content
    kind: str
    fault: str


class Poison(msgspec.Struct, frozen=True):
    """What the file comes to."""

    stops: tuple[Stop, ...] = ()
    refused: dict[str, Stop] = {}  # digest -> its last stop, unless it was cleared since
    halt_due: bool = False  # too many stops within a minute, and the markets not halted since


def read_poison(path: Path) -> Poison:
    """What the file says; nothing where there is none. A torn last line is left out.

    Raises:
        StoreDamaged: a line is none.
        StoreError: it can't be read.
    """
    try:
        text = path.read_text("ascii", "replace")
    except FileNotFoundError:
        return Poison()
    except OSError as error:
        raise StoreError(f"{path} can't be read: {error.strerror}") from error
    return _folded(path, [line for line in text.splitlines(keepends=True) if line[-1] == "\n"])


def note_stop(path: Path, stop: Stop) -> None:
    """Write aside what stopped the venue.

    Raises:
        StoreError: it is not on disk.
    """
    _append(path, f"{stop.at_us} stopped {stop.digest} {stop.kind} {stop.fault}\n")


def note_cleared(path: Path, at_us: int, digest: str) -> None:
    """Let commands of that content be decided again.

    Raises:
        StoreError: it is not on disk.
    """
    _append(path, f"{at_us} cleared {digest}\n")


def note_halted(path: Path, at_us: int) -> None:
    """Say that the markets are halted for the stops so far.

    Raises:
        StoreError: it is not on disk.
    """
    _append(path, f"{at_us} halted\n")


def _folded(path: Path, lines: Iterable[str]) -> Poison:
    stops: list[Stop] = []
    refused: dict[str, Stop] = {}
    since_halt: list[int] = []
    for line in lines:
        match line.split():
            case [at_us, "stopped", digest, kind, fault] if at_us.isdigit():
                stop = Stop(int(at_us), digest, kind, fault)
                stops.append(stop)
                since_halt.append(stop.at_us)
                if digest != OWN_WORK:
                    refused[digest] = stop
            case [at_us, "cleared", digest] if at_us.isdigit():
                refused.pop(digest, None)
            case [at_us, "halted"] if at_us.isdigit():
                since_halt.clear()
            case _:
                raise StoreDamaged(f"{path}: {line.strip()!r} is no line of a poison file")
    last = since_halt[-STOPS_MAX:]
    halt_due = len(last) == STOPS_MAX and last[-1] - last[0] <= WITHIN_US
    return Poison(tuple(stops), refused, halt_due)


def _append(path: Path, line: str) -> None:
    """Add one line behind the last whole one, and sync file and folder."""
    try:
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            whole = os.pread(file, os.fstat(file).st_size, 0).rfind(b"\n") + 1
            os.ftruncate(file, whole)
            if os.pwrite(file, line.encode(), whole) != len(line):
                raise StoreError(f"{path} can't be written: the disk is full")
            os.fsync(file)
        finally:
            os.close(file)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise StoreError(f"{path} can't be written: {error.strerror}") from error
