"""One writer at a time, on a store that is whole: taking over, refusing, and giving up."""

import os
import resource
import shutil
import struct
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from exchange.kernel.events import Event
from exchange.store import sqlite as store_sqlite
from exchange.store import writer as store_writer
from exchange.store.errors import (
    CommitFailed,
    StoreDamaged,
    StoreError,
    StoreFormat,
    StoreLocked,
)
from exchange.store.events import BatchSealed, EpochStarted
from exchange.store.heads import read_heads
from exchange.store.log import EventLog
from exchange.store.sqlite import LogDatastore, LogRecorder, migrations
from exchange.store.urls import StoreUrl
from exchange.store.writer import LogWriter
from exchange.venue.answers import Ack
from exchange.venue.sequencer import OutcomeUnknown
from tests.store.stored import (
    Noted,
    child,
    forge,
    heads_file,
    lock_file,
    note,
    note_much,
    notes,
    plain,
    reader,
    rewrite,
    rows_of,
    url_of,
    verified,
    writer,
    writer_on,
)
from tests.store.trading import acks_of, cancel, drive, orders, set_up, stored_acks, venue_on

OPENERS = [writer_on, lambda path: EventLog(url_of(path), [Noted])]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a store may be made."""
    return tmp_path / "log.db"


def events_on(path: Path) -> list[Event]:
    with reader(path) as log:
        return [envelope.event for envelope in log.read()]


def files_of(folder: Path) -> dict[str, bytes]:
    """Every file's bytes but those of locks and of SQLite's for sharing, which hold nothing."""
    return {
        file.name: data
        for file in sorted(folder.iterdir())
        if file.suffix not in {".lock", ".db-shm"} and (data := file.read_bytes())
    }


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


# The heads file


def test_every_batch_s_head_is_written_beside_the_store(path: Path) -> None:
    with writer(path) as log:
        note(log, "a")
        note(log, "b", "b")
        heads = read_heads(heads_file(path))
        assert (log.batch, log.position, log.head.hex()) == (
            heads[-1].batch,
            heads[-1].position,
            heads[-1].hash,
        )
    seals = [event for event in events_on(path) if isinstance(event, BatchSealed)]
    assert [(s.batch, s.last + 1, s.hash) for s in seals] == [
        (head.batch, head.position, head.hash) for head in heads
    ]


@pytest.fixture
def closed(path: Path) -> Path:
    """A closed store with an epoch and three batches behind it."""
    with writer(path) as log:
        for stream in ("a", "b", "c"):
            note(log, stream)
    return path


@pytest.mark.parametrize(
    "torn", [b"5", b"5 10 abc", b"5 10 " + b"a" * 64, bytes(100), bytes(4_090), bytes(20_000)]
)
def test_a_torn_last_line_of_the_heads_file_is_cut_off(closed: Path, torn: bytes) -> None:
    """A crash leaves part of a line; a power cut also blocks of zeros."""
    whole = heads_file(closed).read_bytes()
    heads_file(closed).write_bytes(whole + torn)
    assert 4 == len(read_heads(heads_file(closed)))
    with writer(closed) as log:
        head = f"{log.batch} {log.position} {log.head.hex()}\n"
    assert whole + head.encode() == heads_file(closed).read_bytes()


@pytest.mark.parametrize("torn", [b"", b"1 2 ab", bytes(5_000)])
def test_a_heads_file_without_any_whole_line_is_begun_again(closed: Path, torn: bytes) -> None:
    last = heads_file(closed).read_bytes().splitlines(keepends=True)[-1]
    heads_file(closed).write_bytes(torn)
    with writer(closed) as log:
        head = f"{log.batch} {log.position} {log.head.hex()}\n"
    assert last + head.encode() == heads_file(closed).read_bytes()


@pytest.mark.parametrize("lost", [1, 2, 4])
def test_a_heads_file_behind_the_log_gets_the_log_s_head(closed: Path, lost: int) -> None:
    """Lines are not synced: a power cut takes the last ones, never the log's events."""
    lines = heads_file(closed).read_bytes().splitlines(keepends=True)
    heads_file(closed).write_bytes(b"".join(lines[:-lost]))
    with writer(closed) as log:
        head = f"{log.batch} {log.position} {log.head.hex()}\n"
    assert b"".join([*lines[:-lost], lines[-1]]) + head.encode() == heads_file(closed).read_bytes()


def test_a_deleted_heads_file_is_begun_again(closed: Path) -> None:
    heads_file(closed).unlink()
    with writer(closed):
        pass
    assert [4, 5] == [head.batch for head in read_heads(heads_file(closed))]


