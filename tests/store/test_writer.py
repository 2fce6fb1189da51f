"""One writer at a time: epochs, the fence, the lock, and the write-ahead log it takes over."""

import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from exchange.store import sqlite as store_sqlite
from exchange.store.errors import CommitFailed, StoreDamaged, StoreError, StoreLocked
from exchange.store.events import BatchSealed, EpochStarted
from exchange.store.sqlite import LogDatastore, LogRecorder
from exchange.venue.sequencer import OutcomeUnknown
from tests.store.stored import (
    child,
    events_on,
    heads_file,
    lock_file,
    note,
    note_much,
    notes,
    plain,
    reader,
    rows_of,
    verified,
    writer,
    writer_on,
)
from tests.store.trading import acks_of, cancel, drive, orders, set_up, venue_on

# Epochs and batches


def test_each_opening_starts_an_epoch_in_a_sealed_batch_of_its_own(path: Path) -> None:
    with writer(path) as log:
        log_id = log.log_id
        note(log, "a", "b")
    with writer(path) as log:
        note(log, "a")
    with writer(path):
        pass
    events = events_on(path)
    started = [event for event in events if isinstance(event, EpochStarted)]
    sealed = [event for event in events if isinstance(event, BatchSealed)]
    assert [(log_id, 1), (log_id, 2), (log_id, 3)] == [(e.log_id, e.epoch) for e in started]
    assert [
        (1, 1, 1, 1),
        (1, 2, 3, 4),
        (2, 3, 6, 6),
        (2, 4, 8, 8),
        (3, 5, 10, 10),
    ] == [(seal.epoch, seal.batch, seal.first, seal.last) for seal in sealed]
    assert [1, 6, 10] == [n for n, event in enumerate(events, 1) if event in started]
    verified(path)


def test_two_new_stores_are_two_logs(tmp_path: Path) -> None:
    with writer(tmp_path / "1.db") as one, writer(tmp_path / "2.db") as other:
        assert one.log_id != other.log_id
        assert one.head != other.head


def test_a_batch_is_one_transaction_whatever_its_size(path: Path) -> None:
    with writer(path) as log:
        assert 1 == commits_in_wal(path)  # the epoch's
        note(log, "a")
        assert 2 == commits_in_wal(path)
        note_much(log, 3_000)
        assert 3 == commits_in_wal(path)


def commits_in_wal(path: Path) -> int:
    """Frames that end a transaction, read as https://sqlite.org/fileformat.html says."""
    wal = path.with_name(path.name + "-wal").read_bytes()
    (page_size,) = struct.unpack(">8xI", wal[:12])
    salts = wal[16:24]
    frames = (wal[at : at + 24] for at in range(32, len(wal), 24 + page_size))
    return sum(frame[4:8] != b"\0\0\0\0" and frame[8:16] == salts for frame in frames)


def test_append_returns_the_seal_s_position_which_is_the_log_s_last(path: Path) -> None:
    with writer(path) as log:
        assert 2 == log.position == log.last_position
        assert 6 == log.append(notes(log, "a", "b", "a"))
        assert 6 == log.position == log.last_position
        assert isinstance(events_on(path)[-1], BatchSealed)


# The fence


@pytest.mark.parametrize("batches", [0, 1, 3])
@pytest.mark.parametrize("rows", [1, 2, 50])
def test_a_stale_writer_stores_nothing_even_on_streams_that_nobody_touched(
    path: Path, batches: int, rows: int
) -> None:
    """The lock is bypassed; the positions and the stream ``venue`` are what fences."""
    with writer(path) as stale:
        note(stale, "a")
        lock_file(path).unlink()
        with writer(path) as successor:
            for _ in range(batches):
                note(successor, "b")
            before, heads = rows_of(path), heads_file(path).read_bytes()
            with pytest.raises(CommitFailed, match="this place is taken"):
                note(stale, *["untouched"] * rows)
            assert (before, heads) == (rows_of(path), heads_file(path).read_bytes())
            note(successor, "b")
            with pytest.raises(CommitFailed, match="in doubt"):
                note(stale, "untouched")
        assert len(before) + 2 == len(rows_of(path))
    verified(path)


def test_a_stale_writer_is_fenced_by_the_venue_stream_if_positions_were_free(path: Path) -> None:
    """The second fence alone: a batch placed behind the successor's rows."""
    with writer(path) as stale:
        lock_file(path).unlink()
        with writer(path) as successor:
            before = rows_of(path)
            stale.position = successor.position
            with pytest.raises(CommitFailed, match="this place is taken"):
                note(stale, "untouched")
            assert before == rows_of(path)


