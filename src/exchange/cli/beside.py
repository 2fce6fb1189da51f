"""How what runs beside a venue is asked for, and how it is told at the end."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any, NamedTuple

import typer

from exchange.cli.output import plain, stderr
from exchange.processes.jobs import Job
from exchange.serve import Followers, Running, reconciliation, running, snapshots
from exchange.store.urls import StoreUrl
from exchange.venue.batch import Bounds

FollowersOption = Annotated[
    Followers, typer.Option("--followers", help="How the read models are kept meanwhile.")
]
ReconcileOption = Annotated[
    float,
    typer.Option(
        "--reconcile-every", min=0, metavar="SECONDS", help="Reconcile so often; 0: never."
    ),
]
SnapshotsOption = Annotated[
    int,
    typer.Option(
        "--snapshot-every", min=0, metavar="EVENTS", help="Make a snapshot so often; 0: never."
    ),
]


class Beside(NamedTuple):
    """What is to run beside a venue."""

    followers: Followers = Followers.NONE
    reconcile_every_s: float = 0
    snapshot_every: int = 0  # events

    def jobs(self, url: StoreUrl) -> list[Job]:
        """What is done from time to time."""
        found = []
        if self.reconcile_every_s:
            found.append(reconciliation(url, self.reconcile_every_s))
        if self.snapshot_every:
            found.append(snapshots(url, self.snapshot_every))
        return found


@asynccontextmanager
async def opened(url: StoreUrl, bounds: Bounds, beside: Beside) -> AsyncIterator[Running]:
    """The running venue; what goes wrong beside it is told on stderr at once."""
    jobs, tell = beside.jobs(url), stderr.print
    async with running(url, bounds, beside.followers, jobs=jobs, tell=tell) as live:
        yield live


def describe_beside(live: Running, beside: Beside) -> dict[str, Any]:
    """What came of it, when it has ended, as facts; nothing, if nothing was asked for."""
    facts: dict[str, Any] = {}
    if beside.followers is not Followers.NONE:
        facts["followers"] = [
            {name: value for name, value in plain(it).items() if name != "pid"}
            for it in live.followers
        ]
    if live.jobs:
        facts["jobs"] = plain(live.jobs)
    return facts


def tell_red(live: Running) -> bool:
    """Tell on stderr what is red; whether anything beside the venue is."""
    for part in live.health.parts:
        if not part.green:
            stderr.print(f"red: {part.name}: {part.reason}")
    return not all((*(it.green for it in live.followers), *(it.healthy for it in live.jobs)))
