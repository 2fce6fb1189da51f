"""Does the matching core give back what it no longer needs?"""

import multiprocessing
import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from exchange.bench.drive import CANCELLED, chunks, run
from exchange.bench.workload import COLUMNS, ROW_BYTES, Workload, rows_of, workload_file
from exchange.matching.book import Book
from exchange.matching.events import OrdersCancelled

STATM = Path("/proc/self/statm")
RATIO_MAX = 1.05
ORDER_COLUMNS = (2, 5)  # the order, and the one it replaces: 0 where there is none
PART_BYTES = 10_000 * ROW_BYTES


def memory(workload: Workload, cache: Path, progress: Callable[[str], None]) -> dict[str, Any]:
    """Resident memory of a process of its own after the workload and after it once more.

    Both times equally many orders are open: those of the first pass are cancelled before the
    second. Where the system doesn't tell, the sizes are null.

    Raises:
        WorkloadUnavailable: the workload can't be made.
        OSError: the cache can't be written.
    """
    progress(f"memory after {2 * workload.commands:,} commands")
    file = workload_file(workload, cache)
    alone = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=alone) as process:
        (live, once), (live_again, twice) = process.submit(_two_passes, file).result()
    ratio = round(twice / once, 3) if once and twice else None
    return {
        "live_orders": [live, live_again],
        "resident_bytes": [once, twice],
        "ratio": ratio,
        "steady": ratio <= RATIO_MAX if ratio else None,
    }


def _two_passes(file: Path) -> list[tuple[int, int | None]]:
    """Open orders and resident bytes after each pass."""
    book = Book("book:MEMORY")
    found = []
    for _ in range(2):
        _pass(book, file)
        found.append((len(book.orders), _resident_bytes()))
        book.evolve(OrdersCancelled(tuple(book.orders), CANCELLED))
    return found


def _pass(book: Book, file: Path) -> None:
    """Run the workload, its orders numbered behind those that ``book`` had; read in parts."""
    before = book.order_count
    with file.open("rb") as content:
        while part := content.read(PART_BYTES):
            rows = rows_of(part)
            for column in ORDER_COLUMNS:
                for place in range(column, len(rows), COLUMNS):
                    rows[place] += before if rows[place] else 0
            for steps in chunks(rows):
                run(book, steps)


def _resident_bytes() -> int | None:
    if not STATM.exists():
        return None
    return int(STATM.read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
