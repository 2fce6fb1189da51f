"""Does a store hold what its callers were told, and does it lead to the state they traded on?"""

from collections.abc import Iterable, Iterator
from typing import Any

from exchange.kernel.events import Envelope
from exchange.orders.commands import PlaceOrder
from exchange.orders.records import CommandRecorded
from exchange.store.log import EventLog
from exchange.store.urls import StoreUrl
from exchange.venue.catalogue import EVENTS
from exchange.venue.replay import replay
from exchange.venue.state import VenueState


def prove(url: StoreUrl, accepted: int, state_hash: str) -> dict[str, Any]:
    """The store read once: its accepted orders and its state, beside what was reported live."""
    log, state, kept = EventLog(url, EVENTS), VenueState(), Kept()
    replay(state, kept.watch(log.read()))
    log.close()
    folded = state.state_hash()
    return {
        "accepted_in_log": kept.accepted,
        "accepted_reported": accepted,
        "counts_equal": kept.accepted == accepted,
        "state_hash": folded,
        "hashes_equal": folded == state_hash,
    }


class Kept:
    """Counts the accepted orders that pass by."""

    def __init__(self) -> None:
        self.accepted = 0

    def watch(self, envelopes: Iterable[Envelope]) -> Iterator[Envelope]:
        """The same envelopes."""
        for envelope in envelopes:
            event = envelope.event
            if isinstance(event, CommandRecorded) and isinstance(event.command, PlaceOrder):
                self.accepted += event.refusal is None
            yield envelope
