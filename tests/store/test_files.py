"""Which files can be opened as stores, by which names, and what is said of the others."""

import os
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from exchange.store.errors import StoreError, StoreFormat
from exchange.store.log import EventLog, LogWriter
from exchange.store.sqlite import migrations
from exchange.store.urls import StoreUrl
from tests.store.stored import (
    Noted,
    files_of,
    note,
    plain,
    reader,
    rows_of,
    url_of,
    verified,
    writer,
    writer_on,
)

OPENERS = [writer_on, lambda path: EventLog(url_of(path), [Noted])]


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
