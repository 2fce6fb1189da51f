"""The read models' follower in the venue's own process: a slice at a time, between two batches."""

import time
from collections.abc import Callable
from pathlib import Path

from exchange.projections.follower import ANY_TIME_MS, STEP_EVENTS, Follower
from exchange.projections.views import NAME
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

    A slice ends at the first seal behind its bounds. A follower that can't be opened, or stops,
    is left alone, and trading goes on: ``fault`` says why, and ``tell`` is told at once.
    ``wake`` lets the venue serve it though nothing was stored. All methods belong to the
    venue's thread.
    """

    def __init__(
        self,
        log: EventLog,
        pointer: Path,
        tell: Callable[[str], None],
        wake: Callable[[], None],
    ) -> None:
        self._log = log
        self._pointer = pointer
        self._tell = tell
        self._wake = wake
        self._follower: Follower | None = None
        self._next_s = 0.0  # monotonic time of the next slice
        self.paused = False
        self.position = 0  # where the views stand
        self.fault: str | None = None
        self._open(rebuild=False)

    def __call__(self, stored: int) -> float | None:
        """Follow a little of what is stored up to there; in how many seconds to come again."""
        follower = self._follower
        if follower is None or self.paused:
            return None
        if self.position >= stored and not follower.building:
            return None
        early_s = self._next_s - time.monotonic()
        if early_s > 0 and stored - self.position < WAITING_MAX:
            return early_s
        self._step(follower, SLICE_EVENTS, SLICE_MS)
        self._next_s = time.monotonic() + EVERY_S
        return 0 if stored - self.position >= WAITING_MAX else EVERY_S

    def catch_up(self) -> None:
        """Follow to the end of the log, for a venue that has ended."""
        follower = self._follower
        if follower is not None and not self.paused:
            while self._step(follower, STEP_EVENTS, ANY_TIME_MS):
                pass

    def pause(self) -> None:
        """Follow nothing until :meth:`resume`; readers keep what is there."""
        self.paused = True

    def resume(self) -> None:
        """Go on, from where the views stand; a follower that has stopped tries again."""
        self._open(rebuild=False)

    def rebuild(self) -> None:
        """Build new views beside those that are read; they take their place when caught up."""
        self._open(rebuild=True)

    def close(self) -> None:
        """Let go of the views."""
        if self._follower is not None:
            self._follower.close()
            self._follower = None

    def _open(self, *, rebuild: bool) -> None:
        self.close()
        self.paused, self.fault = False, None
        try:
            self._follower = Follower(self._log, self._pointer, rebuild=rebuild)
        except StoreError as error:
            self._stop(error)
        else:
            self.position = self._follower.anchor.position
            self._wake()

    def _step(self, follower: Follower, events: int, ms: int) -> int:
        """How many events were followed; none by a follower that stops."""
        try:
            return follower.step(events, ms)
        except StoreError as error:
            self._stop(error)
            return 0
        finally:
            self.position = follower.anchor.position

    def _stop(self, error: StoreError) -> None:
        self.close()
        self.fault = str(error)
        self._tell(f"follower {NAME}: {error}")
