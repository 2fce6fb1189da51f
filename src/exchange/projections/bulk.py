"""Rows on their way into one table of the views: kept flat, written many at a time."""

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

TOGETHER_MAX = 256
"""Rows of one statement: that takes 40% off the time of one statement a row. What is left over is
written by 64, 16, 4 and 1, so that few statements have to be compiled."""
INTEGER_MAX = 2**63 - 1


class Unstorable(Exception):  # noqa: N818 - the condition is the message
    """A number has no place in an INTEGER column."""


class Writes(Protocol):
    """Takes statements in order: a connection, or a script that is run later."""

    def execute(self, sql: str, values: Sequence[Any], /) -> object:
        """One statement."""

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]], /) -> object:
        """One statement for each row."""


class Script:
    """Statements to be run together, perhaps in another thread."""

    def __init__(self) -> None:
        self._statements: list[tuple[str, Sequence[Any]]] = []

    def execute(self, sql: str, values: Sequence[Any], /) -> None:
        """One more; the values must stay as they are."""
        self._statements.append((sql, values))

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]], /) -> None:
        """One more for each row."""
        self._statements += [(sql, row) for row in rows]

    def run(self, connection: sqlite3.Connection) -> None:
        """All of them, within the transaction that is open.

        Raises:
            Unstorable: a number is beyond 64 bits.
        """
        for sql, values in self._statements:
            run(connection, sql, values)


def run(writes: Writes, sql: str, values: Sequence[Any]) -> None:
    """Execute a statement.

    Raises:
        Unstorable: a number is beyond 64 bits.
    """
    try:
        writes.execute(sql, values)
    except OverflowError as error:
        large = next(n for n in values if type(n) is int and abs(n) > INTEGER_MAX)
        table = sql.split(maxsplit=3)[2]
        raise Unstorable(f"{large} has no place in the table {table}") from error


class Bulk:
    """Rows for ``table``; ``flat`` has the values of one row behind those of the other.

    With a ``key``, a row whose key is there already replaces the other columns, but ``fixed``
    ones: what never changes need not be written, nor its indexes. Rows of one flush have
    different keys. A table whose last columns may be null gets its rows by ``add``.
    """

    __slots__ = ("_columns", "_head", "_tail", "_with_nulls", "flat", "table")

    def __init__(
        self,
        table: str,
        columns: tuple[str, ...],
        key: tuple[str, ...] = (),
        fixed: tuple[str, ...] = (),
    ) -> None:
        self.table = table
        self.flat: list[Any] = []
        self._columns = columns
        self._with_nulls: dict[tuple[bool, ...], list[Any]] = {}  # which are null -> flat rows
        self._head = f"INSERT INTO {table} ({','.join(columns)}) VALUES "  # noqa: S608 - our names
        changing = [f"{name}=excluded.{name}" for name in columns if name not in key + fixed]
        change = f"UPDATE SET {','.join(changing)}" if changing else "NOTHING"
        keyed = f" ON CONFLICT ({','.join(key)}) DO {change}"
        self._tail = keyed if key else ""

    def add(self, always: Iterable[Any], nullable: Sequence[Any]) -> None:
        """One more row: its values that are never null, and those that may be.

        Nulls become words of the statement: to bind one takes six times as long as a number.
        """
        nulls = tuple([it is None for it in nullable])
        flat = self._with_nulls.get(nulls)
        if flat is None:
            flat = self._with_nulls[nulls] = []
        flat += always
        flat += [it for it in nullable if it is not None]

    def flush(self, writes: Writes) -> None:
        """Write all rows within the transaction that is open.

        Raises:
            Unstorable: a number is beyond 64 bits.
        """
        self._write(writes, self.flat, ())
        self.flat = []
        for nulls, flat in self._with_nulls.items():
            self._write(writes, flat, nulls)
        self._with_nulls.clear()

    def _write(self, writes: Writes, flat: list[Any], nulls: tuple[bool, ...]) -> None:
        width = len(self._columns) - sum(nulls)
        places = ["?"] * (len(self._columns) - len(nulls)) + ["NULL" if it else "?" for it in nulls]
        row, at, together = f"({','.join(places)})", 0, TOGETHER_MAX
        while at < len(flat):
            values = flat[at : at + together * width]
            if len(values) < together * width:
                together //= 4
                continue
            rows = ",".join([row] * together)
            run(writes, f"{self._head}{rows}{self._tail}", values)
            at += len(values)
