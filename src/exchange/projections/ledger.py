"""The ledger as it is read: entries, their lines with running balances, balances, deposits."""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from exchange.kernel.events import Event
from exchange.kernel.journal import Entry, EntryKind
from exchange.projections.bulk import Bulk, Writes
from exchange.projections.lines import ALL_LINES, MARK_EVERY, Posting, posting_at
from exchange.projections.moment import Handler, Now
from exchange.wallet.entries import deposit_id
from exchange.wallet.events import Corrected, EntriesPosted, Reversal

DEPOSIT = EntryKind.DEPOSIT
DEPOSIT_PREFIX = len(deposit_id(""))
REVERSE = "UPDATE deposits SET reversed_position=? WHERE reference=?"


@dataclass(slots=True, eq=False)
class Balance:
    """A row of ``balances``."""

    id: int
    account: str  # the ledger's name
    asset: str
    units: int = 0
    last_line: int = 0
    line_count: int = 0


class Ledger:
    """Follows stream ``ledger``. Balances are numbered as they first appear, and stay."""

    def __init__(self) -> None:
        self._by_name: dict[str, dict[str, Balance]] = {}  # asset -> ledger account -> balance
        self._changed: dict[Balance, int] = {}  # -> position of its last change
        self._balance_count = self._entry_count = self._line_count = 0
        self._encode = msgspec.json.Encoder().encode
        self._balances = Bulk(
            "balances",
            ("id", "account", "asset", "balance", "position", "last_line", "line_count"),
            key=("id",),
            fixed=("account", "asset"),
        )
        self._postings = Bulk("postings", Posting.__struct_fields__)
        self._marks = Bulk("marks", ("balance_id", "line"))
        self._reversed: list[tuple[int, str]] = []  # position, reference
        self._deposits = Bulk(
            "deposits", ("reference", "account", "asset", "amount", "position", "at_us")
        )

    def handlers(self) -> Mapping[type[Event], Handler]:
        """Postings, and deposits that are taken back."""
        return {EntriesPosted: self._post, Corrected: self._correct}

    def load(self, connection: sqlite3.Connection) -> None:
        """Every balance, and how many entries and lines there are."""
        found = connection.execute(
            "SELECT account, asset, balance, last_line, line_count FROM balances ORDER BY id"
        )
        for account, asset, units, last_line, line_count in found:
            it = self._balance(account, asset)
            it.units, it.last_line, it.line_count = int(units), last_line, line_count
        last = posting_at(connection, ALL_LINES)
        if last is not None:
            self._entry_count = last.first_entry + len(last.entries) - 1
            self._line_count = last.first_line + len(last.lines) - 1

    def spill(self, writes: Writes) -> None:
        """Write postings and deposits."""
        for bulk in (self._postings, self._marks, self._deposits):
            bulk.flush(writes)

    def flush(self, writes: Writes) -> None:
        """Write each balance that changed, once, and marks on deposits that were taken back."""
        self.spill(writes)
        flat = self._balances.flat
        for it, position in self._changed.items():
            flat += (
                it.id, it.account, it.asset, str(it.units), position, it.last_line, it.line_count,
            )  # fmt: skip
        self._changed.clear()
        self._balances.flush(writes)
        writes.executemany(REVERSE, self._reversed)
        self._reversed.clear()

    def _balance(self, account: str, asset: str) -> Balance:
        """A balance, a new one where there was none."""
        by_account = self._by_name.setdefault(asset, {})
        found = by_account.get(account)
        if found is None:
            found = by_account[account] = Balance(self._balance_count, account, asset)
            self._balance_count += 1
        return found

    def _post(self, _: str, event: EntriesPosted, now: Now) -> None:
        position, by_name, changed = now.position, self._by_name, self._changed
        number = first = self._line_count + 1
        entries: list[tuple[str, EntryKind]] = []
        lines: list[tuple[int, ...]] = []
        for nth, entry in enumerate(event.entries):
            entries.append((entry.entry_id, entry.kind))
            for line in entry.lines:
                account, asset, amount = line.account, line.asset, line.amount
                try:
                    it = by_name[asset][account]
                except KeyError:
                    it = self._balance(account, asset)
                units, balance_id = it.units + amount, it.id
                lines.append((nth, balance_id, amount, units, it.last_line))
                it.units, it.last_line = units, number
                count = it.line_count = it.line_count + 1
                if not count % MARK_EVERY:
                    self._marks.flat += (balance_id, number)
                changed[it] = position
                number += 1
            if entry.kind is DEPOSIT:
                self._deposit(entry, now)
        self._postings.flat += (
            first, self._entry_count + 1, position, now.at_us, event.cause_stream,
            event.cause_version, self._encode(entries).decode(), self._encode(lines).decode(),
        )  # fmt: skip
        self._entry_count += len(entries)
        self._line_count = number - 1

    def _deposit(self, entry: Entry, now: Now) -> None:
        line, reference = entry.lines[1], entry.entry_id[DEPOSIT_PREFIX:]
        self._deposits.flat += (
            reference, line.account, line.asset, str(line.amount), now.position, now.at_us,
        )  # fmt: skip

    def _correct(self, _: str, event: Corrected, now: Now) -> None:
        if isinstance(event.correction, Reversal):
            self._reversed.append((now.position, event.correction.reference))
