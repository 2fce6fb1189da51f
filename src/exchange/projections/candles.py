"""Candles: the first, highest, lowest and last price of each span of time that had a trade."""

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from exchange.projections.bulk import Bulk, Script

MINUTE_US = 60_000_000
SPANS = {
    "1m": MINUTE_US,
    "5m": 5 * MINUTE_US,
    "15m": 15 * MINUTE_US,
    "1h": 60 * MINUTE_US,
    "4h": 240 * MINUTE_US,
    "1d": 1_440 * MINUTE_US,
}
"""Name -> microseconds; each divides a day, and days begin at 00:00 UTC."""


class Candle(msgspec.Struct, gc=False):
    """Prices in price units, ``volume`` in quantity units, ``value`` in quote units."""

    start_us: int
    open: int
    high: int
    low: int
    close: int
    volume: int
    value: int
    trades: int

    def join(self, later: "Candle") -> None:
        """Take in what came behind."""
        self.high = max(self.high, later.high)
        self.low = min(self.low, later.low)
        self.close = later.close
        self.volume += later.volume
        self.value += later.value
        self.trades += later.trades


def candle_of(row: Sequence[Any]) -> Candle:
    """A stored row's candle."""
    start_us, first, high, low, close, volume, value, trades = row
    return Candle(start_us, first, high, low, close, int(volume), int(value), trades)


COLUMNS = ("symbol", "span", *Candle.__struct_fields__)


class Candles:
    """The candles of all markets; each trade is counted in its minute, minutes in all spans."""

    def __init__(self) -> None:
        self._minutes: dict[str, Candle] = {}  # symbol -> the trades not yet joined to the spans
        self._last: dict[tuple[str, str], Candle] = {}  # (symbol, span) -> the latest candle
        self._changed: dict[tuple[str, str, int], Candle] = {}  # (symbol, span, start)
        self._bulk = Bulk(
            "candles", COLUMNS, key=("symbol", "span", "start_us"), amounts=("volume", "value")
        )

    def load(self, connection: sqlite3.Connection, symbols: Iterable[str]) -> None:
        """The latest candle of each span."""
        for symbol in symbols:
            for span in SPANS:
                found = connection.execute(
                    "SELECT start_us, open, high, low, close, volume, value, trades FROM candles"
                    " WHERE symbol=? AND span=? ORDER BY start_us DESC LIMIT 1",
                    (symbol, span),
                ).fetchone()
                if found is not None:
                    self._last[symbol, span] = candle_of(found)

    def trade(self, symbol: str, at_us: int, price: int, quantity: int, value: int) -> None:
        """Count a trade; those of a market come in the order of their times."""
        minute = self._minutes.get(symbol)
        if minute is None or not 0 <= at_us - minute.start_us < MINUTE_US:
            self._join(symbol)
            start_us = at_us - at_us % MINUTE_US
            self._minutes[symbol] = Candle(start_us, price, price, price, price, quantity, value, 1)
            return
        if price > minute.high:
            minute.high = price
        elif price < minute.low:
            minute.low = price
        minute.close = price
        minute.volume += quantity
        minute.value += value
        minute.trades += 1

    def flush(self, script: Script) -> None:
        """Write each candle that changed, once."""
        for symbol in list(self._minutes):
            self._join(symbol)
        self._bulk.rows += [
            (symbol, span, *msgspec.structs.astuple(it))
            for (symbol, span, _), it in self._changed.items()
        ]
        self._changed.clear()
        self._bulk.flush(script)

    def _join(self, symbol: str) -> None:
        """Let the spans take in the trades of the minute so far."""
        minute = self._minutes.pop(symbol, None)
        if minute is None:
            return
        for span, width_us in SPANS.items():
            start_us = minute.start_us - minute.start_us % width_us
            candle = self._last.get((symbol, span))
            if candle is not None and candle.start_us == start_us:
                candle.join(minute)
            else:
                candle = msgspec.structs.replace(minute, start_us=start_us)
                self._last[symbol, span] = candle
            self._changed[symbol, span, start_us] = candle
