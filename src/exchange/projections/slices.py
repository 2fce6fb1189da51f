"""The read models' follower in the venue's own process: a slice at a time, between two batches."""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import partial
from pathlib import Path

from exchange.projections.follower import Follower, Step
from exchange.projections.views import NAME
from exchange.store.errors import StoreError
from exchange.store.log import EventLog

EVERY_S = 0.02
"""From one commit to the next, while little waits: each has its price, however small it is."""
WAITING_MAX = 2_000
"""Events that wait no longer than for the commit before."""
SLICE_EVENTS = 5_000
SLICE_MS = 10
SLICE_BEHIND_MS = 15
"""While many wait: at full load the venue and its follower go at one pace."""


class Slices:
    """Follows ``log`` into the views of ``pointer``; a venue serves it, as one of ``beside``.

    A slice is followed in memory and ends at the first seal behind its bounds; a thread that is
    mostly SQLite's writes it. A follower that can't be opened, or stops, is left alone, and trading
    goes on: ``fault`` says why, and ``tell`` is told at once. ``wake`` lets the venue serve it
    though nothing was stored; from any thread. All methods belong to the venue's.
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
        self._thread = ThreadPoolExecutor(1, "views")
        self._writing: Future[None] | None = None
        self._step: Step | None = None  # which is being written
        self._next_s = 0.0  # monotonic time of the next slice
        self.paused = False
        self.position = 0  # where the views stand
        self.fault: str | None = None
        self._open(rebuild=False)

    def __call__(self, stored: int) -> float | None:
        """Follow a little of what is stored up to there; in how many seconds to come again."""
        if self._writing is not None:
            if not self._writing.done():
                return None  # It wakes the venue when it is done.
            self._written()
        follower = self._follower
        if follower is None or self.paused:
            return None
        if follower.may_publish():
            self._write(follower.publish)
            return None
        waiting = stored - self.position
        if not waiting and not follower.building:
            return None
        early_s = self._next_s - time.monotonic()
        if early_s > 0 and waiting < WAITING_MAX:
            return early_s
        self._next_s = time.monotonic() + EVERY_S
        writing = self._follow(follower, SLICE_MS if waiting < WAITING_MAX else SLICE_BEHIND_MS)
        return 0 if follower.may_publish() and not writing else None

    def _follow(self, follower: Follower, ms: int) -> bool:
        """Follow in memory; whether something came of it, which is being written."""
        try:
            self._step = follower.follow(SLICE_EVENTS, ms)
        except StoreError as error:
            self._stop(error)
            return False
        if self._step is not None:
            self._write(partial(follower.write, self._step))
        return self._step is not None

    def _write(self, work: Callable[[], None]) -> None:
        self._writing = self._thread.submit(work)
        self._writing.add_done_callback(lambda _: self._wake())

    def _written(self) -> None:
        """What was written is there, or the follower stops."""
        writing, self._writing = self._writing, None
        step, self._step = self._step, None
        try:
            if writing is not None:
                writing.result()
        except StoreError as error:
            self._stop(error)
            return
        if step is not None and self._follower is not None:
            self._follower.finish(step)
            self.position = step.anchor.position

    def catch_up(self) -> None:
        """Follow to the end of the log, for a venue that has ended."""
        self._settle()
        follower = self._follower
        if follower is None or self.paused:
            return
        try:
            self.position = follower.catch_up()
        except StoreError as error:
            self._stop(error)

    def _settle(self) -> None:
        """Wait for what is being written."""
        if self._writing is not None:
            wait([self._writing])
            self._written()

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
        self._settle()
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

    def _stop(self, error: StoreError) -> None:
        self.close()
        self.fault = str(error)
        self._tell(f"follower {NAME}: {error}")
