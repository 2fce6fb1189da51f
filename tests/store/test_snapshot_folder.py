"""The folder of a store's snapshots: whole files or none, whatever the disk does."""

from collections.abc import Callable
from pathlib import Path

import pytest

from exchange.store.errors import StoreError, StoreLocked
from exchange.store.snapshots import SnapshotFolder
from tests.store.stored import url_of


@pytest.fixture
def folder(tmp_path: Path) -> SnapshotFolder:
    return SnapshotFolder(url_of(tmp_path / "venue.db"))


def test_what_was_written_is_there_the_newest_first(folder: SnapshotFolder) -> None:
    assert [] == folder.files()
    with folder.writing():
        for position in (9, 10, 10**19):
            folder.write(position, f"state at {position}".encode())
    assert [10**19, 10, 9] == [it.position for it in folder.files()]
    assert [b"state at 10", b"state at 9"] == [it.read() for it in folder.files()[1:]]
    assert folder.path.name == "venue.db.snapshots"


def test_one_that_is_written_again_is_replaced(folder: SnapshotFolder) -> None:
    with folder.writing():
        folder.write(5, b"old and long")
        written = folder.write(5, b"new")
    assert ([written], b"new") == (folder.files(), written.read())


def test_what_a_killed_one_has_left_goes_and_nothing_else(folder: SnapshotFolder) -> None:
    with folder.writing():
        kept = folder.write(5, b"state")
    notes, left = folder.path / "notes.new", folder.path / f"{7:020}.snapshot.new"
    for it in (notes, left):
        it.write_bytes(b"half")
    assert [kept] == folder.files()
    with folder.writing():
        assert (True, False) == (notes.exists(), left.exists())


def test_one_writes_at_a_time(folder: SnapshotFolder) -> None:
    with folder.writing(), pytest.raises(StoreLocked), folder.writing():
        pass
    with folder.writing():
        folder.write(1, b"")


def test_one_that_is_removed_can_not_be_read(folder: SnapshotFolder) -> None:
    with folder.writing():
        gone = folder.write(5, b"state")
        folder.remove(gone)
    assert [] == folder.files()
    for ask in (gone.read, lambda: folder.remove(gone)):
        with pytest.raises(StoreError, match="No such file"):
            ask()


def test_all_are_forgotten_at_once(folder: SnapshotFolder) -> None:
    folder.clear()
    with folder.writing():
        folder.write(5, b"")
        folder.write(6, b"")
    folder.clear()
    assert [] == folder.files()


def test_a_full_disk_leaves_nothing_of_it(small_disk: Callable[[int], Path]) -> None:
    folder = SnapshotFolder(url_of(small_disk(64) / "venue.db"))
    with folder.writing():
        kept = folder.write(5, b"small")
        with pytest.raises(StoreError, match="No space left"):
            folder.write(7, bytes(200_000))
    assert [kept] == folder.files()
    assert [kept.path] == [*folder.path.iterdir()]


def test_a_folder_that_can_not_be_written_is_told(
    tmp_path: Path, forbid_writing: Callable[[Path], None]
) -> None:
    sealed = tmp_path / "sealed"
    sealed.mkdir()
    folder = SnapshotFolder(url_of(sealed / "venue.db"))
    forbid_writing(sealed)
    with pytest.raises(StoreError, match="can't be written"), folder.writing():
        pass
