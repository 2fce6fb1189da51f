"""Balances as an accountant writes them: a line a moment, a column a balance."""

from exchange.kernel.accounts import EXTERNAL, FEES, INSURANCE, SUSPENSE, withdrawal
from tests.build import Desk

VENUE = {"fees": FEES, "custody": EXTERNAL, "insurance": INSURANCE, "suspense": SUSPENSE}


class Books:
    """A table's columns are ``<account> <asset>``, ``<account> aside <asset>`` for what its
    withdrawals hold, or ``fees|custody|insurance|suspense <asset>``; custody counts as held.
    """

    def __init__(self, table: str) -> None:
        head, *lines = [line for line in table.strip().splitlines() if line.strip()]
        self._columns = [column.strip() for column in head.split("|")[1:]]
        self._lines = {}
        for line in lines:
            moment, *cells = line.split("|")
            self._lines[moment.strip()] = [int(cell.replace(",", "")) for cell in cells]

    def check(self, at: Desk, moment: str) -> None:
        """The desk's balances are those of the line."""
        found = [self._balance(at, column) for column in self._columns]
        expected = dict(zip(self._columns, self._lines[moment], strict=True))
        assert expected == dict(zip(self._columns, found, strict=True)), moment

    @staticmethod
    def _balance(at: Desk, column: str) -> int:
        whose, *aside, asset = column.split()
        if aside:
            return at.state.ledger.balance(withdrawal(whose), asset)
        if whose in VENUE:
            units = at.state.ledger.balance(VENUE[whose], asset)
            return -units if whose == "custody" else units
        return at.free(whose, asset)
