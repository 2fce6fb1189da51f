"""A log taken elsewhere: the copy is the log, row for row, as far as it goes."""

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from exchange.audit.asof import NotThere
from exchange.audit.copy import copy_log, write_lines
from exchange.cli.look import open_log
from exchange.orders.records import CommandRecorded
from exchange.store.errors import StoreDamaged, StoreError
from exchange.store.heads import read_heads
from exchange.store.log import EventLog
from exchange.store.urls import StoreUrl
from exchange.venue.replay import by_command
from tests.audit.logs import url_of, verdict_on
from tests.command import inside, url


def rows(path: Path) -> list[tuple[object, ...]]:
    """Every row with its position and bytes, as a stranger reads them."""
    with closing(sqlite3.connect(path)) as database:
        return database.execute("SELECT * FROM stored_events ORDER BY rowid").fetchall()


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "copy.db"


@pytest.fixture
def log(small_log: Path) -> EventLog:
    return open_log(url(small_log))


def heads_of(path: Path) -> Path:
    return path.with_name(path.name + ".heads")


def test_a_copy_has_the_same_rows_the_same_heads_and_verifies(
    small_log: Path, log: EventLog, target: Path
) -> None:
    copied = copy_log(log, url_of(target))
    assert rows(small_log) == rows(target)
    assert heads_of(small_log).read_bytes() == heads_of(target).read_bytes()
    whole = verdict_on(small_log)
    assert whole == verdict_on(target, anchors=[])
    assert [] == verdict_on(target, anchors=read_heads(heads_of(small_log))).findings
    assert (log.last_position, whole.batches, whole.head) == (
        copied.last, copied.batches, copied.head,
    )  # fmt: skip


def test_a_copy_is_cut_at_the_end_of_a_batch(small_log: Path, target: Path, tmp_path: Path) -> None:
    heads = read_heads(heads_of(small_log))
    cut = heads[9]
    log = open_log(url(small_log))
    for until in (cut.position, heads[10].position - 1):
        path = tmp_path / f"to_{until}.db"
        copied = copy_log(log, url_of(path), until=until)
        assert (cut.position, cut) == (copied.last, copied.head)
        assert rows(small_log)[: cut.position] == rows(path)
        assert heads[:10] == read_heads(heads_of(path))
        assert [] == verdict_on(path).findings
    with pytest.raises(NotThere):
        copy_log(log, url_of(target), until=heads[0].position - 1)
    with pytest.raises(NotThere):
        copy_log(log, url_of(target), until=log.last_position + 1)
    assert [] == [it.name for it in target.parent.glob("copy.db*")]


def test_a_venue_goes_on_from_a_copy(log: EventLog, target: Path, synthetic: Path) -> None:
    """It finds its heads, and answers the flow that it has seen from its log."""
    copy_log(log, url_of(target))
    said, _ = inside("feed", "run", synthetic, "--store", url(target), "--json")
    assert 600 == json.loads(said)["commands"]
    assert [] == verdict_on(target, anchors=read_heads(heads_of(target))).findings


@pytest.mark.parametrize("suffix", ["", ".heads", "-wal"])
def test_nothing_is_written_over_what_exists(log: EventLog, target: Path, suffix: str) -> None:
    there = target.with_name(target.name + suffix)
    there.write_text("mine")
    with pytest.raises(StoreError, match="exists: nothing is written over it"):
        copy_log(log, url_of(target))
    assert "mine" == there.read_text()
    lines = target.with_name("lines.ndjson")
    lines.write_text("mine")
    with pytest.raises(StoreError, match="exists"):
        write_lines(log, lines)
    assert "mine" == lines.read_text()


def test_a_damaged_log_is_not_copied(small_log: Path, target: Path, tmp_path: Path) -> None:
    spoilt = tmp_path / "spoilt.db"
    shutil.copy(small_log, spoilt)
    with closing(sqlite3.connect(spoilt)) as database, database:
        for (name,) in database.execute("SELECT name FROM sqlite_schema WHERE type='trigger'"):
            database.execute(f"DROP TRIGGER {name}")
        database.execute(
            "UPDATE stored_events SET state = CAST(state || ' ' AS BLOB) WHERE rowid = 700"
        )
    with pytest.raises(StoreDamaged, match="verify tells more"):
        copy_log(open_log(url(spoilt)), url_of(target))
    assert [] == [it.name for it in target.parent.glob("copy.db*")]


def test_a_store_in_memory_is_no_target(log: EventLog) -> None:
    with pytest.raises(StoreError, match="name a file"):
        copy_log(log, StoreUrl.parse("memory:"))


def test_the_lines_are_the_stored_events_with_their_times(
    small_log: Path, log: EventLog, tmp_path: Path
) -> None:
    path = tmp_path / "all.ndjson"
    written = write_lines(log, path)
    raw = path.read_bytes().splitlines()
    lines = [json.loads(line) for line in raw]
    times: dict[int, int] = {}
    for command in by_command(log.read()):
        record = command[0].event
        assert isinstance(record, CommandRecorded)
        times |= dict.fromkeys([it.position for it in command], record.at_us)
    assert (1, log.last_position, len(lines)) == (written.first, written.last, written.events)
    for line, text, row in zip(lines, raw, rows(small_log), strict=True):
        position, stream, version, topic, state = row
        facts = (line["position"], line["stream"], line["version"], line["topic"])
        assert (position, stream, version, topic) == facts
        assert isinstance(state, bytes)
        assert state in text
        assert times.get(line["position"]) == line["at_us"]


def test_a_part_begins_and_ends_anywhere_and_knows_its_times(log: EventLog, tmp_path: Path) -> None:
    """Also in the midst of a command whose record lies before the part."""
    whole = tmp_path / "all.ndjson"
    write_lines(log, whole)
    lines = whole.read_bytes().splitlines(keepends=True)
    for first, until in ((1, 1), (2, 9), (500, 501), (501, 700), (log.last_position, None)):
        path = tmp_path / f"from_{first}.ndjson"
        write_lines(log, path, first=first, until=until)
        assert b"".join(lines[first - 1 : until]) == path.read_bytes()
    with pytest.raises(NotThere):
        write_lines(log, tmp_path / "none.ndjson", first=log.last_position + 1)
