"""A venue that trades without end, with followers, and what its store and views hold."""

import asyncio
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

from exchange.bench.flow import Flow
from exchange.bench.loops import Tally, closed_loop
from exchange.serve import Followers, Running, running
from exchange.store.errors import StoreLocked
from exchange.store.lock import WriterLock
from tests.audit.logs import url_of
from tests.command import url
from tests.projections.world import opened, views_of

WINDOW = 64


class Trader:
    """Orders for one venue; the first hundred accounts and their money come with it."""

    def __init__(self, live: Running) -> None:
        self._venue = live.venue
        self._flow = Flow(1, 20)
        self.tally = Tally()

    async def trade(self, orders: int) -> None:
        """Have so many more orders answered."""
        if not self.tally.answered:
            await closed_loop(self._venue, self._flow.opening(), WINDOW, self.tally)
        await closed_loop(self._venue, self._flow.orders(orders), WINDOW, self.tally)


@asynccontextmanager
async def trading(path: Path, **how: Any) -> AsyncIterator[tuple[Running, Trader]]:  # noqa: ANN401 - as running's
    """A venue followed by a process, unless told otherwise, and who trades on it."""
    how.setdefault("followers", Followers.PROCESS)
    async with asyncio.timeout(120), running(url_of(path), **how) as live:
        yield live, Trader(live)


def position_of(path: Path) -> int:
    """Where the views of the store stand; 0 without any."""
    if not views_of(path).is_file():
        return 0
    with closing(sqlite3.connect(f"file:{views_of(path)}?mode=ro", uri=True)) as connection:
        (position,) = connection.execute("SELECT position FROM followers").fetchone()
    return int(position)


def last_of(path: Path) -> int:
    """The last position of the store's log."""
    with opened(path) as log:
        return log.last_position


def nobody_follows(path: Path) -> bool:
    """Whether no follower holds the views."""
    try:
        WriterLock(path.with_name(path.name + ".views.lock")).release()
    except StoreLocked:
        return False
    return True


UNSHIELDED = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler);"
    "from exchange.cli import main; main()"
)


def feed(flow: Path, path: Path, followers: str, *more: object) -> list[object]:
    """The command line of a venue that takes in the flow."""
    return ["feed", "run", flow, "--store", url(path), "--tick", "0.01", "--lot", "0.0001",
            "--followers", followers, *more]  # fmt: skip


def start(line: list[object]) -> "subprocess.Popen[str]":
    """The venue in a process group of its own, as a terminal gives it."""
    return subprocess.Popen(  # noqa: S603 - ours
        [sys.executable, "-c", UNSHIELDED, *map(str, line)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
