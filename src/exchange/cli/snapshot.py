"""``exchange snapshot``: makes, lists and checks the snapshots that a store opens from."""

import time
from typing import Annotated, Any

import typer

from exchange.audit.snapshots import (
    KEEP,
    Found,
    Snapshotter,
    folder_of,
    listed,
    verified,
)
from exchange.audit.times import time_text
from exchange.cli.look import open_log
from exchange.cli.moment import warn
from exchange.cli.output import (
    BROKEN,
    JsonFlag,
    StoreOption,
    print_facts,
    print_json,
    print_table,
    progress,
    stderr,
    stdout,
)
from exchange.processes.leash import give_way
from exchange.store.log import EventLog

app = typer.Typer(help="Keep snapshots, so that a store opens at once.", no_args_is_help=True)

POLL_S = 0.5
KeepOption = Annotated[int, typer.Option(min=1, help="Keep so many, the newest.")]
EveryOption = Annotated[
    int, typer.Option(min=1, help="Only when so many events came since the newest.")
]


@app.command("make")
def make(
    *,
    store: StoreOption,
    keep: KeepOption = KEEP,
    every: EveryOption = 1,
    follow: Annotated[
        bool, typer.Option("--follow", help="Go on until interrupted, each time so many came.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Make a snapshot at the log's last seal, beside whoever trades on the store.

    With --follow the folded state stays in memory: a snapshot costs no second look at the log,
    and the process gives way to all others.
    """
    log = open_log(store)
    folder_of(log)
    if follow:
        give_way()
    began = time.perf_counter()
    maker = Snapshotter(log)
    warn(maker.passed)
    try:
        _make(maker, log, keep, every, began, as_json=as_json)
        while follow:
            time.sleep(POLL_S)
            if maker.events_behind >= every:
                _make(maker, log, keep, every, time.perf_counter(), as_json=as_json)
    except KeyboardInterrupt:
        stderr.print("stopped")


def _make(
    maker: Snapshotter, log: EventLog, keep: int, every: int, began: float, *, as_json: bool
) -> None:
    """One, where it is time for one; and what that came to."""
    behind = maker.events_behind
    with progress("following", log.last_position, quiet=as_json) as report:
        made = maker.make(keep, report) if behind >= every else None
    if made is None:
        if as_json:
            print_json({"made": False, "events_since": behind})
        else:
            stdout.print(f"no snapshot made: {behind:,} events since the newest")
        return
    facts: dict[str, Any] = {
        "made": True,
        "file": str(made.path),
        "position": made.position,
        "events": made.events,
        "orders": made.orders,
        "bytes": made.bytes,
        "removed": made.removed,
        "seconds": f"{time.perf_counter() - began:.2f}",
        "state_hash": made.state_hash,
    }
    if as_json:
        print_json(facts)
    else:
        del facts["made"]
        print_facts("snapshot", facts)


@app.command("list")
def list_snapshots(*, store: StoreOption, as_json: JsonFlag = False) -> None:
    """Print the snapshots, the newest first, and which of them can't be used."""
    _show(listed(open_log(store)), as_json=as_json)


@app.command("verify")
def verify_snapshots(*, store: StoreOption, as_json: JsonFlag = False) -> None:
    """Compare each snapshot with the log, folded from its genesis. Exit 1 on a false one."""
    log = open_log(store)
    with progress("verifying", log.last_position, quiet=as_json) as report:
        found = verified(log, report)
    _show(found, as_json=as_json)
    if any(it.false for it in found):
        raise typer.Exit(BROKEN)


def _show(found: list[Found], *, as_json: bool) -> None:
    rows = [_row(it) for it in found]
    if as_json:
        print_json(rows)
        return
    columns = ("position", "time", "orders", "bytes", "state_hash", "verdict")
    print_table(columns, [[str(row[name]) for name in columns] for row in rows])


def _row(found: Found) -> dict[str, Any]:
    header = found.header
    return {
        "position": found.file.position,
        "time": None if header is None else time_text(header.at_us),
        "orders": None if header is None else header.orders,
        "bytes": found.bytes,
        "state_hash": None if header is None else header.state_hash,
        "verdict": found.wrong or "good",
        "good": found.wrong is None,
        "file": str(found.file.path),
    }
