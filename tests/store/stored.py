"""What the store's tests share: an event of their own, writers, and rows seen from outside."""

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from exchange.kernel.events import Envelope, Event
from exchange.store.log import EventLog
from exchange.store.seal import Row
from exchange.store.urls import StoreUrl
from exchange.store.writer import LogWriter

ROOT = Path(__file__).parents[2]


class Noted(Event, frozen=True):
    """Something to store."""

    TOPIC = "test.Noted.v1"
    text: str
    number: int = 0


def url_of(path: Path) -> StoreUrl:
    return StoreUrl.parse(f"sqlite:///{path}")


def writer_on(path: Path) -> LogWriter:
    return LogWriter(url_of(path), [Noted], at_us=0)


@contextmanager
def writer(path: Path) -> Iterator[LogWriter]:
    log = writer_on(path)
    try:
        yield log
    finally:
        log.close()


@contextmanager
def reader(path: Path) -> Iterator[EventLog]:
    log = EventLog(url_of(path), [Noted])
    try:
        yield log
    finally:
        log.close()


def notes(log: LogWriter, *streams: str) -> list[Envelope]:
    """A note on each of the streams, at the next places of the log."""
    versions: dict[str, int] = {}
    envelopes = []
    for position, stream in enumerate(streams, log.position + 1):
        if stream not in versions:
            last = log.recorder.select_events(stream, desc=True, limit=1)
            versions[stream] = last[0].originator_version if last else 0
        versions[stream] += 1
        event = Noted(f"note {position}", position)
        envelopes.append(Envelope(stream, versions[stream], event, position))
    return envelopes


def note(log: LogWriter, *streams: str) -> None:
    """Append a batch of notes."""
    log.append(notes(log, *streams))


def note_much(log: LogWriter, rows: int) -> None:
    """Append a batch that fills many pages of the file."""
    log.append(
        [
            Envelope(f"pile:{position}", 1, Noted("x" * 1_000, position), position)
            for position in range(log.position + 1, log.position + 1 + rows)
        ]
    )


@contextmanager
def plain(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection that knows nothing of us; each statement is its own transaction."""
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        yield connection
    finally:
        connection.close()


def rows_of(path: Path) -> list[Row]:
    """All rows as a stranger reads them."""
    with plain(path) as connection:
        return connection.execute("SELECT * FROM stored_events ORDER BY rowid").fetchall()


def rewrite(path: Path, rows: list[Row]) -> None:
    """Make ``rows`` the log, as somebody can who has the file and no scruples."""
    with plain(path) as connection:
        for (trigger,) in connection.execute(
            "SELECT name FROM sqlite_schema WHERE type = 'trigger'"
        ).fetchall():
            connection.execute(f"DROP TRIGGER {trigger}")
        connection.execute("BEGIN")
        connection.execute("DELETE FROM stored_events")
        connection.executemany("INSERT INTO stored_events VALUES (?, ?, ?, ?, ?)", rows)
        connection.execute("COMMIT")


def forge(path: Path, stream: str, topic: str, state: bytes) -> None:
    """Add a row at the end, as the table allows to anyone."""
    rows = rows_of(path)
    version = sum(row[1] == stream for row in rows) + 1
    with plain(path) as connection:
        connection.execute(
            "INSERT INTO stored_events VALUES (?, ?, ?, ?, ?)",
            (len(rows) + 1, stream, version, topic, state),
        )


def heads_file(path: Path) -> Path:
    return path.with_name(path.name + ".heads")


def lock_file(path: Path) -> Path:
    return path.with_name(path.name + ".lock")


def child(*arguments: object) -> "subprocess.Popen[str]":
    """A second process: what it does stands in ``process.py``."""
    return subprocess.Popen(  # noqa: S603 - our own code in this very interpreter
        [sys.executable, "-m", "tests.store.process", *map(str, arguments)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def verified(path: Path) -> str:
    """What ``docs/verify_seals.py`` says of a sound store.

    Raises:
        AssertionError: it says that the store is not sound.
    """
    code, said = verify_seals(path)
    assert 0 == code, said
    return said


def verify_seals(path: Path) -> tuple[int, str]:
    """Exit code and words of ``docs/verify_seals.py``."""
    script = ROOT / "docs" / "verify_seals.py"
    # -I: the script must not need this package, nor anything but Python.
    done = subprocess.run(  # noqa: S603 - our own script in this very interpreter
        [sys.executable, "-I", "-S", script, path], capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr
