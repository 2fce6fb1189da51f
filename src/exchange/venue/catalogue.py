"""Every event type and every aggregate of the venue, in one place."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from exchange.kernel.events import Envelope, Event
from exchange.kernel.laws import hold_law
from exchange.matching import events as matching
from exchange.matching.book import Book
from exchange.orders import events as orders
from exchange.orders.records import CommandLog
from exchange.orders.rulebook import Assets, Market, Switch
from exchange.settlement import events as settlement
from exchange.settlement.spot import Settlement
from exchange.users import events as users
from exchange.users.user import User
from exchange.wallet import events as wallet
from exchange.wallet.corrections import Corrections
from exchange.wallet.ledger import Ledger
from exchange.wallet.withdrawals import Withdrawals

EVENTS: tuple[type[Event], ...] = (
    *orders.EVENTS,
    *users.EVENTS,
    *matching.EVENTS,
    *settlement.EVENTS,
    *wallet.EVENTS,
)


class Aggregate(Protocol):
    """What the contexts' states share: the library's mutable aggregate, and our dump."""

    id: str
    version: int

    def evolve(self, event: Event) -> None:
        """Follow one event of this aggregate's stream."""

    def dump(self) -> dict[str, Any]:
        """All that decides what comes next, for JSON."""

    def load(self, dumped: Mapping[str, Any]) -> None:
        """Become what was dumped; only an empty aggregate can."""


AGGREGATES: dict[str, Callable[[str], Aggregate]] = {
    "assets": Assets,
    "book": Book,
    "commands": CommandLog,
    "corrections": Corrections,
    "ledger": Ledger,
    "market": Market,
    "orders": CommandLog,
    "settlement": Settlement,
    "switch": Switch,
    "user": User,
    "withdrawals": Withdrawals,
}
"""Stream name up to the colon -> the aggregate that follows it."""


def make_aggregate(stream: str) -> Aggregate:
    """The empty aggregate of ``stream``.

    Raises:
        InvariantViolation: no context has such a stream.
    """
    make = AGGREGATES.get(stream.partition(":")[0])
    hold_law("R3", make is not None, f"no aggregate has the stream {stream!r}")
    return make(stream)  # type: ignore[misc]  # the law above


def project(aggregate: Aggregate | None, envelopes: Iterable[Envelope]) -> Aggregate | None:
    """The projector for ``log.repository.get``: any stream at any version."""
    for envelope in envelopes:
        if aggregate is None:
            aggregate = make_aggregate(envelope.originator_id)
        aggregate.evolve(envelope.event)
    return aggregate
