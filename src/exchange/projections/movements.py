"""What people ask of money that came and went: pages of deposits and withdrawals, newest first."""

from typing import Any

import msgspec

from exchange.kernel.accounts import available
from exchange.projections.reader import ALL, PAGE_MAX, Cursor, Page, Reader, page_of
from exchange.projections.withdrawals import (
    APPROVED,
    CANCELLED,
    COLUMNS,
    COMPLETED,
    REJECTED,
    REQUESTED,
    SENT,
    Row,
)

STATUSES = (REQUESTED, APPROVED, SENT, COMPLETED, REJECTED, CANCELLED)
"""How far a withdrawal can have come."""
DEPOSIT_COLUMNS = "reference, account, asset, amount, position, at_us, reversed_position"
BEFORE_NAME, BEHIND_NAME = (len(part) for part in available("/").split("/"))


class DepositRow(msgspec.Struct, frozen=True):
    """Money that custody received; ``amount`` in units of the asset, as text."""

    reference: str
    account: str
    asset: str
    amount: str
    position: int
    at_us: int
    reversed_position: int | None  # of the correction that took it back


def deposits(
    reader: Reader,
    account: str | None = None,
    asset: str | None = None,
    *,
    limit: int = PAGE_MAX,
    cursor: Cursor | None = None,
    min_position: int = 0,
) -> Page:
    """Deposits of an account, of an asset, of both, or all of them.

    Raises:
        Behind: the views have not reached ``min_position``.
    """
    name = None if account is None else available(account)
    tests = (("account=?", name), ("asset=?", asset))
    below = ALL if cursor is None else cursor.position
    where, values = _tests(("position<?", below), *tests)
    query = (
        f"SELECT {DEPOSIT_COLUMNS} FROM deposits WHERE {where}"  # noqa: S608 - ours
        " ORDER BY position DESC LIMIT ?"
    )
    with reader.moment(min_position) as moment:
        found = reader.connection.execute(query, (*values, limit + 1))
        rows = [DepositRow(name, _account(ledger), *more) for name, ledger, *more in found]
        return page_of(moment, rows, limit, lambda it: Cursor(it.position, 0))


def withdrawals(
    reader: Reader,
    account: str | None = None,
    asset: str | None = None,
    status: str | None = None,
    *,
    limit: int = PAGE_MAX,
    cursor: Cursor | None = None,
    min_position: int = 0,
) -> Page:
    """Withdrawals of an account, of an asset, in a state, or all of them.

    Raises:
        Behind: the views have not reached ``min_position``.
    """
    below = ALL if cursor is None else cursor.part
    where, values = _tests(
        ("number<?", below), ("account=?", account), ("asset=?", asset), ("status=?", status)
    )
    query = (
        f"SELECT {', '.join(COLUMNS)} FROM withdrawals WHERE {where}"  # noqa: S608 - ours
        " ORDER BY number DESC LIMIT ?"
    )
    with reader.moment(min_position) as moment:
        rows = [Row(*row) for row in reader.connection.execute(query, (*values, limit + 1))]
        return page_of(moment, rows, limit, lambda it: Cursor(it.created_position, it.number))


def _tests(*tests: tuple[str, Any]) -> tuple[str, list[Any]]:
    """What a row must fulfil, and its values; a test of null is none."""
    asked = [(test, value) for test, value in tests if value is not None]
    return " AND ".join(test for test, _ in asked), [value for _, value in asked]


def _account(name: str) -> str:
    """Whose ledger account of what is available that is."""
    return name[BEFORE_NAME:-BEHIND_NAME]
