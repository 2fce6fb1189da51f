"""Each way in which the library or SQLite would surprise a venue, and why it can't here."""

import re
import sqlite3
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Sequence
from contextlib import ExitStack, closing
from pathlib import Path

import msgspec
import pytest
from eventsourcing.domain import DomainEvent
from eventsourcing.persistence import IntegrityError, MapperDeserialisationError, StoredEvent
from eventsourcing.utils import resolve_topic

from exchange.kernel.events import Envelope, Event, Placed
from exchange.kernel.laws import InvariantViolation
from exchange.store import writer as store_writer
from exchange.store.errors import UnreadableEvent
from exchange.store.events import EVENTS as STORE_EVENTS
from exchange.store.log import PAGE_ROWS, EventLog
from exchange.store.mapper import Catalogue
from exchange.store.seal import Packed, Row
from exchange.store.sqlite import LogDatastore, LogRecorder
from exchange.store.urls import StoreUrl
from exchange.store.writer import Draft, LogWriter
from exchange.venue.catalogue import EVENTS
from tests.store.stored import (
    Noted,
    forge,
    note,
    note_much,
    notes,
    plain,
    reader,
    rows_of,
    url_of,
    writer,
    writer_on,
)
from tests.store.trading import acks_of, drive, orders, set_up, venue_on

FULL = 2


# Positions: the library takes SQLite's implicit row ids, which VACUUM may change and which are
# given again after the tail was deleted.


