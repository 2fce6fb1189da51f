"""Each check of a reconciliation finds the one row that somebody has changed, and names it."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest

from exchange.audit.reconcile.findings import FINDINGS_MAX, Finding
from tests.command import answer, exchange, url
from tests.projections.world import reconciled, views_of


class Sabotage(NamedTuple):
    """What is done to the views, and where the check, the law and the row show up."""

    check: str
    law: str
    select: str  # the row: what names it, and what its subject must hold
    statement: str


SABOTAGES = [
    Sabotage(
        "balances", "R2",
        "SELECT id, account || ' ' || asset FROM balances WHERE account LIKE '%available' LIMIT 1",
        "UPDATE balances SET balance='77' WHERE id=?",
    ),
    Sabotage(
        "sum zero", "L1",
        "SELECT id, asset FROM balances WHERE account LIKE '%available' LIMIT 1",
        "UPDATE balances SET balance='77' WHERE id=?",
    ),
    Sabotage(
        "running balances", "L3",
        "SELECT id, account || ' ' || asset FROM balances WHERE account='venue:fees' LIMIT 1",
        "UPDATE balances SET balance=balance || '0' WHERE id=?",
    ),
    Sabotage(
        "ledger lines", "L2",
        "SELECT first_line, 'line ' || first_line FROM postings LIMIT 1 OFFSET 100",
        "UPDATE postings SET lines=json_set(lines, '$[0][2]', 1) WHERE first_line=?",
    ),
    Sabotage(
        "ledger lines", "L2",
        "SELECT first_line, 'line ' || (first_line + 1) FROM postings LIMIT 1 OFFSET 110",
        "UPDATE postings SET lines=json_set(lines, '$[1][3]', 1) WHERE first_line=?",
    ),
    Sabotage(
        "ledger lines", "L2",
        "SELECT first_line, 'line ' || first_line FROM postings LIMIT 1 OFFSET 120",
        "UPDATE postings SET lines=json_set(lines, '$[0][4]', 1) WHERE first_line=?",
    ),
    Sabotage(
        "ledger lines", "L2",
        "SELECT first_line, 'line ' || first_line FROM postings LIMIT 1 OFFSET 130",
        "DELETE FROM postings WHERE first_line=?",
    ),
    Sabotage(
        "ledger lines", "L2",
        "SELECT max(first_line), 'line ' || (SELECT max(number) + 1 FROM lines) FROM postings",
        "UPDATE postings SET lines=json_insert(lines, '$[#]', json('[0,0,5,5,1]'))"
        " WHERE first_line=?",
    ),
    Sabotage(
        "running balances", "L3",
        "SELECT id, account || ' ' || asset FROM balances WHERE account='venue:fees' LIMIT 1",
        "UPDATE balances SET last_line=last_line-1 WHERE id=?",
    ),
    Sabotage(
        "marks", "R2", "SELECT line, 'line ' || line FROM marks LIMIT 1 OFFSET 1",
        "DELETE FROM marks WHERE line=?",
    ),
    Sabotage(
        "entries", "L6",
        "SELECT first_entry, 'entry ' || first_entry FROM postings LIMIT 1 OFFSET 90",
        "UPDATE postings SET entries=json_set(entries, '$[0][1]', 'deposit') WHERE first_entry=?",
    ),
    Sabotage(
        "entries", "L6",
        "SELECT first_entry, 'entry ' || first_entry FROM postings LIMIT 1 OFFSET 91",
        "UPDATE postings SET at_us=at_us+1 WHERE first_entry=?",
    ),
    Sabotage(
        "open orders", "B2",
        "SELECT number, symbol || ':' || number FROM orders WHERE reason IS NULL"
        " AND symbol='BTC-USD' LIMIT 1",
        "UPDATE orders SET leaves=leaves+1 WHERE symbol='BTC-USD' AND number=?",
    ),
    Sabotage(
        "open orders", "B2",
        "SELECT number, symbol || ':' || number FROM orders WHERE reason IS NULL"
        " AND symbol='BTC-USD' AND status='NEW' LIMIT 1",
        "UPDATE orders SET arrival=arrival+100000 WHERE symbol='BTC-USD' AND number=?",
    ),
    Sabotage(
        "open orders", "B2",
        "SELECT number, symbol || ':' || number FROM orders WHERE reason IS NULL"
        " AND symbol='BTC-USD' AND status='NEW' LIMIT 1",
        "UPDATE orders SET status='PARTIALLY_FILLED' WHERE symbol='BTC-USD' AND number=?",
    ),
    Sabotage(
        "open orders", "B2",
        "SELECT number, symbol || ':' || number FROM orders WHERE status='FILLED'"
        " AND symbol='BTC-USD' LIMIT 1",
        "UPDATE orders SET reason=NULL, status='NEW', leaves=1"
        " WHERE symbol='BTC-USD' AND number=?",
    ),
    Sabotage(
        "ended orders", "R2",
        "SELECT number, symbol || ':' || number FROM orders WHERE reason='deadline'"
        " AND symbol='ETH-USD' LIMIT 1",
        "UPDATE orders SET reason='cancelled', status='CANCELED'"
        " WHERE symbol='ETH-USD' AND number=?",
    ),
    Sabotage(
        "orders", "R2",
        "SELECT number, symbol || ':' || number FROM orders WHERE symbol='ETH-USD'"
        " AND reason='filled' LIMIT 1",
        "UPDATE orders SET account='C2' WHERE symbol='ETH-USD' AND number=?",
    ),
    Sabotage(
        "orders", "R2",
        "SELECT number, symbol || ':' || number FROM orders WHERE symbol='ETH-USD'"
        " AND reason='filled' LIMIT 1",
        "DELETE FROM orders WHERE symbol='ETH-USD' AND number=?",
    ),
    Sabotage(
        "trades", "S1", "SELECT number, 'BTC-USD ' || number FROM trades"
        " WHERE symbol='BTC-USD' LIMIT 1 OFFSET 20",
        "UPDATE trades SET price=price+1 WHERE symbol='BTC-USD' AND number=?",
    ),
    Sabotage(
        "trades", "S1", "SELECT number, 'BTC-USD ' || number FROM trades"
        " WHERE symbol='BTC-USD' LIMIT 1 OFFSET 21",
        "DELETE FROM trades WHERE symbol='BTC-USD' AND number=?",
    ),
    Sabotage(
        "trades", "S1", "SELECT 1, 'XRP-USD'",
        "INSERT INTO trades VALUES ('XRP-USD', ?, 1, 1, '1', 'buy', 1, 2, 'A', 'B', '0', '0', 0, 0,"
        " '0', 1, 1, NULL)",
    ),
    Sabotage(
        "fills", "S2", "SELECT trade, 'BTC-USD ' || trade || ' sell' FROM fills"
        " WHERE symbol='BTC-USD' AND side='sell' AND role='taker' LIMIT 1 OFFSET 30",
        "UPDATE trades SET taker_fee=taker_fee || '0' WHERE symbol='BTC-USD' AND number=?",
    ),
    Sabotage(
        "fills", "S2", "SELECT trade, 'BTC-USD ' || trade || ' sell' FROM fills"
        " WHERE symbol='BTC-USD' AND side='sell' AND role='maker' LIMIT 1 OFFSET 30",
        "UPDATE trades SET rebate=rebate || '1' WHERE symbol='BTC-USD' AND number=?",
    ),
    Sabotage(
        "filled", "S2",
        "SELECT number, symbol || ':' || number FROM orders WHERE symbol='BTC-USD'"
        " AND reason='filled' LIMIT 1",
        "UPDATE orders SET filled=filled+1 WHERE symbol='BTC-USD' AND number=?",
    ),
    Sabotage(
        "filled", "S2",
        "SELECT number, symbol || ':' || number FROM orders WHERE symbol='BTC-USD'"
        " AND reason='filled' LIMIT 1",
        "UPDATE orders SET filled_value='1' WHERE symbol='BTC-USD' AND number=?",
    ),
    Sabotage(
        "quantities", "B3",
        "SELECT number, symbol || ':' || number FROM orders WHERE symbol='BTC-USD'"
        " AND status='PARTIALLY_FILLED' LIMIT 1",
        "UPDATE orders SET prevented=prevented+1 WHERE symbol='BTC-USD' AND number=?",
    ),
    Sabotage(
        "candles", "R2", "SELECT start_us, 'BTC-USD 1m ' || start_us FROM candles"
        " WHERE symbol='BTC-USD' AND span='1m' LIMIT 1 OFFSET 1",
        "UPDATE candles SET high=high+1 WHERE symbol='BTC-USD' AND span='1m' AND start_us=?",
    ),
    Sabotage(
        "candles", "R2", "SELECT start_us, 'ETH-USD 5m ' || start_us FROM candles"
        " WHERE symbol='ETH-USD' AND span='5m' LIMIT 1",
        "DELETE FROM candles WHERE symbol='ETH-USD' AND span='5m' AND start_us=?",
    ),
    Sabotage(
        "holds", "F1",
        "SELECT id, account || ' ' || asset FROM balances WHERE account LIKE '%:held'"
        " AND balance<>'0' LIMIT 1",
        "UPDATE balances SET balance='0' WHERE id=?",
    ),
    Sabotage(
        "deposits", "L5", "SELECT reference, reference FROM deposits LIMIT 1",
        "UPDATE deposits SET amount=amount || '0' WHERE reference=?",
    ),
    Sabotage(
        "deposits", "R2", "SELECT 'made-up', 'rows of deposits'",
        "INSERT INTO deposits VALUES (?, 'A', 'USD', '5', 1, 1, NULL)",
    ),
    Sabotage(
        "withdrawals", "F2", "SELECT number, 'withdrawal ' || number FROM withdrawals LIMIT 1",
        "UPDATE withdrawals SET destination='elsewhere' WHERE number=?",
    ),
    Sabotage(
        "withdrawals", "F2", "SELECT number, 'withdrawal ' || number FROM withdrawals"
        " WHERE status='completed' LIMIT 1",
        "UPDATE withdrawals SET status='cancelled' WHERE number=?",
    ),
    Sabotage(
        "open withdrawals", "F2", "SELECT number, 'withdrawal ' || number FROM withdrawals"
        " WHERE status='requested' LIMIT 1",
        "UPDATE withdrawals SET status='approved' WHERE number=?",
    ),
    Sabotage(
        "withdrawal holds", "F2",
        "SELECT number, 'acct:' || account || ':withdrawal ' || asset FROM withdrawals"
        " WHERE status='requested' LIMIT 1",
        "UPDATE withdrawals SET fee=fee || '0' WHERE number=?",
    ),
    Sabotage(
        "corrections", "L6", "SELECT number, 'bust:BTC-USD:' || number FROM trades"
        " WHERE symbol='BTC-USD' AND busted_position IS NULL LIMIT 1",
        "UPDATE trades SET busted_position=9 WHERE symbol='BTC-USD' AND number=?",
    ),
    Sabotage(
        "corrections", "L6", "SELECT reference, 'reversal:' || reference FROM deposits"
        " WHERE reversed_position IS NOT NULL LIMIT 1",
        "UPDATE deposits SET reversed_position=NULL WHERE reference=?",
    ),
    Sabotage(
        "markets", "R2", "SELECT symbol, symbol FROM markets LIMIT 1",
        "UPDATE markets SET state='halted' WHERE symbol=?",
    ),
    Sabotage(
        "markets", "R2", "SELECT 'USD', 'assets'", "UPDATE assets SET decimals=0 WHERE code=?"
    ),
    Sabotage(
        "keys", "R2", "SELECT digest, 'key ' || lower(hex(digest)) FROM keys LIMIT 1 OFFSET 9",
        "UPDATE keys SET position=position+1 WHERE digest=?",
    ),
    Sabotage(
        "keys", "R2", "SELECT digest, 'key ' || lower(hex(digest)) FROM keys LIMIT 1 OFFSET 10",
        "DELETE FROM keys WHERE digest=?",
    ),
    Sabotage(
        "keys", "R2", "SELECT x'00', 'key 00'", "INSERT INTO keys VALUES (?, 1)",
    ),
    Sabotage(
        "anchor", "R2", "SELECT 'views', 'views'",
        "UPDATE followers SET hash='0000' WHERE name=?",
    ),
]  # fmt: skip


@pytest.fixture
def spoiled(busy: Path, tmp_path: Path) -> Path:
    """The busy store with its views, to be changed."""
    path = tmp_path / "venue.db"
    shutil.copy(busy, path)
    shutil.copy(views_of(busy), views_of(path))
    return path


def spoil(path: Path, sabotage: Sabotage) -> str:
    """Change the row; what a finding about it must name."""
    with closing(sqlite3.connect(views_of(path), isolation_level=None)) as connection:
        key, subject = connection.execute(sabotage.select).fetchone()
        changed = connection.execute(sabotage.statement, (key,)).rowcount
    assert 1 == changed
    return str(subject)


def ids(sabotage: Sabotage) -> str:
    return f"{sabotage.check}: {sabotage.statement[:60]}"


@pytest.mark.parametrize("sabotage", SABOTAGES, ids=ids)
def test_one_changed_row_is_found_and_named(spoiled: Path, sabotage: Sabotage) -> None:
    subject = spoil(spoiled, sabotage)
    found = [it for it in reconciled(spoiled).findings if it.check == sabotage.check]
    assert (sabotage.law, subject) in {(it.law, it.subject) for it in found}


def test_every_check_has_its_sabotage(busy: Path) -> None:
    assert {it.check for it in SABOTAGES} == set(reconciled(busy).compared)


def test_money_from_nowhere_names_the_balance_that_has_it(spoiled: Path) -> None:
    """The smallest set that explains it, and where to look."""
    with closing(sqlite3.connect(views_of(spoiled), isolation_level=None)) as connection:
        connection.execute(
            "UPDATE balances SET balance=balance || '0'"
            " WHERE account='acct:B:available' AND asset='USD'"
        )
        name, position, units = connection.execute(
            "SELECT account, position, balance FROM balances"
            " WHERE account='acct:B:available' AND asset='USD'"
        ).fetchone()
    (finding,) = [it for it in reconciled(spoiled).findings if it.check == "sum zero"]
    made = str(int(units) - int(units) // 10)
    assert Finding("sum zero", "L1", "USD", "0", made, [position], [name]) == finding


def test_a_hold_that_differs_names_the_order(spoiled: Path) -> None:
    with closing(sqlite3.connect(views_of(spoiled), isolation_level=None)) as connection:
        symbol, number = connection.execute(
            "SELECT symbol, number FROM orders WHERE status='NEW' AND budget IS NULL LIMIT 1"
        ).fetchone()
        connection.execute(
            "UPDATE orders SET leaves=leaves+1 WHERE symbol=? AND number=?", (symbol, number)
        )
    (finding,) = [it for it in reconciled(spoiled).findings if it.check == "holds"]
    assert [f"{symbol}:{number}"] == finding.involved


def test_many_differences_are_counted_and_told_up_to_a_bound(spoiled: Path) -> None:
    with closing(sqlite3.connect(views_of(spoiled), isolation_level=None)) as connection:
        changed = connection.execute("UPDATE trades SET value='1'").rowcount
    done = reconciled(spoiled)
    assert changed == done.differing["trades"] > FINDINGS_MAX
    assert FINDINGS_MAX == len([it for it in done.findings if it.check == "trades"])


def test_the_command_ends_with_1_on_any_difference(spoiled: Path) -> None:
    fine = answer("reconcile", "--store", url(spoiled))
    assert fine["ok"]
    subject = spoil(spoiled, SABOTAGES[0])
    told = answer("reconcile", "--store", url(spoiled), code=1)
    assert not told["ok"]
    assert subject in {finding["subject"] for finding in told["findings"]}
    assert subject in exchange("reconcile", "--store", url(spoiled), code=1).stdout
