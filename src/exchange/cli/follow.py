"""``exchange follow``: the read models, kept."""

import time
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
from exchange.projections.follower import Follower
from exchange.projections.views import NAME

POLL_S = 0.05


def follow(
    name: Annotated[str, typer.Argument(help="Which follower.")] = NAME,
    *,
    store: StoreOption,
    views: ViewsOption = None,
    once: Annotated[bool, typer.Option("--once", help="Catch up and end.")] = False,
    rebuild: Annotated[bool, typer.Option("--rebuild", help="Begin from the first event.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Keep the read models of a store: catch up, then follow until interrupted.

    The views are read while they are built anew, until the new ones have caught up. Exit 1 at
    an event that can't be followed: nothing is skipped.
    """
    if name != NAME:
        raise typer.BadParameter(f"there is no follower {name!r}; there is: {NAME}")
    log = open_log(store)
    with Follower(log, views_path(store, views), rebuild=rebuild) as follower:
        try:
            facts = {"follower": name, **_catch_up(follower, log.last_position, quiet=as_json)}
            if as_json:
                print_json(facts)
            else:
                print_facts(f"{name} of {store}", facts)
            while not once:
                if not follower.step():
                    time.sleep(POLL_S)
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
