"""The views' rows against the log's events, one by one: entries, trades, fills, orders."""

import sqlite3
from collections.abc import Iterable, Iterator

from exchange.audit.findings import Findings, Key, Ordered
from exchange.kernel.events import Envelope
from exchange.kernel.journal import EntryKind
from exchange.kernel.orders import CANCELLING, EndReason, Fill, Met
from exchange.matching.events import (
    OrderAccepted,
    OrderAmended,
    OrderListAccepted,
    OrdersCancelled,
    StopEntered,
)
from exchange.orders.records import CommandRecorded
from exchange.settlement.events import TradesSettled
from exchange.wallet.events import EntriesPosted

BOOK, SETTLEMENT, DEPOSIT = len("book:"), len("settlement:"), len("deposit:")
FINISHED = (EndReason.FILLED, EndReason.BUDGET_SPENT)
ENTRIES = (
    "SELECT number, position, entry_id, kind, cause_stream, cause_version, at_us FROM entries"
    " ORDER BY number"
)
LINES = (
    "SELECT lines.number, entry, account, asset, amount, lines.balance FROM lines"
    " LEFT JOIN balances ON id=balance_id ORDER BY lines.number"
)
TRADES = (
    "SELECT number, price, quantity, value, taker_side, maker_order, taker_order, position, at_us"
    " FROM trades WHERE symbol=? ORDER BY number"
)
FILLS = (
    "SELECT trade, side, role, order_number, account, price, quantity, fee, rate_ppm, position,"
    " at_us FROM fills WHERE symbol=? ORDER BY trade, side"
)
PLACED = (
    "SELECT account, side, type, time_in_force, client_order_id, created_position, created_us"
    " FROM orders WHERE symbol=? AND number=?"
)
ENDED = "SELECT status, reason, updated_position FROM orders WHERE symbol=? AND number=?"
DEPOSITED = "SELECT account, asset, amount, position, at_us FROM deposits WHERE reference=?"


