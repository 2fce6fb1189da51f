"""Whoever changes a stored log is found: from the log alone, or against a head kept elsewhere."""

import random
import sqlite3
from pathlib import Path
from typing import Any

import msgspec
import pytest

from exchange.audit.verify import verify
from exchange.orders.commands import Deposit
from exchange.orders.records import CommandRecorded, content_digest
from exchange.store.events import BatchSealed, EpochStarted
from exchange.store.heads import Head, read_heads
from exchange.store.mapper import Catalogue
from exchange.store.seal import Row, genesis, pack, seal
from exchange.venue.batch import Bounds
from exchange.venue.catalogue import EVENTS
from exchange.wallet.events import EntriesPosted
from tests.audit.logs import busy_desk, commands_of, log_of, run_sample, verdict_on
from tests.audit.tampering import KINDS, Act, Original, Statement
from tests.command import answer, url

SEED = 20260502
FEW, MANY = 30, 100
SLOW = [pytest.mark.slow, pytest.mark.timeout(1_800)]  # a busy disk makes it slower still

Fixtures = pytest.FixtureRequest
STORE = (EpochStarted.TOPIC, BatchSealed.TOPIC)


@pytest.mark.parametrize(
    ("fixture", "attempts"),
    [
        ("small_log", FEW),
        pytest.param("small_log", MANY, marks=SLOW),
        pytest.param("real_log", MANY, marks=SLOW),
        pytest.param("whole_log", FEW // 5, marks=SLOW),
    ],
)
@pytest.mark.parametrize("kind", KINDS)
def test_every_act_is_found_and_its_first_batch_named(
    kind: str, fixture: str, attempts: int, tmp_path: Path, request: Fixtures
) -> None:
    """Rows changed, deleted, swapped, inserted, and cuts inside a batch, without any anchor."""
    original, copy = Original(request.getfixturevalue(fixture)), tmp_path / "venue.db"
    chance = random.Random(f"{SEED} {kind} {fixture} {attempts}")  # noqa: S311 - repeatable
    for _ in range(attempts):
        act = attempt(chance, kind, original, copy)
        verdict = verdict_on(copy)
        assert 1 == len(verdict.findings), act
        finding = verdict.findings[0]
        assert act.batch == finding.batch, (act, finding)
        assert f"batch {act.batch}" in finding.detail
        assert finding.law in {"R3", "R4"}
        assert act.batch - 1 == verdict.batches
        assert [] == verdict.not_excluded


def attempt(chance: random.Random, kind: str, original: Original, copy: Path) -> Act:
    """The first act that the table's own constraints let through."""
    while True:
        act = KINDS[kind](chance, original)
        try:
            original.tampered(copy, act)
        except sqlite3.IntegrityError:
            continue
        return act


@pytest.mark.parametrize("fixture", ["small_log", pytest.param("real_log", marks=pytest.mark.slow)])
def test_an_untouched_copy_is_sound(fixture: str, tmp_path: Path, request: Fixtures) -> None:
    """So it is the act that is found, and nothing of how it is done."""
    original, copy = Original(request.getfixturevalue(fixture)), tmp_path / "venue.db"
    original.tampered(copy, Act("nothing", 0, []))
    verdict = verdict_on(copy)
    assert [] == verdict.findings
    assert (len(original.rows), len(original.seals)) == (verdict.events, verdict.batches)


LOOSE = (
    "CREATE TABLE loose (rowid INTEGER PRIMARY KEY, stream, version, topic, state)",
    "INSERT INTO loose SELECT * FROM stored_events",
    "DROP TABLE stored_events",
    "ALTER TABLE loose RENAME TO stored_events",
    "ALTER TABLE stored_events RENAME stream TO originator_id",
    "ALTER TABLE stored_events RENAME version TO originator_version",
)
"""The same rows in a table that takes values of any type."""

STRANGE = {
    "a row below the first": (["INSERT INTO stored_events VALUES (-7, 'x', 1, 'x', x'')"], 1),
    "a row at the least place there is": (
        ["INSERT INTO stored_events VALUES (-9223372036854775808, 'x', 1, 'x', x'')"], 1,
    ),
    "an unreadable row below the first": (
        ["INSERT INTO stored_events VALUES (0, CAST(x'ff' AS TEXT), 1, 'x', x'')"], 1,
    ),
    "a row at the greatest place there is": (
        ["INSERT INTO stored_events VALUES (9223372036854775807, 'x', 1, 'x', x'')"], 0,
    ),
    "no rows at all": (["DELETE FROM stored_events"], 1),
    "a text for bytes": (
        [*LOOSE, "UPDATE stored_events SET state = CAST(state AS TEXT) WHERE rowid = 3"], 2,
    ),
    "a text for bytes in a seal": (
        [*LOOSE, "UPDATE stored_events SET state = CAST(state AS TEXT) WHERE rowid = 2"], 1,
    ),
    "bytes for a text": (
        [*LOOSE, "UPDATE stored_events SET originator_id = x'00' WHERE rowid = 3"], 2,
    ),
    "nothing for a topic": ([*LOOSE, "UPDATE stored_events SET topic = NULL WHERE rowid = 3"], 2),
    "a fraction for a version": (
        [*LOOSE, "UPDATE stored_events SET originator_version = 1.0 WHERE rowid = 3"], 2,
    ),
    "a column more": (["ALTER TABLE stored_events ADD COLUMN more TEXT"], 1),
}  # fmt: skip
"""What is done, and the batch that is named (0: the one behind the last)."""


@pytest.mark.parametrize("strange", STRANGE)
def test_a_table_made_strange_is_found(strange: str, small_log: Path, tmp_path: Path) -> None:
    statements, batch = STRANGE[strange]
    original, copy = Original(small_log), tmp_path / "venue.db"
    original.tampered(copy, Act("", 0, [(statement, ()) for statement in statements]))
    finding = verdict_on(copy).findings[0]
    assert finding.batch == (batch or len(original.seals) + 1)


def test_logs_of_many_kinds_are_sound() -> None:
    """No false alarm, whatever was traded and however it was cut into batches."""
    for seed in range(20):
        commands = commands_of(busy_desk(seed, 150))
        for size in (1, 7, 1_000):
            batches = [
                [envelope for command in commands[at : at + size] for envelope in command]
                for at in range(0, len(commands), size)
            ]
            with log_of(*batches) as log:
                verdict, _ = verify(log)
            assert [] == verdict.findings, (seed, size)
            assert (len(commands), len(batches) + 1) == (verdict.commands, verdict.batches)


@pytest.mark.parametrize("commands_a_batch", [1, 3, 0])
def test_a_venue_s_logs_are_sound(commands_a_batch: int, synthetic: Path, tmp_path: Path) -> None:
    """Also those of several epochs, each ended in the middle of the flow."""
    path = tmp_path / "venue.db"
    for limit in (60, 61, 200, 201):
        run_sample(synthetic, path, Bounds(commands=commands_a_batch), limit)
        assert [] == verdict_on(path, anchors=read_heads(heads_of(path))).findings
    assert 4 == verdict_on(path).epochs


@pytest.mark.slow
def test_the_log_of_real_flow_is_sound(whole_log: Path) -> None:
    verdict = verdict_on(whole_log, anchors=read_heads(heads_of(whole_log)))
    assert [] == verdict.findings
    assert [] == verdict.not_excluded
    assert verdict.batches == verdict.anchors


def test_a_cut_at_the_end_of_a_batch_is_found_against_a_head(
    small_log: Path, tmp_path: Path
) -> None:
    """From the log alone it can't be told, and verify says so."""
    original, copy, heads = Original(small_log), tmp_path / "venue.db", heads_by_batch(small_log)
    chance = random.Random(SEED)  # noqa: S311 - repeatable
    for end in chance.sample(original.seals[:-1], 10):
        behind = "DELETE FROM stored_events WHERE rowid > ?"
        original.tampered(copy, Act("", 0, [(behind, (end[0],))]))
        last = original.batch(end[0])
        alone = verdict_on(copy)
        assert [] == alone.findings
        assert "anywhere" in alone.not_excluded[0]
        known = verdict_on(copy, anchors=[heads[last]])
        assert ([], []) == (known.findings, known.not_excluded)
        earlier = verdict_on(copy, anchors=[heads[last // 2]])
        assert f"behind batch {last // 2}" in earlier.not_excluded[0]
        for anchors in (heads.values(), [heads[len(original.seals)]]):
            beyond = verdict_on(copy, anchors=anchors).findings
            assert [("R4", "does not reach it")] == [(it.law, it.detail[-17:]) for it in beyond]
        assert last + 1 == verdict_on(copy, anchors=heads.values()).findings[0].batch


def test_a_log_written_anew_is_found_against_a_head(small_log: Path, tmp_path: Path) -> None:
    """More was deposited, all seals are right, every law holds: only a head tells."""
    original, copy, heads = Original(small_log), tmp_path / "venue.db", heads_by_batch(small_log)
    first = next(row for row in original.rows if row[3] == EntriesPosted.TOPIC)
    changed = original.batch(first[0])
    original.tampered(copy, Act("", 0, written_anew(richer(original.rows))))
    alone = verdict_on(copy)
    assert [] == alone.findings
    assert "written anew" in alone.not_excluded[0]
    assert "anywhere" in alone.not_excluded[0]
    before = verdict_on(copy, anchors=[heads[changed - 1]])
    assert [] == before.findings
    assert f"behind batch {changed - 1}" in before.not_excluded[0]
    for anchors, batch in (
        (heads.values(), changed),
        (reversed(heads.values()), changed),
        ([heads[changed]], changed),
        ([heads[len(heads)]], len(heads)),
        ([heads[1], heads[changed + 5]], changed + 5),
        ([heads[1], heads[changed], Head(0, 0, "0" * 64)], changed),
    ):
        verdict = verdict_on(copy, anchors=anchors)
        assert [("R4", batch)] == [(it.law, it.batch) for it in verdict.findings]
        assert f"batch {batch}: it was sealed as {heads[batch].hash}" in verdict.findings[0].detail


def test_a_log_of_another_venue_is_found_against_a_head(
    small_log: Path, synthetic: Path, tmp_path: Path
) -> None:
    """The very same flow on another day is another chain."""
    run_sample(synthetic, tmp_path / "other.db", Bounds())
    heads = read_heads(heads_of(small_log))
    assert [] == verdict_on(tmp_path / "other.db").findings
    assert 1 == verdict_on(tmp_path / "other.db", anchors=heads).findings[0].batch


def test_the_command_compares_with_the_heads_beside_the_store(
    small_log: Path, tmp_path: Path
) -> None:
    original, copy = Original(small_log), tmp_path / "venue.db"
    original.tampered(copy, Act("", 0, written_anew(richer(original.rows))))
    alone = answer("verify", "--store", url(copy))
    assert alone["ok"]
    assert alone["not_excluded"]
    heads_of(copy).write_bytes(heads_of(small_log).read_bytes())
    assert "R4" == answer("verify", "--store", url(copy), code=1)["findings"][0]["law"]


def test_the_command_compares_with_a_head_that_was_written_down(
    small_log: Path, tmp_path: Path
) -> None:
    original, copy = Original(small_log), tmp_path / "venue.db"
    original.tampered(copy, Act("", 0, written_anew(richer(original.rows))))
    last = read_heads(heads_of(small_log))[-1]
    found = answer("verify", "--store", url(copy), "--head", f"{last.batch}:{last.hash}", code=1)
    assert last.batch == found["findings"][0]["batch"]
    assert answer("verify", "--store", url(small_log), "--head", f"{last.batch}:{last.hash}")["ok"]


def richer(rows: list[Row]) -> list[Row]:
    """The first deposit brings in one unit more: a story as good as the true one."""
    catalogue, changed, done = Catalogue(EVENTS), [], set[type]()
    for position, stream, version, topic, state in rows:
        event: Any = catalogue.decode(topic, state) if topic not in STORE else None
        if type(event) not in done:
            match event:
                case CommandRecorded(command=Deposit(amount=amount) as command):
                    command = msgspec.structs.replace(command, amount=amount + 1)
                    digest = content_digest(command)
                    event = msgspec.structs.replace(event, command=command, digest=digest)
                    done.add(CommandRecorded)
                case EntriesPosted(entries=(entry,)):
                    lines = tuple(
                        (name, asset, units + sign)
                        for (name, asset, units), sign in zip(entry.lines, (-1, 1), strict=True)
                    )
                    entry = msgspec.structs.replace(entry, lines=lines)
                    event = msgspec.structs.replace(event, entries=(entry,))
                    done.add(EntriesPosted)
        again = state if event is None else catalogue.encode(event)
        changed.append((position, stream, version, topic, again))
    assert 2 == len(done)
    return changed


def written_anew(rows: list[Row]) -> list[Statement]:
    """Everything deleted, then the rows again, with the seals that they call for."""
    statements: list[Statement] = [("DELETE FROM stored_events", ())]
    encode, head, epoch, number, batch = msgspec.json.encode, b"", 0, 0, list[Row]()
    for row in rows:
        if row[3] == EpochStarted.TOPIC:
            epoch += 1
            head = head or genesis(msgspec.json.decode(row[4])[0])
        if row[3] == BatchSealed.TOPIC:
            number += 1
            head = seal(head, epoch, number, batch[0][0], batch[-1][0], pack(batch))
            sealed = BatchSealed(epoch, number, batch[0][0], batch[-1][0], head.hex())
            row, batch = (*row[:4], encode(sealed)), []  # noqa: PLW2901 - the row with its seal
        else:
            batch.append(row)
        statements.append(("INSERT INTO stored_events VALUES (?, ?, ?, ?, ?)", row))
    return statements


def heads_of(path: Path) -> Path:
    return path.with_name(path.name + ".heads")


def heads_by_batch(path: Path) -> dict[int, Head]:
    return {head.batch: head for head in read_heads(heads_of(path))}
