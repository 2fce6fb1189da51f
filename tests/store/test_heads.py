"""A log that is not the one its heads were taken from, or has no end, is not written on."""

import shutil
from pathlib import Path

import pytest

from exchange.store.errors import StoreDamaged
from exchange.store.events import BatchSealed
from exchange.store.heads import read_heads
from tests.store.stored import (
    Noted,
    events_on,
    files_of,
    forge,
    heads_file,
    note,
    reader,
    rewrite,
    rows_of,
    writer,
    writer_on,
)


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
