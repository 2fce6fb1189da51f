"""Where the snapshots of a store lie: a folder beside it, one file each."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from exchange.store.errors import StoreError
from exchange.store.lock import WriterLock
from exchange.store.urls import StoreUrl

SUFFIX = ".snapshots"
_NAME = re.compile(r"([0-9]{20})\.snapshot", re.ASCII)
_LEFT = re.compile(r"[0-9]{20}\.snapshot\.new", re.ASCII)


class SnapshotFile(msgspec.Struct, frozen=True):
    """A snapshot by its name: it stands behind the seal at ``position``, or so it is called."""

    position: int
    path: Path

    def read(self) -> bytes:
        """All of it.

        Raises:
            StoreError: it can't be read.
        """
        try:
            return self.path.read_bytes()
        except OSError as error:
            raise StoreError(f"{self.path} can't be read: {error.strerror}") from error


class SnapshotFolder:
    """``<store>.snapshots`` of a store that is a file; nothing is in it before the first snapshot.

    What is in the files is the venue's business: here they are bytes.
    """

    def __init__(self, url: StoreUrl) -> None:
        self.path = url.beside(SUFFIX)

    def files(self) -> list[SnapshotFile]:
        """The newest first; other files in the folder are none of ours.

        Raises:
            StoreError: the folder can't be read.
        """
        try:
            names = [it.name for it in self.path.iterdir()]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise StoreError(f"{self.path} can't be read: {error.strerror}") from error
        found = [match for name in names if (match := _NAME.fullmatch(name))]
        positions = sorted((int(match[1]) for match in found), reverse=True)
        return [SnapshotFile(position, self._named(position)) for position in positions]

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Be the only one who adds and removes files here; what a killed one has left goes.

        Raises:
            StoreLocked: another process does.
            StoreError: the folder can't be made or written.
        """
        lock = WriterLock(self.path.with_name(self.path.name + ".lock"))
        try:
            with _explained(self.path):
                self.path.mkdir(exist_ok=True)
                for it in [*self.path.iterdir()]:
                    if _LEFT.fullmatch(it.name):
                        it.unlink()
            yield
        finally:
            lock.release()

    def write(self, position: int, content: bytes) -> SnapshotFile:
        """Add a snapshot, whole or not at all, whatever happens meanwhile.

        Raises:
            StoreError: the disk is full, or can't be written.
        """
        path = self._named(position)
        new = path.with_name(path.name + ".new")
        with _explained(path):
            try:
                _write_synced(new, content)
                new.replace(path)
            except OSError:
                new.unlink(missing_ok=True)
                raise
            _sync_folder(self.path)
        return SnapshotFile(position, path)

    def remove(self, file: SnapshotFile) -> None:
        """Forget one.

        Raises:
            StoreError: it can't be removed.
        """
        with _explained(file.path):
            file.path.unlink()

    def clear(self) -> None:
        """Forget all of them, as whoever removes their store does.

        Raises:
            StoreError: one can't be removed.
        """
        for it in self.files():
            self.remove(it)

    def _named(self, position: int) -> Path:
        return self.path / f"{position:020}.snapshot"


def _write_synced(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(path: Path) -> None:
    """A name is on disk when its folder is."""
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreError(f"{path} can't be written: {error.strerror}") from error
