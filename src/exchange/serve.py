"""The composition root: a venue that serves its queue, with everything that runs beside it."""

import asyncio
import enum
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import msgspec

from exchange.collector import settled
from exchange.health import Health, Part
from exchange.processes.child import Child
from exchange.processes.jobs import Job, Jobs, JobStatus
from exchange.processes.process import command
from exchange.projections.builds import Builds
from exchange.projections.older_keys import keys_in_views
from exchange.projections.slices import Slices
from exchange.projections.views import NAME, anchor_in
from exchange.store.errors import StoreError
from exchange.store.urls import StoreUrl
from exchange.venue.batch import Bounds
from exchange.venue.sequencer import Venue

GRACE_S = 15.0
"""What followers have to catch up when the venue ends."""
POLL_MS = 250
"""A follower looks into the log so often, woken or not."""

Tell = Callable[[str], None]


class Followers(enum.StrEnum):
    """How the read models of a running venue are followed."""

    NONE = "none"
    SLICES = "slices"
    PROCESS = "process"


class FollowerStatus(msgspec.Struct, frozen=True):
    """Where a follower stands, and how it is."""

    name: str
    mode: str
    position: int
    lag_events: int  # from there to the end of what is stored
    green: bool
    pid: int | None = None
    restarts: int = 0
    last_error: str = ""


class Running:
    """A venue and what runs beside it; when it has ended, how that has ended."""

    def __init__(
        self, url: StoreUrl, venue: Venue, slices: Slices | None, children: list[Child], jobs: Jobs
    ) -> None:
        self.venue = venue
        self.slices = slices
        self._url = url
        self._children = children
        self._jobs = jobs

    @property
    def followers(self) -> list[FollowerStatus]:
        """As of now; reads where the views stand."""
        if self.slices is not None:
            position, fault = self.slices.position, self.slices.fault
            behind = self.venue.stored_position - position
            mode = Followers.SLICES.value
            return [
                FollowerStatus(NAME, mode, position, behind, fault is None, last_error=fault or "")
            ]
        position = _views_position(self._url) if self._children else 0
        behind = self.venue.stored_position - position
        return [
            FollowerStatus(
                it.name, Followers.PROCESS.value, position, behind, it.healthy, it.pid,
                it.restarts, it.last_error,
            )
            for it in (child.status for child in self._children)
        ]  # fmt: skip

    @property
    def jobs(self) -> list[JobStatus]:
        """As of now."""
        return self._jobs.statuses

    @property
    def health(self) -> Health:
        """As of now, without a look at any disk."""
        faults, slices, older = self.venue.faults, self.slices, self.venue.older
        children = [child.status for child in self._children]
        return Health(
            (
                Part.of("writer", f"{faults} commands refused as INTERNAL" if faults else None),
                Part.of("clock", None if self.venue.steady else "the wall clock has jumped"),
                *([] if older is None else [Part.of("keys", older.fault)]),
                *([] if slices is None else [Part.of(f"follower {NAME}", slices.fault)]),
                *(
                    Part.of(f"follower {it.name}", None if it.healthy else it.last_error or "down")
                    for it in children
                ),
                *(Part.of(f"job {it.name}", it.reason or None) for it in self.jobs),
            )
        )

    def begin(self) -> None:
        """Start what runs beside the venue."""
        if self.slices is not None:
            self.venue.beside.append(self.slices)
        for child in self._children:
            self.venue.beside.append(child.wake)
            child.begin()
        self.venue.beside.append(self._jobs.look)
        self._jobs.begin(self.venue.stored_position)

    async def end(self) -> None:
        """End that: jobs at once, followers when they have caught up with the venue's last."""
        await self._jobs.end()
        if self.slices is not None:
            self.slices.catch_up()
            self.slices.close()
        await asyncio.gather(*(child.end(GRACE_S) for child in self._children))


@asynccontextmanager
async def running(
    url: StoreUrl,
    bounds: Bounds = Bounds(),  # noqa: B008 - frozen
    followers: Followers = Followers.NONE,
    *,
    jobs: Sequence[Job] = (),
    tell: Tell = lambda _: None,
    poll_ms: int = POLL_MS,
) -> AsyncIterator[Running]:
    """A venue as from ``venue.sequencer.serving``, and what runs beside it.

    On leaving, what waits is served and stored; then followers catch up with it, and only then
    the store is closed. ``tell`` gets a line whenever something beside the venue goes wrong.

    Raises:
        StoreError: as for ``serving``, and where a store in memory is to be read by others.
        CommitFailed: as there.
        InvariantViolation: as there.
    """
    children = []
    if followers is Followers.PROCESS:
        children = [Child(NAME, _follow(url, poll_ms), tell)]
    if (followers is not Followers.NONE or jobs) and url.path is None:
        raise StoreError(
            "a store in memory has no place for read models, and no process but its own"
        )
    async with AsyncExitStack() as stack:
        venue = Venue(url, bounds, keys_in_views)
        stack.callback(venue.close)
        stack.enter_context(settled())
        in_slices = followers is Followers.SLICES
        slices = Slices(venue.log, url.beside(".views"), tell, venue.wake) if in_slices else None
        live = Running(url, venue, slices, children, Jobs(jobs, tell))
        stack.push_async_callback(live.end)
        stack.push_async_callback(_drain, venue, asyncio.create_task(venue.run()))
        live.begin()
        yield live


def reconciliation(url: StoreUrl, every_s: float) -> Job:
    """``exchange reconcile`` from time to time."""
    line = command("--leashed", "reconcile", "--store", url.text, "--json")
    return Job("reconcile", line, {0: "ok", 1: "differs"}, every_s, in_words=_differing)


def snapshots(url: StoreUrl, every_events: int) -> Job:
    """``exchange snapshot make``, whenever so many events have come."""
    line = command("--leashed", "snapshot", "make", "--store", url.text, "--json")
    return Job("snapshot", line, {0: "ok"}, every_events=every_events)


def _follow(url: StoreUrl, poll_ms: int) -> list[str]:
    return command(
        "follow", NAME, "--store", url.text, "--supervised", "--poll-ms", str(poll_ms)
    )  # fmt: skip


async def _drain(venue: Venue, server: "asyncio.Task[None]") -> None:
    """Serve what waits, and take no more."""
    venue.stop()
    await server


def _views_position(url: StoreUrl) -> int:
    """Where the views stand; 0 without any that this program can read."""
    current = Builds(url.beside(".views")).current()
    try:
        anchor = None if current is None else anchor_in(current)
    except StoreError:  # The follower says so in its own words.
        anchor = None
    return 0 if anchor is None else anchor.position


def _differing(told: Any) -> str:  # noqa: ANN401 - JSON
    """The checks that differ, and the first finding, of a reconciliation's JSON."""
    if not isinstance(told, dict) or not told.get("findings"):
        return ""  # The log itself breaks a law: the last line on stderr says so.
    checks = ", ".join(f"{check} {count}" for check, count in told["differing"].items())
    first = told["findings"][0]
    return f"{checks}; {first['subject']}: expected {first['expected']}, found {first['found']}"
