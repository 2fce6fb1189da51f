"""The read models' follower in the venue's own process: a slice at a time, between two batches."""

import time

from exchange.projections.follower import Follower
from exchange.store.errors import StoreError

EVERY_S = 0.02
"""Between two slices, while little waits: each costs a transaction of its own."""
WAITING_MAX = 2_000
"""Events that wait no longer than the next batch."""
SLICE_EVENTS = 5_000
SLICE_MS = 5


class Slices:
    """Serves ``follower`` between the batches of a venue: ``venue.beside`` calls it.

    A slice ends at the first seal behind its bounds. A follower that stops is left alone, and
    trading goes on: ``fault`` says why.
    """

    def __init__(self, follower: Follower) -> None:
        self.follower = follower
        self.fault: str | None = None
        self._next_s = 0.0  # monotonic time of the next slice

    def __call__(self, stored: int) -> float | None:
        """Follow a little of what is stored up to there; in how many seconds to come again."""
        waiting = stored - self.follower.anchor.position
        if self.fault is not None or not (waiting or self.follower.building):
            return None
        early_s = self._next_s - time.monotonic()
        if early_s > 0 and waiting < WAITING_MAX:
            return early_s
        try:
            self.follower.step(SLICE_EVENTS, SLICE_MS)
        except StoreError as error:
            self.fault = str(error)
            return None
        self._next_s = time.monotonic() + EVERY_S
        return EVERY_S if self.follower.anchor.position < stored else None
