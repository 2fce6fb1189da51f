"""How many orders a second does the whole venue take and store, and how long do answers take?"""

import asyncio
import statistics
import sys
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, ExitStack
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec

from exchange.bench.flow import SYMBOL, Flow
from exchange.bench.lag import Lag
from exchange.bench.library import commands_per_s
from exchange.bench.loops import Tally, closed_loop, open_loop, told
from exchange.bench.proof import prove
from exchange.bench.rows import rows_per_s
from exchange.store.log import EventLog
from exchange.store.urls import StoreUrl
from exchange.venue.catalogue import EVENTS
from exchange.venue.sequencer import Venue, serving

STORE = "pipeline.db"

Progress = Callable[[str], None]
Opening = Callable[[StoreUrl], AbstractAsyncContextManager[Venue]]
"""How the venue is opened, with whatever runs beside it."""


class Load(msgspec.Struct, frozen=True):
    """What a run asks of the venue."""

    seed: int = 20261122
    accounts: int = 5_000
    resting: int = 10_000  # orders, before any clock starts
    seconds: float = 30.0  # of each loop, at least
    segment: int = 50_000  # orders drawn while the clock stands, then sent
    window: int = 2_048  # orders under way in the closed loop
    offered_per_s: int = 5_000  # in the open loop
    baseline_seconds: float = 5.0
    baseline_rows: int = 500_000


QUICK = Load(
    accounts=200, resting=1_000, seconds=0.5, segment=2_000, baseline_seconds=0.3,
    baseline_rows=10_000,
)  # fmt: skip


def measure_pipeline(
    progress: Progress,
    *,
    quick: bool = False,
    load: Load | None = None,
    directory: Path | None = None,
    opening: Opening = serving,
    followed: bool = False,
) -> dict[str, Any]:
    """The venue on SQLite with ``synchronous=FULL``: rate, latencies, proof, baselines.

    Each order goes through ``Venue.submit`` under a key of its own and is answered when it is
    on disk. The store stays in ``directory``; without one it lies in a temporary one and goes
    with it. The baselines write beside it and leave nothing. If it is ``followed``, the views
    beside the store must be kept by what ``opening`` opens; each loop then tells how they have
    kept up.

    Raises:
        FileExistsError: ``directory`` has such a store already.
        StoreError: the store can't be written.
    """
    load = load or (QUICK if quick else Load())
    with TemporaryDirectory(prefix="exchange-bench-") as scratch:
        file = (directory or Path(scratch)) / STORE
        if file.exists():
            raise FileExistsError(f"{file} is there already")
        url = StoreUrl.parse(f"sqlite:///{file}")
        result = asyncio.run(trade(url, load, progress, opening, followed=followed))
        progress("counting what the store holds")
        result["proof"] = prove(url, result["accepted"], result["state_hash"])
        with TemporaryDirectory(prefix="baselines-", dir=file.parent) as beside:
            result["library"] = _library(Path(beside), load, result, progress)
            result["bare_rows"] = _bare_rows(url, Path(beside), load, result, progress)
    return result | {"store": url.text if directory else None, "python": sys.version.split()[0]}


async def trade(
    url: StoreUrl, load: Load, progress: Progress, opening: Opening, *, followed: bool
) -> dict[str, Any]:
    """Make a venue of its own at ``url`` and run both loops on it."""
    flow, tally = Flow(load.seed, load.accounts), Tally()
    async with opening(url) as venue:
        with ExitStack() as stack:
            lag = stack.enter_context(Lag(url.beside(".views"))) if followed else None
            if lag is not None:
                venue.beside.append(lag.note)
            progress(f"opening {load.accounts:,} accounts and {load.resting:,} orders")
            await prepare(venue, flow, load, tally)
            progress(f"closed loop, {load.window:,} orders under way, {load.seconds:.0f} s")
            closed = await _sampled(lag, _closed(venue, flow, load, tally))
            progress(f"open loop, {load.offered_per_s:,} orders/s offered, {load.seconds:.0f} s")
            opened = await _sampled(lag, _open(venue, flow, load, tally))
        return {
            "seed": load.seed,
            "accounts": load.accounts,
            **closed,
            "open_loop": opened,
            "accepted": tally.accepted,
            "refused": tally.answered - tally.accepted,
            "fills": tally.fills,
            "state_hash": venue.state.state_hash(),
        }


async def prepare(venue: Venue, flow: Flow, load: Load, tally: Tally) -> None:
    """Give the venue its market, its accounts and its resting orders.

    Raises:
        RuntimeError: an account or its money was refused.
    """
    opening = Tally()
    await closed_loop(venue, flow.opening(), load.window, opening)
    if opening.accepted != opening.answered:
        raise RuntimeError(f"{opening.answered - opening.accepted} openings were refused")
    await closed_loop(venue, flow.passive(load.resting), load.window, tally)


async def _sampled(lag: Lag | None, loop: Awaitable[dict[str, Any]]) -> dict[str, Any]:
    """What the loop came to, and how the views have kept up, if there are any."""
    if lag is None:
        return await loop
    await lag.begin()
    result = await loop
    return result | {"views": await lag.end(result["orders"])}


async def _closed(venue: Venue, flow: Flow, load: Load, tally: Tally) -> dict[str, Any]:
    """Segments until the time is up; what is left under way at a segment's end counts in."""
    orders = venue.state.rooms[SYMBOL].book.orders
    first, resting = venue.log.position, len(orders)
    took: list[float] = []
    while sum(took) < load.seconds:
        requests = flow.orders(load.segment)
        took.append(await closed_loop(venue, requests, load.window, tally))
        resting = min(resting, len(orders))
    sent = len(took) * load.segment
    return {
        "orders_per_s": round(sent / sum(took)),
        "orders": sent,
        "seconds": round(sum(took), 1),
        "segments_per_s": _spread([load.segment / seconds for seconds in took]),
        "window": load.window,
        "resting_min": resting,
        "first_position": first,
        "events_per_order": round((venue.log.position - first) / sent, 2),
    }


async def _open(venue: Venue, flow: Flow, load: Load, tally: Tally) -> dict[str, Any]:
    requests = flow.orders(int(load.seconds * load.offered_per_s))
    latencies_ms = await open_loop(venue, requests, load.offered_per_s, load.seed, tally)
    return {
        "offered_per_s": load.offered_per_s,
        "orders": len(latencies_ms),
        **told(latencies_ms),
    }


def _library(
    directory: Path, load: Load, result: dict[str, Any], progress: Progress
) -> dict[str, Any]:
    progress(f"the library's own get, command and save, {load.baseline_seconds:.0f} s")
    rate = commands_per_s(directory, load.baseline_seconds, load.seed)
    return {"commands_per_s": rate, "ratio": round(result["orders_per_s"] / rate, 2)}


def _bare_rows(
    url: StoreUrl, directory: Path, load: Load, result: dict[str, Any], progress: Progress
) -> dict[str, Any]:
    progress(f"the log's rows written once more, {load.baseline_rows:,} at most")
    log = EventLog(url, EVENTS)
    rate = rows_per_s(directory, islice(log.rows(result["first_position"]), load.baseline_rows))
    log.close()
    orders_per_s = rate / result["events_per_order"]
    return {
        "rows_per_s": rate,
        "orders_per_s": round(orders_per_s),
        "ratio": round(result["orders_per_s"] / orders_per_s, 2),
    }


def _spread(rates: list[float]) -> dict[str, int]:
    return {
        "min": round(min(rates)),
        "median": round(statistics.median(rates)),
        "max": round(max(rates)),
    }
