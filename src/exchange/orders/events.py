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


EVENTS: tuple[type[Event], ...] = (
    CommandRecorded,
    AssetRegistered,
    WithdrawalTermsSet,
    InstrumentListed,
    MarketStateChanged,
)
