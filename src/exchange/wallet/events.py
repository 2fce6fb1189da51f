"""What can happen to the ledger."""

from exchange.kernel.events import Event
from exchange.kernel.journal import Entry


class EntriesPosted(Event, frozen=True):
    """All entries of one command, in order; a hold comes before what it pays for.

    The causing command is named by the stream and version of its record.
    """

    TOPIC = "wallet.EntriesPosted.v1"
    cause_stream: str
    cause_version: int
    entries: tuple[Entry, ...]


EVENTS: tuple[type[Event], ...] = (EntriesPosted,)
