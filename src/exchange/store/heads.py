"""The heads file: each seal once more, outside the database, as an anchor."""

import os
from pathlib import Path

import msgspec

from exchange.store.errors import StoreDamaged, StoreError


class Head(msgspec.Struct, frozen=True):
    """The end of a batch: its number, the position of its seal, the hash in 64 hex digits."""

    batch: int
    position: int
    hash: str

    def line(self) -> str:
        """As it stands in the file."""
        return f"{self.batch} {self.position} {self.hash}\n"


class HeadsFile:
    """Appends heads. Not synced: a line lost in a power cut is written again at the next open."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        except OSError as error:
            raise StoreError(f"{path} can't be written: {error.strerror}") from error

    def append(self, head: Head) -> None:
        """Add one line in one write.

        Raises:
            StoreError: it is not, or not wholly, in the file.
        """
        line = head.line().encode()
        try:
            written = os.write(self._file, line)
        except OSError as error:
            raise StoreError(f"{self.path} can't be written: {error.strerror}") from error
        if written != len(line):
            raise StoreError(f"{self.path} can't be written: the disk is full")

    def last(self) -> Head | None:
        """The last whole line; a torn one behind it, left by a crash, is cut off."""
        size, reach = os.fstat(self._file).st_size, 4096
        tail = os.pread(self._file, reach, max(0, size - reach))
        while len(tail) < size and tail.count(b"\n") < 2:  # noqa: PLR2004 - one whole line
            reach *= 16
            tail = os.pread(self._file, reach, max(0, size - reach))
        whole = tail[: tail.rfind(b"\n") + 1]
        if len(whole) != len(tail):
            os.ftruncate(self._file, size - (len(tail) - len(whole)))
        lines = whole.splitlines()
        return parse_head(lines[-1].decode("ascii", "replace"), str(self.path)) if lines else None

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._file)


def read_heads(path: Path) -> list[Head]:
    """Every whole line of a heads file, in order.

    Raises:
        StoreDamaged: a line is none.
    """
    text = path.read_text("ascii", "replace")
    return [
        parse_head(line, str(path)) for line in text.splitlines(keepends=True) if line[-1] == "\n"
    ]


def parse_head(line: str, where: str) -> Head:
    """One line.

    Raises:
        StoreDamaged: it is no ``batch position hash``.
    """
    words = line.split()
    if len(words) != 3 or not (words[0].isdigit() and words[1].isdigit() and len(words[2]) == 64):  # noqa: PLR2004
        raise StoreDamaged(f"{where}: {line.strip()!r} is no head")
    return Head(int(words[0]), int(words[1]), words[2])
