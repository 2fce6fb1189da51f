"""Work that is done from time to time, each in a short-lived process, one after the other."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from exchange.processes.process import Ended, Process, over_within

TICK_S = 0.1
"""How often it is asked whether something is due."""
STOP_S = 1.0
"""From the end of its stdin to SIGTERM."""
FAILED = "failed"

Tell = Callable[[str], None]


def _as_it_is(_: Any) -> str:  # noqa: ANN401 - any JSON
    return ""


class Job(msgspec.Struct, frozen=True):
    """A command, and when it is due: every so many seconds, or events of the log; 0: never.

    ``outcomes`` says what its exit codes mean: code 0 is well, any other is not, one that is not
    listed has failed. ``in_words`` puts into one line what it has printed as JSON.
    """

    name: str
    line: list[str]
    outcomes: Mapping[int, str]
    every_s: float = 0
    every_events: int = 0
    in_words: Callable[[Any], str] = _as_it_is


class JobStatus(msgspec.Struct):
    """What came of a job so far."""

    name: str
    runs: int = 0
    skipped: int = 0  # times it was due while it, or another one, still ran
    outcomes: dict[str, int] = {}  # outcome -> runs
    healthy: bool = True
    reason: str = ""  # why the last run was not well
    last_wrong: str = ""  # the reason of the last run that was not well
    found: Any = None  # what that run has printed


class Jobs:
    """The jobs of a venue, from ``begin`` to ``end``; ``tell`` gets a line when one ends badly."""

    def __init__(self, jobs: Sequence[Job], tell: Tell) -> None:
        self._timed = [_Timed(job) for job in jobs]
        self._tell = tell
        self._position = 0
        self._process: Process | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._over = asyncio.Event()

    def begin(self, position: int) -> None:
        """From now on, with the log at this position."""
        self._position = position
        for timed in self._timed:
            timed.plan(time.monotonic(), position)
        if self._timed:
            self._keeper = asyncio.create_task(self._keep())

    def look(self, position: int) -> None:
        """Note how far the log is: served beside a venue, it never has more to do."""
        self._position = position

    async def end(self) -> None:
        """Start none any more, and stop the one that runs: it counts as no run."""
        self._over.set()
        if self._process is not None:
            await self._process.stop(STOP_S)
        if self._keeper is not None:
            await self._keeper

    @property
    def statuses(self) -> list[JobStatus]:
        """As of now, in the order that they were given in."""
        return [timed.status for timed in self._timed]

    async def _keep(self) -> None:
        while not await over_within(self._over, TICK_S):
            for timed in self._timed:
                if timed.due(time.monotonic(), self._position) and not self._over.is_set():
                    await self._run(timed)

    async def _run(self, timed: "_Timed") -> None:
        began_at = self._position
        try:
            self._process = await Process.start(timed.job.line)
            if self._over.is_set():
                await self._process.stop(0)
            ended = await self._process.ended()
        except OSError as error:
            ended = Ended(-1, b"", f"can't be started: {error}")
        finally:
            self._process = None
        if not self._over.is_set():
            timed.note(ended)
            timed.plan(time.monotonic(), began_at)
            if timed.status.reason:
                self._tell(f"{timed.job.name}: {timed.status.reason}")


class _Timed:
    """A job, when it is due next, and what came of it."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.status = JobStatus(job.name)
        self._due_s = 0.0  # by the monotonic clock; 0 before the first plan
        self._due_position = 0

    def due(self, now_s: float, position: int) -> bool:
        return (self.job.every_s > 0 and self._due_s <= now_s) or (
            self.job.every_events > 0 and self._due_position <= position
        )

    def plan(self, now_s: float, position: int) -> None:
        """The next time behind now; those that have passed meanwhile are skipped."""
        self._due_position = position + self.job.every_events
        every_s = self.job.every_s
        if not self._due_s:
            self._due_s = now_s + every_s
        elif every_s:
            missed = max(0, int((now_s - self._due_s) // every_s))
            self.status.skipped += missed
            self._due_s += (missed + 1) * every_s

    def note(self, ended: Ended) -> None:
        status = self.status
        outcome = self.job.outcomes.get(ended.code, FAILED)
        status.runs += 1
        status.outcomes[outcome] = status.outcomes.get(outcome, 0) + 1
        status.healthy = ended.code == 0
        status.reason = ""
        if not status.healthy:
            printed = _json(ended.said)
            words = "" if outcome is FAILED else self.job.in_words(printed)
            status.reason = status.last_wrong = f"{outcome}: {words or ended.in_words}"
            status.found = printed


def _json(said: bytes) -> Any:  # noqa: ANN401 - any JSON
    """The document that was printed; null for none."""
    try:
        return msgspec.json.decode(said)
    except msgspec.DecodeError:
        return None
