"""How results, progress and errors reach the terminal, or a machine with ``--json``."""

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated, Any, NoReturn

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

BROKEN, USAGE, ENVIRONMENT = 1, 2, 3
"""Exit codes: a law or an expectation is broken; wrong use; the store or its surroundings."""

JsonFlag = Annotated[bool, typer.Option("--json", help="Print one JSON document instead.")]
StoreOption = Annotated[
    str, typer.Option("--store", metavar="URL", help="sqlite:///PATH or memory:")
]

stdout = Console(highlight=False, soft_wrap=True)
stderr = Console(stderr=True, highlight=False, soft_wrap=True)


def print_json(value: object) -> None:
    """One document, on one line, keys in order."""
    text = msgspec.json.encode(value, order="sorted").decode()
    sys.stdout.write(text + "\n")


def print_facts(title: str, facts: Mapping[str, object]) -> None:
    """Names and values, two columns."""
    table = Table(title=title, title_justify="left", show_header=False, box=None, pad_edge=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, value in facts.items():
        table.add_row(name, _text(value))
    stdout.print(table)


def print_table(columns: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
    """A table with a header."""
    table = Table(*columns, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        table.add_row(*row)
    stdout.print(table)


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
    stderr.print(f"error: {message}", markup=False)
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
