"""What a process does that another one has started: it is woken by that one, and ends with it."""

import os
import select
import threading

NICENESS = 5
LEASH_BROKE = 3
"""Exit code: the surroundings are gone."""


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
