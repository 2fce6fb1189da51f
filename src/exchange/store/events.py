"""The store's own events, on stream ``venue``."""

from exchange.kernel.events import Event

LOG_FORMAT = 2
"""How seals are made, as each epoch says it."""
VENUE = "venue"


class EpochStarted(Event, frozen=True):
    """A writer took over; first event of its own batch.

    ``log_id`` is 32 hex digits made with the log and repeated here for ever.
    """

    TOPIC = "store.EpochStarted.v1"
    log_id: str
    epoch: int
    format: int
    software: str
    at_us: int  # wall clock of the opening, for people; no decision reads it


class BatchSealed(Event, frozen=True):
    """The last event of every batch: the hash over the log up to here (``docs/log.md``)."""

    TOPIC = "store.BatchSealed.v1"
    epoch: int
    batch: int
    first: int  # positions of the batch, this event excluded
    last: int
    hash: str  # 64 hex digits


EVENTS: tuple[type[Event], ...] = (EpochStarted, BatchSealed)
