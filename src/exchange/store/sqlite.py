"""The library's SQLite recorder, made append-only and quick: every hook into it is here.

Written against ``eventsourcing`` 9.5. The writer gives each row its position; without one
it is the greatest so far plus one, found inside the transaction.
"""

import sqlite3
from collections.abc import Iterator, Sequence

from eventsourcing.persistence import IntegrityError, InterfaceError, StoredEvent
from eventsourcing.sqlite import (
    SQLiteApplicationRecorder,
    SQLiteConnection,
    SQLiteConnectionPool,
    SQLiteCursor,
    SQLiteDatastore,
    SQLiteFactory,
)
from eventsourcing.utils import Environment

from exchange.resources import resource
from exchange.store.errors import StoreError, StoreFormat
from exchange.store.seal import Packed, Row

APPLICATION_ID = 0x45584C47
"""``PRAGMA application_id`` of our stores: "EXLG"."""

BUSY_TIMEOUT_S = 5
STATEMENTS_MAX = 64
"""Statements that a connection keeps compiled."""

SETTINGS = (
    "synchronous=FULL",
    "wal_autocheckpoint=0",
    "cache_size=-65536",
)

INSERT_ROWS = "INSERT INTO stored_events VALUES (?,?,?,?,?)"
INSERT_TOGETHER = """
    WITH places (place) AS MATERIALIZED (SELECT value FROM json_each(?1))
    INSERT INTO stored_events
    SELECT json_extract(place, '$[0]'), json_extract(place, '$[1]'), json_extract(place, '$[2]'),
        json_extract(place, '$[3]'),
        substr(?2, json_extract(place, '$[4]'), json_extract(place, '$[5]'))
    FROM places
"""
"""SQLite runs it whole without the interpreter's lock, its commit too: beside a busy thread each
further statement would wait for that lock anew, one a row at each row, and binding each value
takes it for longer than this. Unless the places are kept, each is written out anew for every part
that is taken from it."""
SELECT_ROWS = "SELECT * FROM stored_events WHERE rowid>? ORDER BY rowid LIMIT ?"
SELECT_TOGETHER = """
    SELECT json_group_array(
            json_array(rowid, originator_id, originator_version, topic, length(state))
        ), CAST(group_concat(state, '') AS BLOB), max(rowid)
    FROM (SELECT rowid, * FROM stored_events WHERE rowid>? ORDER BY rowid LIMIT ?)
"""
"""As they went in: SQLite reads all of them without the interpreter's lock."""
SELECT_TOPIC = (
    "SELECT rowid, state FROM stored_events WHERE rowid>? AND rowid<=? AND topic=? ORDER BY rowid"
)


Together = tuple[str, bytes, int]
"""What follows from rows: a JSON list of position, stream, version, topic and size of each, their
stored bytes one behind the other, and the last one's position"""


class LogConnectionPool(SQLiteConnectionPool):
    """Connections that sync every commit and leave checkpoints to the writer."""

    def _create_connection(self) -> SQLiteConnection:
        """In place of the library's, which would turn whatever file this is to WAL, before
        anyone has looked into it, and which keeps no statement compiled but the last.
        """
        try:
            connection = sqlite3.connect(
                self.db_name,
                uri=True,
                timeout=BUSY_TIMEOUT_S,
                isolation_level=None,
                check_same_thread=False,
                cached_statements=STATEMENTS_MAX,
            )
        except sqlite3.Error as error:
            raise InterfaceError(error) from error
        try:
            for setting in SETTINGS:
                connection.execute(f"PRAGMA {setting}")
        except sqlite3.DatabaseError:  # The file is none of SQLite's.
            connection.close()
            raise
        connection.row_factory = sqlite3.Row
        return SQLiteConnection(connection, self.max_age)


class LogDatastore(SQLiteDatastore):
    """The library's datastore over our pool; stream ids are texts."""

    def __init__(self, db_name: str) -> None:
        super().__init__(db_name, lock_timeout=BUSY_TIMEOUT_S, originator_id_type="text")
        self.pool = LogConnectionPool(db_name=db_name, lock_timeout=BUSY_TIMEOUT_S)


