"""No statement changes or removes a stored row, and a batch is stored whole or not at all."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from eventsourcing.persistence import IntegrityError, StoredEvent

from exchange.kernel.events import Envelope
from exchange.store.errors import CommitFailed
from exchange.store.seal import Row, pack
from exchange.store.urls import StoreUrl
from exchange.store.writer import LogWriter
from tests.store.stored import Noted, forge, note, notes, plain, rows_of, url_of, verified, writer

CHANGES = [
    "UPDATE stored_events SET state = x'00' WHERE rowid = 3",
    "UPDATE stored_events SET originator_version = originator_version + 100",
    "UPDATE stored_events SET rowid = 1000 WHERE rowid = 3",
    "UPDATE OR REPLACE stored_events SET rowid = 4 WHERE rowid = 3",
    "UPDATE OR IGNORE stored_events SET topic = 'x'",
    "DELETE FROM stored_events WHERE rowid = 3",
    "DELETE FROM stored_events WHERE rowid = (SELECT max(rowid) FROM stored_events)",
    "DELETE FROM stored_events",
]
TAKEN = [
    "INTO stored_events VALUES (3, 'new', 1, 'x', x'00')",
    "INTO stored_events VALUES (1000, 'a', 1, 'x', x'00')",
    "INTO stored_events VALUES (3, 'a', 1, 'x', x'00')",
    "INTO stored_events VALUES (1000, 'new', 1, 'x', x'00'), (3, 'other', 1, 'x', x'00')",
    "INTO stored_events SELECT rowid, 'new', originator_version, 'x', x'' FROM stored_events",
]
VERBS = ["INSERT", "INSERT OR REPLACE", "REPLACE", "INSERT OR FAIL", "INSERT OR ROLLBACK"]
UPSERTS = [
    "INSERT INTO stored_events VALUES (3, 'a', 1, 'x', x'00') ON CONFLICT DO UPDATE SET topic = ''",
    "INSERT INTO stored_events VALUES (3, 'a', 1, 'x', x'00') ON CONFLICT DO NOTHING",
]
STATEMENTS = [*CHANGES, *UPSERTS, *(f"{verb} {values}" for verb in VERBS for values in TAKEN)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A closed store with two batches of notes behind its epoch."""
    path = tmp_path / "log.db"
    with writer(path) as log:
        note(log, "a", "b", "a")
        note(log, "b")
    return path


@pytest.mark.parametrize("statement", STATEMENTS)
def test_the_table_refuses_from_any_connection(path: Path, statement: str) -> None:
    before = rows_of(path)
    with plain(path) as connection:
        for recursive in ("OFF", "ON"):
            connection.execute(f"PRAGMA recursive_triggers = {recursive}")
            with pytest.raises(sqlite3.IntegrityError, match="the log is append-only"):
                connection.execute(statement)
            assert not connection.in_transaction
    assert before == rows_of(path)
    verified(path)


@pytest.mark.parametrize("statement", STATEMENTS)
def test_the_table_refuses_from_the_writer_s_own_connection(path: Path, statement: str) -> None:
    before = len(rows_of(path))
    with writer(path) as log:
        with (
            pytest.raises(IntegrityError, match="the log is append-only"),
            log.recorder.datastore.transaction(commit=True) as cursor,
        ):
            cursor.execute(statement)
        note(log, "c")
    assert before + 2 + 2 == len(rows_of(path))
    verified(path)


def test_ignoring_conflicts_changes_nothing_either(path: Path) -> None:
    before = rows_of(path)
    with plain(path) as connection:
        for values in TAKEN:
            with pytest.raises(sqlite3.IntegrityError, match="the log is append-only"):
                connection.execute(f"INSERT OR IGNORE {values}")
    assert before == rows_of(path)


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO stored_events VALUES (1000, NULL, 1, 'x', x'00')",
        "INSERT INTO stored_events VALUES (1000, 'new', NULL, 'x', x'00')",
        "INSERT INTO stored_events VALUES (1000, 'new', 'one', 'x', x'00')",
        "INSERT INTO stored_events VALUES (1000, 'new', 1, NULL, x'00')",
        "INSERT INTO stored_events VALUES (1000, 'new', 1, 'x', NULL)",
        "INSERT INTO stored_events VALUES (1000, 'new', 1, 'x', 'text')",
        "INSERT INTO stored_events VALUES ('first', 'new', 1, 'x', x'00')",
    ],
)
def test_no_row_of_other_types_or_with_holes_gets_in(path: Path, statement: str) -> None:
    before = rows_of(path)
    with plain(path) as connection, pytest.raises(sqlite3.IntegrityError):
        connection.execute(statement)
    assert before == rows_of(path)


@pytest.fixture(params=["file", "memory"])
def log(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LogWriter]:
    """A writer with some notes, on a file and in memory."""
    memory = request.param == "memory"
    log = LogWriter(
        StoreUrl.parse("memory:") if memory else url_of(tmp_path / "log.db"), [Noted], at_us=0
    )
    note(log, "a", "b", "a")
    yield log
    log.close()


@pytest.mark.parametrize("taken", [(1, "new", 1), (None, "a", 2)], ids=["position", "version"])
def test_a_batch_with_a_conflict_in_its_middle_stores_nothing(
    log: LogWriter, taken: tuple[int | None, str, int]
) -> None:
    before = list(log.rows())
    rows: list[Row] = [
        (n, f"new:{n}", 1, "x", b"[]") for n in range(log.position + 1, log.position + 41)
    ]
    rows[20] = (taken[0] or rows[20][0], taken[1], taken[2], "x", b"[]")
    with pytest.raises(IntegrityError, match="this place is taken"):
        log.recorder.insert_rows(pack(rows))
    assert before == list(log.rows())
    note(log, "a")
    assert log.position == log.last_position == len(before) + 2


def test_the_library_s_insert_with_a_conflict_in_its_middle_stores_nothing(log: LogWriter) -> None:
    before = list(log.rows())
    events = [StoredEvent(stream, 1, "x", b"") for stream in ("new", "newer", "a", "newest")]
    with pytest.raises(IntegrityError):
        log.recorder.insert_events(events)
    assert before == list(log.rows())


def test_an_append_with_a_conflict_in_its_middle_stores_nothing(log: LogWriter) -> None:
    before = list(log.rows())
    batch = notes(log, "new", "newer", "a", "newest")
    batch[2] = Envelope("a", 1, batch[2].event, batch[2].position)
    with pytest.raises(CommitFailed, match="this place is taken"):
        log.append(batch)
    assert before == list(log.rows())
    with pytest.raises(CommitFailed, match="in doubt"):
        log.append(notes(log, "new"))


def test_nothing_of_a_batch_is_seen_before_all_of_it(path: Path) -> None:
    """A stranger who reads while the writer is inside its transaction sees the old log."""
    before = rows_of(path)
    with writer(path) as log:
        opened = rows_of(path)
        with log.recorder.datastore.transaction(commit=True) as cursor:
            cursor.execute("INSERT INTO stored_events VALUES (?, 'new', 1, 'x', x'00')", (1_000,))
            assert opened == rows_of(path)
        assert len(opened) + 1 == len(rows_of(path))
    assert len(before) + 2 == len(opened)


def test_rows_added_by_a_stranger_stop_the_writer(path: Path) -> None:
    """The table lets anyone append; the writer doesn't build on what it has not written."""
    with writer(path) as log:
        forge(path, "stranger", Noted.TOPIC, b'["hi"]')
        before = rows_of(path)
        with pytest.raises(CommitFailed, match="this place is taken"):
            note(log, "a")
    assert before == rows_of(path)
