"""Rows that go to SQLite as one text: they arrive as they were, or not at all."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.projections.bulk import Bulk, Script, Unstorable

COLUMNS = ("number", "name", "price", "open", "value")
TABLE = """
    CREATE TABLE things (
        number INTEGER PRIMARY KEY, name TEXT, price INTEGER, open INTEGER NOT NULL, value TEXT
    ) STRICT
"""
BITS_64 = st.integers(-(2**63), 2**63 - 1)
TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))


@pytest.fixture
def things() -> Iterator[sqlite3.Connection]:
    """An empty table."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.execute(TABLE)
        yield connection


def written(connection: sqlite3.Connection, *rows: tuple[Any, ...], **how: Any) -> list[Any]:  # noqa: ANN401 - as Bulk
    """All rows of the table after these were written."""
    bulk, script = Bulk("things", COLUMNS, amounts=("value",), **how), Script()
    bulk.rows += rows
    bulk.flush(script)
    script.run(connection)
    return connection.execute("SELECT * FROM things ORDER BY number").fetchall()


@given(
    rows=st.dictionaries(
        BITS_64,
        st.tuples(st.none() | TEXTS, st.none() | BITS_64, st.booleans(), st.integers()),
        max_size=5,
    )
)
def test_what_is_written_is_what_was_followed(rows: dict[int, tuple[Any, ...]]) -> None:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.execute(TABLE)
        expected = [
            (number, name, price, int(is_open), str(value))
            for number, (name, price, is_open, value) in sorted(rows.items())
        ]
        assert expected == written(connection, *((key, *row) for key, row in rows.items()))


@pytest.mark.parametrize(
    "text",
    [
        "",
        '"',
        "\\",
        "\\u0000",
        "a\\",
        "\x01\x1f\x7f\n\t",
        "é\u2028☃",
        "\U0001f600\ufeff",
        "[1,2]",
        "null",
    ],
)
def test_odd_texts_arrive_byte_for_byte(things: sqlite3.Connection, text: str) -> None:
    assert [(1, text, None, 0, "0")] == written(things, (1, text, None, False, 0))


def test_a_text_that_would_be_cut_is_refused(things: sqlite3.Connection) -> None:
    """SQLite's JSON ends a text at NUL. No name, key or reason of a venue has one."""
    with pytest.raises(Unstorable, match="the character NUL"):
        written(things, (1, "a\0b", None, False, 0))


@pytest.mark.parametrize("number", [2**63, -(2**63) - 1, 10**20, 10**400])
@pytest.mark.parametrize("column", [0, 2])
def test_a_number_beyond_64_bits_is_refused(
    things: sqlite3.Connection, number: int, column: int
) -> None:
    row: list[Any] = [1, "a", 1, False, 1]
    row[column] = number
    with pytest.raises(Unstorable, match="a number is beyond 64 bits"):
        written(things, tuple(row))
    assert [] == things.execute("SELECT * FROM things").fetchall()


def test_a_known_key_changes_what_is_not_fixed(things: sqlite3.Connection) -> None:
    written(things, (1, "a", 1, True, 1), (2, "b", 2, True, 2))
    keyed = {"key": ("number",), "fixed": ("name",)}
    assert [(1, "a", None, 0, "9"), (2, "b", 2, 1, "2"), (3, "c", 3, 1, "3")] == written(
        things, (1, "z", None, False, 9), (3, "c", 3, True, 3), **keyed
    )


def test_a_key_that_is_there_already_is_an_error_where_none_may_be(
    things: sqlite3.Connection,
) -> None:
    written(things, (1, "a", 1, True, 10**30))
    with pytest.raises(sqlite3.IntegrityError, match="UNIQUE"):
        written(things, (1, "a", 1, True, 10**30))
