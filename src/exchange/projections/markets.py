"""Assets and markets with their rules, as they stand."""

import sqlite3
from collections.abc import Mapping

import msgspec

from exchange.kernel.events import Event
from exchange.kernel.instruments import Instrument
from exchange.orders.events import (
    AssetRegistered,
    FeeTierSet,
    InstrumentChanged,
    InstrumentListed,
    MarketStateChanged,
)
from exchange.projections.bulk import Bulk, Script
from exchange.projections.moment import Handler, Now

SYMBOL = len("market:")
COLUMNS = (
    "symbol", "base", "quote", "price_decimals", "quantity_decimals", "state",
    "rulebook_version", "rules", "position", "at_us",
)  # fmt: skip


class Markets:
    """Follows streams ``assets`` and ``market:<symbol>``; few rows, kept whole."""

    def __init__(self) -> None:
        self.rules: dict[str, Instrument] = {}  # symbol -> rules in force
        self._versions: dict[str, int] = {}  # symbol -> events of its stream
        self._states: dict[str, str] = {}
        self._changed: dict[str, tuple[str, int, int]] = {}  # symbol -> state, position, at_us
        self._assets = Bulk("assets", ("code", "decimals"))
        self._markets = Bulk("markets", COLUMNS, key=("symbol",))

    def handlers(self) -> Mapping[type[Event], Handler]:
        """Listings, and changes of rules, fees and state."""
        return {
            AssetRegistered: self._register,
            InstrumentListed: self._list,
            MarketStateChanged: self._change_state,
            InstrumentChanged: self._change_rules,
            FeeTierSet: self._count,
        }

    def load(self, connection: sqlite3.Connection) -> None:
        """Every market's rules."""
        found = connection.execute("SELECT symbol, rules, rulebook_version, state FROM markets")
        for symbol, rules, version, state in found:
            self.rules[symbol] = msgspec.json.decode(rules, type=Instrument)
            self._versions[symbol], self._states[symbol] = version, state

    def flush(self, script: Script) -> None:
        """Write what is new and what has changed."""
        for symbol, (state, position, at_us) in self._changed.items():
            it = self.rules[symbol]
            self._markets.rows.append((
                symbol, it.base, it.quote, it.price_decimals, it.quantity_decimals, state,
                self._versions[symbol], msgspec.json.encode(it).decode(), position, at_us,
            ))  # fmt: skip
        self._changed.clear()
        self._assets.flush(script)
        self._markets.flush(script)

    def _register(self, _: str, event: AssetRegistered, __: Now) -> None:
        self._assets.rows.append((event.asset.code, event.asset.decimals))

    def _list(self, stream: str, event: InstrumentListed, now: Now) -> None:
        self.rules[stream[SYMBOL:]] = event.instrument
        self._change_state(stream, event, now)

    def _change_rules(self, stream: str, event: InstrumentChanged, now: Now) -> None:
        self.rules[stream[SYMBOL:]] = event.instrument
        self._count(stream, event, now)

    def _change_state(
        self, stream: str, event: InstrumentListed | MarketStateChanged, now: Now
    ) -> None:
        self._states[stream[SYMBOL:]] = event.state.value
        self._count(stream, event, now)

    def _count(self, stream: str, _: Event, now: Now) -> None:
        """One more version of a market's rulebook."""
        symbol = stream[SYMBOL:]
        self._versions[symbol] = self._versions.get(symbol, 0) + 1
        self._changed[symbol] = self._states[symbol], now.position, now.at_us
