"""The tape: every trade, both of its sides with their fees, and the candles that come of it."""

import sqlite3
from collections.abc import Mapping

from exchange.kernel.events import Event
from exchange.matching.events import OrderAccepted, OrderAmended, StopEntered
from exchange.projections.bulk import Bulk, Script
from exchange.projections.candles import Candles
from exchange.projections.markets import Markets
from exchange.projections.moment import Handler, Now
from exchange.settlement.events import FeesClosed, TradesSettled
from exchange.wallet.events import Bust, Corrected

BOOK, SETTLEMENT = len("book:"), len("settlement:")
COLUMNS = (
    "symbol", "number", "price", "quantity", "value", "taker_side", "maker_order",
    "taker_order", "maker_account", "taker_account", "maker_fee", "taker_fee", "maker_ppm",
    "taker_ppm", "rebate", "position", "at_us",
)  # fmt: skip
AMOUNTS = ("value", "maker_fee", "taker_fee", "rebate")
BUST = "UPDATE trades SET busted_position=? WHERE symbol=? AND number=?"


class Trades:
    """Follows settlements; the book before them has told which order took."""

    def __init__(self, markets: Markets) -> None:
        self._markets = markets
        self._takers: dict[str, int] = {}  # symbol -> number of the order that traded last
        self._candles = Candles()
        self._trades = Bulk("trades", COLUMNS, amounts=AMOUNTS)
        self._busted: list[tuple[int, str, int]] = []  # position, symbol, number

    def handlers(self) -> Mapping[type[Event], Handler]:
        """Orders that take, and the settlement of what they took."""
        return {
            OrderAccepted: self._take,
            OrderAmended: self._take,
            StopEntered: self._take,
            TradesSettled: self._settle,
            FeesClosed: _nothing,
            Corrected: self._correct,
        }

    def load(self, connection: sqlite3.Connection) -> None:
        """The latest candles; a command's trades never span two commits."""
        self._candles.load(connection, self._markets.rules)

    def flush(self, script: Script) -> None:
        """Write new trades, marks on busted ones, and changed candles."""
        self._trades.flush(script)
        script.executemany(BUST, self._busted)
        self._busted.clear()
        self._candles.flush(script)

    def _take(self, stream: str, event: OrderAccepted | OrderAmended | StopEntered, _: Now) -> None:
        if event.fills:
            self._takers[stream[BOOK:]] = event.number

    def _settle(self, stream: str, event: TradesSettled, now: Now) -> None:
        symbol, position, at_us = stream[SETTLEMENT:], now.position, now.at_us
        taker, add, trade = self._takers[symbol], self._trades.rows.append, self._candles.trade
        for it in event.trades:
            price, quantity, value, took, made = it.price, it.quantity, it.quote, it.buy, it.sell
            side = "buy"
            if took.order != taker:
                took, made, side = made, took, "sell"
            add((
                symbol, it.trade, price, quantity, value, side, made.order, taker, made.account,
                took.account, made.fee, took.fee, made.rate_ppm, took.rate_ppm,
                it.rebate if made.rate_ppm < 0 else 0, position, at_us,
            ))  # fmt: skip
            trade(symbol, at_us, price, quantity, value)

    def _correct(self, _: str, event: Corrected, now: Now) -> None:
        """The tape marks a busted trade; prices and candles stay."""
        if isinstance(event.correction, Bust):
            self._busted.append((now.position, event.correction.symbol, event.correction.trade))


def _nothing(*_: object) -> None:
    """What no table shows."""
