"""Orders, trades and fills in the views against the log's events, one by one."""

import sqlite3
from collections.abc import Iterable, Iterator

from exchange.audit.reconcile.findings import Findings, Ordered, keyed
from exchange.kernel.events import Envelope
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

BOOK, SETTLEMENT = len("book:"), len("settlement:")
FINISHED = (EndReason.FILLED, EndReason.BUDGET_SPENT)
TRADES = (
    "SELECT number, price, quantity, value, taker_side, maker_order, taker_order, position, at_us"
    " FROM trades WHERE symbol=? ORDER BY number"
)
FILLS = (
    "SELECT trade, side, role, order_number, account, price, quantity, fee, rate_ppm, rebate,"
    " position,"
    " at_us FROM fills WHERE symbol=? ORDER BY trade, side"
)
PLACED = (
    "SELECT account, side, type, time_in_force, client_order_id, created_position, created_us"
    " FROM orders WHERE symbol=? AND number=?"
)
ENDED = "SELECT status, reason, updated_position FROM orders WHERE symbol=? AND number=?"


class LoggedTrading:
    """What each event of the log must have left in the tables of trading."""

    def __init__(self, connection: sqlite3.Connection, findings: Findings) -> None:
        self._connection, self._findings = connection, findings
        self._trades: dict[str, Ordered] = {}  # symbol -> its tape
        self._fills: dict[str, Ordered] = {}
        self._order_count = 0
        self._at_us = 0
        self._takers: dict[str, tuple[int, tuple[Fill, ...]]] = {}  # symbol -> last taker, fills

    def follow(self, envelope: Envelope) -> None:
        """Compare what the event must have left."""
        event, stream, position = envelope.event, envelope.originator_id, envelope.position
        match event:
            case CommandRecorded():
                self._at_us = event.at_us
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
        for ordered in (*self._trades.values(), *self._fills.values()):
            ordered.finish()
        self._findings.count(self._connection, "orders", self._order_count)
        for table, known in (("trades", self._trades), ("fills", self._fills)):
            found = self._connection.execute(f"SELECT DISTINCT symbol FROM {table}")  # noqa: S608 - ours
            for (symbol,) in found:
                self._findings.compare(table, "S1", symbol, symbol in known, True)

    def _settled(self, symbol: str, event: TradesSettled, position: int) -> None:
        if symbol not in self._trades:
            rows = keyed(self._connection.execute(TRADES, (symbol,)), 1)
            self._trades[symbol] = Ordered(self._findings, "trades", "S1", symbol, rows)
            rows = keyed(self._connection.execute(FILLS, (symbol,)), 2)
            self._fills[symbol] = Ordered(self._findings, "fills", "S2", symbol, rows)
        taker, fills = self._takers[symbol]
        for fill, it in zip(fills, event.trades, strict=True):
            side, when = ("buy" if it.buy.order == taker else "sell"), (position, self._at_us)
            printed = (fill.price, fill.quantity, str(it.quote), side, fill.maker, taker, *when)
            self._trades[symbol].expect((it.trade,), printed, position)
            for name, leg in (("buy", it.buy), ("sell", it.sell)):
                role = "taker" if name == side else "maker"
                rebate = it.rebate if leg.rate_ppm < 0 else 0
                traded = (fill.price, fill.quantity, str(leg.fee), leg.rate_ppm, str(rebate))
                due = (role, leg.order, leg.account, *traded, *when)
                self._fills[symbol].expect((it.trade, name), due, position)

    def _placed(self, symbol: str, event: OrderAccepted, position: int) -> None:
        self._order_count += 1
        terms = event.terms
        due = (
            event.account, terms.side.value, terms.type.value, terms.time_in_force.value,
            terms.client_order_id, position, self._at_us,
        )  # fmt: skip
        found = self._connection.execute(PLACED, (symbol, event.number)).fetchone()
        name = f"{symbol}:{event.number}"
        self._findings.compare("orders", "R2", name, due, found, [position])
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


def _endings(fills: Iterable[Fill], met: Iterable[Met]) -> Iterator[tuple[int, EndReason]]:
    """Makers that a taker used up or pushed out."""
    yield from ((fill.maker, EndReason.FILLED) for fill in fills if fill.last)
    yield from ((it.maker, it.reason) for it in met if it.last)
