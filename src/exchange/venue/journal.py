"""The batch in the making: each event evolved, numbered and kept for the append."""

from exchange.kernel.events import Envelope, Event, Past, Placed, no_past
from exchange.kernel.rejects import Refusal
from exchange.orders.commands import Request, account_of
from exchange.orders.records import CommandRecorded
from exchange.venue.catalogue import Aggregate
from exchange.venue.state import INDEXED, VenueState


class Journal:
    """The events of one command after the other, from the position behind ``position`` on.

    ``placed`` are those of the command that was taken last; ``past`` looks back into the
    log up to it, for the rare decision that needs more than the state.
    """

    __slots__ = (
        "account", "at_us", "digest", "past", "placed", "position", "request", "state",
    )  # fmt: skip

    request: Request
    digest: str
    account: str | None

    def __init__(self, state: VenueState, position: int, past: Past = no_past) -> None:
        self.state = state
        self.past = past
        self.position = position
        self.placed: list[Placed] = []
        self.at_us = 0

    @property
    def envelopes(self) -> list[Envelope]:
        """The same with names."""
        return [Envelope(*it) for it in self.placed]

    def take(self, request: Request, digest: str, at_us: int) -> None:
        """Make ready for the record of one command, received at ``at_us``."""
        self.request, self.digest, self.at_us = request, digest, at_us
        self.placed = []
        self.account = account_of(request.command)

    def begin(self, rulebook_version: int = 0, refusal: Refusal | None = None) -> tuple[str, int]:
        """Record the command; from here on nothing may refuse. Its stream and version."""
        request = self.request
        log = self.state.records(self.account)
        self.record(
            log,
            CommandRecorded(
                request.command, request.actor, request.role, request.key, self.digest,
                request.trace_id, self.at_us, rulebook_version, refusal,
            ),
        )  # fmt: skip
        return log.id, log.version

    def record(self, aggregate: Aggregate, event: Event) -> None:
        """Let the state follow ``event`` and give it the next place."""
        aggregate.evolve(event)
        if type(event) in INDEXED:
            self.state.index(aggregate, event)
        position = self.position = self.position + 1
        self.placed.append((aggregate.id, aggregate.version, event, position))
