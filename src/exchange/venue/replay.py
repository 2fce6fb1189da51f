"""From stored events back to state, and back to commands."""

from collections.abc import Iterable, Iterator

from exchange.collector import paused
from exchange.kernel.events import Envelope, Placed
from exchange.kernel.laws import InvariantViolation
from exchange.orders.records import CommandRecorded
from exchange.venue.keys import Keys
from exchange.venue.state import VenueState

STORE_STREAM = "venue"
"""The store's own events; no part of any state."""


def replay(state: VenueState, placed: Iterable[Placed], keys: Keys | None = None) -> None:
    """Let ``state`` (and ``keys``) follow events in the order of the log.

    Raises:
        InvariantViolation: a gap in a stream, time that goes back, or an event that makes
            no sense here; ``verify`` tells more.
    """
    apply = state.apply
    with paused():
        for stream, version, event, position in placed:
            if stream == STORE_STREAM:
                continue
            try:
                apply(stream, version, event)
            except (LookupError, TypeError) as error:
                at = f"the event at {position} can't be followed: {error!r}"
                raise InvariantViolation("R1", at) from error
            if keys is not None and type(event) is CommandRecorded and position > keys.forgotten:
                keys.follow(event, position)


def by_command(envelopes: Iterable[Envelope]) -> Iterator[list[Envelope]]:
    """Each command's record and effects together; the store's own events are left out."""
    command: list[Envelope] = []
    for envelope in envelopes:
        if envelope.originator_id == STORE_STREAM:
            continue
        if command and type(envelope.event) is CommandRecorded:
            yield command
            command = []
        command.append(envelope)
    if command:
        yield command
