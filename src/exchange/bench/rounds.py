"""How long does one pass over a workload take, and did the right trades come of it?"""

import array
import gc
import time

import msgspec

from exchange.bench.drive import (
    CHUNK_COMMANDS,
    build,
    chunks,
    fold_orders,
    fold_trades,
    recipes,
    run,
)
from exchange.bench.workload import Workload
from exchange.matching.book import Book


class Round(msgspec.Struct, frozen=True):
    """What came of a pass; the time is that of the measured commands alone."""

    seconds: float
    trades: int
    trade_hash: str
    state_hash: str

    def right(self, workload: Workload) -> bool:
        """Whether the trades and the open orders are those of the workload's own book."""
        found = (self.trades, self.trade_hash, self.state_hash)
        return found == (workload.trades, workload.trade_hash, workload.state_hash)


def play(workload: Workload, rows: "array.array[int]") -> Round:
    """One pass on a new book: the opening orders untimed, then every command.

    Timed chunk by chunk: plan, decision and evolution, to the list of events. Preparing the
    commands, checking the events and dropping them is not.
    """
    book, seconds, mixed = Book(f"book:{workload.name}"), 0.0, 0
    gc.collect()
    for number, steps in enumerate(chunks(rows)):
        started = time.perf_counter()
        events = run(book, steps)
        took = time.perf_counter() - started
        if number * CHUNK_COMMANDS >= workload.live:
            seconds += took
        mixed = fold_trades(mixed, events)
        del events
    return Round(seconds, book.trade_count, f"{mixed:016x}", f"{fold_orders(book):016x}")


def build_seconds(workload: Workload, rows: "array.array[int]") -> float:
    """The baseline: what it takes to build equal events, chunk by chunk, without a book."""
    book, seconds = Book(f"book:{workload.name}"), 0.0
    gc.collect()
    for number, steps in enumerate(chunks(rows)):
        ingredients = recipes(run(book, steps))
        started = time.perf_counter()
        events = build(ingredients)
        took = time.perf_counter() - started
        if number * CHUNK_COMMANDS >= workload.live:
            seconds += took
        del events
    return seconds
