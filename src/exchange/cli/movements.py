"""``exchange deposits|withdrawals``: pages of money that came and went."""

from typing import Annotated

import typer
from msgspec.structs import asdict

from exchange.audit.times import time_text
from exchange.cli.asking import (
    WAIT_S,
    CursorOption,
    LimitOption,
    MinPosition,
    ViewsOption,
    Wait,
    cursor_of,
    open_views,
    show,
)
from exchange.cli.output import JsonFlag, StoreOption
from exchange.kernel.decimals import to_text
from exchange.projections.movements import STATUSES, deposits, withdrawals
from exchange.projections.reader import Reader

AccountArgument = Annotated[str | None, typer.Argument(help="Only this account's.")]
AssetOption = Annotated[str | None, typer.Option(help="Only of this asset.")]


def print_deposits(
    account: AccountArgument = None,
    *,
    store: StoreOption,
    views: ViewsOption = None,
    asset: AssetOption = None,
    limit: LimitOption = 100,
    cursor: CursorOption = None,
    min_position: MinPosition = 0,
    wait: Wait = WAIT_S,
    as_json: JsonFlag = False,
) -> None:
    """Money that came in, the newest first; a reversal marks its deposit."""
    reader = open_views(store, views, min_position, wait)
    decimals = _decimals(reader, asset)
    page = deposits(
        reader, account, asset, limit=limit, cursor=cursor_of(cursor), min_position=min_position
    )
    rows = [
        asdict(row) | {
            "amount": to_text(int(row.amount), decimals[row.asset]),
            "time": time_text(row.at_us),
            "mark": None if row.reversed_position is None else "reversed",
        }
        for row in page.rows
    ]  # fmt: skip
    columns = ("time", "position", "reference", "account", "asset", "amount", "mark")
    show(page, rows, columns, as_json=as_json)


def print_withdrawals(
    account: AccountArgument = None,
    *,
    store: StoreOption,
    views: ViewsOption = None,
    asset: AssetOption = None,
    state: Annotated[
        str | None, typer.Option(help=f"Only those that are {', '.join(STATUSES)}.")
    ] = None,
    limit: LimitOption = 100,
    cursor: CursorOption = None,
    min_position: MinPosition = 0,
    wait: Wait = WAIT_S,
    as_json: JsonFlag = False,
) -> None:
    """Withdrawals and how far each has come, the newest first."""
    if state is not None and state not in STATUSES:
        raise typer.BadParameter(f"{state!r} is none of {', '.join(STATUSES)}")
    reader = open_views(store, views, min_position, wait)
    decimals = _decimals(reader, asset)
    page = withdrawals(
        reader,
        account,
        asset,
        state,
        limit=limit,
        cursor=cursor_of(cursor),
        min_position=min_position,
    )
    rows = [
        asdict(row) | {
            "withdrawal": row.number, "state": row.status, "to": row.destination,
            "amount": to_text(int(row.amount), decimals[row.asset]),
            "fee": to_text(int(row.fee), decimals[row.asset]),
            "created": time_text(row.created_us), "updated": time_text(row.updated_us),
        }
        for row in page.rows
    ]  # fmt: skip
    columns = ("withdrawal", "created", "account", "asset", "amount", "fee", "to", "state",
               "reference", "reason", "updated")  # fmt: skip
    show(page, rows, columns, as_json=as_json)


def _decimals(reader: Reader, asset: str | None) -> dict[str, int]:
    """Asset -> its decimals; one that the views don't have is wrong use."""
    decimals = reader.decimals()
    if asset is not None and asset not in decimals:
        known = ", ".join(sorted(decimals)) or "none"
        raise typer.BadParameter(f"{asset!r} is no asset of these views; they have: {known}")
    return decimals
