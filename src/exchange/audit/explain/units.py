"""How one market's integers are written for people: exact decimal text, times in UTC."""

from typing import Any

from exchange.audit.times import time_text
from exchange.kernel.decimals import to_text
from exchange.kernel.instruments import Instrument
from exchange.kernel.orders import BUY, OrderTerms, Side
from exchange.kernel.rejects import Refusal
from exchange.venue.state import VenueState

PRICES = frozenset({"price", "trigger"})
QUANTITIES = frozenset({"quantity", "display"})


class Units:
    """The decimals of a listed market and of its two assets."""

    def __init__(self, state: VenueState, symbol: str) -> None:
        self._market, self._assets = state.rooms[symbol].market, state.assets.by_code

    @property
    def rules(self) -> Instrument:
        """The market's rules as they stand; the decimals never change."""
        return self._market.instrument

    def price(self, units: int) -> str:
        """Price units as decimal text."""
        return to_text(units, self.rules.price_decimals)

    def quantity(self, units: int) -> str:
        """Quantity units as decimal text."""
        return to_text(units, self.rules.quantity_decimals)

    def amount(self, asset: str, units: int) -> str:
        """Units of an asset as decimal text."""
        return to_text(units, self._assets[asset].decimals)

    def money(self, asset: str, units: int) -> str:
        """The same with the asset's code behind."""
        return f"{self.amount(asset, units)} {asset}"

    def value(self, units: int) -> str:
        """Units of the quote asset, with its code."""
        return self.money(self.rules.quote, units)

    def field(self, name: str, value: Any) -> Any:  # noqa: ANN401 - a field's value, whatever it is
        """A command's field as people write it; what has no units stays as it is."""
        if not isinstance(value, int) or isinstance(value, bool):
            return value
        if name in PRICES:
            return self.price(value)
        if name in QUANTITIES:
            return self.quantity(value)
        if name in {"budget", "notional"}:
            return self.amount(self.rules.quote, value)
        return time_text(value) if name == "deadline_us" else value

    def terms(self, terms: OrderTerms) -> dict[str, Any]:
        """An order's terms by name, without those that it does not have."""
        told = {name: getattr(terms, name) for name in terms.__struct_fields__}
        return {
            name.removesuffix("_us"): self.field(name, getattr(value, "value", value))
            for name, value in told.items()
            if value is not None and value is not False
        }

    def refused(self, refusal: Refusal, side: Side | None) -> tuple[Any, Any]:
        """The numbers of a refusal; ``side`` tells which asset the order would have held."""
        name = refusal.field
        if name == "funds":
            asset = self.rules.quote if side is BUY else self.rules.base
            both = (refusal.value, refusal.bound)
            value, bound = (self.money(asset, n) if isinstance(n, int) else n for n in both)
            return value, bound
        return self.field(name, refusal.value), self.field(name, refusal.bound)
