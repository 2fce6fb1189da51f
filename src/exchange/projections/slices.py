"""The read models' follower in the venue's own process: a slice at a time, between two batches."""

import time
from pathlib import Path

from exchange.projections.follower import Follower
from exchange.store.errors import StoreError
from exchange.store.log import EventLog

EVERY_S = 0.02
"""Between two slices, while little waits: each costs a transaction of its own."""
WAITING_MAX = 2_000
"""Events that wait no longer than for the next batch."""
SLICE_EVENTS = 5_000
SLICE_MS = 5


class Slices:
    """Follows ``log`` into the views of ``pointer``; a venue serves it, as one of ``beside``.

    A slice ends at the first seal behind its bounds. A follower that stops is left alone, and
    trading goes on: ``fault`` says why. All methods belong to the venue's thread.

    Raises:
        StoreError: as for :class:`Follower`.
    """

    def __init__(self, log: EventLog, pointer: Path) -> None:
        self._log = log
        self._pointer = pointer
        self._follower: Follower | None = Follower(log, pointer)
        self._next_s = 0.0  # monotonic time of the next slice
        self._paused = False
        self.position = self._follower.anchor.position
        self.fault: str | None = None

    def __call__(self, stored: int) -> float | None:
        """Follow a little of what is stored up to there; in how many seconds to come again."""
        follower = self._follower
        if follower is None or self._paused:
            return None
        if self.position >= stored and not follower.building:
            return None
        early_s = self._next_s - time.monotonic()
        if early_s > 0 and stored - self.position < WAITING_MAX:
            return early_s
        self._step(follower, SLICE_EVENTS, SLICE_MS)
        self._next_s = time.monotonic() + EVERY_S
        return 0 if stored - self.position >= WAITING_MAX else EVERY_S

    def _step(self, follower: Follower, events: int, ms: int) -> int:
        """How many events were followed; none by a follower that stops."""
        try:
            return follower.step(events, ms)
        except StoreError as error:
            self._stop(str(error))
            return 0
        finally:
            self.position = follower.anchor.position

    def catch_up(self) -> None:
        """Follow to the end of the log, for a venue that has ended."""
        if self._follower is not None and not self._paused:
            while self._step(self._follower, 10 * SLICE_EVENTS, 10 * SLICE_MS):
                pass

    def pause(self) -> None:
        """Follow nothing until :meth:`resume`; readers keep what is there."""
        self._paused = True

    def resume(self) -> None:
        """Go on, from where the views stand; a follower that stopped tries again."""
        self._open(rebuild=False)

    def rebuild(self) -> None:
        """Build new views beside those that are read, and let them take their place."""
        self._open(rebuild=True)

    def close(self) -> None:
        """Let go of the views."""
        if self._follower is not None:
            self._follower.close()
            self._follower = None

    def _open(self, *, rebuild: bool) -> None:
        self.close()
        self._paused, self.fault = False, None
        try:
            self._follower = Follower(self._log, self._pointer, rebuild=rebuild)
        except StoreError as error:
            self._stop(str(error))
        else:
            self.position = self._follower.anchor.position

    def _stop(self, fault: str) -> None:
        self.close()
        self.fault = fault
