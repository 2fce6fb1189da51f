"""``exchange demo``: from nothing to a verified venue in one command."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from exchange.cli.feed import describe, feed_venue
from exchange.cli.look import open_log
from exchange.cli.output import BROKEN, JsonFlag, print_facts, print_json, stdout
from exchange.cli.verify import facts, print_verdict, verify_log
from exchange.feeds import sample
from exchange.feeds.flow import FeedError, read_flow
from exchange.feeds.run import Listing
from exchange.feeds.synthetic import synthetic_flow
from exchange.store.snapshots import SnapshotFolder
from exchange.store.urls import StoreUrl

MINUTES = 5
STORE = "venue.db"
OWN_FILES = (
    "flow.csv",
    STORE,
    *(STORE + end for end in ("-wal", "-shm", ".heads", ".lock", ".poison")),
)


def demo(
    *,
    folder: Annotated[
        Path, typer.Option("--dir", help="Where to make it; an earlier demo there is replaced.")
    ] = Path("demo"),
    synthetic: Annotated[bool, typer.Option(help="Don't download; use made-up flow.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Fetch real order flow, run its first 5 minutes on a fresh venue, verify the log."""
    say: Callable[..., None] = _silent if as_json else stdout.print
    _clear(folder)
    source, flow_file = _flow(synthetic=synthetic, say=say)
    path = folder / "flow.csv"
    path.write_bytes(flow_file)
    store = f"sqlite:///{folder / STORE}"
    say(f"running {source} on {store}")
    fed = feed_venue(StoreUrl.parse(store), read_flow(path), Listing(), quiet=as_json)
    report = describe(fed.outcome, fed.run)
    log = open_log(store)
    verdict = verify_log(log, quiet=as_json)
    if as_json:
        print_json({"source": source, "store": store, "report": report, "verify": facts(verdict)})
    else:
        print_facts("report", report)
        stdout.print()
        print_verdict(store, verdict)
        stdout.print(f"\nlook further: exchange book BTC-USD --store {store}")
    if verdict.findings:
        raise typer.Exit(BROKEN)


def _flow(*, synthetic: bool, say: Callable[..., None]) -> tuple[str, bytes]:
    """What is run, in words, and its bytes."""
    if not synthetic:
        try:
            say("fetching the public sample of real order flow")
            flow = sample.convert(sample.fetch(sample.cache_dir()))
        except sample.SampleUnavailable as error:
            say(f"the sample can't be had ({error}); running made-up flow instead")
        else:
            return f"{MINUTES} minutes of real order flow", sample.first_minutes(flow, MINUTES)
    return "made-up order flow", synthetic_flow()


def _clear(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in OWN_FILES:
            (folder / name).unlink(missing_ok=True)
        SnapshotFolder(StoreUrl.parse(f"sqlite:///{folder / STORE}")).clear()
    except OSError as error:
        raise FeedError(f"{folder} can't be written: {error.strerror}") from error


def _silent(*_: object) -> None:
    """Say nothing: JSON only."""
