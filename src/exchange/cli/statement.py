"""``exchange statement``: what was booked on an account."""

from contextlib import suppress
from typing import Annotated

import typer
from msgspec.structs import asdict

from exchange.audit.statement import Asked, statement_at
from exchange.audit.times import time_text
from exchange.cli.asking import (
    WAIT_S,
    CursorOption,
    LimitOption,
    MinPosition,
    Row,
    ViewsOption,
    Wait,
    cell,
    cursor_of,
    head,
    open_views,
    print_foot,
    time_of,
)
from exchange.cli.look import open_log
from exchange.cli.moment import AsOf, looked_up
from exchange.cli.output import JsonFlag, StoreOption, print_json, print_table, stdout
from exchange.kernel.decimals import to_text
from exchange.projections.reader import Reader
from exchange.projections.statement import Statement, statement
from exchange.store.errors import StoreError


def print_statement(
    account: Annotated[str, typer.Argument(help="An account, or a ledger account's name.")],
    asset: Annotated[str, typer.Argument(help="The asset.")],
    *,
    store: StoreOption,
    views: ViewsOption = None,
    since: Annotated[
        str | None, typer.Option("--from", metavar="TIME", help="ISO 8601; UTC without a zone.")
    ] = None,
    until: Annotated[
        str | None, typer.Option(metavar="TIME", help="Up to before this time.")
    ] = None,
    as_of: AsOf = None,
    limit: LimitOption = 100,
    cursor: CursorOption = None,
    min_position: MinPosition = 0,
    wait: Wait = WAIT_S,
    as_json: JsonFlag = False,
) -> None:
    """What was booked on an account: opening balance + lines = closing balance, checked."""
    if as_of is not None and min_position:
        raise typer.BadParameter("either --as-of or --min-position")
    asked = Asked(account, asset, time_of(since), time_of(until), limit, cursor_of(cursor))
    try:
        if as_of is None:
            reader = open_views(store, views, min_position, wait)
            told = statement(reader, **asdict(asked), min_position=min_position)
        else:
            told = _past_statement(store, views, asked, as_of)
    except LookupError as error:
        raise typer.BadParameter(str(error.args[0])) from error
    if as_json:
        print_json(_statement_facts(told))
        return
    _print_statement(account, told)


def _past_statement(store: str, views: str | None, asked: Asked, as_of: str) -> Statement:
    """As it was; from the log where the views don't reach, or there are none."""
    log = open_log(store)
    reader: Reader | None = None
    with suppress(StoreError):  # The log has it all.
        reader = open_views(store, views)
    return looked_up(
        log, as_of, lambda moment, report: statement_at(log, reader, asked, moment, report)
    )


def _statement_facts(told: Statement) -> Row:
    def text(units: int) -> str:
        return to_text(units, told.decimals)

    lines = [
        asdict(line) | {
            "amount": text(line.amount), "balance": text(line.balance),
            "time": time_text(line.at_us),
        }
        for line in told.lines
    ]  # fmt: skip
    return head(told) | {
        "source": told.source,
        "at": time_text(told.moment.at_us),
        "asset": told.asset,
        "opening": {name: text(units) for name, units in told.opening.items()},
        "lines": lines,
        "closing": {name: text(units) for name, units in told.closing.items()},
    }


def _print_statement(account: str, told: Statement) -> None:
    facts = _statement_facts(told)
    stdout.print(f"{account} in {told.asset}", style="italic")
    for name, units in facts["opening"].items():
        stdout.print(f"opening  {name}  {units}")
    columns = ("time", "position", "entry_id", "account", "amount", "balance")
    print_table(columns, [[cell(line[name]) for name in columns] for line in facts["lines"]])
    for name, units in facts["closing"].items():
        stdout.print(f"closing  {name}  {units}")
    total = sum(told.closing.values())
    stdout.print(f"in all   {to_text(total, told.decimals)}: opening + lines = closing")
    print_foot(told)
