"""``exchange follow``: the read models, kept."""

import time
from contextlib import closing
from typing import Annotated

import typer

from exchange.cli.asking import Row, ViewsOption, views_path
from exchange.cli.look import open_log
from exchange.cli.output import (
    JsonFlag,
    StoreOption,
    print_facts,
    print_json,
    progress,
    stderr,
)
from exchange.collector import settled
from exchange.processes.leash import woken
from exchange.projections.follower import STEP_EVENTS, Follower
from exchange.projections.views import NAME
from exchange.store.changes import Changes
from exchange.store.log import EventLog

STEP_MS = 500
"""A supervised follower looks at its stdin so often, however far it is behind."""
REST_S = 0.02
"""Between two commits: what comes meanwhile shares the next one, at half the cost an event."""
CATCH_UP_S = 10.0
"""What it has for the rest of the log when its stdin has ended."""


def follow(
    name: Annotated[str, typer.Argument(help="Which follower.")] = NAME,
    *,
    store: StoreOption,
    views: ViewsOption = None,
    once: Annotated[bool, typer.Option("--once", help="Catch up and end.")] = False,
    rebuild: Annotated[bool, typer.Option("--rebuild", help="Begin from the first event.")] = False,
    supervised: Annotated[
        bool,
        typer.Option(
            "--supervised", help="A byte on stdin wakes it; when that ends, catch up and end."
        ),
    ] = False,
    poll_ms: Annotated[int, typer.Option(min=1, help="Look into the log so often at least.")] = 250,
    as_json: JsonFlag = False,
) -> None:
    """Keep the read models of a store: catch up, then follow until interrupted.

    By hand it notices within 10 ms what the venue has stored. The views are read while they are
    built anew, until the new ones have caught up. Exit 1 at an event that can't be followed:
    nothing is skipped. A running venue starts it with --supervised: silent but for what
    goes wrong, and never longer than the venue lives.
    """
    if name != NAME:
        raise typer.BadParameter(f"there is no follower {name!r}; there is: {NAME}")
    log = open_log(store)
    with Follower(log, views_path(store, views), rebuild=rebuild) as follower:
        if supervised:
            _follow_woken(follower, poll_ms / 1_000)
            return
        try:
            facts = {"follower": name, **_catch_up(follower, log.last_position, quiet=as_json)}
            if as_json:
                print_json(facts)
            else:
                print_facts(f"{name} of {store}", facts)
            if not once:
                _follow_on(log, follower, poll_ms / 1_000)
        except KeyboardInterrupt:
            stderr.print(f"stopped at position {follower.anchor.position}")


def _catch_up(follower: Follower, last: int, *, quiet: bool) -> Row:
    """Follow to the end of the log; what that came to."""
    began, started = follower.anchor.position, time.perf_counter()
    with progress("following", last, quiet=quiet) as report:
        position = follower.catch_up(report)
    return {
        "position": position,
        "events": position - began,
        "seconds": f"{time.perf_counter() - started:.2f}",
        "hash": follower.anchor.hash,
    }


def _follow_on(log: EventLog, follower: Follower, poll_s: float) -> None:
    """Follow whatever is stored, until interrupted."""
    with settled(), closing(Changes(log.url)) as changes:
        while True:
            if follower.step():
                time.sleep(REST_S)
            else:
                changes.wait(poll_s)


def _follow_woken(follower: Follower, poll_s: float) -> None:
    """Follow when stdin says so, until it ends; then to the end of the log, for a bounded time."""
    with settled():
        behind = True
        while woken(0 if behind else poll_s):
            behind = bool(follower.step(STEP_EVENTS, STEP_MS))
            if behind:
                time.sleep(REST_S)
        until = time.monotonic() + CATCH_UP_S
        while follower.step(STEP_EVENTS, STEP_MS) and time.monotonic() < until:
            pass
