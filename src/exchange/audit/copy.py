"""The log taken elsewhere: to another store, row for row, or to a file, line by line."""

import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import msgspec

from exchange.audit.asof import REPORT_EVERY, Moment, NotThere, Progress, check_reached
from exchange.audit.chain import BadBatch, Chain
from exchange.orders.records import CommandRecorded
from exchange.store.errors import StoreDamaged, StoreError
from exchange.store.events import VENUE
from exchange.store.heads import Head, HeadsFile
from exchange.store.lock import WriterLock
from exchange.store.log import EventLog
from exchange.store.seal import Row, pack
from exchange.store.urls import StoreUrl
from exchange.venue.catalogue import EVENTS

ROWS_TOGETHER = 20_000
"""Rows of one transaction; batches are never split."""

LOOK_BACK_ROWS = 64


class Copied(msgspec.Struct):
    """What was taken: events (seals and epochs among them), from and to which position."""

    events: int = 0
    first: int = 0
    last: int = 0
    batches: int = 0
    head: Head | None = None  # of the copy


def copy_log(
    log: EventLog, target: StoreUrl, *, until: int | None = None, progress: Progress | None = None
) -> Copied:
    """Copy the log from its genesis to a new store: raw rows, with their positions and seals.

    ``until`` cuts it at the end of the last batch at or before that position. Every seal is
    checked before its batch is taken; the copy's heads file has the head of each.

    Raises:
        NotThere: ``until`` lies beyond the end, or before the end of the first batch.
        StoreDamaged: the log is not as it was sealed; the copy is taken back.
        StoreError: the target exists or can't be written.
    """
    check_reached(log, Moment(position=until))
    path = target.path
    if path is None:
        raise StoreError("a copy in memory would end with this process: name a file")
    _check_new(path, target.beside(".heads"), target.beside("-wal"))
    lock = WriterLock(target.beside(".lock"))
    try:
        return _copy(log, target, until, progress)
    except BaseException:
        for end in ("", "-wal", "-shm", ".heads", ".lock"):
            target.beside(end).unlink(missing_ok=True)
        raise
    finally:
        lock.release()


def _copy(log: EventLog, target: StoreUrl, until: int | None, progress: Progress | None) -> Copied:
    copied, heads = Copied(first=1), HeadsFile(target.beside(".heads"))
    copy = EventLog(target, EVENTS, database=target.database("rwc", ""))
    try:
        copy.recorder.create_table()
        for rows, sealed in _together(_batches(log, until)):
            copy.recorder.insert_rows(pack(rows))
            for head in sealed:
                heads.append(head)
            copied.events += len(rows)
            copied.batches += len(sealed)
            copied.last, copied.head = rows[-1][0], sealed[-1]
            if progress is not None:
                progress(copied.last)
        if not copy.recorder.checkpoint("TRUNCATE"):
            raise StoreError(f"{target.path} is busy: its write-ahead log can't be checkpointed")
    finally:
        copy.close()
        heads.close()
    if not copied.events:
        raise NotThere(f"no batch ends at or before position {until}")
    return copied


def _batches(log: EventLog, until: int | None) -> Iterator[tuple[list[Row], Head]]:
    """Each batch with its seal, as stored, and its head.

    Raises:
        StoreDamaged: it is not as it was sealed.
    """
    chain, rows, last = Chain(log), log.rows(), 0
    try:
        for _ in chain.batches():
            head = chain.head
            if until is not None and head.position > until:
                return
            yield list(islice(rows, head.position - last)), head
            last = head.position
    except BadBatch as bad:
        raise StoreDamaged(f"{log.url.text}: {bad}; verify tells more") from bad


def _together(
    batches: Iterator[tuple[list[Row], Head]],
) -> Iterator[tuple[list[Row], list[Head]]]:
    """Batches side by side, up to a transaction's rows."""
    rows: list[Row] = []
    heads: list[Head] = []
    for batch, head in batches:
        rows += batch
        heads.append(head)
        if len(rows) >= ROWS_TOGETHER:
            yield rows, heads
            rows, heads = [], []
    if rows:
        yield rows, heads


def write_lines(
    log: EventLog,
    path: Path,
    *,
    first: int = 1,
    until: int | None = None,
    progress: Progress | None = None,
) -> Copied:
    """Write the events at the positions ``first`` to ``until`` as JSON, one a line.

    A line has ``position``, ``stream``, ``version``, ``topic``, ``at_us`` (the venue time of the
    event's command; null for epochs and seals) and ``payload``, the stored JSON as it is.

    Raises:
        NotThere: a position lies beyond the end.
        StoreError: the file exists or can't be written, or the store can't be read.
    """
    for position in (first, until):
        check_reached(log, Moment(position=position))
    _check_new(path)
    copied = Copied(first=first, last=first - 1)
    with path.open("xb") as file:
        try:
            for line in _lines(log, first, until):
                file.write(line)
                copied.events, copied.last = copied.events + 1, copied.last + 1
                if progress is not None and copied.events % REPORT_EVERY == 0:
                    progress(copied.last)
            file.flush()
            os.fsync(file.fileno())
        except BaseException:
            path.unlink()
            raise
    return copied


def _lines(log: EventLog, first: int, until: int | None) -> Iterator[bytes]:
    encode, at_us = msgspec.json.Encoder().encode, _time_before(log, first)
    for position, stream, version, topic, state in log.rows(first - 1):
        if until is not None and position > until:
            return
        if topic == CommandRecorded.TOPIC:
            at_us = _time_of(log, state)
        facts = {
            "position": position,
            "stream": stream,
            "version": version,
            "topic": topic,
            "at_us": None if stream == VENUE else at_us,
            "payload": msgspec.Raw(state),
        }
        yield encode(facts) + b"\n"


def _time_of(log: EventLog, state: bytes) -> int:
    """Venue time of the command whose record is stored so."""
    record = log.catalogue.decode(CommandRecorded.TOPIC, state)
    return record.at_us if isinstance(record, CommandRecorded) else 0


def _time_before(log: EventLog, first: int) -> int | None:
    """Venue time of the command in whose midst the position ``first`` may lie."""
    back, after = LOOK_BACK_ROWS, first - 1
    while after:
        upto, after = first - 1, max(0, first - 1 - back)
        rows = list(islice(log.rows(after), upto - after))
        for _, _, _, topic, state in reversed(rows):
            if topic == CommandRecorded.TOPIC:
                return _time_of(log, state)
        back *= 4
    return None


def _check_new(*paths: Path) -> None:
    """Nothing, while none of the files is there.

    Raises:
        StoreError: one is.
    """
    for path in paths:
        if path.exists() or path.is_symlink():
            raise StoreError(f"{path} exists: nothing is written over it")
