"""How what runs beside a venue is asked for, and how it is told at the end."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any, NamedTuple

import typer

from exchange.cli.output import plain, stderr
from exchange.serve import Followers, Running, reconciliation, running
from exchange.store.urls import StoreUrl
from exchange.venue.sequencer import Bounds

FollowersOption = Annotated[
    Followers, typer.Option("--followers", help="How the read models are kept meanwhile.")
]
ReconcileOption = Annotated[
    float,
    typer.Option(
        "--reconcile-every", min=0, metavar="SECONDS", help="Reconcile so often; 0: never."
    ),
]


class Beside(NamedTuple):
    """What is to run beside a venue."""

    followers: Followers = Followers.NONE
    reconcile_every_s: float = 0


@asynccontextmanager
async def opened(url: StoreUrl, bounds: Bounds, beside: Beside) -> AsyncIterator[Running]:
    """The running venue; what goes wrong beside it is told on stderr at once."""
    every_s = beside.reconcile_every_s
    jobs = [reconciliation(url, every_s)] if every_s else []
    async with running(url, bounds, beside.followers, jobs=jobs, tell=stderr.print) as live:
        yield live


def describe_beside(live: Running, beside: Beside) -> dict[str, Any]:
    """What came of it, when it has ended, as facts; nothing, if nothing was asked for."""
    facts: dict[str, Any] = {}
    if beside.followers is not Followers.NONE:
        facts["followers"] = [
            {name: value for name, value in plain(it).items() if name != "pid"}
            for it in live.followers
        ]
    if beside.reconcile_every_s:
        facts["jobs"] = plain(live.jobs)
    return facts


def tell_red(live: Running) -> bool:
    """Tell on stderr what is red; whether anything beside the venue is."""
    for part in live.health.parts:
        if not part.green:
            stderr.print(f"red: {part.name}: {part.reason}")
    return not all((*(it.green for it in live.followers), *(it.healthy for it in live.jobs)))
