"""What the commands that ask the read models share: options, pages, times."""

from pathlib import Path
from typing import Annotated, Any

import typer

from exchange.audit.times import time_text
from exchange.cli.output import print_json, print_table, stdout
from exchange.cli.times import time_us
from exchange.projections.reader import PAGE_MAX, Cursor, Page, Reader
from exchange.projections.statement import Statement
from exchange.store.errors import StoreError
from exchange.store.urls import StoreUrl

ViewsOption = Annotated[
    str | None,
    typer.Option("--views", metavar="URL", help="sqlite:///PATH", show_default="STORE.views"),
]
LimitOption = Annotated[int, typer.Option(min=1, max=PAGE_MAX, help="At most so many.")]
CursorOption = Annotated[
    str | None,
    typer.Option(
        "--cursor", "--after", metavar="CURSOR", help="Where the page before said it ended."
    ),
]
MinPosition = Annotated[
    int,
    typer.Option(
        "--min-position", metavar="POSITION", min=0,
        help="Wait until the views have reached this log position; exit 3 if they don't.",
        show_default=False,
    ),
]  # fmt: skip
Wait = Annotated[
    float, typer.Option(metavar="SECONDS", min=0, help="How long, with --min-position.")
]
WAIT_S = 5.0
Row = dict[str, Any]


def views_path(store: str, views: str | None) -> Path:
    """The file of the views: the one that is named, or the one beside the store.

    Raises:
        StoreError: it is no file.
    """
    url = StoreUrl.parse(store if views is None else views)
    if url.path is None:
        raise StoreError("views in memory end with their process: name a file")
    return url.beside(".views") if views is None else url.path


def open_views(store: str, views: str | None, min_position: int = 0, wait_s: float = 0) -> Reader:
    """The views of the store, to be asked, once they have reached a position.

    Raises:
        Behind: they have not within so many seconds.
        StoreError: there are none, or they can't be read.
    """
    reader = Reader(views_path(store, views))
    reader.wait_for(min_position, wait_s)
    return reader


def show(page: Page, rows: list[Row], columns: tuple[str, ...], *, as_json: bool) -> None:
    """A page as one JSON document, or as a table of some columns."""
    if as_json:
        print_json(head(page) | {"rows": rows})
        return
    print_table(columns, [[cell(row[name]) for name in columns] for row in rows])
    print_foot(page)


def head(page: Page | Statement) -> Row:
    """Which moment was asked, and where the next page begins."""
    cursor = None if page.cursor is None else str(page.cursor)
    return {"position": page.moment.position, "cursor": cursor}


def print_foot(page: Page | Statement) -> None:
    """As of when this is, and how to go on."""
    source = ", from the log alone" if isinstance(page, Statement) and page.source == "log" else ""
    stdout.print(f"as of position {page.moment.position}, {time_text(page.moment.at_us)}{source}")
    if page.cursor is not None:
        stdout.print(f"more: --cursor {page.cursor}")


def cursor_of(text: str | None) -> Cursor | None:
    """The cursor that was given, if any; what is none is wrong use."""
    try:
        return None if text is None else Cursor.parse(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


def time_of(text: str | None) -> int | None:
    """Microseconds since 1970 UTC of a time that was given; what is none is wrong use."""
    return None if text is None else time_us(text)


def cell(value: object) -> str:
    """A value in a table."""
    return "" if value is None else str(value)
