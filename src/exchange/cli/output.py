"""How results, progress and errors reach the terminal, or a machine with ``--json``."""

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated, Any, NoReturn

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

BROKEN, USAGE, ENVIRONMENT = 1, 2, 3
"""Exit codes: a law or an expectation is broken; wrong use; the store or its surroundings."""

JsonFlag = Annotated[
    bool, typer.Option("--json", help="Print JSON instead: one document, for events one a line.")
]
StoreOption = Annotated[
    str, typer.Option("--store", metavar="URL", help="sqlite:///PATH or memory:")
]

# What is printed stands as it is: `[b]` is no markup, `:100:` no emoji, and no line is cut.
stdout = Console(highlight=False, soft_wrap=True, markup=False, emoji=False)
stderr = Console(stderr=True, highlight=False, soft_wrap=True, markup=False, emoji=False)


def print_json(value: object) -> None:
    """One document, on one line, keys in order."""
    text = msgspec.json.encode(value, order="sorted").decode()
    sys.stdout.write(text + "\n")


def print_facts(title: str, facts: Mapping[str, object]) -> None:
    """Names and values, two columns."""
    stdout.print(title, style="italic")
    width = max(map(len, facts), default=0)
    for name, value in facts.items():
        stdout.print(f"{name:{width}}  {_text(value)}")


def print_table(columns: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
    """A table with a header; however narrow the terminal, no number is cut."""
    lines = [tuple(columns), *map(tuple, rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for number, line in enumerate(lines):
        texts = (text.ljust(width) for text, width in zip(line, widths, strict=True))
        stdout.print("  ".join(texts).rstrip(), style=None if number else "bold")


@contextmanager
def progress(what: str, total: int | None, *, quiet: bool) -> Iterator[Callable[[int], None]]:
    """A bar with the rate on a terminal, nothing elsewhere; call the result with the count."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
    )
    shown = Progress(
        *columns, console=stderr, transient=True, disable=quiet or not stderr.is_terminal
    )
    with shown:
        task = shown.add_task(what, total=total, rate="")

        def report(count: int) -> None:
            speed = shown.tasks[task].speed
            shown.update(task, completed=count, rate=f"{speed:,.0f}/s" if speed else "")

        yield report


def fail(message: str, code: int) -> NoReturn:
    """End the command with one line on stderr (and as JSON where that was asked for)."""
    if "--json" in sys.argv:
        print_json({"error": message, "exit_code": code})
    stderr.print(f"error: {message}")
    raise SystemExit(code)


def _text(value: object) -> str:
    match value:
        case Mapping():
            return ", ".join(f"{name} {_text(each)}" for name, each in value.items()) or "none"
        case list():
            return ", ".join(map(_text, value)) or "none"
        case bool():
            return "yes" if value else "no"
        case int():
            return f"{value:,}"
        case _:
            return str(value)


def plain(value: object) -> Any:  # noqa: ANN401 - whatever JSON can say
    """Structs and enums as plain data."""
    return msgspec.to_builtins(value)
