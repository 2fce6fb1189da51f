"""``exchange orders|trades|candles|markets``: pages of the read models."""

from typing import Annotated

import typer
from msgspec.structs import asdict

from exchange.audit.times import time_text
from exchange.cli.asking import (
    WAIT_S,
    CursorOption,
    LimitOption,
    MinPosition,
    Row,
    ViewsOption,
    Wait,
    cursor_of,
    open_views,
    show,
)
from exchange.cli.market import UNITS
from exchange.cli.output import JsonFlag, StoreOption, plain
from exchange.cli.times import day_text
from exchange.feeds.terms import Scale
from exchange.kernel.decimals import to_text
from exchange.projections.candles import SPANS
from exchange.projections.queries import RulesRow, candles, markets, orders, trades
from exchange.projections.reader import MarketRow, Reader

DERIVED = frozenset({"value_unit", "base_unit"})
"""Of a market's rules, what follows from its decimals."""

SymbolArgument = Annotated[str, typer.Argument(help="The market.")]


def print_orders(
    account: Annotated[str | None, typer.Argument(help="Only this account's.")] = None,
    *,
    store: StoreOption,
    views: ViewsOption = None,
    symbol: Annotated[str | None, typer.Option(help="Only this market's.")] = None,
    only_open: Annotated[bool, typer.Option("--open", help="Only open ones.")] = False,
    limit: LimitOption = 100,
    cursor: CursorOption = None,
    min_position: MinPosition = 0,
    wait: Wait = WAIT_S,
    as_json: JsonFlag = False,
) -> None:
    """Orders of an account, of a market, or both, as they stand; the newest first."""
    if account is None and symbol is None:
        raise typer.BadParameter("name an account, a --symbol, or both")
    reader = open_views(store, views, min_position, wait)
    if symbol is not None:
        _market(reader, symbol)
    page = orders(
        reader,
        account,
        symbol,
        only_open=only_open,
        limit=limit,
        cursor=cursor_of(cursor),
        min_position=min_position,
    )
    markets, decimals = reader.markets(), reader.decimals()
    rows = [_order(row, markets[row["symbol"]], decimals) for row in plain(page.rows)]
    columns = ("order", "account", "side", "type", "price", "quantity", "filled", "leaves",
               "status", "reason", "created")  # fmt: skip
    show(page, rows, columns, as_json=as_json)


def print_trades(
    symbol: SymbolArgument,
    *,
    store: StoreOption,
    views: ViewsOption = None,
    limit: LimitOption = 100,
    cursor: CursorOption = None,
    min_position: MinPosition = 0,
    wait: Wait = WAIT_S,
    as_json: JsonFlag = False,
) -> None:
    """A market's trades, the newest first."""
    reader = open_views(store, views, min_position, wait)
    market = _market(reader, symbol)
    page = trades(reader, symbol, limit=limit, cursor=cursor_of(cursor), min_position=min_position)
    quote = reader.decimals()[market.quote]
    rows = [_trade(row, market, quote) for row in plain(page.rows)]
    columns = ("number", "time", "price", "quantity", "value", "taker_side", "maker_order",
               "taker_order", "mark")  # fmt: skip
    show(page, rows, columns, as_json=as_json)


def print_candles(
    symbol: SymbolArgument,
    *,
    store: StoreOption,
    views: ViewsOption = None,
    interval: Annotated[str, typer.Option(help=f"One of {', '.join(SPANS)}.")] = "1m",
    limit: LimitOption = 100,
    cursor: CursorOption = None,
    min_position: MinPosition = 0,
    wait: Wait = WAIT_S,
    as_json: JsonFlag = False,
) -> None:
    """A market's candles, the newest first; flat ones where nothing traded."""
    if interval not in SPANS:
        raise typer.BadParameter(f"{interval!r} is none of {', '.join(SPANS)}")
    reader = open_views(store, views, min_position, wait)
    market = _market(reader, symbol)
    page = candles(
        reader, symbol, interval, limit=limit, cursor=cursor_of(cursor), min_position=min_position
    )
    quote = reader.decimals()[market.quote]
    rows = [_candle(row, market, quote) for row in plain(page.rows)]
    columns = ("start", "open", "high", "low", "close", "volume", "value", "trades")
    show(page, rows, columns, as_json=as_json)


def print_markets(
    *,
    store: StoreOption,
    views: ViewsOption = None,
    min_position: MinPosition = 0,
    wait: Wait = WAIT_S,
    as_json: JsonFlag = False,
) -> None:
    """Every market with its rules as they stand, by symbol."""
    reader = open_views(store, views, min_position, wait)
    page, decimals = markets(reader, min_position=min_position), reader.decimals()
    rows = [_rules(row, decimals) for row in page.rows]
    columns = ("symbol", "state", "version", "base", "quote", "tick", "lot", "maker_ppm",
               "taker_ppm", "changed")  # fmt: skip
    show(page, rows, columns, as_json=as_json)


def _rules(row: RulesRow, decimals: dict[str, int]) -> Row:
    """A market's rules with decimal text in place of units."""
    rules = row.rules
    places = decimals[rules.base], decimals[rules.quote]
    scale = Scale(rules.price_decimals, rules.quantity_decimals, *places)
    told = {name: it for name, it in asdict(rules).items() if name not in DERIVED}
    told |= {
        name: to_text(getattr(rules, name), getattr(scale, unit)) for name, unit in UNITS.items()
    }
    return told | {
        "state": row.state, "version": row.rulebook_version, "position": row.position,
        "changed": time_text(row.at_us), "day_end": day_text(told.pop("day_end_us")),
    }  # fmt: skip


def _order(row: Row, market: MarketRow, decimals: dict[str, int]) -> Row:
    """An order with decimal text in place of units."""
    for name in ("price", "trigger"):
        row[name] = _units(row[name], market.price_decimals)
    for name in ("quantity", "display", "leaves", "filled", "prevented"):
        row[name] = _units(row[name], market.quantity_decimals)
    for name in ("budget", "filled_value"):
        row[name] = _units(row[name], decimals[market.quote])
    row["order"] = f"{row['symbol']}:{row['number']}"
    row["created"], row["updated"] = time_text(row["created_us"]), time_text(row["updated_us"])
    row["deadline"] = None if row["deadline_us"] is None else time_text(row["deadline_us"])
    return row


def _trade(row: Row, market: MarketRow, quote_decimals: int) -> Row:
    row["price"] = _units(row["price"], market.price_decimals)
    row["quantity"] = _units(row["quantity"], market.quantity_decimals)
    row["value"], row["time"] = _units(row["value"], quote_decimals), time_text(row["at_us"])
    row["mark"] = None if row["busted_position"] is None else "busted"
    return row


def _candle(row: Row, market: MarketRow, quote_decimals: int) -> Row:
    for name in ("open", "high", "low", "close"):
        row[name] = _units(row[name], market.price_decimals)
    row["volume"] = _units(row["volume"], market.quantity_decimals)
    row["value"], row["start"] = _units(row["value"], quote_decimals), time_text(row["start_us"])
    return row


def _market(reader: Reader, symbol: str) -> MarketRow:
    markets = reader.markets()
    if symbol not in markets:
        known = ", ".join(sorted(markets)) or "none"
        raise typer.BadParameter(f"{symbol!r} is no market of these views; they have: {known}")
    return markets[symbol]


def _units(units: int | str | None, decimals: int) -> str | None:
    return None if units is None else to_text(int(units), decimals)
