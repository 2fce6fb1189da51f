"""A follower in a second process, which kills itself at a point of its work."""

import os
import signal
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from exchange.projections import bulk
from exchange.projections.builds import Builds
from exchange.projections.schema import INDEXES, migrations
from exchange.projections.views import Views
from tests.projections.world import follow


def die() -> None:
    """End as by a power cut, but for the operating system's memory."""
    os.kill(os.getpid(), signal.SIGKILL)


def dying(original: Callable[..., Any], calls: int, *, done: bool) -> Callable[..., Any]:
    """The method, which kills the process at this call, before or after its work."""
    left = iter(range(calls))

    def method(*arguments: object) -> Any:  # noqa: ANN401 - as the original
        if next(left, None) is not None:
            return original(*arguments)
        if done:
            original(*arguments)
        die()
        return None

    return method


LINES = sum(len(it.text.splitlines()) for it in migrations() if not it.name.endswith(INDEXES))
"""Of the scripts that make the tables, statement by statement; that of the indexes comes behind."""

POINTS: dict[str, tuple[Any, str, int, bool]] = {
    "before the first commit": (Views, "commit", 0, False),
    "before a commit": (Views, "commit", 5, False),
    "while a step is followed behind one that is written": (Views, "script", 3, True),
    "inside a commit": (bulk, "_run", 30, True),
    "after a commit": (Views, "commit", 5, True),
    "before the tables are made": (sqlite3, "complete_statement", 0, False),
    "while the tables are made": (sqlite3, "complete_statement", LINES // 2, False),
    "with the tables made": (sqlite3, "complete_statement", LINES - 1, True),
    "while the indexes are made": (sqlite3, "complete_statement", LINES + 3, False),
    "before the switch": (Builds, "publish", 0, False),
    "inside the switch": (Path, "symlink_to", 0, False),
    "with the link made": (Path, "symlink_to", 0, True),
    "before the old file goes": (Builds, "tidy", 1, False),
    "after the switch": (Builds, "publish", 0, True),
}
"""What is called at the point, how often before, and whether it is done before the end."""


if __name__ == "__main__":
    path, point, events = sys.argv[1:]
    owner, name, calls, done = POINTS[point]
    setattr(owner, name, dying(getattr(owner, name), calls, done=done))
    follow(Path(path), int(events), rebuild="switch" in point or "file" in point)
