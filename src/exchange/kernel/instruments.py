"""What can be traded, in which units."""

import enum
from typing import NamedTuple

import msgspec


class MarketState(enum.Enum):
    """What a market lets happen; the states that call for an auction come with auctions."""

    PRE_OPEN = "pre_open"
    """Cancels only, until auctions are built."""
    CONTINUOUS = "continuous"
    POST_ONLY = "post_only"
    """Orders that only post, reductions and cancels."""
    HALTED = "halted"
    """Cancels only, by an operator or a breaker."""
    CANCEL_ONLY = "cancel_only"
    """Cancels only, on the way out."""
    CLOSED = "closed"
    """Final; entering it cancels every order."""


class Asset(msgspec.Struct, frozen=True, array_like=True, gc=False, forbid_unknown_fields=True):
    """Amounts of it are integers of ``10**-decimals``."""

    code: str
    decimals: int


class WithdrawalTerms(
    msgspec.Struct, frozen=True, array_like=True, gc=False, forbid_unknown_fields=True
):
    """What a withdrawal of an asset costs and needs; all in units of the asset."""

    fee: int  # on top of the amount
    amount_min: int
    amount_max: int  # below the least: none may be asked for
    four_eyes_above: int  # an amount above it needs a second approval


class FeeRates(NamedTuple):
    """What a fill costs, in ppm of what is received; a maker's below zero is a rebate."""

    maker_ppm: int
    taker_ppm: int


class Instrument(
    msgspec.Struct, frozen=True, array_like=True, gc=False, forbid_unknown_fields=True
):
    """A market's rules. Prices count units of ``10**-price_decimals`` of the quote asset,
    quantities units of ``10**-quantity_decimals`` of the base asset.
    """

    symbol: str
    base: str
    quote: str
    price_decimals: int
    quantity_decimals: int
    value_unit: int  # quote units in one price unit × one quantity unit
    base_unit: int  # base units in one quantity unit
    tick: int  # price units
    lot: int  # quantity units
    price_min: int
    price_max: int
    quantity_min: int
    quantity_max: int
    notional_min: int  # quote units
    notional_max: int
    open_orders_max: int  # an account
    maker_ppm: int
    taker_ppm: int
    self_trade_allowed: bool = False
    stop_slippage_ppm: int = 50_000  # how far from its trigger a buy stop may trade
    day_end_us: int = 0  # when a DAY order ends: microseconds after 00:00 UTC

    def notional(self, price: int, quantity: int) -> int:
        """Quote units for ``quantity`` at ``price``. Exact."""
        return price * quantity * self.value_unit
