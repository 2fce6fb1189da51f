"""Any change of the log is found by a script that knows the formula and nothing else of us."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from exchange.store.events import VENUE
from exchange.store.heads import read_heads
from exchange.store.seal import Row, genesis, pack, seal
from exchange.store.sqlite import APPLICATION_ID
from exchange.venue.catalogue import AGGREGATES
from tests.store.stored import (
    ROOT,
    Noted,
    forge,
    heads_file,
    note,
    rewrite,
    rows_of,
    verified,
    verify_seals,
    writer,
)
from tests.store.trading import acks_of, orders, set_up

LOG_ID = "0123456789abcdef0123456789abcdef"
ROWS: list[Row] = [
    (41, "book:BTC-USD", 7, "test.Noted.v1", b'["x",18446744073709551616]'),
    (42, "ledger", 1, "test.Noted.v1", b'["gr\xc3\xbcn"]'),
    (43, "b\u00fcch", 2**63 - 1, "t.T.v1", b""),
]


def sealed(before: bytes, epoch: int, batch: int, rows: list[Row]) -> bytes:
    """The hash of a batch that holds the rows."""
    return seal(before, epoch, batch, rows[0][0], rows[-1][0], pack(rows))


def test_the_formula_is_the_one_that_was_published() -> None:
    """Two values computed apart from this code; every stored log depends on them."""
    start, head = genesis(LOG_ID), sealed(genesis(LOG_ID), 3, 17, ROWS)
    assert "3eb1bd439947eb762998e566ccc2e099c791118b2f40579cc4f7da2b5061b7f9" == start.hex()
    assert "ba8d026d3feb1e0fef79f95707dcf6c6ec8d657885793b15a1c74853ab2f9fef" == head.hex()


def test_every_part_of_a_batch_counts() -> None:
    """Also where one part ends and the next begins."""
    before = genesis(LOG_ID)
    variants = [
        (genesis(LOG_ID[::-1]), 3, 17, ROWS),
        (before, 4, 17, ROWS),
        (before, 3, 18, ROWS),
        (before, 3, 17, ROWS[:-1]),
        (before, 3, 17, ROWS[1:]),
        (before, 3, 17, [(row[0] + 1, *row[1:]) for row in ROWS]),
        (before, 3, 17, [ROWS[0], (42, *ROWS[2][1:]), (43, *ROWS[1][1:])]),
        *(
            (before, 3, 17, [ROWS[0], other, ROWS[2]])
            for other in (
                (42, "ledgers", 1, "test.Noted.v1", ROWS[1][4]),
                (42, "ledger", 2, "test.Noted.v1", ROWS[1][4]),
                (42, "ledger", 1, "test.Noted.v2", ROWS[1][4]),
                (42, "ledger", 1, "test.Noted.v1", ROWS[1][4] + b" "),
                (42, "ledge", 1, "rtest.Noted.v1", ROWS[1][4]),
                (42, "ledger", 1, "test.Noted.v1[", ROWS[1][4][1:]),
            )
        ),
    ]
    found = {sealed(before, 3, 17, ROWS), *(sealed(*parts) for parts in variants)}
    assert len(variants) + 1 == len(found)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A venue's closed store: two epochs, some twenty batches, most of several events."""
    path = tmp_path_factory.mktemp("seal") / "venue.db"
    acks_of(path, set_up() + orders(1, 30), commands=4)
    acks_of(path, orders(31, 60), commands=4)
    return path


@pytest.fixture
def copy(store: Path, tmp_path: Path) -> Path:
    """A copy to be spoiled."""
    return Path(shutil.copy(store, tmp_path / "copy.db"))


def test_the_script_finds_the_writer_s_heads(store: Path) -> None:
    rows, heads = rows_of(store), read_heads(heads_file(store))
    assert rows[-1][0] == len(rows) > 100
    assert len(heads) > 15
    log_id = rows[0][4][2:34].decode()
    assert f"log {log_id}: {len(rows)} events\n{heads[-1].line()}" == verified(store)


def test_the_script_reads_a_store_that_is_being_written(tmp_path: Path) -> None:
    with writer(tmp_path / "a b#?.db") as log:
        note(log, "a")
        assert f"2 4 {log.head.hex()}\n" in verified(tmp_path / "a b#?.db")


