"""What the views tell twice of trades: orders against their fills, candles against the tape."""

import sqlite3
from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import itemgetter

from exchange.audit.reconcile.findings import Findings, Key, Ordered
from exchange.projections.candles import SPANS

FILLED = (
    "SELECT symbol, number, filled, filled_value, quantity, prevented, leaves, reason,"
    " updated_position FROM orders ORDER BY symbol, number"
)
FILLS = "SELECT symbol, order_number, quantity, value FROM fills ORDER BY symbol, order_number"
TAPE = "SELECT at_us, price, quantity, value FROM trades WHERE symbol=? ORDER BY number"
CANDLES = (
    "SELECT start_us, open, high, low, close, volume, value, trades FROM candles"
    " WHERE symbol=? AND span=? ORDER BY start_us"
)


def compare_filled(connection: sqlite3.Connection, findings: Findings) -> None:
    """Law S2: what an order has filled is the sum of its fills, and so is its value; law B3: of
    its quantity that, what was prevented and what is open account for all, until it ends.
    """
    fills = groupby(connection.execute(FILLS), key=itemgetter(0, 1))
    sums = ((key, _sums(rows)) for key, rows in fills)
    due = next(sums, None)
    for symbol, number, filled, value, *rest in connection.execute(FILLED):
        _check_quantity(findings, f"{symbol}:{number}", filled, *rest)
        total = 0, 0
        while due is not None and due[0] < (symbol, number):
            findings.compare("filled", "S2", ":".join(map(str, due[0])), None, due[1])
            due = next(sums, None)
        if due is not None and due[0] == (symbol, number):
            total, due = due[1], next(sums, None)
        findings.compare("filled", "S2", f"{symbol}:{number}", total, (filled, int(value)))


def _check_quantity(
    findings: Findings,
    order: str,
    filled: int,
    quantity: int | None,
    prevented: int,
    leaves: int,
    reason: str | None,
    position: int,
) -> None:
    """Law B3 for an order by quantity; of an ended one the rest was cancelled or has expired."""
    if quantity is None:
        return
    known = filled + prevented + leaves
    due = quantity if reason is None else max(known, quantity)
    told = known if reason is None else quantity
    findings.compare("quantities", "B3", order, due, told, [position])


def _sums(fills: Iterable[tuple[str, int, int, str]]) -> tuple[int, int]:
    """Quantity and value of an order's fills; summed here, for values may pass 64 bits."""
    quantity = total = 0
    for _, _, traded, value in fills:
        quantity += traded
        total += int(value)
    return quantity, total


def compare_candles(connection: sqlite3.Connection, findings: Findings) -> None:
    """Every stored candle is what the trades of its span make it, and none is missing."""
    symbols = [it for (it,) in connection.execute("SELECT symbol FROM markets ORDER BY symbol")]
    for symbol in symbols:
        for span, width in SPANS.items():
            rows = ((row[:1], row[1:]) for row in connection.execute(CANDLES, (symbol, span)))
            stored = Ordered(findings, "candles", "R2", f"{symbol} {span}", rows)
            for start_us, candle in _candles(connection.execute(TAPE, (symbol,)), width):
                stored.expect((start_us,), candle)
            stored.finish()


def _candles(tape: Iterable[tuple[int, int, int, str]], width: int) -> Iterator[tuple[int, Key]]:
    """Start and values of each candle that the trades make."""
    for start_us, group in groupby(tape, key=lambda trade: trade[0] // width * width):
        trades = list(group)
        prices = [price for _, price, _, _ in trades]
        volume = sum(quantity for _, _, quantity, _ in trades)
        value = sum(int(it) for _, _, _, it in trades)
        yield (
            start_us,
            (prices[0], max(prices), min(prices), prices[-1], str(volume), str(value), len(trades)),
        )
