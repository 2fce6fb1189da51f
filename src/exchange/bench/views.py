"""How many events a second do the read models follow?"""

import asyncio
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from exchange.bench.replay import ORDERS, ORDERS_QUICK, ROUNDS, decode_rows, make_store
from exchange.projections.follower import Follower
from exchange.store.log import EventLog
from exchange.store.urls import StoreUrl
from exchange.venue.catalogue import EVENTS


def measure_views(
    progress: Callable[[str], None],
    *,
    store: str | None = None,
    quick: bool = False,
    rounds: int = ROUNDS,
) -> dict[str, Any]:
    """Following a whole log into new views, commits and the switch included.

    ``store`` is the URL of a store that is a file; without one a store is made, traded on, and
    removed. The views are made in a folder of their own. The baseline reads and decodes the
    same rows with a bare cursor.

    Raises:
        StoreError: there is no such store, or it can't be read.
    """
    with TemporaryDirectory(prefix="exchange-bench-") as scratch:
        folder = Path(scratch)
        if store is None:
            url = StoreUrl.parse(f"sqlite:///{folder / 'views.db'}")
            asyncio.run(make_store(url, ORDERS_QUICK if quick else ORDERS, progress))
        else:
            url = StoreUrl.parse(store)
        return _measure(url, folder, rounds, progress)


def _measure(
    url: StoreUrl, folder: Path, rounds: int, progress: Callable[[str], None]
) -> dict[str, Any]:
    followed, decoded, events, size = [], [], 0, 0
    for number in range(1, rounds + 1):
        progress(f"round {number} of {rounds}")
        pointer = folder / f"round-{number}.views"
        followed.append(_follow(url, pointer))
        size = pointer.stat().st_size
        seconds, events = decode_rows(url.text)
        decoded.append(seconds)
    seconds, bare_seconds = statistics.median_low(followed), statistics.median_low(decoded)
    return {
        "store": url.text,
        "events": events,
        "seconds": round(seconds, 2),
        "events_per_s": round(events / seconds),
        "rounds_per_s": [round(events / each) for each in followed],
        "baseline_events_per_s": round(events / bare_seconds),
        "ratio": round(bare_seconds / seconds, 3),
        "bytes_an_event": round(size / events),
        "python": sys.version.split()[0],
    }


def _follow(url: StoreUrl, pointer: Path) -> float:
    """The seconds from no views to views that can be read."""
    log = EventLog(url, EVENTS)
    started = time.perf_counter()
    with Follower(log, pointer) as follower:
        follower.catch_up()
        seconds = time.perf_counter() - started
    log.close()
    return seconds
