"""A process that is kept alive: started again when it dies, unless it could not do better."""

import asyncio
import time
from collections.abc import Callable, Collection

import msgspec

from exchange.processes.process import Process, over_within

DELAY_MIN_S, DELAY_MAX_S = 0.1, 5.0
"""Before the next start; doubled each time."""
STEADY_S = 60.0
"""Who has lived so long starts again without delay."""
UP_S = 1.0
"""Who lives so long after a death counts as up again."""
HOPELESS = (1, 2)
"""Exit codes after which another start would end alike: a broken law, wrong use."""


class ChildStatus(msgspec.Struct, frozen=True):
    """What is known of a child; ``pid`` is null while there is none."""

    name: str
    pid: int | None
    restarts: int
    last_error: str  # how the last one died that died, with its last line on stderr
    healthy: bool


class Child:
    """One child under supervision, from ``begin`` to ``end``.

    ``tell`` gets a line whenever it dies.
    """

    def __init__(
        self,
        name: str,
        line: list[str],
        tell: Callable[[str], None],
        hopeless: Collection[int] = HOPELESS,
    ) -> None:
        self.name = name
        self._line = line
        self._tell = tell
        self._hopeless = hopeless
        self._process: Process | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._over = asyncio.Event()
        self._grace_s = 0.0
        self._position = 0  # the last one that it was woken for
        self._restarts = 0
        self._last_error = ""
        self._started_s = 0.0  # by the monotonic clock
        self._ended_well = False

    def begin(self) -> None:
        """Start it, and again whenever it dies."""
        self._keeper = asyncio.create_task(self._keep())

    def wake(self, position: int) -> None:
        """Wake it if the log has grown: served beside a venue, it never has more to do."""
        if self._process is not None and position != self._position:
            self._position = position
            self._process.wake()

    async def end(self, grace_s: float) -> None:
        """Let it finish its work and end; after that time it is ended."""
        self._grace_s = grace_s
        self._over.set()
        if self._process is not None:
            await self._process.stop(grace_s)
        if self._keeper is not None:
            await self._keeper

    @property
    def status(self) -> ChildStatus:
        """As of now."""
        pid = None if self._process is None else self._process.pid
        up = pid is not None and (
            not self._last_error or time.monotonic() - self._started_s >= UP_S
        )
        healthy = up or self._ended_well
        return ChildStatus(self.name, pid, self._restarts, self._last_error, healthy)

    async def _keep(self) -> None:
        delay_s = DELAY_MIN_S
        while True:
            hopeful = await self._live()
            if self._over.is_set() or not hopeful:
                return
            if time.monotonic() - self._started_s >= STEADY_S:
                delay_s = DELAY_MIN_S
            if await over_within(self._over, delay_s):
                return
            delay_s = min(2 * delay_s, DELAY_MAX_S)
            self._restarts += 1

    async def _live(self) -> bool:
        """One life of the child; whether another one makes sense."""
        self._started_s = time.monotonic()
        try:
            process = await Process.start(self._line)
        except OSError as error:
            self._died(f"can't be started: {error}")
            return True
        if self._over.is_set():  # Even so it has work: what came before it was there.
            await process.stop(self._grace_s)
        self._process = process
        try:
            ended = await process.ended()
        finally:
            self._process = None
        self._ended_well = self._over.is_set() and ended.code == 0
        if not self._ended_well:
            self._died(ended.in_words)
        return ended.code not in self._hopeless

    def _died(self, how: str) -> None:
        self._last_error = how
        self._tell(f"{self.name} {how}")
