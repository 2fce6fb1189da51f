"""What can happen to the rulebook; command records stand in ``records``."""

from exchange.kernel.events import Event
from exchange.kernel.instruments import Asset, Instrument, MarketState, WithdrawalTerms
from exchange.orders.records import CommandRecorded


class AssetRegistered(Event, frozen=True):
    """Amounts of a further asset can be owned. Stream ``assets``."""

    TOPIC = "orders.AssetRegistered.v1"
    asset: Asset


class WithdrawalTermsSet(Event, frozen=True):
    """New withdrawals of the asset are judged by these from here on. Stream ``assets``."""

    TOPIC = "orders.WithdrawalTermsSet.v1"
    asset: str
    terms: WithdrawalTerms


class InstrumentListed(Event, frozen=True):
    """A market begins. Stream ``market:<symbol>``, first event."""

    TOPIC = "orders.InstrumentListed.v1"
    instrument: Instrument
    state: MarketState


class MarketStateChanged(Event, frozen=True):
    """A market trades, halts or ends from here on."""

    TOPIC = "orders.MarketStateChanged.v1"
    state: MarketState
    reason: str


class InstrumentChanged(Event, frozen=True):
    """Other rules for new orders and amends from here on; resting orders stay."""

    TOPIC = "orders.InstrumentChanged.v1"
    instrument: Instrument
    reason: str


class FeeTierSet(Event, frozen=True):
    """What accounts of a tier pay in this market from here on; null: the market's own rates."""

    TOPIC = "orders.FeeTierSet.v1"
    tier: str
    maker_ppm: int | None
    taker_ppm: int | None


class VenueKilled(Event, frozen=True):
    """No new orders and no amends anywhere from here on. Stream ``switch``."""

    TOPIC = "orders.VenueKilled.v1"
    reason: str


class VenueReleased(Event, frozen=True):
    """The venue's kill switch is back. Stream ``switch``."""

    TOPIC = "orders.VenueReleased.v1"
    reason: str


EVENTS: tuple[type[Event], ...] = (
    CommandRecorded,
    AssetRegistered,
    WithdrawalTermsSet,
    InstrumentListed,
    MarketStateChanged,
    InstrumentChanged,
    FeeTierSet,
    VenueKilled,
    VenueReleased,
)
