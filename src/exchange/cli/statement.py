"""``exchange statement``: what was booked on an account."""

from typing import Annotated

import typer
from msgspec.structs import asdict

from exchange.audit.times import time_text
from exchange.cli.asking import (
    CursorOption,
    LimitOption,
    Row,
    ViewsOption,
    cell,
    cursor_of,
    head,
    open_views,
    print_foot,
    time_of,
)
from exchange.cli.output import JsonFlag, StoreOption, print_json, print_table, stdout
from exchange.kernel.decimals import to_text
from exchange.projections.statement import Statement, statement


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
    limit: LimitOption = 100,
    cursor: CursorOption = None,
    as_json: JsonFlag = False,
) -> None:
    """What was booked on an account: opening balance + lines = closing balance, checked."""
    reader = open_views(store, views)
    try:
        told = statement(
            reader, account, asset, from_us=time_of(since), until_us=time_of(until), limit=limit,
            cursor=cursor_of(cursor),
        )  # fmt: skip
    except LookupError as error:
        raise typer.BadParameter(str(error.args[0])) from error
    if as_json:
        print_json(_statement_facts(told))
        return
    _print_statement(account, told)


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
