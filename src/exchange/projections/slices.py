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

EVERY_S = 0.1
"""From one commit to the next: each writes every page that was touched, however little is new."""
SLICE_EVENTS = 5_000
SLICE_MS = 5
WAITING_MAX = 10_000
"""Events that are followed while a commit takes its time; the rest stay in the log."""


class Slices:
    """Follows ``log`` into the views of ``pointer``; a venue serves it, as one of ``beside``.

    What was stored is followed in memory, a slice at a time, to the first seal behind its bounds;
    a thread that is mostly SQLite's writes what has gathered. A follower that can't be opened, or
    stops, is left alone, and trading goes on: ``fault`` says why, and ``tell`` is told at once.
    ``wake`` lets the venue serve it though nothing was stored; from any thread. All methods belong
    to the venue's.
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
        if self._writing is not None and self._writing.done():
            self._written()
        follower = self._follower
        if follower is None or self.paused:
            return None
        try:
            if follower.waiting < WAITING_MAX and (follower.followed < stored or follower.building):
                follower.follow(SLICE_EVENTS, SLICE_MS, stored)
        except StoreError as error:
            self._stop(error)
            return None
        again_s = self._commit(follower)
        return 0 if follower.followed < stored and follower.waiting < WAITING_MAX else again_s

    def _commit(self, follower: Follower) -> float | None:
        """Let a thread write what is due; in how many seconds more will be, null if unknown."""
        if self._writing is not None:
            return None  # It wakes the venue when it is done.
        if follower.may_publish():
            self._write(follower.publish)
            return None
        now_s = time.monotonic()
        if follower.waiting and now_s < self._next_s:
            return self._next_s - now_s
        self._step = follower.take()
        if self._step is not None:
            self._next_s = now_s + EVERY_S
            self._write(partial(follower.write, self._step))
        return None

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
