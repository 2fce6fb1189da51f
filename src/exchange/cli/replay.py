"""``exchange replay``: the log once more, into memory, elsewhere, or through today's decisions."""

import time
from collections.abc import Callable
from functools import partial
from itertools import zip_longest
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from exchange.audit.asof import Moment, NotThere, Progress, state_at
from exchange.audit.copy import copy_log, write_lines
from exchange.audit.reexecute import DIFFERENCES_MAX, reexecute
from exchange.audit.times import time_text
from exchange.cli.look import open_log
from exchange.cli.output import (
    BROKEN,
    JsonFlag,
    StoreOption,
    plain,
    print_facts,
    print_json,
    progress,
    stderr,
)
from exchange.store.log import EventLog
from exchange.store.urls import StoreUrl

TEXT_MAX = 1_000
"""Characters that are shown of an event; ``--json`` has all of it."""


def replay_store(
    *,
    store: StoreOption,
    first: Annotated[
        int | None,
        typer.Option("--from", min=1, help="First position.", show_default="the log's first"),
    ] = None,
    until: Annotated[
        int | None, typer.Option(min=1, help="Last position.", show_default="the log's last")
    ] = None,
    to: Annotated[
        str | None,
        typer.Option(
            metavar="ndjson:FILE|store:URL",
            help="Write the events there: as JSON lines, or row for row with their seals.",
        ),
    ] = None,
    again: Annotated[
        bool, typer.Option("--re-execute", help="Decide each command again and compare.")
    ] = False,
    differences_max: Annotated[
        int, typer.Option("--max-differences", min=1, help="With --re-execute: stop at so many.")
    ] = DIFFERENCES_MAX,
    as_json: JsonFlag = False,
) -> None:
    """Replay the log: fold it, copy it, or decide all of it again. Exit 1 on any difference."""
    if until is not None and first is not None and until < first:
        raise typer.BadParameter(f"--until {until} lies before --from {first}")
    if again and to is not None:
        raise typer.BadParameter("either --to or --re-execute")
    if again:
        work = partial(_decide_again, first=first or 1, until=until, most=differences_max)
    elif to is None:
        if first is not None:
            raise typer.BadParameter("a fold begins at genesis: --from goes with --to ndjson:FILE")
        work = partial(_fold, until=until)
    else:
        work = partial(_take, to=to, first=first, until=until)
    facts = _run(work, store, until, quiet=as_json)
    differences = facts.get("differences", [])
    if as_json:
        print_json(facts)
    else:
        print_facts(
            f"replay {store}", {**facts, "differences": len(differences)} if again else facts
        )
        for difference in differences:
            _print_difference(difference)
    if differences:
        raise typer.Exit(BROKEN)


def _run(
    work: Callable[[EventLog, Progress], dict[str, Any]],
    store: str,
    until: int | None,
    *,
    quiet: bool,
) -> dict[str, Any]:
    """What the work tells, with its seconds and speed."""
    log = open_log(store)
    began = time.perf_counter()
    try:
        with progress("replaying", until or log.last_position, quiet=quiet) as report:
            facts = work(log, report)
    except NotThere as error:
        raise typer.BadParameter(str(error)) from error
    seconds = time.perf_counter() - began
    rate = round(facts["events"] / seconds) if seconds else 0
    return {"store": store, **facts, "seconds": f"{seconds:.2f}", "events_per_s": rate}


def _fold(log: EventLog, report: Progress, *, until: int | None) -> dict[str, Any]:
    past = state_at(log, Moment(position=until), report, genesis=True)
    return {
        "position": past.position,
        "at": time_text(past.at_us),
        "events": past.position,
        "state_hash": past.state.state_hash(),
    }


def _decide_again(
    log: EventLog, report: Progress, *, first: int, until: int | None, most: int
) -> dict[str, Any]:
    seen = reexecute(
        log, first=first, until=Moment(position=until), differences_max=most, progress=report
    )
    return dict(plain(seen))


def _take(
    log: EventLog, report: Progress, *, to: str, first: int | None, until: int | None
) -> dict[str, Any]:
    kind, _, target = to.partition(":")
    if kind == "ndjson" and target:
        done = write_lines(log, Path(target), first=first or 1, until=until, progress=report)
        facts = plain(done)
        return {"to": to, **{name: facts[name] for name in ("events", "first", "last")}}
    if kind == "store" and target:
        if first is not None:
            raise typer.BadParameter("a store is copied from its genesis: leave --from out")
        return {
            "to": to,
            **plain(copy_log(log, StoreUrl.parse(target), until=until, progress=report)),
        }
    raise typer.BadParameter(f"{to!r} is no target: write ndjson:FILE or store:sqlite:///PATH")


def _print_difference(difference: dict[str, Any]) -> None:
    """Where it is, and the first effect that differs."""
    place = f"{difference['kind']} {difference['stream']}:{difference['version']}"
    stderr.print(f"differs: at {difference['position']}, {place}")
    if difference["fault"] is not None:
        stderr.print(f"  fault     {difference['fault']}")
    pairs = zip_longest(difference["expected"], difference["decided"])
    recorded, decided = next((pair for pair in pairs if pair[0] != pair[1]), (None, None))
    if recorded != decided:
        stderr.print(f"  recorded  {_effect_text(recorded)}")
        stderr.print(f"  decided   {_effect_text(decided)}")


def _effect_text(effect: dict[str, Any] | None) -> str:
    if effect is None:
        return "nothing further"
    event = msgspec.json.encode(effect["event"]).decode()
    text = f"{effect['stream']}@{effect['version']} {effect['topic']} {event}"
    return text if len(text) <= TEXT_MAX else f"{text[:TEXT_MAX]}…"
