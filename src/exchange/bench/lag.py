"""How long after an order is stored do the read models show it?

The venue notes when it has stored up to which position. A process of its own looks every few
milliseconds how far the views are, so that neither is disturbed; the clock is the system's.
"""

import asyncio
import os
import select
import subprocess
import sys
import time
from bisect import bisect_left
from pathlib import Path
from tempfile import TemporaryFile
from types import TracebackType
from typing import Any, Self

from exchange.bench.loops import quantile
from exchange.projections.reader import Reader
from exchange.store.errors import StoreError

SAMPLE_S = 0.002
CATCH_UP_S = 300.0
"""For the views after a loop: whoever has not caught up by then never will."""

Seen = tuple[int, int]
"""Monotonic nanoseconds, and the position by then."""


class Lag:
    """Samples of the views that ``pointer`` leads to, as a context; they may still be unbuilt."""

    def __init__(self, pointer: Path) -> None:
        self._stored: list[Seen] = []
        self._first = 0  # of the notes of this loop
        self._began_s = 0.0
        self._seen = TemporaryFile()  # noqa: SIM115 - closed with the context
        self._sampler = subprocess.Popen(  # noqa: S603 - this very module
            [sys.executable, "-P", "-m", "exchange.bench.lag", str(pointer)],
            stdin=subprocess.PIPE,
            stdout=self._seen,
        )

    def note(self, position: int) -> None:
        """Note what is stored by now: served beside the venue, it never has more to do."""
        if not self._stored or self._stored[-1][1] != position:
            self._stored.append((time.monotonic_ns(), position))

    async def begin(self) -> None:
        """A loop is to begin, when the views have what was stored before."""
        await self._caught_up()
        self._first, self._began_s = len(self._stored), time.perf_counter()

    async def end(self, orders: int) -> dict[str, Any]:
        """The loop has ended: wait for the views, and tell how they have kept up.

        ``orders_per_s`` counts until the views show all; the venue may draw breath meanwhile.
        """
        ended_s, stored = time.perf_counter(), self._stored[self._first :]
        if not await self._caught_up():
            return {"caught_up": False}
        seconds = time.perf_counter() - self._began_s
        found = sorted(lags_ms(stored, self._samples()))
        return {
            "caught_up": True,
            "orders_per_s": round(orders / seconds),
            "catch_up_s": round(time.perf_counter() - ended_s, 2),
            "lag_p50_ms": quantile(found, 500),
            "lag_p99_ms": quantile(found, 990),
            "lag_max_ms": round(found[-1], 2),
            "commits": len(found),
        }

    async def _caught_up(self) -> bool:
        """Wait until the views have what was stored; whether they have."""
        last, until_s = self._stored[-1][1], time.perf_counter() + CATCH_UP_S
        while not (samples := self._samples()) or samples[-1][1] < last:
            if time.perf_counter() > until_s:
                return False
            await asyncio.sleep(SAMPLE_S)
        return True

    def _samples(self) -> list[Seen]:
        """What the sampler has written; the offset that both share stays where it is."""
        file = self._seen.fileno()
        lines = os.pread(file, os.fstat(file).st_size, 0).splitlines(keepends=True)
        pairs = (line.split() for line in lines if line.endswith(b"\n"))
        return [(int(at_ns), int(position)) for at_ns, position in pairs]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._sampler.communicate()
        self._seen.close()


def lags_ms(stored: list[Seen], seen: list[Seen]) -> list[float]:
    """From each time that something was stored to the first that the views were seen to have it.

    Too long by one sample's distance at most.
    """
    positions = [position for _, position in seen]
    return [
        (seen[bisect_left(positions, position)][0] - at_ns) / 1e6
        for at_ns, position in stored
        if position <= positions[-1]
    ]


def sample(pointer: Path) -> None:
    """Print when the views have moved, and where to, until stdin ends."""
    reader, last = None, 0
    while not select.select([0], [], [], SAMPLE_S)[0]:
        try:
            reader = reader or Reader(pointer)
            with reader.moment() as anchor:
                position = anchor.position
        except StoreError:  # They are not there yet.
            continue
        if position != last:
            last = position
            sys.stdout.write(f"{time.monotonic_ns()} {position}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    sample(Path(sys.argv[1]))
