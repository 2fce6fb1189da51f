"""``exchange venue poison``: commands that have stopped the venue and are refused since."""

from typing import Annotated

import typer

from exchange.audit.times import time_text
from exchange.cli.look import open_log
from exchange.cli.output import JsonFlag, StoreOption, print_facts, print_json, print_table, stderr
from exchange.store.lock import WriterLock
from exchange.store.poison import note_cleared, read_poison
from exchange.store.urls import StoreUrl
from exchange.venue.clock import Clock
from exchange.venue.sequencer import Venue

app = typer.Typer(
    help="Commands that have stopped the venue and are refused since.", no_args_is_help=True
)


@app.command("list")
def list_stops(*, store: StoreOption, as_json: JsonFlag = False) -> None:
    """Print each stop of the venue by a fault while recording, or by a broken law."""
    poison = read_poison(_existing(store).beside(".poison"))
    rows = [
        {
            "time": time_text(stop.at_us), "digest": stop.digest, "command": stop.kind,
            "fault": stop.fault, "refused": stop.digest in poison.refused,
        }
        for stop in poison.stops
    ]  # fmt: skip
    if as_json:
        print_json({"stops": rows, "halt_due": poison.halt_due})
        return
    columns = ("time", "digest", "command", "fault")
    cells = [(*(str(row[name]) for name in columns), _word(row)) for row in rows]
    print_table((*columns, "now"), cells)


@app.command("clear")
def clear(
    digest: Annotated[str, typer.Argument(help="The digest that the list has.")],
    *,
    store: StoreOption,
    as_json: JsonFlag = False,
) -> None:
    """Let commands of that content be decided again; the venue must not run meanwhile.

    Answers that were given stand: a key that a refusal has bound keeps it.
    """
    url = _existing(store)
    path, lock = url.beside(".poison"), WriterLock(url.beside(".lock"))
    try:
        if digest not in read_poison(path).refused:
            raise typer.BadParameter(f"no command with the digest {digest!r} is refused")
        note_cleared(path, Clock().now_us(), digest)
    finally:
        lock.release()
    facts = {"cleared": digest}
    if as_json:
        print_json(facts)
    else:
        print_facts("poison", facts)


def warn_of_halt(venue: Venue) -> None:
    """Tell the operator that the venue has just halted its markets, and what to do."""
    if venue.poison.halt_due:
        stderr.print(
            "warning: the venue was stopped three times within a minute, so every market that "
            "traded was halted. `exchange venue poison list` tells at what; `exchange market "
            "state SYMBOL continuous` lets a market trade again."
        )


def _existing(store: str) -> StoreUrl:
    """The store, which must be there, on disk."""
    open_log(store).close()
    return StoreUrl.parse(store)


def _word(row: dict[str, object]) -> str:
    if row["refused"]:
        return "refused"
    return "own work" if row["digest"] == "-" else "cleared"
