"""One writer at a time on one machine; the fence in the log is what keeps it safe."""

import fcntl
import os
from pathlib import Path

from exchange.store.errors import StoreError, StoreLocked


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