def test_an_older_copy_of_the_log_under_its_heads_is_refused(closed: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    shutil.copy(closed, copy)
    with writer(closed) as log:
        note(log, "a")
    shutil.copy(copy, closed)
    before = files_of(tmp_path)
    with pytest.raises(StoreDamaged, match=r"batch 6 at position 12, but the log .to 8. does not"):
        writer_on(closed)
    assert before == files_of(tmp_path)


def test_another_log_under_the_heads_is_refused(closed: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    with writer(other) as log:
        for _ in range(5):
            note(log, "a")
    shutil.copy(other, closed)
    before = files_of(tmp_path)
    with pytest.raises(StoreDamaged, match=r"log\.db\.heads has batch 4 .* it was cut or changed"):
        writer_on(closed)
    assert before == files_of(tmp_path)


def test_an_empty_file_under_heads_is_refused(closed: Path) -> None:
    closed.unlink()
    with pytest.raises(StoreDamaged, match="has heads, but the log is empty"):
        writer_on(closed)


@pytest.mark.parametrize(
    "line", ["no head", "4 x " + "a" * 64, "4 8 abc", "4 8", "-4 8 " + "a" * 64]
)
def test_a_heads_file_with_something_else_in_it_is_refused(closed: Path, line: str) -> None:
    with heads_file(closed).open("a") as heads:
        heads.write(line + "\n")
    before = files_of(closed.parent)
    with pytest.raises(StoreDamaged, match=r"log\.db\.heads: .* is no head"):
        writer_on(closed)
    assert before == files_of(closed.parent)


def test_a_head_of_another_hash_is_refused(closed: Path) -> None:
    lines = heads_file(closed).read_text().splitlines()
    batch, position, digest = lines[-1].split()
    heads_file(closed).write_text(f"{batch} {position} {digest[::-1]}\n")
    with pytest.raises(StoreDamaged, match="it was cut or changed"):
        writer_on(closed)


# Logs that don't end as the writer ends them


def test_a_log_that_ends_without_a_seal_is_refused(closed: Path) -> None:
    forge(closed, "a", Noted.TOPIC, b'["forged"]')
    before = files_of(closed.parent)
    with pytest.raises(StoreDamaged, match="the log does not end with a seal"):
        writer_on(closed)
    assert before == files_of(closed.parent)
    with reader(closed) as log:
        assert 9 == log.last_position  # It can still be read and verified.


@pytest.mark.parametrize("left", [7, 5, 1])
def test_a_log_cut_inside_a_batch_is_refused(closed: Path, left: int) -> None:
    heads_file(closed).unlink()
    rewrite(closed, rows_of(closed)[:left])
    with pytest.raises(StoreDamaged, match="the log does not end with a seal"):
        writer_on(closed)


def test_a_log_that_ends_with_an_unknown_event_is_refused(closed: Path) -> None:
    forge(closed, "a", "later.Thing.v1", b"[]")
    with pytest.raises(StoreDamaged, match=r"unknown topic 'later\.Thing\.v1'"):
        writer_on(closed)


# Files that are no stores


def test_an_empty_file_becomes_a_store(path: Path) -> None:
    path.touch()
    with pytest.raises(StoreFormat, match=r"log\.db: the file is empty"):
        EventLog(url_of(path), [Noted])
    with writer(path) as log:
        note(log, "a")
    verified(path)


def sqlite_database(path: Path) -> None:
    with plain(path) as connection:
        connection.execute("CREATE TABLE stored_events (rowid INTEGER PRIMARY KEY)")


def sqlite_database_of_a_known_version(path: Path) -> None:
    sqlite_database(path)
    with plain(path) as connection:
        connection.execute("PRAGMA user_version = 1")


def text_file(path: Path) -> None:
    path.write_text("Dear sirs,\n" * 1_000)


def short_text_file(path: Path) -> None:
    path.write_text("hello")


def newer_store(path: Path) -> None:
    with writer(path):
        pass
    with plain(path) as connection:
        connection.execute(f"PRAGMA user_version = {len(migrations()) + 1}")


@pytest.mark.parametrize("opener", OPENERS, ids=["writer", "reader"])
@pytest.mark.parametrize(
    ("make", "message"),
    [
        (sqlite_database, "an SQLite database, but not an exchange store"),
        (sqlite_database_of_a_known_version, "an SQLite database, but not an exchange store"),
        (text_file, "the file is not an exchange store"),
        (short_text_file, "the file is not an exchange store"),
        (newer_store, "knows up to 1: it was written by a newer version"),
    ],
)
def test_a_file_that_is_no_store_of_ours_is_refused_and_left_as_it_was(
    path: Path, opener: Callable[[Path], EventLog], make: Callable[[Path], None], message: str
) -> None:
    make(path)
    before = files_of(path.parent)
    with pytest.raises(StoreFormat, match=rf"^sqlite:///\S+/log\.db: .*{message}"):
        opener(path)
    assert before == files_of(path.parent)


@pytest.mark.parametrize("opener", OPENERS, ids=["writer", "reader"])
def test_a_folder_is_no_store(path: Path, opener: Callable[[Path], EventLog]) -> None:
    path.mkdir()
    with pytest.raises(StoreError, match=r"log\.db is no file|there is no store .*log\.db"):
        opener(path)
    assert ["log.db"] == [entry.name for entry in path.parent.iterdir()]


@pytest.mark.parametrize("opener", OPENERS, ids=["writer", "reader"])
def test_a_missing_folder_is_named_and_not_made(
    tmp_path: Path, opener: Callable[[Path], EventLog]
) -> None:
    with pytest.raises(StoreError, match="missing"):
        opener(tmp_path / "missing" / "log.db")
    assert [] == list(tmp_path.iterdir())


def test_a_missing_store_is_not_made_by_reading(path: Path) -> None:
    with pytest.raises(StoreError, match=r"there is no store .*log\.db"):
        EventLog(url_of(path), [Noted])
    assert [] == list(path.parent.iterdir())


@pytest.mark.parametrize(
    "text",
    ["", "sqlite://", "sqlite:///", "sqlite:log.db", "log.db", "postgresql:///x", "memory:x",
     "sqlite:///:memory:", "sqlite:///./:memory:", "SQLITE:///x"],
)  # fmt: skip
def test_what_names_no_store_is_refused(text: str) -> None:
    """``sqlite:///:memory:`` would acknowledge what no disk has seen."""
    with pytest.raises(StoreError, match="is no store: write sqlite:///PATH or memory:"):
        StoreUrl.parse(text)


@pytest.mark.parametrize(
    "name",
    ["a b.db", "what?.db", "a#b.db", "100%.db", "%41.db", "a&mode=memory.db", "a?mode=memory",
     "grün.db", "a'b\"c.db", "no-suffix", "file:x", "back\\slash", os.fsdecode(b"\xff.db")],
)  # fmt: skip
def test_a_store_may_have_any_name(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    with writer(path) as log:
        note(log, "a")
    assert {name, f"{name}.heads", f"{name}.lock"} == {file.name for file in tmp_path.iterdir()}
    with reader(path) as log:
        assert 4 == log.last_position
    with writer(path) as log:
        assert 2 == log.epoch


def test_a_relative_path_is_relative(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with closing(LogWriter(StoreUrl.parse("sqlite:///log.db"), [Noted], at_us=0)):
        assert (tmp_path / "log.db").is_file()


# Copies


def test_a_copy_made_with_vacuum_into_can_be_read_and_written(closed: Path, tmp_path: Path) -> None:
    """It is no WAL database, and a reader can't make it one."""
    copy = tmp_path / "copy.db"
    with plain(closed) as connection:
        connection.execute("VACUUM INTO ?", (str(copy),))
    before = copy.read_bytes()
    with reader(copy) as log:
        assert rows_of(closed) == list(log.rows())
    assert before == copy.read_bytes()
    with writer(copy) as log:
        assert 2 == log.epoch
        with plain(copy) as connection:
            assert ("wal",) == connection.execute("PRAGMA journal_mode").fetchone()
    verified(copy)


def test_a_backup_of_a_live_store_is_a_log_that_ends_with_a_seal(path: Path) -> None:
    copy = path.with_name("copy.db")
    with writer(path) as log:
        note(log, "a")
        with plain(path) as source, plain(copy) as target:
            source.backup(target)
        note(log, "b")
    assert rows_of(path)[:4] == rows_of(copy)
    verified(copy)


# Disks in trouble


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
    monkeypatch.setattr(store_writer, "CHECKPOINT_ROWS", 100)
    disk = small_disk(4_096)
    with writer(disk / "log.db") as log:
        note_much(log, 150)
        filler = fill(disk, 0)
        with pytest.raises(StoreError, match=r"log\.db: database or disk is full"):
            log.checkpoint()
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


def test_the_writer_s_own_rows_are_those_of_the_file_wherever_one_begins(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last of them come from memory, and nothing that is not stored."""
    monkeypatch.setattr("exchange.store.writer.RECENT_ROWS", 12)
    with writer(path) as log, reader(path) as other:
        for size in (1, 3, 5, 2, 20, 4):
            log.append(notes(log, *["note:a"] * size))
            draft = log.draft()
            draft.add(notes(log, "note:b"))
            for after in range(log.position + 2):
                rows = list(log.rows(after, 2))
                assert rows == list(other.rows(after))
                assert rows == [row for row in other.rows() if row[0] > after]
        assert all(len(page) <= 2 for page in log.pages(log.position - 6, 2))
