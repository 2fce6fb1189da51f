"""``exchange follow|statement|orders|trades|candles``: read models, kept and asked."""

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from msgspec.structs import asdict

from exchange.cli.look import open_log
from exchange.cli.output import (
    JsonFlag,
    StoreOption,
    plain,
    print_facts,
    print_json,
    print_table,
    progress,
    stderr,
    stdout,
)
from exchange.kernel.decimals import to_text
from exchange.projections.candles import SPANS
from exchange.projections.follower import Follower
from exchange.projections.queries import candles, orders, trades
from exchange.projections.reader import PAGE_MAX, Cursor, MarketRow, Page, Reader
from exchange.projections.statement import Statement, statement
from exchange.projections.views import NAME
from exchange.store.errors import StoreError
from exchange.store.urls import StoreUrl

POLL_S = 0.05
ViewsOption = Annotated[
    str | None,
    typer.Option("--views", metavar="URL", help="sqlite:///PATH", show_default="STORE.views"),
]
LimitOption = Annotated[int, typer.Option(min=1, max=PAGE_MAX, help="At most so many.")]
CursorOption = Annotated[
    str | None, typer.Option(metavar="CURSOR", help="Where the page before said it ended.")
]
SymbolArgument = Annotated[str, typer.Argument(help="The market.")]
Row = dict[str, Any]