def test_positions_are_gapless_over_batches_epochs_and_refused_writes(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    for _ in range(3):
        with writer(path) as log:
            note(log, "a", "b")
            with pytest.raises(IntegrityError):
                log.recorder.insert_events([StoredEvent("a", 1, "t", b"")])
            note(log, "c")
    assert [row[0] for row in rows_of(path)] == list(range(1, len(rows_of(path)) + 1))


def test_positions_are_a_declared_key_that_vacuum_keeps(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    datastore = LogDatastore(f"file:{path}")
    recorder = LogRecorder(datastore)
    recorder.create_table()
    stored = [StoredEvent("a", n, "t", b"x" * 500) for n in range(1, 50)]
    given = recorder.insert_events(stored, first_position=1_000)
    with plain(path) as connection:
        connection.execute("VACUUM")
        columns = connection.execute("PRAGMA table_info(stored_events)").fetchall()
    assert list(range(1_000, 1_049)) == given
    assert given == [row[0] for row in rows_of(path)]
    assert ("rowid", "INTEGER", 1) == (columns[0][1], columns[0][2], columns[0][5])
    datastore.close()


def test_a_position_is_never_given_twice(tmp_path: Path) -> None:
    """Its row can't be deleted."""
    path = tmp_path / "log.db"
    with writer(path) as log:
        note(log, "a")
        last = log.position
        with plain(path) as connection, pytest.raises(sqlite3.IntegrityError):
            connection.execute("DELETE FROM stored_events WHERE rowid = ?", (last,))
        note(log, "a")
        assert last + 2 == log.position


# Durability: the library sets WAL and leaves the rest to SQLite's defaults.


def test_every_connection_syncs_each_commit_and_leaves_checkpoints_to_the_writer(
    tmp_path: Path,
) -> None:
    """More connections than the pool keeps, and the readers' as well."""
    path = tmp_path / "log.db"
    with writer(path) as log, reader(path) as other, ExitStack() as open_ones:
        assert log.recorder.datastore.pool.pool_size == 5
        connections = [
            open_ones.enter_context(opened.recorder.datastore.get_connection(commit=False))
            for opened in (log, other)
            for _ in range(8)
        ]
        for connection in connections:
            cursor = connection.cursor()
            found = []
            for name in ("journal_mode", "synchronous", "wal_autocheckpoint"):
                cursor.execute(f"PRAGMA {name}")
                found.append(cursor.fetchone()[0])
            assert ["wal", FULL, 0] == found


def test_a_commit_never_checkpoints_but_the_writer_does_between_batches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite's own would start behind 1,000 pages, within a commit that somebody waits for."""
    monkeypatch.setattr(store_writer, "CHECKPOINT_ROWS", 4_000)
    path = tmp_path / "log.db"
    with writer(path) as log:
        empty = path.stat().st_size
        for _ in range(4):
            note_much(log, 999)
            assert log.checkpoint_due == (log.position >= 4_000)
        wal = path.with_name("log.db-wal").stat().st_size
        assert empty == path.stat().st_size
        assert wal > 1_000 * 4_096
        log.checkpoint()
        assert path.stat().st_size > 1_000 * 4_096
        note_much(log, 999)
        assert wal == path.with_name("log.db-wal").stat().st_size


def test_the_write_ahead_log_starts_anew_while_a_venue_trades(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A checkpoint that batches keep overtaking never ends, and the log beside the file grows.

    Here each one is overtaken that runs while batches are stored.
    """

    def most_bytes(checkpoint_rows: int) -> int:
        monkeypatch.setattr(store_writer, "CHECKPOINT_ROWS", checkpoint_rows)
        path = tmp_path / f"{checkpoint_rows}.db"
        wal, sizes, writers = path.with_name(f"{path.name}-wal"), list[int](), set[int]()
        venue = venue_on(path, commands=20)
        insert, checkpoint = venue.log.recorder.insert_rows, venue.log.recorder.checkpoint

        def measured(rows: Packed) -> None:
            insert(rows)
            sizes.append(wal.stat().st_size)
            writers.add(threading.get_ident())

        def overtaken(mode: str = "PASSIVE") -> bool:
            if threading.get_ident() in writers:
                return checkpoint(mode)
            with closing(sqlite3.connect(path)) as early:
                early.execute("BEGIN")
                early.execute("SELECT max(rowid) FROM stored_events").fetchone()
                before, until = len(sizes), time.monotonic() + 1
                while before == len(sizes) and time.monotonic() < until:
                    time.sleep(0.001)
                return checkpoint(mode)

        monkeypatch.setattr(venue.log.recorder, "insert_rows", measured)
        monkeypatch.setattr(venue.log.recorder, "checkpoint", overtaken)
        outcomes, stopped = drive(venue, set_up() + orders(1, 4_000))
        assert stopped is None
        assert len(outcomes) > 4_000
        return max(sizes)

    assert 3 * most_bytes(300) < most_bytes(10**9)


def test_a_writer_that_goes_takes_no_locks_of_others_along(tmp_path: Path) -> None:
    """Closing any descriptor of a file drops all locks that the process has on it.

    A stranger who then comes and goes would take itself for the last user, and would delete the
    write-ahead log under the next writer, whose commits would be lost.
    """
    path = tmp_path / "log.db"
    with writer(path) as log:
        note(log, "a")
        early = EventLog(url_of(path), [Noted])
        assert list(early.read())
    log = LogWriter(url_of(path), [Noted], at_us=0)
    note(log, "a")
    read = (
        f"import sqlite3; c = sqlite3.connect({str(path)!r}); "  # noqa: S608 - our own file
        "c.execute('SELECT max(rowid) FROM stored_events'); c.close()"
    )
    subprocess.run([sys.executable, "-c", read], check=True)  # noqa: S603 - our own line
    note(log, "a")
    expected = log.position
    log.close()
    early.close()
    assert expected == len(rows_of(path))


# Reading: the library fetches whatever was asked for into a list.


class Counting(LogRecorder):
    """Tells how many rows each read has fetched."""

    fetched: list[int]

    def select_rows(self, after: int, limit: int) -> list[Row]:
        found = super().select_rows(after, limit)
        self.fetched.append(len(found))
        return found

    def select_events(
        self,
        originator_id: uuid.UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[StoredEvent]:
        found = super().select_events(originator_id, gt=gt, lte=lte, desc=desc, limit=limit)
        self.fetched.append(len(found))
        return found


def test_the_log_is_read_in_pages(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    with writer(path) as writing, reader(path) as log:
        note(writing, *["a"] * 25)
        expected = [row[0] for row in rows_of(path)]
        log.recorder.__class__ = Counting
        assert isinstance(log.recorder, Counting)
        log.recorder.fetched = []
        assert expected == [envelope.position for envelope in log.read(page=10)]
        assert [10, 10, 8, 0] == log.recorder.fetched
        assert expected[5:] == [row[0] for row in log.rows(5, page=1_000)]


def test_reading_on_while_the_log_grows_sees_every_event_once(tmp_path: Path) -> None:
    with writer(tmp_path / "log.db") as log:
        note(log, "a", "a", "a")
        seen = []
        for envelope in log.read(page=2):
            seen.append(envelope.position)
            if len(seen) in {2, 4, 6}:
                note(log, "b")
        assert list(range(1, log.position + 1)) == seen


@pytest.mark.parametrize("memory", [False, True])
def test_a_read_within_a_read_does_not_wait_for_itself(tmp_path: Path, *, memory: bool) -> None:
    """The library's pools let a thread wait for a connection that it holds itself."""
    url = StoreUrl.parse("memory:") if memory else url_of(tmp_path / "log.db")
    log = LogWriter(url, [Noted], at_us=0)
    note(log, "a", "a")
    for _ in log.read(page=1):
        for _ in log.events.get("a"):
            assert log.last_position == log.position
            if log.position < 20:
                note(log, "b")
    log.close()


def test_the_notification_log_gives_whole_pages(tmp_path: Path) -> None:
    """The library's default section is 10."""
    with writer(tmp_path / "log.db") as log:
        note(log, *["a"] * 30)
        found = log.notification_log.select(1, PAGE_ROWS)
        assert list(range(1, log.position + 1)) == [notification.id for notification in found]
        with pytest.raises(ValueError, match="greater than section size"):
            log.notification_log.select(1, PAGE_ROWS + 1)


def test_a_subscription_is_refused_rather_than_silent(tmp_path: Path) -> None:
    """The library has none on SQLite; followers poll."""
    with writer(tmp_path / "log.db") as log, pytest.raises(NotImplementedError):
        log.recorder.subscribe()


# Settings: the library reads the environment of the process, under prefixed names too.

ENVIRONMENT = {
    "PERSISTENCE_MODULE": "eventsourcing.popo",
    "SQLITE_DBNAME": "elsewhere.db",
    "SQLITE_LOCK_TIMEOUT": "soon",
    "CREATE_TABLE": "yes",
    "ORIGINATOR_ID_TYPE": "uuid",
    "COMPRESSOR_TOPIC": "eventsourcing.compressor:ZlibCompressor",
    "CIPHER_TOPIC": "eventsourcing.cipher:AESCipher",
    "CIPHER_KEY": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
    "MAPPER_TOPIC": "eventsourcing.persistence:Mapper",
    "TRANSCODER_TOPIC": "nowhere:Transcoder",
    "APPLICATION_RECORDER_TOPIC": "nowhere:Recorder",
    "IS_SNAPSHOTTING_ENABLED": "yes",
    "AGGREGATE_CACHE_MAXSIZE": "1000",
}


def test_the_environment_of_the_process_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with writer(tmp_path / "plain.db") as log:
        note(log, "a", "b")
    monkeypatch.chdir(tmp_path)
    for prefix in ("", "EXCHANGE_"):
        for name, value in ENVIRONMENT.items():
            monkeypatch.setenv(prefix + name, value)
    with writer(tmp_path / "log.db") as log:
        note(log, "a", "b")
        assert log.repository.cache is None
        assert log.snapshots is None
    with reader(tmp_path / "log.db") as log:
        assert ["note 3", "note 4"] == [
            envelope.event.text for envelope in log.read() if isinstance(envelope.event, Noted)
        ]
    assert rows_of(tmp_path / "plain.db")[2:4] == rows_of(tmp_path / "log.db")[2:4]
    assert schema_of(tmp_path / "plain.db") == schema_of(tmp_path / "log.db")
    assert {"plain", "log"} == {path.name.partition(".db")[0] for path in tmp_path.iterdir()}


def schema_of(path: Path) -> list[tuple[str, str]]:
    with plain(path) as connection:
        return connection.execute("SELECT name, sql FROM sqlite_schema ORDER BY name").fetchall()


# Topics: the library stores module paths and imports what a row names.


def test_an_unknown_topic_is_refused_and_nothing_is_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, trap = tmp_path / "log.db", f"trap_{uuid.uuid4().hex}"
    (tmp_path / f"{trap}.py").write_text("class Event: pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    with writer(path) as log:
        forge(path, "a", f"{trap}:Event", b"{}")
        with pytest.raises(UnreadableEvent, match=f"unknown topic '{trap}:Event'"):
            list(log.read())
        with pytest.raises(MapperDeserialisationError, match="a 1: unknown topic"):
            list(log.events.get("a"))
        with pytest.raises(MapperDeserialisationError):
            log.repository.get("a")
        assert trap not in sys.modules
        resolve_topic(f"{trap}:Event")
        assert trap in sys.modules  # So it would have been.


def test_bytes_that_are_no_such_event_are_refused(tmp_path: Path) -> None:
    """Too many fields, a wrong type, no JSON: none is guessed at."""
    for number, state in enumerate([b'["x",1,2]', b'["x","1"]', b"[]", b"{}", b"\xff", b""]):
        path = tmp_path / f"{number}.db"
        with writer(path) as log:
            forge(path, "a", Noted.TOPIC, state)
            with pytest.raises(UnreadableEvent, match=re.escape(Noted.TOPIC)):
                list(log.read())


def test_two_event_types_can_t_share_a_topic() -> None:
    class Other(Event, frozen=True):
        TOPIC = Noted.TOPIC

    with pytest.raises(ValueError, match=re.escape(Noted.TOPIC)):
        Catalogue([Noted, Other])


@pytest.mark.parametrize("event_type", [*STORE_EVENTS, *EVENTS])
def test_the_stored_name_of(event_type: type[Event]) -> None:
    """Context, name, version: it outlives modules and classes."""
    assert re.fullmatch(r"[a-z]+\.[A-Z][A-Za-z]+\.v[1-9][0-9]*", event_type.TOPIC)


def test_no_module_path_is_stored(tmp_path: Path) -> None:
    path = tmp_path / "venue.db"
    acks_of(path, set_up() + orders(1, 40))
    modules = {event_type.__module__.encode() for event_type in (*STORE_EVENTS, *EVENTS)}
    rows = rows_of(path)
    assert {event_type.TOPIC for event_type in (*STORE_EVENTS, *EVENTS)} > {row[3] for row in rows}
    assert not [row for row in rows if any(module in row[4] for module in modules)]


# Payloads: the library's transcoders bring some types back as others.


@pytest.mark.parametrize("number", [2**63, 2**64, 2**200, -(2**63) - 1, -(2**200), 10**4_000])
def test_integers_of_any_size_come_back(tmp_path: Path, number: int) -> None:
    path = tmp_path / "log.db"
    with writer(path) as log:
        log.append([Envelope("a", 1, Noted("big", number), log.position + 1)])
    with reader(path) as log:
        assert [Noted("big", number)] == [e.event for e in log.read() if e.originator_id == "a"]


def test_a_venue_s_events_come_back_equal_and_with_their_types(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, written = tmp_path / "venue.db", list[Envelope]()
    venue = venue_on(path)
    add = Draft.add

    def keep(draft: Draft, placed: Sequence[Placed]) -> None:
        written.extend(Envelope(*it) for it in placed)
        add(draft, placed)

    monkeypatch.setattr(Draft, "add", keep)
    drive(venue, set_up() + orders(1, 60))
    log = EventLog(url_of(path), EVENTS)
    read = [envelope for envelope in log.read() if envelope.originator_id != "venue"]
    log.close()
    assert written == read
    assert [typed(envelope.event) for envelope in written] == [typed(e.event) for e in read]


def typed(value: object) -> object:
    """A value with the type of each part, as ``1 == True`` and ``(1,) == (1,)`` don't tell."""
    if isinstance(value, msgspec.Struct):
        return type(value), [typed(getattr(value, name)) for name in value.__struct_fields__]
    if isinstance(value, tuple | list):
        return type(value), [typed(part) for part in value]
    return type(value), value


def test_a_payload_is_plain_json_that_an_auditor_can_search(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    with writer(path) as log:
        log.append([Envelope("a", 1, Noted("grün", 7), log.position + 1)])
    assert (3, "a", 1, "test.Noted.v1", '["grün",7]'.encode()) == rows_of(path)[2]


def test_only_envelopes_are_mapped(tmp_path: Path) -> None:
    """The library would take any object's attributes."""
    with writer(tmp_path / "log.db") as log, pytest.raises(TypeError, match="no envelope"):
        log.mapper.to_stored_event(DomainEvent)  # type: ignore[arg-type]  # the point


# Concurrency: the library tells of a conflict by an error of its own.


def test_a_conflict_is_the_library_s_integrity_error(tmp_path: Path) -> None:
    with writer(tmp_path / "log.db") as log:
        first = log.recorder.insert_events([StoredEvent("a", 1, Noted.TOPIC, b'["x"]')])
        for taken in (("a", 1, None), ("a", 2, first[0])):
            with pytest.raises(IntegrityError, match="this place is taken"):
                log.recorder.insert_events(
                    [StoredEvent(taken[0], taken[1], Noted.TOPIC, b'["y"]')], taken[2]
                )


def test_stores_in_memory_are_apart() -> None:
    """The library's ``:memory:`` would be one database a connection."""
    logs = [LogWriter(StoreUrl.parse("memory:"), [Noted], at_us=0) for _ in range(2)]
    note(logs[0], "a")
    assert [4, 2] == [log.last_position for log in logs]
    for log in logs:
        log.close()


def test_a_store_in_memory_lives_as_long_as_its_writer() -> None:
    log = LogWriter(StoreUrl.parse("memory:"), [Noted], at_us=0)
    pool = log.recorder.datastore.pool
    with ExitStack() as stack:
        for _ in range(12):
            stack.enter_context(log.recorder.datastore.get_connection(commit=False))
    assert pool.num_in_pool <= pool.pool_size
    note(log, "a")
    assert ["venue", "venue", "a", "venue"] == [row[1] for row in log.rows()]
    log.close()


def test_a_batch_stands_only_behind_the_last_one(tmp_path: Path) -> None:
    """A wrong position would be sealed for ever."""
    path = tmp_path / "log.db"
    log = writer_on(path)
    before = rows_of(path)
    for shift in (-1, 1, -log.position - 1):
        batch = [
            Envelope(e.originator_id, e.originator_version, e.event, e.position + shift)
            for e in notes(log, "a", "b")
        ]
        with pytest.raises(InvariantViolation, match="R3"):
            log.append(batch)
    with pytest.raises(InvariantViolation, match="R3"):
        log.append(notes(log, "a", "b")[1:])
    assert before == rows_of(path)
    note(log, "a")
    log.close()
