"""On a disk that is full, broken or read-only nobody is answered and nothing is lost."""

import os
import resource
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from exchange.store import log as store_log
from exchange.store.errors import CommitFailed, StoreError
from exchange.store.heads import read_heads
from exchange.store.log import LogWriter
from exchange.venue.answers import Ack
from exchange.venue.sequencer import OutcomeUnknown
from tests.store.stored import (
    heads_file,
    note,
    note_much,
    reader,
    rows_of,
    verified,
    writer,
    writer_on,
)
from tests.store.trading import acks_of, drive, orders, set_up, stored_acks, venue_on


def test_a_folder_that_can_t_be_written_is_refused_by_name(
    closed: Path, forbid_writing: Callable[[Path], None]
) -> None:
    forbid_writing(closed.parent)
    with pytest.raises(StoreError, match=r"log\.db(\.lock can't be written|: .* readonly)"):
        writer_on(closed)
    with pytest.raises(StoreError, match=r"new\.db\.lock can't be written"):
        writer_on(closed.with_name("new.db"))


def test_a_store_in_a_folder_that_can_t_be_written_is_read_while_it_is_open_elsewhere_only(
    closed: Path, forbid_writing: Callable[[Path], None]
) -> None:
    """SQLite readers of a write-ahead log share a file beside it, and one of them must make it."""
    with reader(closed) as log:
        forbid_writing(closed.parent)
        assert 8 == log.last_position
        with reader(closed) as other:
            assert 8 == other.last_position


def test_a_closed_store_in_a_folder_that_can_t_be_written_is_read_as_it_is(
    closed: Path, forbid_writing: Callable[[Path], None]
) -> None:
    forbid_writing(closed.parent)
    with reader(closed) as log:
        assert 8 == log.last_position


def test_a_head_that_can_t_be_written_stops_the_writer_and_is_mended_by_the_next(
    closed: Path, small_disk: Callable[[int], Path]
) -> None:
    """A head may be written in part, and the next one would follow it on the same line."""
    elsewhere = small_disk(4) / "heads"
    shutil.move(heads_file(closed), elsewhere)
    heads_file(closed).symlink_to(elsewhere)
    with writer(closed) as log:
        with pytest.raises(CommitFailed, match=r"is stored, but .*\.heads can't be written"):
            note_in_batches(log, 100)
        last = log.last_position
        with pytest.raises(CommitFailed, match="in doubt"):
            note(log, "a")
    assert 4_096 == elsewhere.stat().st_size
    assert not elsewhere.read_bytes().endswith(b"\n")
    heads_file(closed).unlink()
    shutil.move(elsewhere, heads_file(closed))
    with writer(closed) as log:
        assert last + 2 == log.position
        heads = read_heads(heads_file(closed))
    assert list(range(1, len(heads) + 1)) == [head.batch for head in heads]
    verified(closed)


def note_in_batches(log: LogWriter, batches: int) -> None:
    for _ in range(batches):
        note(log, "a")


def test_a_checkpoint_that_finds_no_room_is_told_in_the_store_s_words(
    small_disk: Callable[[int], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is lost: the events stay in the write-ahead log."""
    monkeypatch.setattr(store_log, "CHECKPOINT_ROWS", 100)
    disk = small_disk(4_096)
    with writer(disk / "log.db") as log:
        note_much(log, 150)
        filler = fill(disk, 0)
        with pytest.raises(StoreError, match=r"log\.db: database or disk is full"):
            log.checkpoint_when_due()
        filler.unlink()
    assert 153 == len(rows_of(disk / "log.db"))
    verified(disk / "log.db")


def fill(disk: Path, leave_kib: int) -> Path:
    """A file that takes the disk's room but for so much."""
    filler = disk / "filler"
    room = os.statvfs(disk)
    filler.write_bytes(bytes(room.f_bfree * room.f_bsize - leave_kib * 1_024))
    return filler


def test_a_full_disk_is_told_at_the_opening(small_disk: Callable[[int], Path]) -> None:
    disk = small_disk(1_024)
    with writer(disk / "log.db") as log:
        note(log, "a")
    filler = fill(disk, 0)
    for name in ("log.db", "new.db"):
        with pytest.raises(StoreError, match=r"full|No space left on device"):
            writer_on(disk / name)
    filler.unlink()
    with writer(disk / "log.db") as log:
        note(log, "a")
    verified(disk / "log.db")


def test_a_venue_on_a_full_disk_answers_nobody_and_goes_on_when_there_is_room(
    small_disk: Callable[[int], Path],
) -> None:
    disk = small_disk(16_384)
    path = disk / "venue.db"
    acks_of(path, set_up())
    venue = venue_on(path, commands=5)
    filler = fill(disk, 1_000)
    fail_and_recover(path, drive(venue, orders(1, 400)), filler.unlink)


def test_a_venue_whose_file_can_t_grow_answers_nobody_and_goes_on_when_it_can(path: Path) -> None:
    """A write error other than a full disk, part of the batch written."""
    acks_of(path, set_up())
    venue = venue_on(path, commands=5)
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)

    def lift() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, most))

    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_001, most))
    try:
        ended = drive(venue, orders(1, 400))
    finally:
        lift()
    fail_and_recover(path, ended, lambda: None)


def fail_and_recover(
    path: Path,
    ended: tuple[list[Ack | BaseException], BaseException | None],
    make_room: Callable[[], None],
) -> None:
    """What was answered is stored and nothing else; the retry with the same keys tells."""
    outcomes, stopped = ended
    assert isinstance(stopped, CommitFailed)
    acks = [outcome for outcome in outcomes if isinstance(outcome, Ack)]
    assert outcomes[: len(acks)] == acks
    assert 0 < len(acks) < len(outcomes)
    assert {OutcomeUnknown} == {type(outcome) for outcome in outcomes[len(acks) :]}
    make_room()
    traded = {key: ack for key, ack in stored_acks(path).items() if key.isdigit()}
    assert acks == list(traded.values())
    again = acks_of(path, orders(1, 400))
    assert acks == again[: len(acks)]
    assert again == [ack for key, ack in stored_acks(path).items() if key.isdigit()]
    verified(path)
