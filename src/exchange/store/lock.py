"""One writer at a time on one machine; the fence in the log is what keeps it safe."""

import fcntl
import os
from pathlib import Path

from exchange.store.errors import StoreError, StoreLocked

_kept: dict[tuple[int, int], int] = {}
"""Device and inode of each file -> a descriptor of it that is never closed."""


def kept_open(path: Path) -> int:
    """A descriptor to sync the file by, one for the life of the process.

    To close any descriptor of a file takes all of the process's locks off it, those of SQLite's
    connections too; a stranger would then take itself for the file's only user.
    """
    found = path.stat()
    at = found.st_dev, found.st_ino
    if at not in _kept:
        _kept[at] = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    return _kept[at]


class WriterLock:
    """An advisory lock on ``<store>.lock``, freed with the process.

    Raises:
        StoreLocked: another process holds it; the message names it.
        StoreError: the file can't be written.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise StoreError(f"{path} can't be written: {error.strerror}") from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(self._file, 32, 0).decode("ascii", "replace").strip()
            os.close(self._file)
            raise StoreLocked(
                f"{path.with_suffix('')} is held by another writer (process {holder or 'unknown'})"
            ) from error
        try:
            os.ftruncate(self._file, 0)
            os.pwrite(self._file, f"{os.getpid()}\n".encode(), 0)
        except OSError as error:
            os.close(self._file)
            raise StoreError(f"{path} can't be written: {error.strerror}") from error

    def release(self) -> None:
        """Let another writer in."""
        os.close(self._file)
