"""``exchange play``: an order-book story from a file, shown line by line and checked."""

from pathlib import Path
from typing import Annotated, Any

import typer

from exchange.cli.output import BROKEN, JsonFlag, print_json, stderr, stdout
from exchange.feeds.script.faults import Unmet
from exchange.feeds.script.play import Played, Script, play, read_script


def play_file(
    file: Annotated[Path, typer.Argument(help="The script: see docs/play.md.")],
    *,
    as_json: JsonFlag = False,
) -> None:
    """Play a script on a venue in memory: each line, what comes of it, the book where it changed.

    Exit 1 on the first expectation that is not met, 2 on a line that says nothing.
    """
    script = read_script(file)
    steps: list[dict[str, Any]] = []
    book: tuple[str, ...] = ()
    unmet: Unmet | None = None
    try:
        for played in play(script):
            steps.append(_facts(played))
            if not as_json:
                _show(played, () if played.book == book else played.book)
            book = played.book
    except Unmet as found:
        unmet = found
    if as_json:
        print_json({"file": script.name, "steps": steps, "unmet": _unmet_facts(unmet)})
    elif unmet is None:
        stdout.print(_summary(script))
    if unmet is not None:
        stderr.print(f"unmet: {unmet}")
        raise typer.Exit(BROKEN)


def _show(played: Played, book: tuple[str, ...]) -> None:
    step = played.step
    stdout.print(f"{step.line:>4}  {step.text}")
    for line in (*step.block, *((played.told,) if played.told else ()), *book):
        stdout.print(f"          {line}")


def _summary(script: Script) -> str:
    expected = sum(step.expects for step in script.steps)
    return f"{script.name}: {len(script.steps)} steps, {expected} expectations met"


def _facts(played: Played) -> dict[str, Any]:
    step = played.step
    return {"line": step.line, "text": step.text, "told": played.told, "book": played.book}


def _unmet_facts(unmet: Unmet | None) -> dict[str, str] | None:
    if unmet is None:
        return None
    names = ("place", "text", "expected", "found")
    return {name: getattr(unmet, name) for name in names}
