"""``exchange bench``: measurements, each beside a baseline of the same run."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from exchange.audit.verify import verify
from exchange.bench.matching import measure_matching
from exchange.bench.open import measure_open
from exchange.bench.pipeline import STORE, measure_pipeline
from exchange.bench.replay import measure_replay
from exchange.bench.views import measure_views
from exchange.bench.workload import WorkloadUnavailable
from exchange.cli.beside import FollowersOption
from exchange.cli.look import open_log
from exchange.cli.output import BROKEN, JsonFlag, fail, print_facts, print_json, stderr
from exchange.feeds.flow import FeedError
from exchange.serve import Followers, running
from exchange.store.snapshots import SnapshotFolder
from exchange.store.urls import StoreUrl
from exchange.venue.sequencer import Venue

app = typer.Typer(help="Measure.", no_args_is_help=True)

QuickFlag = Annotated[bool, typer.Option("--quick", help="A small run, to see that it works.")]


@app.callback()
def bench() -> None:
    """Measure the venue on this machine; ratios say more than absolute figures."""


@app.command("matching")
def bench_matching(*, quick: QuickFlag = False, as_json: JsonFlag = False) -> None:
    """The book alone on a seeded workload: speed, right results, growth, memory."""
    try:
        result = measure_matching(_say, quick=quick)
    except WorkloadUnavailable as error:
        raise FeedError(str(error)) from error
    _show("matching", result, as_json=as_json)
    if not result["hashes_equal"]:
        fail("the workload's hashes differ from the expected ones", BROKEN)


@app.command("pipeline")
def bench_pipeline(
    *,
    directory: Annotated[
        Path, typer.Option("--dir", help="Where the store is made, and stays.")
    ] = Path("bench"),
    followers: FollowersOption = Followers.NONE,
    quick: QuickFlag = False,
    as_json: JsonFlag = False,
) -> None:
    """The whole order path on a synced SQLite store; then the store is verified.

    With followers each loop also tells how long after its storing an order is in the read
    models. An earlier run's store in the folder is replaced.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        SnapshotFolder(StoreUrl.parse(f"sqlite:///{directory / STORE}")).clear()
        for earlier in filter(Path.is_file, directory.glob(f"{STORE}*")):
            earlier.unlink()
        result = measure_pipeline(
            _say, quick=quick, directory=directory, opening=partial(opened_with, followers),
            followed=followers is not Followers.NONE,
        )  # fmt: skip
    except OSError as error:
        raise FeedError(f"{directory}: {error}") from error
    result["followers"] = followers.value
    _say("verifying the store")
    log = open_log(result["store"])
    verdict, _ = verify(log)
    result["verify"] = {"ok": not verdict.findings, "events": verdict.events}
    _show("pipeline", result, as_json=as_json)
    proof = result["proof"]
    if verdict.findings or not all(proof[name] for name in proof if name.endswith("_equal")):
        fail("the store does not hold what was reported", BROKEN)


@app.command("replay")
def bench_replay(
    *,
    store: Annotated[
        str | None, typer.Option("--store", metavar="URL", help="[default: one made for it]")
    ] = None,
    quick: QuickFlag = False,
    as_json: JsonFlag = False,
) -> None:
    """Reading and folding a whole log, as an opening venue does."""
    result = measure_replay(_say, store=store, quick=quick)
    _show("replay", result, as_json=as_json)
    if result.get("hashes_equal") is False:
        fail("the replayed state is not the live one", BROKEN)


@app.command("views")
def bench_views(
    *,
    store: Annotated[
        str | None, typer.Option("--store", metavar="URL", help="[default: one made for it]")
    ] = None,
    quick: QuickFlag = False,
    as_json: JsonFlag = False,
) -> None:
    """Following a whole log into read models, from none to caught up."""
    _show("views", measure_views(_say, store=store, quick=quick), as_json=as_json)


@asynccontextmanager
async def opened_with(followers: Followers, url: StoreUrl) -> AsyncIterator[Venue]:
    """The venue with its read models followed so."""
    async with running(url, followers=followers, tell=_say) as live:
        yield live.venue


@app.command("open")
def bench_open(*, quick: QuickFlag = False, as_json: JsonFlag = False) -> None:
    """Opening a store to trading: from genesis, from a snapshot; and what snapshots cost."""
    result = measure_open(_say, quick=quick)
    _show("open", result, as_json=as_json)
    if not (result["hashes_equal"] and result["started_where_expected"]):
        fail("what was opened is not what was closed", BROKEN)


def _say(message: str) -> None:
    stderr.print(message, markup=False, style="dim")


def _show(title: str, result: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(result)
    else:
        print_facts(title, result)
