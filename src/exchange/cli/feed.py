"""``exchange feed``: recorded order flow through the venue."""

import asyncio
import enum
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer

from exchange.cli.beside import (
    Beside,
    ReconcileOption,
    SnapshotsOption,
    describe_beside,
    opened,
    tell_red,
)
from exchange.cli.moment import warn
from exchange.cli.output import (
    BROKEN,
    JsonFlag,
    StoreOption,
    plain,
    print_facts,
    print_json,
    progress,
    stderr,
    stdout,
)
from exchange.cli.poison import warn_of_halt
from exchange.feeds import sample
from exchange.feeds.flow import FeedError, Flow, read_flow
from exchange.feeds.report import Outcome, report_flow
from exchange.feeds.run import Listing, Run, run_flow
from exchange.feeds.tables import compare_tables, write_tables
from exchange.kernel.laws import hold_law
from exchange.serve import Followers, Running
from exchange.store.urls import StoreUrl
from exchange.venue.batch import Bounds

app = typer.Typer(help="Recorded order flow.", no_args_is_help=True)


class Fees(enum.StrEnum):
    """Fee schedules by name."""

    ZERO = "zero"
    STANDARD = "standard"


class Fed(NamedTuple):
    """What came of a run, and how what ran beside the venue has ended."""

    outcome: Outcome
    run: Run
    live: Running


@app.command("run")
def run_feed(  # one option each
    file: Annotated[Path, typer.Argument(help="Order flow as CSV, plain or gzip.")],
    *,
    store: StoreOption = "memory:",
    symbol: Annotated[str, typer.Option(help="The market, BASE-QUOTE.")] = "BTC-USD",
    tick: Annotated[str | None, typer.Option(help="Price step.", show_default="the file's")] = None,
    lot: Annotated[
        str | None, typer.Option(help="Quantity step.", show_default="the file's")
    ] = None,
    expect: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Compare with the tables there.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write trades, final orders, accounts.")
    ] = None,
    acks: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Append each seq once acknowledged.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=0, help="Stop after this seq.")] = None,
    batch: Annotated[int, typer.Option(min=0, help="Commands a batch; 0: no limit.")] = 0,
    fees: Annotated[Fees, typer.Option(help="Fee schedule.")] = Fees.STANDARD,
    followers: Annotated[
        Followers | None,
        typer.Option(
            help="How the read models are kept meanwhile.",
            show_default="slices; none for a store in memory",
        ),
    ] = None,
    reconcile_every: ReconcileOption = 0,
    snapshot_every: SnapshotsOption = 0,
    as_json: JsonFlag = False,
) -> None:
    """Run a file of order flow through the full order path, as fast as it goes.

    The same command line on the same store goes on where it stopped; run once more it changes
    nothing. A follower that stops or a reconciliation that finds something does not stop the
    trading; it is told at once, and the command ends with 1.
    """
    listing = Listing(symbol, tick, lot, fees.value)
    _ = listing.assets  # A wrong symbol is told before anything is opened.
    price_decimals, quantity_decimals = listing.decimals()
    flow = read_flow(file, price_decimals=price_decimals, quantity_decimals=quantity_decimals)
    if expect is not None and not expect.is_dir():
        raise FeedError(f"{expect} is no folder")
    url = StoreUrl.parse(store)
    if followers is None:
        followers = Followers.NONE if url.path is None else Followers.SLICES
    beside = Beside(followers, reconcile_every, snapshot_every)
    outcome, run, live = feed_venue(
        url, flow, listing, beside,
        limit=limit, batch=batch, acks=acks, quiet=as_json,
    )  # fmt: skip
    if out is not None:
        write_tables(outcome, out)
    equal, difference = (
        ([], "") if expect is None else compare_tables(outcome, expect, zero_fees=fees is Fees.ZERO)
    )
    facts = describe(outcome, run) | describe_beside(live, beside)
    if as_json:
        print_json(facts | {"equal": equal, "difference": difference or None})
    else:
        print_facts(f"{file.name} on {store}", facts)
        for each in equal:
            stdout.print(f"equal: {each}")
    red = tell_red(live)
    if difference:
        stderr.print(f"differs: {difference}")
    if difference or red:
        raise typer.Exit(BROKEN)


@app.command("sample")
def fetch_sample(
    out: Annotated[Path, typer.Argument(help="Where to write the order flow (CSV).")],
    *,
    minutes: Annotated[
        int | None, typer.Option(min=1, help="Only that much behind the opening book.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Download the public sample of real order flow, check it and convert it."""
    flow = sample.convert(sample.fetch(sample.cache_dir()))
    if minutes is not None:
        flow = sample.first_minutes(flow, minutes)
    try:
        out.write_bytes(flow)
    except OSError as error:
        raise FeedError(f"{out} can't be written: {error.strerror}") from error
    commands = flow.count(b"\n") - 1
    if as_json:
        print_json({"file": str(out), "commands": commands})
    else:
        stdout.print(f"{out}: {commands:,} commands")


def feed_venue(
    url: StoreUrl,
    flow: Flow,
    listing: Listing,
    beside: Beside = Beside(),  # noqa: B008 - frozen
    *,
    limit: int | None = None,
    batch: int = 0,
    acks: Path | None = None,
    quiet: bool = False,
) -> Fed:
    """Run ``flow`` on the store and describe, from its log, what came of it."""

    async def work() -> Fed:
        async with opened(url, Bounds(commands=batch), beside) as live:
            venue = live.venue
            warn_of_halt(venue)
            warn(venue.opened.passed)
            with progress("feeding", len(flow.commands), quiet=quiet) as report:
                run = await run_flow(venue, flow, listing, limit=limit, acks=acks, progress=report)
            outcome = report_flow(venue.log, flow, listing)
            told, lived = outcome.report.state_hash, venue.state.state_hash()
            hold_law("R1", told == lived, f"the log replays to {told}, the venue is at {lived}")
        return Fed(outcome, run, live)

    return asyncio.run(work())


def describe(outcome: Outcome, run: Run) -> dict[str, Any]:
    """The report's facts and the run's speed; latencies in milliseconds."""
    waits = sorted(run.latencies_ns)
    facts: dict[str, Any] = plain(outcome.report)
    rate = round(run.commands / run.seconds) if run.seconds else 0
    facts |= {"seconds": f"{run.seconds:.2f}", "commands_per_s": rate}
    for name, share in (("ack_p50_ms", 50), ("ack_p99_ms", 99)):
        at = waits[min(len(waits) - 1, len(waits) * share // 100)] if waits else 0
        facts[name] = f"{at / 1e6:.3f}"
    return facts
