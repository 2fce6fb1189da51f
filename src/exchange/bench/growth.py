"""What does a command cost as the book grows: everywhere, at one price, over many prices?"""

import random
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from exchange.bench.rounds import play
from exchange.bench.workload import GROWTH, GROWTH_QUICK, rows_of, workload_file
from exchange.kernel.orders import GTC, LIMIT, EndReason, OrderTerms, Side, TimeInForce
from exchange.matching.accept import accept, plan
from exchange.matching.book import Book
from exchange.matching.events import OrdersCancelled

ROUNDS = 3
"""The quickest round counts: what is slower was the machine."""

SIZES, SIZES_QUICK = (1_000, 100_000), (1_000, 5_000)
TOUCHED = 500
"""Orders placed or cancelled under the clock in a book of any size."""

MID = 1_000_000
SEED = 20261122

Costs = dict[str, int]
"""Operation -> nanoseconds each."""


def scaling(cache: Path, progress: Callable[[str], None], *, quick: bool) -> dict[str, Any]:
    """Mean cost of a command of one mix, by live orders; ``ratio`` is the last to the first.

    Raises:
        WorkloadUnavailable: a workload can't be made.
        OSError: the cache can't be written.
    """
    cost_us: dict[str, float] = {}
    right = True
    for workload in GROWTH_QUICK if quick else GROWTH:
        progress(f"a book of {workload.live:,} orders")
        rows = rows_of(workload_file(workload, cache).read_bytes())
        rounds = [play(workload, rows) for _ in range(ROUNDS)]
        right = right and all(each.right(workload) for each in rounds)
        quickest = min(each.seconds for each in rounds)
        cost_us[str(workload.live)] = round(quickest / workload.commands * 1e6, 3)
    first, *_, last = cost_us.values()
    return {"command_us": cost_us, "ratio": round(last / first, 2), "hashes_equal": right}


def cliffs(progress: Callable[[str], None], *, quick: bool) -> dict[str, Any]:
    """Costs in two books, small and large, of two shapes: one level, and a level an order."""
    sizes = SIZES_QUICK if quick else SIZES
    found: dict[str, Any] = {}
    for name, shape in (("one_level", _one_level), ("ladder", _ladder)):
        progress(f"{sizes[-1]:,} orders: {name.replace('_', ' ')}")
        small, large = (_quickest(shape, size) for size in sizes)
        found[name] = {
            f"{operation}_ns": {
                str(sizes[0]): small[operation],
                str(sizes[1]): large[operation],
                "ratio": round(large[operation] / small[operation], 2),
            }
            for operation in small
        }
    return found


def _quickest(shape: Callable[[int], Costs], orders: int) -> Costs:
    rounds = [shape(orders) for _ in range(ROUNDS)]
    return {operation: min(each[operation] for each in rounds) for operation in rounds[0]}


def _one_level(orders: int) -> Costs:
    book = Book("book:LEVEL")
    for _ in range(orders):
        _place(book, Side.SELL, MID)
    middle = list(book.orders)[(orders - TOUCHED) // 2 :][:TOUCHED]
    random.Random(SEED).shuffle(middle)  # noqa: S311 - chance for a measurement
    return {
        "cancel_from_the_middle": _ns_each(lambda order: _cancel(book, order), middle),
        "fill": _ns_a_fill(book),
    }


def _ladder(orders: int) -> Costs:
    book = Book("book:LADDER")
    chance = random.Random(SEED)  # noqa: S311 - chance for a measurement
    prices = [MID + n for n in range(orders)]
    chance.shuffle(prices)
    for price in prices[TOUCHED:]:
        _place(book, Side.SELL, price)
    costs = {"place": _ns_each(lambda price: _place(book, Side.SELL, price), prices[:TOUCHED])}
    numbers = chance.sample(list(book.orders), TOUCHED)
    costs["cancel"] = _ns_each(lambda order: _cancel(book, order), numbers)
    costs["fill"] = _ns_a_fill(book)
    return costs


def _ns_each(act: Callable[[int], object], targets: Iterable[int]) -> int:
    """The mean time of ``act`` on one of ``targets``."""
    chosen = list(targets)
    started = time.perf_counter_ns()
    for target in chosen:
        act(target)
    return (time.perf_counter_ns() - started) // len(chosen)


def _ns_a_fill(book: Book) -> int:
    """Buy all there is, by as many orders as that takes; the mean time of a fill."""
    fills, started = len(book.orders), time.perf_counter_ns()
    while book.orders:
        _place(book, Side.BUY, 2 * MID, len(book.orders), TimeInForce.IOC)
    return (time.perf_counter_ns() - started) // fills


def _place(
    book: Book, side: Side, price: int, quantity: int = 1, lasting: TimeInForce = GTC
) -> None:
    terms = OrderTerms(side, LIMIT, price, quantity, lasting)
    book.evolve(accept(book, side.value, terms, plan(book, side.value, terms, 1, 1)))


def _cancel(book: Book, number: int) -> None:
    book.evolve(OrdersCancelled((number,), EndReason.CANCELLED))
