"""What can happen to a market's settlement."""

import msgspec

from exchange.kernel.events import Event


class Leg(msgspec.Struct, frozen=True, array_like=True, gc=False, forbid_unknown_fields=True):
    """One side of a trade; the fee is in the asset that this side receives.

    A rate below zero is a maker's whose fee is none: it gets the trade's rebate.
    """

    order: int
    account: str
    rate_ppm: int
    fee: int
    last: bool  # the order ended with this fill


class Settled(msgspec.Struct, frozen=True, array_like=True, gc=False, forbid_unknown_fields=True):
    """A trade as the ledger sees it."""

    trade: int
    price: int  # price units
    quantity: int  # quantity units
    base: int  # base units that the buyer receives, the fee included
    quote: int  # quote units that the seller receives, the fee included
    buy: Leg
    sell: Leg
    rebate: int = 0  # what the maker gets of the taker's fee, in the asset of that fee


class TradesSettled(Event, frozen=True):
    """All trades of one command, in order."""

    TOPIC = "settlement.TradesSettled.v1"
    trades: tuple[Settled, ...]


class FeesClosed(Event, frozen=True):
    """Partly filled orders ended by other than a fill; their fees are final."""

    TOPIC = "settlement.FeesClosed.v1"
    orders: tuple[int, ...]


EVENTS: tuple[type[Event], ...] = (TradesSettled, FeesClosed)