SEALED = "store.BatchSealed.v1"


def batch_of(rows: list[Row], position: int) -> int:
    """The number of the batch that holds the event."""
    return 1 + sum(row[3] == SEALED for row in rows if row[0] < position)


def inner(rows: list[Row]) -> int:
    """An event in the middle of the log with two others of its batch on each side."""
    middle = range(len(rows) // 2, len(rows))
    return next(n for n in middle if SEALED not in {row[3] for row in rows[n - 3 : n + 2]})


def changed(
    row: Row,
    position: int | None = None,
    stream: str | None = None,
    version: int | None = None,
    topic: str | None = None,
    state: bytes | None = None,
) -> Row:
    """The row with some of its parts exchanged."""
    return (
        row[0] if position is None else position,
        row[1] if stream is None else stream,
        row[2] if version is None else version,
        row[3] if topic is None else topic,
        row[4] if state is None else state,
    )


def moved(rows: list[Row], by: int) -> list[Row]:
    return [changed(row, position=row[0] + by) for row in rows]


Change = Callable[[list[Row], Row, list[Row]], list[Row]]

CHANGES: dict[str, Change] = {
    "spaces": lambda up, row, on: [*up, changed(row, state=row[4].replace(b",", b" ,")), *on],
    "a figure": lambda up, row, on: [*up, changed(row, state=row[4].replace(b"1", b"2")), *on],
    "a topic": lambda up, row, on: [*up, changed(row, topic=row[3][:-1] + "2"), *on],
    "a stream": lambda up, row, on: [*up, changed(row, stream="x", version=1), *on],
    "a version": lambda up, row, on: [*up, changed(row, version=10**6), *on],
    "a position": lambda up, row, on: [*up, changed(row, position=10**6), *on],
    "an event less": lambda up, _, on: [*up, *on],
    "an event less without a gap": lambda up, _, on: [*up, *moved(on, -1)],
    "an event more": lambda up, row, on: [
        *up, row, changed(row, row[0] + 1, "x", 1), *moved(on, 1)
    ],
    "an event twice": lambda up, row, on: [
        *up, row, changed(row, row[0] + 1, version=10**6), *moved(on, 1)
    ],
    "two events swapped": lambda up, row, on: [
        *up, changed(on[0], position=row[0]), changed(row, position=on[0][0]), *on[1:]
    ],
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_the_script_names_the_first_bad_batch_after_a_change_of(copy: Path, change: str) -> None:
    rows = rows_of(copy)
    n = inner(rows)
    spoiled = CHANGES[change](rows[: n - 1], rows[n - 1], rows[n:])
    assert spoiled != rows
    rewrite(copy, spoiled)
    code, said = verify_seals(copy)
    assert 1 == code
    assert said.startswith(f"batch {batch_of(rows, n)}: "), said


SEAL_CHANGES: dict[str, Callable[[Row], list[Row]]] = {
    "hash": lambda row: [changed(row, state=row[4][:-4] + b'00"]')],
    "spelling": lambda row: [changed(row, state=row[4].replace(b",", b", "))],
    "letters": lambda row: [changed(row, state=row[4].upper())],
    "epoch": lambda row: [changed(row, state=b"[9" + row[4][2:])],
    "topic": lambda row: [changed(row, topic="store.BatchSealed.v2")],
    "version": lambda row: [changed(row, version=10**6)],
    "stream": lambda row: [changed(row, stream="x", version=1)],
    "absence": lambda _: [],
}


@pytest.mark.parametrize("change", SEAL_CHANGES)
def test_the_script_names_the_batch_whose_own_seal_shows_another(copy: Path, change: str) -> None:
    rows = rows_of(copy)
    batch = batch_of(rows, inner(rows))
    n = [row[0] for row in rows if row[3] == SEALED][batch - 1]
    rewrite(copy, [*rows[: n - 1], *SEAL_CHANGES[change](rows[n - 1]), *rows[n:]])
    code, said = verify_seals(copy)
    assert 1 == code
    assert said.startswith(f"batch {batch}: "), said


def test_a_seal_made_to_fit_a_changed_batch_breaks_the_next_one(copy: Path) -> None:
    """The chain: to hide one change all later seals must be made anew."""
    rows = rows_of(copy)
    n = inner(rows)
    batch = batch_of(rows, n)
    before, own = [row for row in rows if row[3] == SEALED][batch - 2 : batch]
    rows[n - 1] = changed(rows[n - 1], state=b"[]")
    epoch = int(own[4][1:].partition(b",")[0])
    made = sealed(bytes.fromhex(own_hash(before)), epoch, batch, rows[before[0] : own[0] - 1])
    state = own[4].replace(own_hash(own).encode(), made.hex().encode())
    rows[own[0] - 1] = changed(own, state=state)
    rewrite(copy, rows)
    code, said = verify_seals(copy)
    assert 1 == code
    assert said.startswith(f"batch {batch + 1}: "), said


def own_hash(sealed: Row) -> str:
    """The 64 digits in a seal."""
    return sealed[4][-66:-2].decode()


def test_a_cut_inside_a_batch_is_found(copy: Path) -> None:
    rows = rows_of(copy)
    n = inner(rows)
    rewrite(copy, rows[:n])
    said = f"batch {batch_of(rows, n)}: the log ends at event {n} without a seal\n"
    assert (1, said) == verify_seals(copy)


def test_a_cut_at_a_batch_s_end_is_found_against_the_heads_only(store: Path, copy: Path) -> None:
    *_, head, lost = read_heads(heads_file(store))
    rewrite(copy, rows_of(copy)[: head.position])
    said = verified(copy)
    assert said.endswith(head.line())
    assert lost.line() not in said


def test_a_log_sealed_anew_is_found_against_any_later_head_only(store: Path, copy: Path) -> None:
    """Who changes an event and makes all later seals anew leaves a sound log, but another."""
    rows = rows_of(copy)
    n = inner(rows)
    rows[n - 1] = changed(rows[n - 1], state=rows[n - 1][4].replace(b"1", b"2"))
    rewrite(copy, sealed_anew(rows))
    found, heads = verified(copy).splitlines()[-1], read_heads(heads_file(store))
    assert found.split()[:2] == [str(heads[-1].batch), str(heads[-1].position)]
    assert found.split()[2] != heads[-1].hash
    kept = {own_hash(row) for row in rows_of(copy) if row[3] == SEALED}
    assert [head.hash in kept for head in heads] == [
        head.batch < batch_of(rows, n) for head in heads
    ]


def sealed_anew(rows: list[Row]) -> list[Row]:
    made: list[Row] = []
    batch: list[Row] = []
    before, number = genesis(rows[0][4][2:34].decode()), 0
    for row in rows:
        if row[3] != SEALED:
            batch.append(row)
            continue
        number += 1
        epoch = int(row[4][1:].partition(b",")[0])
        before = sealed(before, epoch, number, batch)
        state = row[4].replace(own_hash(row).encode(), before.hex().encode())
        made += [*batch, changed(row, state=state)]
        batch = []
    return made


def test_an_empty_log_is_not_sound(copy: Path) -> None:
    rewrite(copy, [])
    assert 1 == verify_seals(copy)[0]


def test_events_behind_the_last_seal_are_found(copy: Path) -> None:
    batches = batch_of(rows_of(copy), 10**6)
    forge(copy, "a", Noted.TOPIC, b'["forged"]')
    code, said = verify_seals(copy)
    assert 1 == code
    assert said.startswith(f"batch {batches}: the log ends"), said


def test_a_first_event_of_another_log_is_found(copy: Path) -> None:
    """The log's id is the root of the chain."""
    first, *others = rows_of(copy)
    rewrite(copy, [changed(first, state=b'["' + LOG_ID.encode() + first[4][34:]), *others])
    code, said = verify_seals(copy)
    assert 1 == code
    assert said.startswith("batch 1: "), said


def test_the_page_about_the_log_names_every_stream_and_the_mark_of_the_file() -> None:
    page = (ROOT / "docs" / "log.md").read_text()
    words = set(re.findall(r"`([a-z]+)(?::<[a-z]+>)?`", page))
    assert {VENUE, *AGGREGATES} <= words
    assert f"0x{APPLICATION_ID:X}" in page


def test_the_script_tells_what_is_no_store(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("Dear sirs,\n" * 100)
    for name, message in (("text", "file is not a database"), ("none", "unable to open")):
        code, said = verify_seals(tmp_path / name)
        assert 1 == code
        assert message in said
        assert "Traceback" not in said
