"""How a process that holds a venue collects garbage, and shares the interpreter.

The state is large, lives long and has no cycles that are ever dropped: to look through it again
and again finds nothing and takes a tenth of the time.
"""

import gc
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

THRESHOLDS = (50_000, 20, 100)
SWITCH_INTERVAL_S = 0.000_1
"""A thread that comes back from the disk takes the interpreter after this time, not after 5 ms."""

_users = 0
_undo = ExitStack()


@contextmanager
def settled() -> Iterator[None]:
    """Leave what is there now out of the collector's rounds, and make these rare.

    These are settings of the whole process: they stay until the last of its users has left.
    """
    global _users  # noqa: PLW0603 - so is what is set
    if not _users:
        _settle()
    _users += 1
    try:
        yield
    finally:
        _users -= 1
        if not _users:
            _undo.close()


def _settle() -> None:
    _undo.callback(gc.set_threshold, *gc.get_threshold())
    _undo.callback(sys.setswitchinterval, sys.getswitchinterval())
    _undo.callback(gc.unfreeze)
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
    sys.setswitchinterval(SWITCH_INTERVAL_S)


@contextmanager
def paused() -> Iterator[None]:
    """Collect nothing, and let others have the interpreter soon: for a fold, which only builds
    up, while a thread reads for it.
    """
    enabled, interval_s = gc.isenabled(), sys.getswitchinterval()
    gc.disable()
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    try:
        yield
    finally:
        sys.setswitchinterval(interval_s)
        if enabled:
            gc.enable()
