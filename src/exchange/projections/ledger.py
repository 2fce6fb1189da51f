"""The ledger as it is read: entries, their lines with running balances, balances, deposits."""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from exchange.kernel.events import Event
from exchange.kernel.journal import Entry, EntryKind
from exchange.projections.bulk import ROWS, Bulk, Script, listed, taken_from
from exchange.projections.lines import ALL_LINES, MARK_EVERY, posting_at
from exchange.projections.moment import Handler, Now
from exchange.wallet.entries import deposit_id
from exchange.wallet.events import Corrected, EntriesPosted, Reversal

DEPOSIT = EntryKind.DEPOSIT
DEPOSIT_PREFIX = len(deposit_id(""))
POST = (
    f"{ROWS} INSERT INTO postings SELECT {','.join(map(taken_from, range(6)))},"  # noqa: S608 - ours
    f" CAST(substr(?2, 1 + {taken_from(6)}, {taken_from(7)}) AS TEXT),"
    f" CAST(substr(?2, 1 + {taken_from(8)}, {taken_from(9)}) AS TEXT) FROM rows"
)
"""Rows, and in one piece the entries and lines that they say their place and length of: within
the rows each quotation mark would have to be masked, and read again."""
REVERSE = "UPDATE deposits SET reversed_position=? WHERE reference=?"


@dataclass(slots=True, eq=False)
class Balance:
    """A row of ``balances``; no Struct, as the attributes of one are dearer to set."""

    id: int
    account: str  # the ledger's name
    asset: str
    units: int = 0
    position: int = 0  # of its last change since the views were opened
    last_line: int = 0
    line_count: int = 0


class Ledger:
    """Follows stream ``ledger``. Balances are numbered as they first appear, and stay."""

    def __init__(self) -> None:
        self._by_name: dict[str, dict[str, Balance]] = {}  # asset -> ledger account -> balance
        self._changed: list[Balance] = []
        self._flushed = 0  # all changes up to this position
        self._balance_count = self._entry_count = self._line_count = 0
        self._encode_into = msgspec.json.Encoder().encode_into
        self._balances = Bulk(
            "balances",
            ("id", "account", "asset", "balance", "position", "last_line", "line_count"),
            key=("id",),
            fixed=("account", "asset"),
            amounts=("balance",),
        )
        self._postings: list[tuple[int | str, ...]] = []
        self._texts = bytearray()  # their entries and lines
        self._marks = Bulk("marks", ("balance_id", "line"))
        self._reversed: list[tuple[int, str]] = []  # position, reference
        self._deposits = Bulk(
            "deposits",
            ("reference", "account", "asset", "amount", "position", "at_us"),
            amounts=("amount",),
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

    def flush(self, script: Script) -> None:
        """Write postings and deposits, balances that changed, marks on what was taken back."""
        if self._postings:
            script.execute(POST, (listed(self._postings), self._texts))
            self._postings, self._texts = [], bytearray()
        self._flushed = max((it.position for it in self._changed), default=self._flushed)
        self._balances.rows += [
            (it.id, it.account, it.asset, it.units, it.position, it.last_line, it.line_count)
            for it in self._changed
        ]
        self._changed.clear()
        for bulk in (self._balances, self._marks, self._deposits):
            bulk.flush(script)
        script.executemany(REVERSE, self._reversed)
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
        position, by_name = now.position, self._by_name
        flushed, changed = self._flushed, self._changed
        first, number = self._line_count + 1, self._line_count
        lines: list[tuple[int, ...]] = []
        for nth, entry in enumerate(event.entries):
            for name, asset, amount in entry.lines:
                number += 1
                try:
                    it = by_name[asset][name]
                except KeyError:
                    it = self._balance(name, asset)
                units = it.units = it.units + amount
                lines.append((nth, it.id, amount, units, it.last_line))
                it.last_line = number
                count = it.line_count = it.line_count + 1
                if not count % MARK_EVERY:
                    self._marks.rows.append((it.id, number))
                if it.position <= flushed:
                    changed.append(it)
                it.position = position
            if entry.kind is DEPOSIT:
                self._deposit(entry, now)
        entries = [(entry.entry_id, entry.kind) for entry in event.entries]
        texts = self._texts
        entries_at = len(texts)
        self._encode_into(entries, texts, -1)
        lines_at = len(texts)
        self._encode_into(lines, texts, -1)
        self._postings.append((
            first, self._entry_count + 1, position, now.at_us, event.cause_stream,
            event.cause_version, entries_at, lines_at - entries_at, lines_at,
            len(texts) - lines_at,
        ))  # fmt: skip
        self._entry_count += len(entries)
        self._line_count = number

    def _deposit(self, entry: Entry, now: Now) -> None:
        paid, reference = entry.lines[1], entry.entry_id[DEPOSIT_PREFIX:]
        self._deposits.rows.append((reference, *paid, now.position, now.at_us))

    def _correct(self, _: str, event: Corrected, now: Now) -> None:
        if isinstance(event.correction, Reversal):
            self._reversed.append((now.position, event.correction.reference))
