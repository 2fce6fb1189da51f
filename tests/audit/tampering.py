"""What somebody with the database and without scruples does to a log: each act once, seeded.

An act is a list of statements and the first batch that it spoils. Rows are chosen at random,
all columns come up, and the traces are covered as well as they can be without making seals.
"""

import random
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from exchange.store.events import BatchSealed
from exchange.store.seal import Row

Statement = tuple[str, tuple[object, ...]]

UP = "UPDATE stored_events SET rowid = -rowid - 1 WHERE rowid >= ?"
DOWN = "UPDATE stored_events SET rowid = 1 - rowid WHERE rowid > ?"
BACK = "UPDATE stored_events SET rowid = -rowid WHERE rowid < 0"


class Act(NamedTuple):
    """What is done, and the number of the first batch that is then not as it was sealed."""

    what: str
    batch: int
    statements: list[Statement]


class Original:
    """A log before the act; it is never touched."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with sqlite3.connect(path) as connection:
            self.rows: list[Row] = connection.execute(
                "SELECT * FROM stored_events ORDER BY rowid"
            ).fetchall()
        connection.close()
        self.seals = [row for row in self.rows if row[3] == BatchSealed.TOPIC]
        self.last: dict[str, int] = {}  # stream -> its last version
        self._batches: list[int] = []  # by position
        batch = 1
        for row in self.rows:
            self.last[row[1]] = row[2]
            self._batches.append(batch)
            batch += row[3] == BatchSealed.TOPIC

    def batch(self, position: int) -> int:
        """The batch of a position; behind the end, the next one."""
        return self._batches[position - 1] if position <= len(self.rows) else len(self.seals) + 1

    def tampered(self, copy: Path, act: Act) -> None:
        """Make ``copy`` a copy of the log with the act done.

        Raises:
            IntegrityError: the table itself prevents the act.
        """
        for end in ("", "-wal", "-shm"):
            copy.with_name(copy.name + end).unlink(missing_ok=True)
        shutil.copyfile(self.path, copy)
        tamper(copy, act.statements)


def tamper(path: Path, statements: list[Statement]) -> None:
    """Run the statements past the triggers that forbid them, which are put back."""
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.execute("PRAGMA synchronous = OFF")
        triggers = connection.execute(
            "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'"
        ).fetchall()
        connection.execute("BEGIN")
        for name, _ in triggers:
            connection.execute(f"DROP TRIGGER {name}")
        for statement, values in statements:
            connection.execute(statement, values)
        for _, text in triggers:
            connection.execute(text)
        connection.execute("COMMIT")
    finally:
        connection.close()


def change(chance: random.Random, log: Original) -> Act:
    """One column of one row; every fourth row is a seal."""
    row = chance.choice(log.seals if chance.randrange(4) == 0 else log.rows)
    position, stream, version, topic, state = row
    value: object
    match chance.choice(("rowid", "stream", "version", "topic", "byte", "spelling")):
        case "rowid":
            column, value = "rowid = ?", len(log.rows) + chance.randrange(1, 9)
        case "stream":
            column, value = "originator_id = CAST(? AS TEXT)", other_byte(chance, stream.encode())
        case "version":
            free = (log.last[stream] + chance.randrange(1, 9), -version, 0)
            column, value = "originator_version = ?", chance.choice(free)
        case "topic":
            column, value = "topic = CAST(? AS TEXT)", other_byte(chance, topic.encode())
        case "byte":
            column, value = "state = ?", other_byte(chance, state)
        case _:
            column, value = "state = ?", chance.choice((b" " + state, state + b"\n", spaced(state)))
    what = f"{column} with {value!r} at {position}"
    statement = f"UPDATE stored_events SET {column} WHERE rowid = ?"  # noqa: S608 - one of ours
    return Act(what, log.batch(position), [(statement, (value, position))])


def delete(chance: random.Random, log: Original) -> Act:
    """One row; the gap stays, or is closed, or the gap in its stream is closed as well."""
    position, stream, version, _, _ = chance.choice(log.rows)
    closed = chance.randrange(3)
    statements: list[Statement] = [("DELETE FROM stored_events WHERE rowid = ?", (position,))]
    if closed:
        statements += [(DOWN, (position,)), (BACK, ())]
    if closed > 1:
        statements += shift_versions(stream, version, -1)
    what = f"{position} is deleted, {closed} gaps are closed"
    return Act(what, log.batch(position), statements)


def swap(chance: random.Random, log: Original) -> Act:
    """Two rows, neighbours as often as not, change places, or just what they say."""
    one = chance.randrange(1, len(log.rows))
    other = chance.choice((one + 1, chance.randrange(one + 1, len(log.rows) + 1)))
    first, second = log.rows[one - 1], log.rows[other - 1]
    batch = log.batch(one)
    if chance.randrange(2) or first[3:] == second[3:]:
        exchange = "UPDATE stored_events SET rowid = ? WHERE rowid = ?"
        places = ((0, one), (one, other), (other, 0))
        return Act(f"{one} and {other} change places", batch, [(exchange, it) for it in places])
    write = "UPDATE stored_events SET topic = ?, state = ? WHERE rowid = ?"
    contents = ((*second[3:], one), (*first[3:], other))
    return Act(f"{one} and {other} change contents", batch, [(write, it) for it in contents])


def insert(chance: random.Random, log: Original) -> Act:
    """A forged row with another's event: between the rows or behind them, seals among them."""
    _, stream, version, topic, state = chance.choice(log.rows)
    position = chance.choice((chance.randrange(1, len(log.rows) + 1), len(log.rows) + 1))
    version = log.last[stream] + 1
    statements: list[Statement] = [(UP, (position,)), (BACK, ())]
    if chance.randrange(2):
        before = [row[2] for row in log.rows[: position - 1] if row[1] == stream]
        version = max(before, default=0) + 1
        statements += shift_versions(stream, version - 1, 1)
    forged = (position, stream, version, topic, state)
    statements.append(("INSERT INTO stored_events VALUES (?, ?, ?, ?, ?)", forged))
    return Act(f"{stream} {version} is put in at {position}", log.batch(position), statements)


def cut(chance: random.Random, log: Original) -> Act:
    """Everything behind a row that is no seal is lost."""
    position = chance.choice([row[0] for row in log.rows if row[3] != BatchSealed.TOPIC])
    statement = "DELETE FROM stored_events WHERE rowid > ?"
    return Act(f"cut behind {position}", log.batch(position), [(statement, (position,))])


KINDS: dict[str, Callable[[random.Random, Original], Act]] = {
    "change": change, "delete": delete, "swap": swap, "insert": insert, "cut": cut,
}  # fmt: skip


def shift_versions(stream: str, behind: int, step: int) -> list[Statement]:
    """Move the later versions of a stream up or down by one."""
    move = "UPDATE stored_events SET originator_version = -originator_version - ?"
    back = "UPDATE stored_events SET originator_version = -originator_version"
    return [
        (f"{move} WHERE originator_id = ? AND originator_version > ?", (step, stream, behind)),
        (f"{back} WHERE originator_version < 0", ()),
    ]


def other_byte(chance: random.Random, raw: bytes) -> bytes:
    """The same bytes but for one."""
    at = chance.randrange(len(raw))
    return raw[:at] + bytes([raw[at] ^ chance.randrange(1, 256)]) + raw[at + 1 :]


def spaced(state: bytes) -> bytes:
    """The same JSON with blanks behind its first comma and bracket."""
    return state.replace(b",", b", ", 1).replace(b"[", b"[ ", 1)
