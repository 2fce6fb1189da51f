"""What a fold reads: the same events as every other reader, a page ahead of those it follows."""

import sqlite3
import threading
from pathlib import Path

import pytest

from exchange.kernel.events import Envelope
from exchange.store.errors import StoreError, UnreadableEvent
from tests.store.stored import Noted, note, reader, writer

INSERT = "INSERT INTO stored_events VALUES (?, ?, ?, ?, ?)"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A closed store of three batches behind its epoch; some texts are not of one byte a letter."""
    path = tmp_path / "log.db"
    with writer(path) as log:
        note(log, "a", "b", "a")
        texts = "grün", '\n\x00\x1f"\\', "", "𝛑" * 70
        first = log.position + 1
        log.append([Envelope("c", n + 1, Noted(it, n), first + n) for n, it in enumerate(texts)])
        note(log, *["d"] * 30)
    return path


@pytest.mark.parametrize("page", [1, 2, 3, 7, 20, 1_000])
def test_a_fold_reads_what_everybody_reads_from_any_place_on(path: Path, page: int) -> None:
    with reader(path) as log:
        whole = [tuple(it) for it in log.read()]
        assert 3 + 4 + 30 + 4 + 1 == len(whole)
        for after in range(len(whole) + 1):
            assert whole[after:] == list(log.placed(after, page))


def test_what_can_t_be_read_is_told_behind_what_can(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute(INSERT, (43, "e", 1, "test.Noted.v1", b'["", 1]'))
        connection.execute(INSERT, (44, "e", 2, "test.Unknown.v1", b"[]"))
        connection.execute(INSERT, (45, "e", 3, "test.Noted.v1", b"[1"))
    with reader(path) as log:
        events = log.placed(40, 100)
        assert [41, 42, 43] == [next(events)[3] for _ in range(3)]
        with pytest.raises(UnreadableEvent, match=r"unknown topic 'test\.Unknown\.v1'"):
            next(events)
        with pytest.raises(UnreadableEvent, match=r"no test\.Noted\.v1"):
            next(log.placed(44, 100))


@pytest.mark.parametrize("page", [3, 100])
def test_a_name_that_is_no_text_is_no_store_s(path: Path, page: int) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute(
            INSERT.replace("?, ?, ?, ?, ?", "43, 'e', 1, CAST(x'ff' AS TEXT), x'00'")
        )
    with reader(path) as log, pytest.raises(StoreError, match="UTF-8"):
        list(log.placed(0, page))


def test_a_fold_that_is_left_leaves_no_thread(path: Path) -> None:
    with reader(path) as log:
        events = log.placed(0, 2)
        next(events)
        assert any(it.name.startswith("reader") for it in threading.enumerate())
        events.close()  # type: ignore[attr-defined]  # it is a generator
        assert not any(it.name.startswith("reader") for it in threading.enumerate())