def follow(
    name: Annotated[str, typer.Argument(help="Which follower.")] = NAME,
    *,
    store: StoreOption,
    views: ViewsOption = None,
    once: Annotated[bool, typer.Option("--once", help="Catch up and end.")] = False,
    rebuild: Annotated[bool, typer.Option("--rebuild", help="Begin from the first event.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Keep the read models of a store: catch up, then follow until interrupted.

    The views are read while they are built anew, until the new ones have caught up. Exit 1 at
    an event that can't be followed: nothing is skipped.
    """
    if name != NAME:
        raise typer.BadParameter(f"there is no follower {name!r}; there is: {NAME}")
    log = open_log(store)
    with Follower(log, views_path(store, views), rebuild=rebuild) as follower:
        try:
            facts = {"follower": name, **_catch_up(follower, log.last_position, quiet=as_json)}
            if as_json:
                print_json(facts)
            else:
                print_facts(f"{name} of {store}", facts)
            while not once:
                if not follower.step():
                    time.sleep(POLL_S)
        except KeyboardInterrupt:
            stderr.print(f"stopped at position {follower.anchor.position}")


def _catch_up(follower: Follower, last: int, *, quiet: bool) -> Row:
    """Follow to the end of the log; what that came to."""
    began, started = follower.anchor.position, time.perf_counter()
    with progress("following", last, quiet=quiet) as report:
        position = follower.catch_up(report)
    return {
        "position": position,
        "events": position - began,
        "seconds": f"{time.perf_counter() - started:.2f}",
        "hash": follower.anchor.hash,
    }


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
            reader, account, asset, from_us=_time(since), until_us=_time(until), limit=limit,
            cursor=_cursor(cursor),
        )  # fmt: skip
    except LookupError as error:
        raise typer.BadParameter(str(error.args[0])) from error
    if as_json:
        print_json(_statement_facts(told))
        return
    _print_statement(account, told)


def print_orders(
    account: Annotated[str | None, typer.Argument(help="Only this account's.")] = None,
    *,
    store: StoreOption,
    views: ViewsOption = None,
    symbol: Annotated[str | None, typer.Option(help="Only this market's.")] = None,
    only_open: Annotated[bool, typer.Option("--open", help="Only open ones.")] = False,
    limit: LimitOption = 100,
    cursor: CursorOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Orders of an account, of a market, or both, as they stand; the newest first."""
    if account is None and symbol is None:
        raise typer.BadParameter("name an account, a --symbol, or both")
    reader = open_views(store, views)
    if symbol is not None:
        _market(reader, symbol)
    page = orders(reader, account, symbol, only_open=only_open, limit=limit, cursor=_cursor(cursor))
    markets, decimals = reader.markets(), reader.decimals()
    rows = [_order(row, markets[row["symbol"]], decimals) for row in plain(page.rows)]
    columns = ("order", "account", "side", "type", "price", "quantity", "filled", "leaves",
               "status", "reason", "created")  # fmt: skip
    _show(page, rows, columns, as_json=as_json)


def print_trades(
    symbol: SymbolArgument,
    *,
    store: StoreOption,
    views: ViewsOption = None,
    limit: LimitOption = 100,
    cursor: CursorOption = None,
    as_json: JsonFlag = False,
) -> None:
    """A market's trades, the newest first."""
    reader = open_views(store, views)
    market = _market(reader, symbol)
    page = trades(reader, symbol, limit=limit, cursor=_cursor(cursor))
    quote = reader.decimals()[market.quote]
    rows = [_trade(row, market, quote) for row in plain(page.rows)]
    columns = ("number", "time", "price", "quantity", "value", "taker_side", "maker_order",
               "taker_order", "mark")  # fmt: skip
    _show(page, rows, columns, as_json=as_json)


def print_candles(
    symbol: SymbolArgument,
    *,
    store: StoreOption,
    views: ViewsOption = None,
    interval: Annotated[str, typer.Option(help=f"One of {', '.join(SPANS)}.")] = "1m",
    limit: LimitOption = 100,
    cursor: CursorOption = None,
    as_json: JsonFlag = False,
) -> None:
    """A market's candles, the newest first; flat ones where nothing traded."""
    if interval not in SPANS:
        raise typer.BadParameter(f"{interval!r} is none of {', '.join(SPANS)}")
    reader = open_views(store, views)
    market = _market(reader, symbol)
    page = candles(reader, symbol, interval, limit=limit, cursor=_cursor(cursor))
    quote = reader.decimals()[market.quote]
    rows = [_candle(row, market, quote) for row in plain(page.rows)]
    columns = ("start", "open", "high", "low", "close", "volume", "value", "trades")
    _show(page, rows, columns, as_json=as_json)


def views_path(store: str, views: str | None) -> Path:
    """The file of the views: the one that is named, or the one beside the store.

    Raises:
        StoreError: it is no file.
    """
    url = StoreUrl.parse(store if views is None else views)
    if url.path is None:
        raise StoreError("views in memory end with their process: name a file")
    return url.beside(".views") if views is None else url.path


def open_views(store: str, views: str | None) -> Reader:
    """The views of the store, to be asked.

    Raises:
        StoreError: there are none, or they can't be read.
    """
    return Reader(views_path(store, views))


def _show(page: Page, rows: list[Row], columns: tuple[str, ...], *, as_json: bool) -> None:
    if as_json:
        print_json(_head(page) | {"rows": rows})
        return
    print_table(columns, [[_cell(row[name]) for name in columns] for row in rows])
    _print_foot(page)


def _head(page: Page | Statement) -> Row:
    """Which moment was asked, and where the next page begins."""
    cursor = None if page.cursor is None else str(page.cursor)
    return {"position": page.moment.position, "cursor": cursor}


def _print_foot(page: Page | Statement) -> None:
    stdout.print(f"as of position {page.moment.position}, {_clock(page.moment.at_us)}")
    if page.cursor is not None:
        stdout.print(f"more: --cursor {page.cursor}")


def _order(row: Row, market: MarketRow, decimals: dict[str, int]) -> Row:
    """An order with decimal text in place of units."""
    for name in ("price", "trigger"):
        row[name] = _units(row[name], market.price_decimals)
    for name in ("quantity", "display", "leaves", "filled", "prevented"):
        row[name] = _units(row[name], market.quantity_decimals)
    for name in ("budget", "filled_value"):
        row[name] = _units(row[name], decimals[market.quote])
    row["order"] = f"{row['symbol']}:{row['number']}"
    row["created"], row["updated"] = _clock(row["created_us"]), _clock(row["updated_us"])
    row["deadline"] = None if row["deadline_us"] is None else _clock(row["deadline_us"])
    return row


def _trade(row: Row, market: MarketRow, quote_decimals: int) -> Row:
    row["price"] = _units(row["price"], market.price_decimals)
    row["quantity"] = _units(row["quantity"], market.quantity_decimals)
    row["value"], row["time"] = _units(row["value"], quote_decimals), _clock(row["at_us"])
    row["mark"] = None if row["busted_position"] is None else "busted"
    return row


def _candle(row: Row, market: MarketRow, quote_decimals: int) -> Row:
    for name in ("open", "high", "low", "close"):
        row[name] = _units(row[name], market.price_decimals)
    row["volume"] = _units(row["volume"], market.quantity_decimals)
    row["value"], row["start"] = _units(row["value"], quote_decimals), _clock(row["start_us"])
    return row


def _statement_facts(told: Statement) -> Row:
    def text(units: int) -> str:
        return to_text(units, told.decimals)

    lines = [
        asdict(line) | {
            "amount": text(line.amount), "balance": text(line.balance), "time": _clock(line.at_us)
        }
        for line in told.lines
    ]  # fmt: skip
    return _head(told) | {
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
    print_table(columns, [[_cell(line[name]) for name in columns] for line in facts["lines"]])
    for name, units in facts["closing"].items():
        stdout.print(f"closing  {name}  {units}")
    total = sum(told.closing.values())
    stdout.print(f"in all   {to_text(total, told.decimals)}: opening + lines = closing")
    _print_foot(told)


def _market(reader: Reader, symbol: str) -> MarketRow:
    markets = reader.markets()
    if symbol not in markets:
        known = ", ".join(sorted(markets)) or "none"
        raise typer.BadParameter(f"{symbol!r} is no market of these views; they have: {known}")
    return markets[symbol]


def _cursor(text: str | None) -> Cursor | None:
    try:
        return None if text is None else Cursor.parse(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


def _time(text: str | None) -> int | None:
    """Microseconds since 1970 UTC."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is no time: write 2026-05-02T12:30:00Z") from error
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    passed = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (passed.days * 86_400 + passed.seconds) * 1_000_000 + passed.microseconds


def _clock(at_us: int) -> str:
    """A venue time for people: UTC to the microsecond."""
    seconds, micros = divmod(at_us, 1_000_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{micros:06}Z"


def _units(units: int | str | None, decimals: int) -> str | None:
    return None if units is None else to_text(int(units), decimals)


def _cell(value: object) -> str:
    return "" if value is None else str(value)