def test_a_stale_venue_answers_nobody_not_even_a_refusal(path: Path) -> None:
    acks_of(path, set_up())
    stale = venue_on(path)
    lock_file(path).unlink()
    expected = acks_of(path, orders(1, 20))
    before = rows_of(path)
    outcomes, stopped = drive(stale, [cancel(999), *orders(30, 40)])
    assert isinstance(stopped, CommitFailed)
    assert {OutcomeUnknown} == {type(outcome) for outcome in outcomes}
    assert before == rows_of(path)
    assert expected == acks_of(path, orders(1, 20))
    verified(path)


# The lock


def test_the_lock_names_the_process_that_holds_the_store(path: Path) -> None:
    with closing_child(path) as pid:
        with pytest.raises(StoreLocked, match=f"log.db is held by another writer .process {pid}.$"):
            writer_on(path)
        with reader(path) as log:
            assert 2 == log.last_position  # Who only reads needs no lock.
        assert f"{pid}\n" == lock_file(path).read_text()
    lock_file(path).write_text("a longer text than any number of a process\n")
    with writer(path) as log:
        assert 2 == log.epoch
        assert f"{os.getpid()}\n" == lock_file(path).read_text()


@contextmanager
def closing_child(path: Path) -> Iterator[int]:
    """A process that holds the store and lets go of it in the end."""
    process = child("hold", path)
    assert process.stdout is not None
    assert "open\n" == process.stdout.readline()
    yield process.pid
    process.communicate()
    assert 0 == process.returncode


def test_the_holder_itself_can_t_open_its_store_twice(path: Path) -> None:
    with writer(path) as log:
        with pytest.raises(StoreLocked, match=f"process {os.getpid()}"):
            writer_on(path)
        note(log, "a")
        with pytest.raises(StoreLocked):
            writer_on(path)


def test_a_holder_that_has_not_written_its_number_yet_is_unknown(path: Path) -> None:
    with writer(path):
        lock_file(path).write_text("")
        with pytest.raises(StoreLocked, match="process unknown"):
            writer_on(path)


def test_a_killed_writer_frees_its_lock(path: Path) -> None:
    process = child("hold", path)
    assert process.stdout is not None
    assert "open\n" == process.stdout.readline()
    with pytest.raises(StoreLocked):
        writer_on(path)
    process.kill()
    process.communicate()
    with writer(path) as log:
        assert 2 == log.epoch


def test_a_writer_that_was_refused_or_closed_frees_the_store(path: Path) -> None:
    for _ in range(2):
        with writer(path):
            pass
    heads = heads_file(path).read_text()
    heads_file(path).write_text("no head\n")
    refusals = []  # kept, so that it is not their end that frees the store
    for _ in range(2):
        with pytest.raises(StoreDamaged) as refusal:
            writer_on(path)
        refusals.append(refusal)
        assert not path.with_name("log.db-wal").exists()  # The last connection is closed.
    heads_file(path).write_text(heads)
    with writer(path) as log:
        assert 3 == log.epoch


# The write-ahead log


def test_an_opening_moves_a_killed_writer_s_whole_write_ahead_log_into_the_file(path: Path) -> None:
    process = child("die", path, 2_000)
    process.communicate()
    wal, size = path.with_name("log.db-wal").stat().st_size, path.stat().st_size
    assert wal > 2_000_000 > size
    with reader(path) as log:
        assert 2 + 2_001 == log.last_position  # A reader sees what was committed.
    with writer(path) as log:
        assert 2 == log.epoch
        assert 1 == commits_in_wal(path)  # this epoch's
        assert path.with_name("log.db-wal").stat().st_size < 100_000
        assert path.stat().st_size > 2_000_000
        assert 2_005 == log.position
    assert not path.with_name("log.db-wal").exists()
    verified(path)


def test_a_file_system_without_write_ahead_logs_is_refused(path: Path) -> None:
    """As many network file systems are; SQLite would go on with another journal, and say so."""
    datastore = LogDatastore(f"file:{path}?vfs=unix-dotfile")
    with pytest.raises(StoreError, match="the file system can't do WAL: journal mode delete"):
        LogRecorder(datastore).create_table()
    datastore.close()


def test_a_store_whose_write_ahead_log_can_t_be_moved_is_refused(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_sqlite, "BUSY_TIMEOUT_S", 0.1)
    with plain(path) as slow:
        with writer(path) as log:
            slow.execute("BEGIN")
            slow.execute("SELECT count(*) FROM stored_events").fetchone()
            note(log, "a")
        before = rows_of(path)
        with pytest.raises(StoreError, match=r"log.db is busy: its write-ahead log can't be"):
            writer_on(path)
        slow.execute("COMMIT")
        assert before == rows_of(path)
        with writer(path) as log:
            assert 2 == log.epoch
