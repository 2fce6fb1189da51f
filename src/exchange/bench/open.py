"""How long does a store take to open, from its genesis and from a snapshot, and at what price?"""

import asyncio
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec

from exchange.audit.asof import state_at
from exchange.audit.snapshots import Made, Snapshotter
from exchange.bench.alone import alone
from exchange.bench.beside import trade_beside_snapshots
from exchange.bench.flow import SYMBOL, Flow
from exchange.bench.loops import Tally, closed_loop
from exchange.bench.pipeline import Load, prepare
from exchange.store.log import EventLog
from exchange.store.snapshots import SnapshotFolder
from exchange.store.urls import StoreUrl
from exchange.venue.catalogue import EVENTS
from exchange.venue.sequencer import Venue, serving

STATUS = Path("/proc/self/status")

Progress = Callable[[str], None]


class Size(msgspec.Struct, frozen=True):
    """What a run measures on."""

    load: Load
    events: int  # in the log at least, when the snapshot that has a tail is made
    tail: int  # events behind that snapshot, at least
    rounds: int  # of each opening; of the segments beside a snapshot, twice as many


FULL = Size(Load(resting=100_000, segment=50_000), 900_000, 100_000, 3)
QUICK = Size(Load(accounts=50, resting=500, segment=500, seconds=1.5), 3_000, 500, 1)


class Opening(msgspec.Struct, frozen=True):
    """One opening of a venue, in a process of its own."""

    seconds: float
    from_position: int  # of the snapshot, 0: genesis
    events: int  # behind that
    keys: int
    state_hash: str
    peak_mb: int | None  # null where the system doesn't tell


def measure_open(progress: Progress, *, quick: bool = False) -> dict[str, Any]:
    """Opening to trading: the log recovered, state and keys made, every law checked.

    On a store made for it and removed. Each opening and each snapshot is the work of a fresh
    process, its start and imports left out. Then the same orders with and without a process
    beside the venue that makes one snapshot after the other.
    """
    size = QUICK if quick else FULL
    with TemporaryDirectory(prefix="exchange-bench-") as scratch:
        url = StoreUrl.parse(f"sqlite:///{Path(scratch) / 'open.db'}")
        flow = Flow(size.load.seed, size.load.accounts)
        progress(f"making a store of {size.events:,} events")
        orders = asyncio.run(_trade(url, flow, size, size.events, new=True))
        first = alone(_make, url.text)
        asyncio.run(_trade(url, flow, size, size.tail))
        progress("opening from a snapshot with a tail")
        restored = [alone(_restore, url.text) for _ in range(size.rounds)]
        tail = [alone(_open, url.text) for _ in range(size.rounds)]
        second = alone(_make, url.text)
        progress("opening from a snapshot at the end")
        near = [alone(_open, url.text) for _ in range(size.rounds)]
        SnapshotFolder(url).clear()
        progress("opening from genesis")
        far = [alone(_open, url.text) for _ in range(size.rounds)]
        events, replayed = alone(_replay, url.text)
        progress("trading beside a process that makes snapshots")
        beside = asyncio.run(trade_beside_snapshots(url, flow, size.load, 2 * size.rounds))
    openings = [*tail, *near, *far]
    seconds, far_seconds = _median(near), _median(far)
    return {
        "events": far[-1].events,
        "open_orders": orders,
        "keys": far[-1].keys,
        "from_genesis": _told(far),
        "from_snapshot": _told(near),
        "from_snapshot_with_tail": _told(tail),
        "ratio": round(seconds / far_seconds, 3),
        "state_alone_with_tail": _told(restored),
        "snapshot": {
            "bytes": second.bytes,
            "seconds_from_genesis": first.seconds,
            "seconds_from_a_snapshot": second.seconds,
        },
        "replay": {"events": events, "peak_mb": replayed},
        "beside": beside,
        "hashes_equal": len({it.state_hash for it in [*openings, *restored]}) == 1,
        "started_where_expected": all(it.from_position == 0 for it in far)
        and all(it.from_position > 0 for it in openings[: 2 * size.rounds]),
        "python": sys.version.split()[0],
    }


async def _trade(url: StoreUrl, flow: Flow, size: Size, events: int, *, new: bool = False) -> int:
    """Add so many events, and few more; how many orders are open then."""
    tally = Tally()
    async with serving(url) as venue:
        until = venue.log.position + events
        if new:
            await prepare(venue, flow, size.load, tally)
        while venue.log.position < until:
            orders = 1 + (until - venue.log.position) // 4  # an order is 3 to 4 events
            await closed_loop(venue, flow.orders(orders), size.load.window, tally)
        return len(venue.state.rooms[SYMBOL].book.orders)


class _Snapshot(msgspec.Struct, frozen=True):
    seconds: float
    bytes: int


def _make(store: str) -> _Snapshot:
    started = time.perf_counter()
    log = EventLog(StoreUrl.parse(store), EVENTS)
    made = Snapshotter(log).make()
    assert isinstance(made, Made)  # noqa: S101 - the log went on since the last
    log.close()
    return _Snapshot(round(time.perf_counter() - started, 2), made.bytes)


def _open(store: str) -> Opening:
    started = time.perf_counter()
    venue = Venue(StoreUrl.parse(store))
    seconds = time.perf_counter() - started
    start, last, peak_mb = venue.opened.position, venue.log.position, _peak_mb()
    state_hash = venue.state.state_hash()
    venue.close()
    return Opening(seconds, start, last - start, len(venue.keys), state_hash, peak_mb)


def _restore(store: str) -> Opening:
    """The state alone, as a look back has it: no keys, no laws."""
    started = time.perf_counter()
    log = EventLog(StoreUrl.parse(store), EVENTS)
    state, start = state_at(log).state, SnapshotFolder(log.url).files()[0].position
    seconds, behind = time.perf_counter() - started, log.last_position - start
    log.close()
    return Opening(seconds, start, behind, 0, state.state_hash(), _peak_mb())


def _replay(store: str) -> tuple[int, int | None]:
    """Events of a whole replay, and the most memory that was resident."""
    log = EventLog(StoreUrl.parse(store), EVENTS)
    past = state_at(log, genesis=True)
    log.close()
    return past.position, _peak_mb()


def _peak_mb() -> int | None:
    """The most that was ever resident; not what the parent had, as ``getrusage`` may tell."""
    if not STATUS.exists():
        return None
    lines = dict(line.split(":", 1) for line in STATUS.read_text("ascii").splitlines())
    return int(lines["VmHWM"].split()[0]) // 1024


def _median(openings: list[Opening]) -> float:
    return statistics.median_low([it.seconds for it in openings])


def _told(openings: list[Opening]) -> dict[str, Any]:
    return {
        "seconds": round(_median(openings), 2),
        "rounds_s": [round(it.seconds, 2) for it in openings],
        "events_followed": openings[-1].events,
        "peak_mb": openings[-1].peak_mb,
    }
