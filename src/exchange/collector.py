"""How a process that holds a venue collects garbage, and shares the interpreter.

The state is large, lives long and has no cycles that are ever dropped: to look through it again
and again finds nothing and takes a tenth of the time.
"""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

THRESHOLDS = (50_000, 20, 100)
SWITCH_INTERVAL_S = 0.000_1
"""A thread that comes back from the disk takes the interpreter after this time, not after 5 ms."""


@contextmanager
def settled() -> Iterator[None]:
    """Leave what is there now out of the collector's rounds, and make these rare."""
    thresholds, interval = gc.get_threshold(), sys.getswitchinterval()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    try:
        yield
    finally:
        sys.setswitchinterval(interval)
        gc.set_threshold(*thresholds)
        gc.unfreeze()


@contextmanager
def paused() -> Iterator[None]:
    """Collect nothing: for a fold, which only builds up."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
