"""The tape: every trade, both of its sides with their fees, and the candles that come of it."""

import sqlite3
from collections.abc import Mapping

from exchange.kernel.events import Event
from exchange.matching.events import OrderAccepted, OrderAmended, StopEntered
from exchange.projections.bulk import Bulk
from exchange.projections.candles import Candles
from exchange.projections.markets import Markets
from exchange.projections.moment import Handler, Now
from exchange.settlement.events import FeesClosed, TradesSettled
from exchange.wallet.events import Bust, Corrected

BOOK, SETTLEMENT = len("book:"), len("settlement:")
TRADE_COLUMNS = (
    "symbol", "number", "price", "quantity", "value", "taker_side", "maker_order",
    "taker_order", "position", "at_us",
)  # fmt: skip
FILL_COLUMNS = (
    "symbol", "trade", "side", "role", "order_number", "account", "price", "quantity", "fee",
    "rate_ppm", "rebate", "position", "at_us",
)  # fmt: skip
BUST = "UPDATE trades SET busted_position=? WHERE symbol=? AND number=?"


class Trades:
    """Follows settlements; the book before them has told which order took."""

    def __init__(self, markets: Markets) -> None:
        self._markets = markets
        self._takers: dict[str, int] = {}  # symbol -> number of the order that traded last
        self._candles = Candles()
        self._trades = Bulk("trades", TRADE_COLUMNS)
        self._fills = Bulk("fills", FILL_COLUMNS)
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

    def flush(self, connection: sqlite3.Connection) -> None:
        """Write new trades and fills, marks on busted ones, and changed candles."""
        self._trades.flush(connection)
        connection.executemany(BUST, self._busted)
        self._busted.clear()
        self._fills.flush(connection)
        self._candles.flush(connection)

    def _take(self, stream: str, event: OrderAccepted | OrderAmended | StopEntered, _: Now) -> None:
        if event.fills:
            self._takers[stream[BOOK:]] = event.number

    def _settle(self, stream: str, event: TradesSettled, now: Now) -> None:
        symbol, position, at_us = stream[SETTLEMENT:], now.position, now.at_us
        taker, trades, fills = self._takers[symbol], self._trades.flat, self._fills.flat
        for it in event.trades:
            number, price, quantity, buy, sell = it.trade, it.price, it.quantity, it.buy, it.sell
            bought = buy.order == taker
            side, maker = ("buy", sell.order) if bought else ("sell", buy.order)
            buyer, seller = ("taker", "maker") if bought else ("maker", "taker")
            trades += (
                symbol, number, price, quantity, str(it.quote), side, maker, taker, position, at_us,
            )  # fmt: skip
            fills += (
                symbol, number, "buy", buyer, buy.order, buy.account, price, quantity,
                str(buy.fee), buy.rate_ppm, str(it.rebate) if buy.rate_ppm < 0 else "0",
                position, at_us,
                symbol, number, "sell", seller, sell.order, sell.account, price, quantity,
                str(sell.fee), sell.rate_ppm, str(it.rebate) if sell.rate_ppm < 0 else "0",
                position, at_us,
            )  # fmt: skip
            self._candles.trade(symbol, at_us, price, quantity, it.quote)

    def _correct(self, _: str, event: Corrected, now: Now) -> None:
        """The tape marks a busted trade; prices and candles stay."""
        if isinstance(event.correction, Bust):
            self._busted.append((now.position, event.correction.symbol, event.correction.trade))


def _nothing(*_: object) -> None:
    """What no table shows."""
