"""How many events a second does opening a store read and fold, and to which state?"""

import asyncio
import sqlite3
import statistics
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from exchange.bench.alone import alone
from exchange.bench.flow import Flow
from exchange.bench.loops import Tally, closed_loop
from exchange.bench.pipeline import Load, prepare
from exchange.store.events import EVENTS as STORE_EVENTS
from exchange.store.log import EventLog
from exchange.store.mapper import Catalogue
from exchange.store.sqlite import SELECT_ROWS
from exchange.store.urls import StoreUrl
from exchange.venue.catalogue import EVENTS
from exchange.venue.keys import Keys
from exchange.venue.replay import replay
from exchange.venue.sequencer import serving
from exchange.venue.state import VenueState

ORDERS, ORDERS_QUICK = 200_000, 2_000
ROUNDS = 3


def measure_replay(
    progress: Callable[[str], None],
    *,
    store: str | None = None,
    state_hash: str | None = None,
    quick: bool = False,
    rounds: int = ROUNDS,
) -> dict[str, Any]:
    """Reading, decoding and folding a whole log, idempotency keys included.

    ``store`` is the URL of a store that is a file, ``state_hash`` what its venue had at the
    end, if known; without a store one is made, traded on, and removed. The baseline reads and
    decodes the same rows with a bare cursor and folds nothing. Each is the work of a fresh process,
    as when a venue opens.

    Raises:
        StoreError: there is no such store, or it can't be read.
    """
    if store is not None:
        return _measure(StoreUrl.parse(store), state_hash, rounds, progress)
    with TemporaryDirectory(prefix="exchange-bench-") as scratch:
        url = StoreUrl.parse(f"sqlite:///{Path(scratch) / 'replay.db'}")
        live = asyncio.run(make_store(url, ORDERS_QUICK if quick else ORDERS, progress))
        return _measure(url, live, rounds, progress)


async def make_store(url: StoreUrl, orders: int, progress: Callable[[str], None]) -> str:
    """Trade ``orders`` orders; the state hash of the venue that did."""
    progress(f"making a store of {orders:,} orders")
    load = Load(accounts=min(5_000, orders // 20))
    flow, tally = Flow(load.seed, load.accounts), Tally()
    async with serving(url) as venue:
        await prepare(venue, flow, load, tally)
        await closed_loop(venue, flow.orders(orders), load.window, tally)
        return venue.state.state_hash()


def _measure(
    url: StoreUrl, live: str | None, rounds: int, progress: Callable[[str], None]
) -> dict[str, Any]:
    folded, decoded = [], []
    for number in range(1, rounds + 1):
        progress(f"round {number} of {rounds}")
        folded.append(alone(_fold, url.text))
        decoded.append(alone(decode_rows, url.text))
    seconds = statistics.median_low(each[0] for each in folded)
    bare_seconds = statistics.median_low(each[0] for each in decoded)
    events, state_hash = decoded[-1][1], folded[-1][1]
    return {
        "store": url.text,
        "events": events,
        "seconds": round(seconds, 2),
        "events_per_s": round(events / seconds),
        "rounds_per_s": [round(events / each[0]) for each in folded],
        "baseline_events_per_s": round(events / bare_seconds),
        "ratio": round(bare_seconds / seconds, 3),
        "state_hash": state_hash,
        "live_state_hash": live,
        "hashes_equal": {state_hash} == {each[1] for each in folded} and live in (None, state_hash),
        "python": sys.version.split()[0],
    }


def _fold(store: str) -> tuple[float, str]:
    """The seconds from a closed store to its state, and that state's hash."""
    started = time.perf_counter()
    log, state = EventLog(StoreUrl.parse(store), EVENTS), VenueState()
    replay(state, log.placed(), Keys())
    seconds = time.perf_counter() - started
    log.close()
    return seconds, state.state_hash()


def decode_rows(store: str) -> tuple[float, int]:
    """The seconds to decode every row, and how many there are."""
    started, count = time.perf_counter(), 0
    decode = Catalogue([*STORE_EVENTS, *EVENTS]).decode
    with closing(sqlite3.connect(StoreUrl.parse(store).database("ro", ""), uri=True)) as connection:
        for _, _, _, topic, state in connection.execute(SELECT_ROWS, (0, -1)):
            decode(topic, state)
            count += 1
    return time.perf_counter() - started, count
