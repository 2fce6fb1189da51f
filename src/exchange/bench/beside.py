"""What does a snapshot, made by another process, cost a venue that trades?"""

import multiprocessing
import statistics
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any

from exchange.audit.snapshots import Snapshotter
from exchange.bench.flow import Flow
from exchange.bench.loops import Tally, closed_loop, open_loop, told
from exchange.bench.pipeline import Load
from exchange.processes.leash import give_way
from exchange.store.log import EventLog
from exchange.store.urls import StoreUrl
from exchange.venue.catalogue import EVENTS
from exchange.venue.sequencer import Venue, serving


async def trade_beside_snapshots(
    url: StoreUrl, flow: Flow, load: Load, rounds: int
) -> dict[str, Any]:
    """Orders a second of equal segments, in turns with and without a snapshot made meanwhile.

    Then latencies likewise, at the load's offered rate: as fast as it can is not how a venue runs.
    """
    alone: list[float] = []
    accompanied: list[float] = []
    alone_ms: list[float] = []
    accompanied_ms: list[float] = []
    tally = Tally()
    async with serving(url) as venue:
        with _maker(url) as (make, made):
            for _ in range(rounds):
                alone.append(await _segment(venue, flow, load, tally))
                make()
                accompanied.append(await _segment(venue, flow, load, tally))
                made()
            for _ in range(rounds):
                alone_ms += await _latencies(venue, flow, load, tally)
                make()
                accompanied_ms += await _latencies(venue, flow, load, tally)
                made()
    ratios = [with_ / without for with_, without in zip(accompanied, alone, strict=True)]
    return {
        "orders_a_segment": load.segment,
        "orders_per_s": round(statistics.median(alone)),
        "orders_per_s_with_a_snapshot": round(statistics.median(accompanied)),
        "ratio": round(statistics.median(ratios), 3),
        "ratios": [round(it, 3) for it in ratios],
        "open_loop": {
            "offered_per_s": load.offered_per_s,
            "orders": len(alone_ms),
            "alone": told(alone_ms),
            "with_a_snapshot": told(accompanied_ms),
        },
    }


async def _segment(venue: Venue, flow: Flow, load: Load, tally: Tally) -> float:
    requests = flow.orders(load.segment)
    return len(requests) / await closed_loop(venue, requests, load.window, tally)


async def _latencies(venue: Venue, flow: Flow, load: Load, tally: Tally) -> list[float]:
    """Milliseconds to each answer of a sixth of an open loop: long enough for a snapshot."""
    requests = flow.orders(int(load.seconds * load.offered_per_s) // 6)
    return await open_loop(venue, requests, load.offered_per_s, load.seed, tally)


@contextmanager
def _maker(url: StoreUrl) -> Iterator[tuple[Callable[[], None], Callable[[], None]]]:
    """A process that holds its own folded state: what lets it make one, and waits for that."""
    fresh = multiprocessing.get_context("spawn")
    ours, theirs = fresh.Pipe()
    process = fresh.Process(target=_make_when_told, args=(url.text, theirs))
    process.start()
    ours.recv()
    try:
        yield lambda: ours.send(True), ours.recv
    finally:
        ours.send(False)
        process.join()


def _make_when_told(store: str, told: "Connection[int, bool]") -> None:
    """As ``exchange snapshot make --follow`` does."""
    give_way()
    log = EventLog(StoreUrl.parse(store), EVENTS)
    maker = Snapshotter(log)
    maker.make()
    told.send(0)
    while told.recv():
        made = maker.make()
        told.send(made.bytes if made else 0)
    log.close()
