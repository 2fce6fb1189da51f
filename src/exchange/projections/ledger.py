"""The ledger as it is read: entries, their lines with running balances, balances, deposits."""

import sqlite3
from collections.abc import Mapping

from exchange.kernel.events import Event
from exchange.kernel.journal import EntryKind
from exchange.projections.bulk import Bulk
from exchange.projections.moment import Handler, Now
from exchange.wallet.entries import deposit_id
from exchange.wallet.events import Corrected, EntriesPosted, Reversal

DEPOSIT = EntryKind.DEPOSIT
DEPOSIT_PREFIX = len(deposit_id(""))
REVERSE = "UPDATE deposits SET reversed_position=? WHERE reference=?"


class Ledger:
    """Follows stream ``ledger``. Balances are numbered as they first appear, and stay."""

    def __init__(self) -> None:
        self._ids: dict[str, dict[str, int]] = {}  # asset -> ledger account -> id
        self._names: list[tuple[str, str]] = []  # id -> ledger account, asset
        self._units: list[int] = []  # id -> balance
        self._entry_count = 0
        self._first_entry = 1  # of those that are not yet written
        self._kinds = {kind: kind.value for kind in EntryKind}
        self._balances = Bulk(
            "balances",
            ("id", "account", "asset", "balance", "position"),
            key=("id",),
            fixed=("account", "asset"),
        )
        self._entries = Bulk(
            "entries",
            ("number", "position", "entry_id", "kind", "cause_stream", "cause_version", "at_us"),
        )
        self._lines = Bulk("lines", ("entry", "balance_id", "amount", "balance"))
        self._reversed: list[tuple[int, str]] = []  # position, reference
        self._deposits = Bulk(
            "deposits", ("reference", "account", "asset", "amount", "position", "at_us")
        )

    def handlers(self) -> Mapping[type[Event], Handler]:
        """Postings, and deposits that are taken back."""
        return {EntriesPosted: self._post, Corrected: self._correct}

    def load(self, connection: sqlite3.Connection) -> None:
        """Every balance, and how many entries there are."""
        found = connection.execute("SELECT account, asset, balance FROM balances ORDER BY id")
        for account, asset, balance in found:
            self._units[self._id(account, asset)] = int(balance)
        (self._entry_count,) = connection.execute(
            "SELECT coalesce(max(number), 0) FROM entries"
        ).fetchone()
        self._first_entry = self._entry_count + 1

    def flush(self, connection: sqlite3.Connection) -> None:
        """Write entries, lines, deposits, and each balance that changed, once."""
        flat, lines, positions = self._balances.flat, self._lines.flat, self._entries.flat[1::7]
        changed = dict(zip(lines[1::4], lines[0::4], strict=True))  # balance -> its last entry
        for balance_id, entry in changed.items():
            units, position = str(self._units[balance_id]), positions[entry - self._first_entry]
            flat += (balance_id, *self._names[balance_id], units, position)
        self._first_entry = self._entry_count + 1
        for bulk in (self._balances, self._entries, self._lines, self._deposits):
            bulk.flush(connection)
        connection.executemany(REVERSE, self._reversed)
        self._reversed.clear()

    def _id(self, account: str, asset: str) -> int:
        """The number of a balance, a new one where there was none."""
        ids = self._ids.setdefault(asset, {})
        if account not in ids:
            ids[account] = len(self._names)
            self._names.append((account, asset))
            self._units.append(0)
        return ids[account]

    def _post(self, _: str, event: EntriesPosted, now: Now) -> None:
        units, position, at_us = self._units, now.position, now.at_us
        ids, entries, lines = self._ids, self._entries.flat, self._lines.flat
        cause_stream, cause_version = event.cause_stream, event.cause_version
        number = self._entry_count
        for entry in event.entries:
            number += 1
            kind = self._kinds[entry.kind]
            entries += (number, position, entry.entry_id, kind, cause_stream, cause_version, at_us)
            for line in entry.lines:
                account, asset, amount = line.account, line.asset, line.amount
                try:
                    balance_id = ids[asset][account]
                except KeyError:
                    balance_id = self._id(account, asset)
                balance = units[balance_id] = units[balance_id] + amount
                lines += (number, balance_id, str(amount), str(balance))
            if entry.kind is DEPOSIT:
                line, reference = entry.lines[1], entry.entry_id[DEPOSIT_PREFIX:]
                self._deposits.flat += (
                    reference, line.account, line.asset, str(line.amount), position, at_us,
                )  # fmt: skip
        self._entry_count = number

    def _correct(self, _: str, event: Corrected, now: Now) -> None:
        if isinstance(event.correction, Reversal):
            self._reversed.append((now.position, event.correction.reference))