class LogRecorder(SQLiteApplicationRecorder):
    """Rows in ``stored_events``; the table comes from ``migrations/log``."""

    def create_table(self) -> None:
        """Bring the file to WAL and the schema up to date.

        Raises:
            StoreFormat: the file is no store of ours, or of a newer version.
            StoreError: the file system can't do WAL.
        """
        with self.datastore.transaction(commit=False) as cursor:
            check_format(cursor)
        with self.datastore.get_connection(commit=True) as connection:
            cursor = connection.cursor()
            cursor.execute("PRAGMA journal_mode=WAL")
            mode = cursor.fetchone()[0]
            if mode not in {"wal", "memory"}:
                raise StoreError(f"the file system can't do WAL: journal mode {mode}")
        with self.datastore.transaction(commit=True) as cursor:
            version = check_format(cursor)
            for number, script in migrations()[version:]:
                for statement in _statements(script):
                    cursor.execute(statement)
                cursor.execute(f"PRAGMA user_version={number}")
                cursor.execute(f"PRAGMA application_id={APPLICATION_ID}")

    def insert_events(
        self,
        stored_events: Sequence[StoredEvent],
        first_position: int | None = None,
        **_: object,
    ) -> Sequence[int]:
        """Append in one transaction, at ``first_position`` or at the next one; the positions."""
        with self.datastore.transaction(commit=True) as cursor:
            first = first_position or (self._max_notification_id(cursor) or 0) + 1
            rows = [
                (n, _text_id(event), event.originator_version, event.topic, event.state)
                for n, event in enumerate(stored_events, first)
            ]
            cursor.executemany(INSERT_ROWS, rows)
        return [row[0] for row in rows]

    def insert_rows(self, rows: Packed) -> None:
        """Append rows that have their positions, in one statement that is its own transaction.

        Raises:
            IntegrityError: a position, or a version of a stream, is taken; nothing is stored.
        """
        texts = rows.places.decode(), rows.states
        with self.datastore.get_connection(commit=True) as connection:
            try:
                connection.cursor().execute(INSERT_TOGETHER, texts)
            except sqlite3.IntegrityError as error:
                raise IntegrityError(error) from error

    def select_rows(self, after: int, limit: int) -> list[Row]:
        """Up to ``limit`` rows behind the position ``after``, in order: one short read."""
        with self.datastore.transaction(commit=False) as cursor:
            cursor.sqlite_cursor.row_factory = None
            cursor.execute(SELECT_ROWS, (after, limit))
            rows: list[Row] = cursor.fetchall()
            return rows

    def select_together(self, after: int, limit: int) -> Together | None:
        """The same rows in two pieces; null where there are none."""
        with self.datastore.transaction(commit=False) as cursor:
            cursor.sqlite_cursor.row_factory = None
            cursor.execute(SELECT_TOGETHER, (after, limit))
            places, states, last = cursor.fetchone()
            return None if last is None else (places, states, last)

    def select_topic(self, topic: str, after: int, upto: int) -> list[tuple[int, bytes]]:
        """Position and state of the events with that topic, in order: one short read."""
        with self.datastore.transaction(commit=False) as cursor:
            cursor.sqlite_cursor.row_factory = None
            cursor.execute(SELECT_TOPIC, (after, upto, topic))
            found: list[tuple[int, bytes]] = cursor.fetchall()
            return found

    def checkpoint(self, mode: str = "PASSIVE") -> bool:
        """Move the write-ahead log into the file; whether all of it could be moved.

        On a reader's connection: PASSIVE works beside the writer and never waits for it.
        """
        with (
            self.datastore.get_connection(commit=False) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(f"PRAGMA wal_checkpoint({mode})")
            busy, frames, moved = cursor.fetchone()
            return not busy and frames == moved


def check_format(cursor: SQLiteCursor) -> int:
    """The store's schema version, 0 for an empty file.

    Raises:
        StoreFormat: the file is no store of ours, or of a newer version.
    """
    try:
        version = _pragma(cursor, "user_version")
        cursor.execute("SELECT count(*) FROM sqlite_schema")
        used = cursor.fetchone()[0]
    except sqlite3.DatabaseError as error:
        if "not a database" in str(error):
            raise StoreFormat("the file is not an exchange store (no SQLite database)") from error
        raise
    if used and _pragma(cursor, "application_id") != APPLICATION_ID:
        raise StoreFormat("the file is an SQLite database, but not an exchange store")
    known = migrations()[-1][0]
    if version > known:
        raise StoreFormat(
            f"the store has format {version}, this program knows up to {known}: it was "
            "written by a newer version"
        )
    return version


def migrations() -> list[tuple[int, str]]:
    """The log's schema changes in order: their numbers, gapless from 1, and scripts."""
    found = sorted(
        (int(entry.name.split("_")[0]), entry.read_text())
        for entry in resource("migrations").joinpath("log").iterdir()
        if entry.name.endswith(".sql")
    )
    if [number for number, _ in found] != list(range(1, len(found) + 1)):
        raise StoreError("the migrations of the log are not numbered gaplessly from 1")
    return found


class LogFactory(SQLiteFactory):
    """Makes the recorder of a log; reads nothing from the process environment."""

    application_recorder_class = LogRecorder

    def __init__(self, env: Environment) -> None:
        super().__init__(env)
        self.datastore = LogDatastore(env["SQLITE_DBNAME"])


def _pragma(cursor: SQLiteCursor, name: str) -> int:
    cursor.execute(f"PRAGMA {name}")
    return int(cursor.fetchone()[0])


def _statements(script: str) -> Iterator[str]:
    """The statements of a script; a trigger's body stays with its trigger."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def _text_id(event: StoredEvent) -> str:
    stream = event.originator_id
    return stream if isinstance(stream, str) else stream.hex
