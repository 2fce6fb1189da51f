"""Venue time of a live venue; the one place beside the writer that knows the clock."""

import time


class Clock:
    """Venue time of a live venue: the wall clock's, as long as that runs evenly.

    When the wall jumps by more than two seconds, time goes on by the monotonic clock and
    ``steady`` is false.
    """

    JUMP_MAX_NS = 2_000_000_000

    def __init__(self) -> None:
        self.steady = True
        self._offset_ns = time.time_ns() - time.monotonic_ns()

    def now_us(self) -> int:
        """Microseconds since 1970 UTC, when both clocks have been asked."""
        monotonic_ns = time.monotonic_ns()
        offset_ns = time.time_ns() - monotonic_ns
        if abs(offset_ns - self._offset_ns) <= self.JUMP_MAX_NS:
            self._offset_ns = offset_ns
        else:
            self.steady = False
        return self.at_us(monotonic_ns)

    def at_us(self, monotonic_ns: int) -> int:
        """The same for a moment that the monotonic clock alone has told."""
        return (monotonic_ns + self._offset_ns) // 1000
