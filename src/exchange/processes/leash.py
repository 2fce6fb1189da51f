"""How a process behaves beside another one: it gives way, is woken by that one, ends with it."""

import os
import select
import threading

NICENESS, GIVING_WAY = 5, 19
LEASH_BROKE = 3
"""Exit code: the surroundings are gone."""


def give_way() -> None:
    """Work only while a processor has nothing else to do, where the system knows such a thing."""
    if hasattr(os, "SCHED_IDLE"):
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    else:
        os.nice(GIVING_WAY)


def leash() -> None:
    """Let the parent go first, and end whenever stdin ends, whatever is under way."""
    os.nice(NICENESS)
    threading.Thread(target=_end_with_stdin, daemon=True).start()


def woken(seconds: float) -> bool:
    """Wait for a byte on stdin, so long at most; false when stdin has ended."""
    ready, _, _ = select.select([0], [], [], seconds)
    return not ready or bool(os.read(0, 65_536))


def _end_with_stdin() -> None:
    while os.read(0, 65_536):
        pass
    os._exit(LEASH_BROKE)
