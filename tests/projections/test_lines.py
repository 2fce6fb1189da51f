"""A balance's lines are found by walking back, from wherever one asks."""

import shutil
from pathlib import Path

import pytest

from exchange.projections import ledger
from exchange.projections.lines import MARK_EVERY, line_before, lines_from
from exchange.projections.reader import Reader
from tests.projections.world import follow, views_of


@pytest.mark.parametrize("every", [1, 2, 5, MARK_EVERY, 10**9])
def test_walks_find_what_a_search_of_all_lines_finds(
    busy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, every: int
) -> None:
    """However many marks there are."""
    monkeypatch.setattr(ledger, "MARK_EVERY", every)
    path = tmp_path / "venue.db"
    shutil.copy(busy, path)
    follow(path)
    reader = Reader(views_of(path))
    connection = reader.connection
    lines: dict[int, list[int]] = {}
    for balance_id, number in connection.execute("SELECT balance_id, number FROM lines"):
        lines.setdefault(balance_id, []).append(number)
    assert {it for (it,) in connection.execute("SELECT id FROM balances")} == set(lines)
    for balance_id, numbers in lines.items():
        numbers.sort()
        for first in {1, numbers[0] + 1, numbers[len(numbers) // 2], numbers[-1], numbers[-1] + 1}:
            later = [it for it in numbers if it >= first]
            assert later == [it for it, _ in lines_from(connection, balance_id, first)]
            before = line_before(connection, balance_id, first)
            assert max((it for it in numbers if it < first), default=None) == (before and before[0])
    reader.close()


def test_the_view_of_the_ledger_tells_every_line_with_its_entry(busy: Path) -> None:
    reader = Reader(views_of(busy))
    read = reader.connection.execute
    joined = (
        "SELECT lines.number, position, entry_id, kind, account, asset, amount, lines.balance,"
        " cause_stream, cause_version, at_us FROM lines JOIN entries ON entries.number=entry"
        " JOIN (SELECT id, account, asset FROM balances) ON id=balance_id ORDER BY 1"
    )
    rows = read("SELECT * FROM ledger ORDER BY number").fetchall()
    assert len(rows) > 1_000
    assert rows == read(joined).fetchall()
    assert {str} == {type(it) for row in rows for it in (row[6], row[7])}
    reader.close()
