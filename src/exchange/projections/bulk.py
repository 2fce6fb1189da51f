"""Rows on their way into the tables of the views: a table's go as one text that SQLite expands."""

import sqlite3
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any

import msgspec

ROWS = "WITH rows (value) AS MATERIALIZED (SELECT value FROM json_each(?1))"
"""What a statement begins with that expands the rows of its first parameter. Unless these are
kept, SQLite writes out a row anew for each column that is taken from it."""
NUL = "\\u0000"
"""As it is written in JSON; a text may also tell of it."""


class Unstorable(Exception):  # noqa: N818 - the condition is the message
    """A number has no place in an INTEGER column, or a text none in SQLite's JSON."""


class Script:
    """Statements to be run together, perhaps in another thread."""

    def __init__(self) -> None:
        self._statements: list[tuple[str, Sequence[Any]]] = []

    def execute(self, sql: str, values: Sequence[Any]) -> None:
        """One more; the values must stay as they are."""
        self._statements.append((sql, values))

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """One more for each row."""
        self._statements += [(sql, row) for row in rows]

    def run(self, connection: sqlite3.Connection) -> None:
        """All of them, within the transaction that is open.

        Raises:
            Unstorable: a number is beyond 64 bits, or a text has the character NUL.
        """
        for sql, values in self._statements:
            _run(connection, sql, values)


class Bulk:
    """Rows for ``table``: each what msgspec writes as an array of its columns.

    They are encoded together and expanded by SQLite, which needs the interpreter for none of it:
    to bind value by value holds up every other thread. Columns of ``amounts`` are TEXT, their
    values integers of any size. With a ``key``, a row whose key is there already replaces the
    other columns, but ``fixed`` ones: what never changes need not be written, nor its indexes.
    Rows of one flush have different keys.
    """

    __slots__ = ("_sql", "rows")

    def __init__(
        self,
        table: str,
        columns: tuple[str, ...],
        key: tuple[str, ...] = (),
        *,
        fixed: tuple[str, ...] = (),
        amounts: tuple[str, ...] = (),
    ) -> None:
        self.rows: list[Any] = []
        taken = [taken_from(nth, amount=it in amounts) for nth, it in enumerate(columns)]
        self._sql = (
            f"{ROWS} INSERT INTO {table} ({','.join(columns)})"  # noqa: S608 - our names
            f" SELECT {','.join(taken)} FROM rows WHERE true"
        )
        if key:
            changing = [f"{name}=excluded.{name}" for name in columns if name not in key + fixed]
            self._sql += f" ON CONFLICT ({','.join(key)}) DO UPDATE SET {','.join(changing)}"

    def flush(self, script: Script) -> None:
        """Let the script write all rows, as they are now."""
        if self.rows:
            script.execute(self._sql, (listed(self.rows),))
            self.rows.clear()


_encode = msgspec.json.Encoder().encode


def listed(rows: Iterable[Any]) -> str:
    """Rows as a statement expands them."""
    return _encode(rows).decode()


def taken_from(nth: int, *, amount: bool = False) -> str:
    """The ``nth`` value of a row from 0, in SQL; of an amount the digits, as they stand."""
    return f"value -> '$[{nth}]'" if amount else f"json_extract(value, '$[{nth}]')"


def _run(connection: sqlite3.Connection, sql: str, values: Sequence[Any]) -> None:
    if sql.startswith(ROWS) and NUL in values[0] and _has_nul(values[0]):
        raise Unstorable("a text has the character NUL")
    try:
        connection.execute(sql, values)
    except (OverflowError, sqlite3.IntegrityError) as error:
        if _tells_of_number(error):
            raise Unstorable(f"a number is beyond 64 bits: {error}") from error
        raise


def _has_nul(text: str) -> bool:
    """Whether a text among the rows has that character, at which SQLite's JSON would cut it."""
    rows = msgspec.json.decode(text, type=list[list[Any]])
    return any("\0" in it for it in chain.from_iterable(rows) if type(it) is str)


def _tells_of_number(error: OverflowError | sqlite3.IntegrityError) -> bool:
    """SQLite reads an integer of that size as a real number, which no INTEGER column takes."""
    return (
        isinstance(error, OverflowError)
        or error.sqlite_errorcode == sqlite3.SQLITE_MISMATCH  # of an INTEGER PRIMARY KEY
        or "cannot store REAL" in str(error)
    )
