"""How many commands a second does the matching core take, and does it take them rightly?"""

import statistics
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from exchange.bench.growth import cliffs, scaling
from exchange.bench.memory import memory
from exchange.bench.rounds import build_seconds, play
from exchange.bench.workload import W5K, W5K_QUICK, cache_dir, rows_of, workload_file

ROUNDS = 5


def measure_matching(
    progress: Callable[[str], None],
    *,
    quick: bool = False,
    rounds: int = ROUNDS,
    cache: Path | None = None,
) -> dict[str, Any]:
    """The matching core alone: its rate, its results, its growth and its memory.

    A validated command goes in; plan, decision and evolution are timed; event structs come
    out and are dropped. The baseline is a loop that builds equal events without a book, timed
    in turn with the core; both rates are of the median round.

    Raises:
        WorkloadUnavailable: a workload can't be made.
        OSError: the cache can't be written.
    """
    cache, workload = cache or cache_dir(), W5K_QUICK if quick else W5K
    progress(f"{workload.commands:,} commands on about {workload.live:,} orders")
    rows = rows_of(workload_file(workload, cache).read_bytes())
    played, built = [], []
    for _ in range(rounds):
        played.append(play(workload, rows))
        built.append(build_seconds(workload, rows))
    per_s = [round(workload.commands / each.seconds) for each in played]
    rate = statistics.median_low(per_s)
    baseline = round(workload.commands / statistics.median_low(built))
    return {
        "workload": workload.name,
        "commands": workload.commands,
        "commands_per_s": rate,
        "rounds_per_s": per_s,
        "baseline_commands_per_s": baseline,
        "ratio": round(rate / baseline, 3),
        "trades": played[-1].trades,
        "trade_hash": played[-1].trade_hash,
        "state_hash": played[-1].state_hash,
        "hashes_equal": all(each.right(workload) for each in played),
        "scaling": scaling(cache, progress, quick=quick),
        "cliffs": cliffs(progress, quick=quick),
        "memory": memory(workload, cache, progress),
        "python": sys.version.split()[0],
    }
