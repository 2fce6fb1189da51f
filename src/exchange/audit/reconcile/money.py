"""The money in the views against the log's events: entries, lines, deposits, withdrawals."""

import sqlite3

import msgspec

from exchange.audit.reconcile.findings import Findings, Key, Ordered, keyed
from exchange.kernel.events import Envelope
from exchange.kernel.journal import EntryKind
from exchange.orders.records import CommandRecorded
from exchange.projections.lines import MARK_EVERY
from exchange.wallet.corrections import correction_id
from exchange.wallet.entries import deposit_id
from exchange.wallet.events import (
    Corrected,
    EntriesPosted,
    WithdrawalCancelled,
    WithdrawalCompleted,
    WithdrawalRejected,
    WithdrawalRequested,
)

DEPOSIT = len(deposit_id(""))
ENTRIES = (
    "SELECT number, position, entry_id, kind, cause_stream, cause_version, at_us FROM entries"
    " ORDER BY number"
)
LINES = (
    "SELECT lines.number, entry, account, asset, amount, lines.balance, previous FROM lines"
    " LEFT JOIN balances ON id=balance_id ORDER BY lines.number"
)
BALANCES = "SELECT account, asset, id, balance, last_line, line_count, position FROM balances"
MARKS = "SELECT line, balance_id FROM marks ORDER BY line"
DEPOSITED = "SELECT account, asset, amount, position, at_us FROM deposits WHERE reference=?"
REQUESTED = (
    "SELECT account, asset, amount, fee, destination, requester, approvals_needed,"
    " created_position, created_us FROM withdrawals WHERE number=?"
)
WITHDRAWN_AT = "SELECT status, updated_position FROM withdrawals WHERE number=?"
WITHDRAWN: dict[type, str] = {
    WithdrawalCompleted: "completed",
    WithdrawalRejected: "rejected",
    WithdrawalCancelled: "cancelled",
}
CORRECTED = (
    "SELECT 'bust', symbol || ':' || number, busted_position FROM trades"
    " WHERE busted_position IS NOT NULL"
    " UNION ALL SELECT 'reversal', reference, reversed_position FROM deposits"
    " WHERE reversed_position IS NOT NULL"
)


class Running(msgspec.Struct):
    """A balance as the log's lines have left it so far."""

    id: int
    units: int = 0
    last_line: int = 0
    line_count: int = 0

    def join(self, line: int, amount: int) -> int:
        """Take in a line; the number of the one before it."""
        previous, self.last_line = self.last_line, line
        self.units += amount
        self.line_count += 1
        return previous


class LoggedMoney:
    """What each event of the log must have left in the tables of money."""

    def __init__(self, connection: sqlite3.Connection, findings: Findings) -> None:
        self._connection, self._findings = connection, findings
        self._entries = Ordered(
            findings, "entries", "L6", "entry", keyed(connection.execute(ENTRIES), 1)
        )
        self._lines = Ordered(
            findings, "ledger lines", "L2", "line", keyed(connection.execute(LINES), 1)
        )
        self._marks = Ordered(findings, "marks", "R2", "line", keyed(connection.execute(MARKS), 1))
        self._balances: dict[tuple[str, str], Running] = {}  # (ledger account, asset)
        self._counts = {"entries": 0, "lines": 0, "deposits": 0, "withdrawals": 0}
        self._at_us = 0
        self._corrected: dict[str, int] = {}  # business id of a correction -> its position

    def follow(self, envelope: Envelope) -> None:
        """Compare what the event must have left."""
        event, position = envelope.event, envelope.position
        match event:
            case CommandRecorded():
                self._at_us = event.at_us
            case EntriesPosted():
                self._posted(event, position)
            case Corrected():
                self._corrected[correction_id(event.correction)] = position
            case WithdrawalRequested():
                self._requested(event, position)
            case WithdrawalCompleted() | WithdrawalRejected() | WithdrawalCancelled():
                self._withdrawn(event, position)

    def finish(self) -> None:
        """Nothing else may be there."""
        self._entries.finish()
        self._lines.finish()
        self._marks.finish()
        self._compare_last_lines()
        for table in ("deposits", "withdrawals"):
            self._findings.count(self._connection, table, self._counts[table])
        marked = {f"{kind}:{name}": at for kind, name, at in self._connection.execute(CORRECTED)}
        for name in sorted(self._corrected.keys() | marked.keys()):
            due, found_at = self._corrected.get(name), marked.get(name)
            at = [it for it in (due, found_at) if it is not None][:1]
            self._findings.compare("corrections", "L6", name, due, found_at, at)

    def _compare_last_lines(self) -> None:
        """Law L3: each balance is that behind its last line, and that line is known."""
        found = {(name, asset): rest for name, asset, *rest in self._connection.execute(BALANCES)}
        for name, asset in sorted(self._balances.keys() | found.keys()):
            it, rest = self._balances.get((name, asset)), found.get((name, asset))
            due = it and (it.id, str(it.units), it.last_line, it.line_count)
            have, at = (tuple(rest[:-1]), rest[-1:]) if rest else (None, [])
            self._findings.compare("running balances", "L3", f"{name} {asset}", due, have, at)

    def _posted(self, event: EntriesPosted, position: int) -> None:
        for entry in event.entries:
            number = self._counts["entries"] = self._counts["entries"] + 1
            cause = (event.cause_stream, event.cause_version, self._at_us)
            values = (position, entry.entry_id, entry.kind.value, *cause)
            self._entries.expect((number,), values, position)
            for name, asset, amount in entry.lines:
                key = name, asset
                at = self._counts["lines"] = self._counts["lines"] + 1
                it = self._balances.setdefault(key, Running(len(self._balances)))
                previous = it.join(at, amount)
                due = (number, *key, str(amount), str(it.units), previous)
                self._lines.expect((at,), due, position)
                if not it.line_count % MARK_EVERY:
                    self._marks.expect((at,), (it.id,), position)
            if entry.kind is EntryKind.DEPOSIT:
                self._counts["deposits"] += 1
                (account, asset, amount), reference = entry.lines[1], entry.entry_id[DEPOSIT:]
                paid = (account, asset, str(amount), position, self._at_us)
                self._look_up("deposits", "L5", reference, paid, DEPOSITED, (reference,))

    def _requested(self, event: WithdrawalRequested, position: int) -> None:
        self._counts["withdrawals"] += 1
        due = (
            event.account, event.asset, str(event.amount), str(event.fee), event.destination,
            event.requester, event.approvals, position, self._at_us,
        )  # fmt: skip
        key = (event.number,)
        self._look_up("withdrawals", "F2", f"withdrawal {event.number}", due, REQUESTED, key)

    def _withdrawn(
        self,
        event: WithdrawalCompleted | WithdrawalRejected | WithdrawalCancelled,
        position: int,
    ) -> None:
        due = (WITHDRAWN[type(event)], position)
        key = (event.number,)
        self._look_up("withdrawals", "F2", f"withdrawal {event.number}", due, WITHDRAWN_AT, key)

    def _look_up(self, check: str, law: str, subject: str, due: Key, query: str, key: Key) -> None:
        found = self._connection.execute(query, key).fetchone()
        positions = [it for it in due if isinstance(it, int)][:1]
        self._findings.compare(check, law, subject, due, found, positions)