class LoggedRows:
    """What each event of the log must have left in the views."""

    def __init__(self, connection: sqlite3.Connection, findings: Findings) -> None:
        self._connection, self._findings = connection, findings
        self._entries = Ordered(
            findings, "entries", "L6", "entry", _keyed(connection.execute(ENTRIES), 1)
        )
        self._lines = Ordered(
            findings, "ledger lines", "L2", "line", _keyed(connection.execute(LINES), 1)
        )
        self._trades: dict[str, Ordered] = {}  # symbol -> its tape
        self._fills: dict[str, Ordered] = {}
        self._balances: dict[tuple[str, str], int] = {}  # (ledger account, asset) -> units
        self._counts = {"entries": 0, "lines": 0, "deposits": 0, "orders": 0}
        self._at_us = 0
        self._takers: dict[str, tuple[int, tuple[Fill, ...]]] = {}  # symbol -> last taker, fills

    def follow(self, envelope: Envelope) -> None:
        """Compare what the event must have left."""
        event, stream, position = envelope.event, envelope.originator_id, envelope.position
        match event:
            case CommandRecorded():
                self._at_us = event.at_us
            case EntriesPosted():
                self._posted(event, position)
            case TradesSettled():
                self._settled(stream[SETTLEMENT:], event, position)
            case OrderAccepted():
                self._placed(stream[BOOK:], event, position)
            case OrderListAccepted():
                for accepted in event.orders:
                    self._placed(stream[BOOK:], accepted, position)
            case OrderAmended() | StopEntered():
                self._took(stream[BOOK:], event, position)
            case OrdersCancelled():
                for number in event.numbers:
                    self._ended(stream[BOOK:], number, event.reason, position)

    def finish(self) -> None:
        """Nothing else may be there."""
        for ordered in (self._entries, self._lines, *self._trades.values(), *self._fills.values()):
            ordered.finish()
        for table in ("deposits", "orders"):
            found = self._connection.execute(f"SELECT count(*) FROM {table}")  # noqa: S608 - ours
            (count,) = found.fetchone()
            self._findings.compare(table, "R2", f"rows of {table}", self._counts[table], count)
        for table, known in (("trades", self._trades), ("fills", self._fills)):
            found = self._connection.execute(f"SELECT DISTINCT symbol FROM {table}")  # noqa: S608 - ours
            for (symbol,) in found:
                self._findings.compare(table, "S1", symbol, symbol in known, True)

    def _posted(self, event: EntriesPosted, position: int) -> None:
        for entry in event.entries:
            number = self._counts["entries"] = self._counts["entries"] + 1
            cause = (event.cause_stream, event.cause_version, self._at_us)
            values = (position, entry.entry_id, entry.kind.value, *cause)
            self._entries.expect((number,), values, position)
            for line in entry.lines:
                key = (line.account, line.asset)
                balance = self._balances[key] = self._balances.get(key, 0) + line.amount
                at = self._counts["lines"] = self._counts["lines"] + 1
                due = (number, *key, str(line.amount), str(balance))
                self._lines.expect((at,), due, position)
            if entry.kind is EntryKind.DEPOSIT:
                self._counts["deposits"] += 1
                line, reference = entry.lines[1], entry.entry_id[DEPOSIT:]
                paid = (line.account, line.asset, str(line.amount), position, self._at_us)
                self._look_up("deposits", "L5", reference, paid, DEPOSITED, (reference,))

    def _settled(self, symbol: str, event: TradesSettled, position: int) -> None:
        if symbol not in self._trades:
            rows = _keyed(self._connection.execute(TRADES, (symbol,)), 1)
            self._trades[symbol] = Ordered(self._findings, "trades", "S1", symbol, rows)
            rows = _keyed(self._connection.execute(FILLS, (symbol,)), 2)
            self._fills[symbol] = Ordered(self._findings, "fills", "S2", symbol, rows)
        taker, fills = self._takers[symbol]
        for fill, it in zip(fills, event.trades, strict=True):
            side, when = ("buy" if it.buy.order == taker else "sell"), (position, self._at_us)
            printed = (fill.price, fill.quantity, str(it.quote), side, fill.maker, taker, *when)
            self._trades[symbol].expect((it.trade,), printed, position)
            for name, leg in (("buy", it.buy), ("sell", it.sell)):
                role = "taker" if name == side else "maker"
                traded = (fill.price, fill.quantity, str(leg.fee), leg.rate_ppm)
                due = (role, leg.order, leg.account, *traded, *when)
                self._fills[symbol].expect((it.trade, name), due, position)

    def _placed(self, symbol: str, event: OrderAccepted, position: int) -> None:
        self._counts["orders"] += 1
        terms = event.terms
        due = (
            event.account, terms.side.value, terms.type.value, terms.time_in_force.value,
            terms.client_order_id, position, self._at_us,
        )  # fmt: skip
        self._look_up(
            "orders", "R2", f"{symbol}:{event.number}", due, PLACED, (symbol, event.number)
        )
        self._took(symbol, event, position)

    def _took(
        self, symbol: str, event: OrderAccepted | OrderAmended | StopEntered, position: int
    ) -> None:
        """Who traded or was met, and who ended by it."""
        if event.fills:
            self._takers[symbol] = event.number, event.fills
        for number, reason in _endings(event.fills, event.met):
            self._ended(symbol, number, reason, position)
        if event.ended is not None:
            self._ended(symbol, event.number, event.ended, position)

    def _ended(self, symbol: str, number: int, reason: EndReason, position: int) -> None:
        """The order's last event: its status says how it ended."""
        found = self._connection.execute(ENDED, (symbol, number)).fetchone()
        status = "CANCELED" if reason in CANCELLING else "EXPIRED"
        unfilled = found is not None and found[:2] == ("EXPIRED", "budget_spent")
        if reason in FINISHED and not unfilled:  # a budget that bought nothing has expired
            status = "FILLED"
        due = (status, reason.value, position)
        self._findings.compare("ended orders", "R2", f"{symbol}:{number}", due, found, [position])

    def _look_up(self, check: str, law: str, subject: str, due: Key, query: str, key: Key) -> None:
        found = self._connection.execute(query, key).fetchone()
        positions = [it for it in due if isinstance(it, int)][:1]
        self._findings.compare(check, law, subject, due, found, positions)


def _keyed(rows: Iterable[Key], width: int) -> Iterator[tuple[Key, Key]]:
    """Rows split into key and values."""
    return ((row[:width], row[width:]) for row in rows)


def _endings(fills: Iterable[Fill], met: Iterable[Met]) -> Iterator[tuple[int, EndReason]]:
    """Makers that a taker used up or pushed out."""
    yield from ((fill.maker, EndReason.FILLED) for fill in fills if fill.last)
    yield from ((it.maker, it.reason) for it in met if it.last)
