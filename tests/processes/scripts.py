"""Small programs that stand for children and jobs, and patience for what they do."""

import asyncio
import sys
import time
from collections.abc import Callable

PATIENCE_S = 30.0


def script(text: str, *arguments: object) -> list[str]:
    """A command that runs this text."""
    return [sys.executable, "-c", text, *map(str, arguments)]


async def until(happened: Callable[[], object], seconds: float = PATIENCE_S) -> None:
    """Wait until it has happened; the loop goes on."""
    last = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < last, "it has not happened"
        await asyncio.sleep(0.01)


def at_last(happened: Callable[[], object], seconds: float = PATIENCE_S) -> bool:
    """Whether it has happened after some time: the same where no loop runs."""
    last = time.monotonic() + seconds
    while not happened():
        if time.monotonic() > last:
            return False
        time.sleep(0.01)
    return True
