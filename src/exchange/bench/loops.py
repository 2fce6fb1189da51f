"""How does a venue keep up: with callers that wait for their answers, and with some that don't?"""

import asyncio
import random
import time
from collections import deque
from collections.abc import Iterable, Iterator
from functools import partial

import msgspec

from exchange.orders.commands import Request
from exchange.venue.answers import Ack
from exchange.venue.sequencer import Venue

SPIN_S = 0.002
"""A shorter sleep than this would end late."""


class Tally(msgspec.Struct):
    """What answers said."""

    answered: int = 0
    accepted: int = 0
    fills: int = 0

    def count(self, ack: Ack) -> None:
        """Take in one more answer."""
        self.answered += 1
        self.accepted += ack.refusal is None
        self.fills += len(ack.fills)


async def closed_loop(
    venue: Venue, requests: Iterable[Request], window: int, tally: Tally
) -> float:
    """Keep ``window`` requests under way until all are answered; the seconds that took."""
    waiting: deque[asyncio.Future[Ack]] = deque()
    started = time.perf_counter()
    for request in requests:
        if len(waiting) == window:
            first = waiting.popleft()
            tally.count(first.result() if first.done() else await first)
        waiting.append(venue.submit(request))
    for future in waiting:
        tally.count(await future)
    return time.perf_counter() - started


async def open_loop(
    venue: Venue, requests: Iterable[Request], per_s: float, seed: int, tally: Tally
) -> list[float]:
    """Send ``requests`` at random times, ``per_s`` on average; each one's latency in ms.

    A latency runs from the time its request was due, however late it was sent: a venue that
    stalls pays for everybody who came meanwhile.
    """
    latencies_ms: list[float] = []

    def answered(due: float, future: "asyncio.Future[Ack]") -> None:
        latencies_ms.append((time.perf_counter() - due) * 1_000)
        tally.count(future.result())

    sent = 0
    for due, request in zip(_arrivals(per_s, seed), requests, strict=False):
        while (early := due - time.perf_counter()) > 0:  # noqa: ASYNC110 - waits for a time
            await asyncio.sleep(early - SPIN_S if early > SPIN_S else 0)
        while not venue.room:  # noqa: ASYNC110 - the venue's own turn makes room
            await asyncio.sleep(0)
        venue.submit(request).add_done_callback(partial(answered, due))
        sent += 1
    while len(latencies_ms) < sent:  # noqa: ASYNC110 - as above
        await asyncio.sleep(SPIN_S)
    return latencies_ms


def quantile(ordered: list[float], per_mille: int) -> float:
    """The least value that so many of a thousand don't exceed."""
    return round(ordered[(len(ordered) - 1) * per_mille // 1_000], 2)


def told(latencies_ms: list[float]) -> dict[str, float]:
    """What a report says of the times to the answers, which it sorts."""
    latencies_ms.sort()
    return {
        "ack_p50_ms": quantile(latencies_ms, 500),
        "ack_p99_ms": quantile(latencies_ms, 990),
        "ack_p999_ms": quantile(latencies_ms, 999),
        "ack_max_ms": round(latencies_ms[-1], 2),
    }


def _arrivals(per_s: float, seed: int) -> Iterator[float]:
    """The times of a Poisson process from now on, by the performance counter."""
    chance = random.Random(seed)  # noqa: S311 - a workload, not a secret
    due = time.perf_counter()
    while True:
        due += chance.expovariate(per_s)
        yield due
