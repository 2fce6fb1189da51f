"""Which lines does a balance have? They are found by walking back, not by an index.

Each line names the one before it of its balance, and every so manieth is marked: a walk begins at
the next mark, or at the last line where there is none.
"""

import sqlite3
from collections.abc import Iterator
from typing import NamedTuple

import msgspec

MARK_EVERY = 256
"""Lines of a balance from mark to mark: the longest walk to one of them."""
ALL_LINES = 2**63 - 1
"""Above every line's number."""
NEXT_MARK = "SELECT line FROM marks WHERE balance_id=? AND line>=? ORDER BY line LIMIT 1"
LAST_LINE = "SELECT last_line FROM balances WHERE id=?"
AT = (
    "SELECT first_line, first_entry, position, at_us, cause_stream, cause_version, entries, lines"
    " FROM postings WHERE first_line<=? ORDER BY first_line DESC LIMIT 1"
)


class Line(NamedTuple):
    """A change of one balance; units of its asset."""

    nth: int  # of the posting's entries, from 0
    balance_id: int
    amount: int
    balance: int  # after this line
    previous: int  # line of this balance, 0 for its first


class Posting(msgspec.Struct):
    """A row of ``postings``: the entries that one command has made."""

    first_line: int
    first_entry: int
    position: int
    at_us: int
    cause_stream: str
    cause_version: int
    entries: list[tuple[str, str]]  # id, kind
    lines: list[Line]

    def line(self, number: int) -> Line:
        """A line by its number."""
        return self.lines[number - self.first_line]


_DECODE_ENTRIES = msgspec.json.Decoder(list[tuple[str, str]]).decode
_DECODE_LINES = msgspec.json.Decoder(list[Line]).decode


def posting_at(connection: sqlite3.Connection, line: int) -> Posting | None:
    """The posting with that line, or the last one before it."""
    found = connection.execute(AT, (line,)).fetchone()
    if found is None:
        return None
    first_line, first_entry, position, at_us, stream, version, entries, lines = found
    return Posting(
        first_line, first_entry, position, at_us, stream, version,
        _DECODE_ENTRIES(entries), _DECODE_LINES(lines),
    )  # fmt: skip


def lines_from(
    connection: sqlite3.Connection, balance_id: int, first: int
) -> Iterator[tuple[int, Posting]]:
    """The balance's lines from ``first`` on, rising: number and posting, read as asked for."""
    last = _last_line(connection, balance_id)
    while first <= last:
        start = _start(connection, balance_id, first, last)
        yield from reversed(list(_walk(connection, start, first)))
        first = start + 1


def line_before(
    connection: sqlite3.Connection, balance_id: int, number: int
) -> tuple[int, Posting] | None:
    """The balance's last line before ``number``: its own number and posting."""
    at = _last_line(connection, balance_id)
    if at >= number:
        *_, (at, posting) = _walk(connection, _start(connection, balance_id, number, at), number)
        at = posting.line(at).previous
    found = posting_at(connection, at) if at else None
    return None if found is None else (at, found)


def _walk(connection: sqlite3.Connection, number: int, first: int) -> Iterator[tuple[int, Posting]]:
    """Lines of one balance from ``number`` back to ``first``, falling."""
    while number >= first:
        posting = posting_at(connection, number)
        if posting is None:
            return
        yield number, posting
        number = posting.line(number).previous


def _last_line(connection: sqlite3.Connection, balance_id: int) -> int:
    (last,) = connection.execute(LAST_LINE, (balance_id,)).fetchone()
    return int(last)


def _start(connection: sqlite3.Connection, balance_id: int, first: int, last: int) -> int:
    """Where to begin a walk back to ``first``."""
    mark = connection.execute(NEXT_MARK, (balance_id, first)).fetchone()
    return last if mark is None else int(mark[0])
