"""Which tables the views have, and whether a file has just these."""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from exchange.resources import resource
from exchange.store.errors import StoreError, StoreFormat

APPLICATION_ID = 0x45585657
"""``PRAGMA application_id`` of views: "EXVW"."""

BUSY_TIMEOUT_S = 5
STATEMENTS_MAX = 128
"""Statements that a connection keeps compiled."""

INDEXES = "_indexes.sql"
"""How a script is named that waits until a build has caught up."""

SETTINGS = (
    "page_size=8192",  # what belongs to one of many accounts or keys touches a page each
    "journal_mode=WAL",
    "synchronous=NORMAL",  # a power cut may take the last commits: they are followed again
    "cache_size=-65536",
)

BUILD_PAGES, LIVE_PAGES = 8_000, 300
"""From checkpoint to checkpoint. Beside a venue they are small and many: while the disk syncs what
one has written, the venue's own commits wait for it."""


class Script(NamedTuple):
    """A file of ``migrations/views``."""

    name: str
    text: str


def create(path: Path, *, building: bool = True) -> sqlite3.Connection:
    """Empty views in a new file, or those that are there, to be written.

    New ones have no indexes yet: ``complete`` makes them. While ``building`` nobody else is to
    be spared.

    Raises:
        StoreFormat: the file holds no views, or is of a newer version.
        StoreError: it can't be written.
    """
    connection = connect(path, "rwc")
    with explained(path):
        for setting in SETTINGS:
            connection.execute(f"PRAGMA {setting}")
        pages = BUILD_PAGES if building else LIVE_PAGES
        connection.execute(f"PRAGMA wal_autocheckpoint={pages}")
        if not version_of(connection, path):
            _run(connection, [it for it in migrations() if not it.name.endswith(INDEXES)])
    return connection


def complete(connection: sqlite3.Connection) -> None:
    """Give views that have caught up their indexes."""
    _run(connection, [it for it in migrations() if it.name.endswith(INDEXES)])


def _run(connection: sqlite3.Connection, scripts: Iterable[Script]) -> None:
    """Run scripts in one transaction; views made by them have this program's version."""
    connection.execute("BEGIN IMMEDIATE")
    for script in scripts:
        for statement in _statements(script.text):
            connection.execute(statement)
    connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version={len(migrations())}")
    connection.execute("COMMIT")


def open_to_read(path: Path) -> sqlite3.Connection:
    """Views of this program's version, to be read only.

    Raises:
        StoreError: there are none.
        StoreFormat: they are no views, or of another version.
    """
    if not path.is_file():
        raise StoreError(f"there are no views {path}: `exchange follow --once` makes them")
    connection = connect(path, "ro")
    try:
        _check_version(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def _check_version(connection: sqlite3.Connection, path: Path) -> None:
    with explained(path):
        version, known = version_of(connection, path), len(migrations())
    if version != known:
        raise StoreFormat(
            f"{path} has version {version} of the views, this program reads {known}: "
            "`exchange follow --once` builds them anew"
        )


def connect(path: Path, mode: str) -> sqlite3.Connection:
    """A connection to the file, ``ro``, ``rw`` or ``rwc``, that begins no transaction itself.

    Raises:
        StoreError: it can't be opened.
    """
    with explained(path):
        return sqlite3.connect(
            f"file:{quote(bytes(path))}?mode={mode}",
            uri=True,
            timeout=BUSY_TIMEOUT_S,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=STATEMENTS_MAX,
        )


def version_of(connection: sqlite3.Connection, path: Path) -> int:
    """How many migrations the file has seen; 0 for an empty one.

    Raises:
        StoreFormat: it is no file of views, or of a newer version.
    """
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (kind,) = connection.execute("PRAGMA application_id").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if tables and kind != APPLICATION_ID:
        raise StoreFormat(f"{path} is an SQLite database, but holds no views")
    known = len(migrations())
    if version > known:
        raise StoreFormat(
            f"{path} has version {version} of the views, this program knows up to {known}: it "
            "was written by a newer version"
        )
    return int(version)


@cache
def migrations() -> tuple[Script, ...]:
    """The scripts that make the tables, in order; their number is the version.

    Raises:
        StoreError: they are not numbered gaplessly from 1.
    """
    entries = sorted(
        (entry for entry in resource("migrations").joinpath("views").iterdir()
         if entry.name.endswith(".sql")),
        key=lambda entry: entry.name,
    )  # fmt: skip
    if [int(entry.name.split("_")[0]) for entry in entries] != list(range(1, len(entries) + 1)):
        raise StoreError("the migrations of the views are not numbered gaplessly from 1")
    return tuple(Script(entry.name, entry.read_text()) for entry in entries)


def _statements(script: str) -> Iterator[str]:
    """The statements of a script, one by one: they share a transaction."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Database errors in the operator's words.

    Raises:
        StoreError: in place of the driver's error.
    """
    try:
        yield
    except sqlite3.DatabaseError as error:
        if "not a database" in str(error):
            raise StoreFormat(f"{path} is no file of views") from error
        raise StoreError(f"{path}: {error}") from error
