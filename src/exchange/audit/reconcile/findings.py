"""What a reconciliation finds, and how rows of a table are held against what they must be."""

import sqlite3
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

FINDINGS_MAX = 20
"""The most findings of one check that are told one by one."""

Key = tuple[Any, ...]


class Finding(msgspec.Struct, frozen=True):
    """Two records of one fact that differ.

    ``subject`` names the account and asset, order, trade, line or candle; ``involved`` the
    smallest set of rows that explains a wrong total; ``positions`` where in the log to look.
    """

    check: str
    law: str
    subject: str
    expected: str
    found: str
    positions: list[int] = []
    involved: list[str] = []


class Findings:
    """What was found so far, and how much was compared; bounded a check."""

    def __init__(self) -> None:
        self.told: list[Finding] = []
        self.compared: dict[str, int] = {}  # check -> how many facts were compared
        self.counts: dict[str, int] = {}  # check -> how many differed

    def compare(
        self,
        check: str,
        law: str,
        subject: str,
        expected: object,
        found: object,
        positions: Iterable[int] = (),
        involved: Iterable[str] = (),
    ) -> bool:
        """Whether the two are equal; a finding when they are not."""
        self.compared[check] = self.compared.get(check, 0) + 1
        if expected == found:
            return True
        count = self.counts[check] = self.counts.get(check, 0) + 1
        if count <= FINDINGS_MAX:
            self.told.append(
                Finding(
                    check, law, subject, text(expected), text(found), list(positions),
                    list(involved),
                )
            )  # fmt: skip
        return False

    def count(self, connection: sqlite3.Connection, table: str, due: int) -> None:
        """Compare how many rows a table has."""
        (found,) = connection.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608 - ours
        self.compare(table, "R2", f"rows of {table}", due, found)


class Ordered:
    """A table's rows in the order of their keys, held against what is due, in the same order.

    A row is its key and its values; both iterators are read once, in step.
    """

    def __init__(
        self, findings: Findings, check: str, law: str, what: str, rows: Iterable[tuple[Key, Key]]
    ) -> None:
        self._findings = findings
        self._check, self._law, self._what = check, law, what
        self._rows: Iterator[tuple[Key, Key]] = iter(rows)
        self._next = next(self._rows, None)

    def expect(self, key: Key, values: Key, *positions: int) -> None:
        """The next row is due; what stands before it is too much, another one wrong."""
        self._skip_before(key)
        found = None
        if self._next is not None and self._next[0] == key:
            found = self._next[1]
            self._next = next(self._rows, None)
        self._tell(key, values, found, positions)

    def finish(self) -> None:
        """No further row is due."""
        self._skip_before(None)

    def _skip_before(self, key: Key | None) -> None:
        while self._next is not None and (key is None or self._next[0] < key):
            self._tell(self._next[0], None, self._next[1], ())
            self._next = next(self._rows, None)

    def _tell(self, key: Key, due: Key | None, found: Key | None, positions: Iterable[int]) -> None:
        subject = f"{self._what} {' '.join(map(str, key))}".strip()
        self._findings.compare(self._check, self._law, subject, due, found, positions)


def keyed(rows: Iterable[Key], width: int) -> Iterator[tuple[Key, Key]]:
    """Rows split into key and values."""
    return ((row[:width], row[width:]) for row in rows)


def text(value: object) -> str:
    """A value for people."""
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        return ", ".join(f"{name} {text(it)}" for name, it in value.items())
    if isinstance(value, tuple):
        return ", ".join("none" if it is None else str(it) for it in value)
    return str(value)
