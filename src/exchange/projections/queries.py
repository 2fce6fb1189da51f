"""What people ask of orders, trades, candles and markets: pages, the newest rows first.

A page's cursor names its last row by its place in the log; the next page begins behind it.
"""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import msgspec

from exchange.kernel.instruments import Instrument
from exchange.projections.candles import SPANS, Candle, candle_of
from exchange.projections.reader import ALL, PAGE_MAX, Cursor, Page, Reader, page_of

ORDER_COLUMNS = (
    "symbol, number, account, side, type, time_in_force, price, quantity, budget, display,"
    " trigger, deadline_us, leaves, filled, filled_value, prevented, status, reason,"
    " client_order_id, rulebook_version, created_position, created_us, updated_position,"
    " updated_us"
)
TRADE_COLUMNS = (
    "symbol, number, price, quantity, value, taker_side, maker_order, taker_order, position,"
    " at_us, busted_position"
)
SPAN_BITS = 15
"""The index of an account's orders is in spans of so many positions (2 to that power)."""


class OrderRow(msgspec.Struct, frozen=True):
    """An order as it stands; amounts are decimal integers as text."""

    symbol: str
    number: int
    account: str
    side: str
    type: str
    time_in_force: str
    price: int | None
    quantity: int | None
    budget: str | None
    display: int | None
    trigger: int | None
    deadline_us: int | None
    leaves: int
    filled: int
    filled_value: str
    prevented: int
    status: str
    reason: str | None
    client_order_id: str | None
    rulebook_version: int
    created_position: int
    created_us: int
    updated_position: int
    updated_us: int


class TradeRow(msgspec.Struct, frozen=True):
    """A print; ``value`` in quote units as text."""

    symbol: str
    number: int
    price: int
    quantity: int
    value: str
    taker_side: str
    maker_order: int
    taker_order: int
    position: int
    at_us: int
    busted_position: int | None  # of the correction that undid it


class RulesRow(msgspec.Struct, frozen=True):
    """A market as it stands: its rules, their version, and when it changed last."""

    rules: Instrument
    state: str
    rulebook_version: int
    position: int
    at_us: int


def orders(
    reader: Reader,
    account: str | None = None,
    symbol: str | None = None,
    *,
    only_open: bool = False,
    limit: int = PAGE_MAX,
    cursor: Cursor | None = None,
    min_position: int = 0,
) -> Page:
    """Orders of an account, of a market, or both; the newest first.

    Raises:
        ValueError: neither is named.
        Behind: the views have not reached ``min_position``.
    """
    if account is None and symbol is None:
        raise ValueError("orders of which account or market?")
    where = [test for test, value in (("symbol=?", symbol), ("account=?", account)) if value]
    values: list[Any] = [value for value in (symbol, account) if value]
    if only_open:
        where.append("reason IS NULL")
    with reader.moment(min_position) as moment:
        if account is None or only_open:
            found = _orders(reader, where, values, symbol, limit + 1, cursor)
        else:
            found = list(islice(_by_span(reader, where, values, limit + 1, cursor), limit + 1))
        rows = [OrderRow(*row) for row in found]
        return page_of(moment, rows, limit, lambda it: Cursor(it.created_position, it.number))


def _by_span(
    reader: Reader, where: list[str], values: list[Any], limit: int, cursor: Cursor | None
) -> Iterator[Sequence[Any]]:
    """An account's orders, span by span of the log: its index is kept where the log grows."""
    (last,) = reader.connection.execute("SELECT position FROM followers").fetchone()
    newest = last if cursor is None else min(last, cursor.position)
    for span in range(newest >> SPAN_BITS, -1, -1):
        there = [f"created_position >> {SPAN_BITS} = ?", *where]
        yield from _orders(reader, there, [span, *values], None, limit, cursor)


def _orders(
    reader: Reader,
    where: Sequence[str],
    values: Sequence[Any],
    symbol: str | None,
    limit: int,
    cursor: Cursor | None,
) -> list[Sequence[Any]]:
    """The newest before the cursor; those of one market are numbered as they came."""
    order, before = "created_position DESC, number DESC", "(created_position, number) < (?, ?)"
    if symbol is not None:
        order = "number DESC"
    tests, known = list(where), list(values)
    if cursor is not None and symbol is not None:
        tests, known = [*tests, "number<?"], [*known, cursor.part]
    elif cursor is not None:
        tests, known = [*tests, before], [*known, *cursor]
    query = (
        f"SELECT {ORDER_COLUMNS} FROM orders WHERE {' AND '.join(tests)}"  # noqa: S608 - ours
        f" ORDER BY {order} LIMIT ?"
    )
    return reader.connection.execute(query, (*known, limit)).fetchall()


def trades(
    reader: Reader,
    symbol: str,
    *,
    limit: int = PAGE_MAX,
    cursor: Cursor | None = None,
    min_position: int = 0,
) -> Page:
    """A market's trades, the newest first.

    Raises:
        Behind: the views have not reached ``min_position``.
    """
    query = (
        f"SELECT {TRADE_COLUMNS} FROM trades WHERE symbol=? AND number<?"  # noqa: S608 - ours
        " ORDER BY number DESC LIMIT ?"
    )
    with reader.moment(min_position) as moment:
        below = ALL if cursor is None else cursor.part
        found = reader.connection.execute(query, (symbol, below, limit + 1))
        rows = [TradeRow(*row) for row in found]
        return page_of(moment, rows, limit, lambda it: Cursor(it.position, it.number))


def candles(
    reader: Reader,
    symbol: str,
    span: str,
    *,
    limit: int = PAGE_MAX,
    cursor: Cursor | None = None,
    min_position: int = 0,
) -> Page:
    """A market's candles of a span, the newest first, with flat ones where nothing traded.

    They reach from the first trade to the venue time of the views. The cursor's position is
    the start of the last row.

    Raises:
        Behind: the views have not reached ``min_position``.
    """
    width = SPANS[span]
    with reader.moment(min_position) as moment:
        newest = moment.at_us - moment.at_us % width
        if cursor is not None:
            newest = min(newest, (cursor.position - 1) // width * width)
        oldest = newest - (limit - 1) * width
        (first,) = reader.connection.execute(
            "SELECT min(start_us) FROM candles WHERE symbol=? AND span=?", (symbol, span)
        ).fetchone()
        found = _stored(reader, symbol, span, oldest, newest)
        rows = list(_fill_flat(found, oldest, newest, width))[::-1]
        more = first is not None and first < oldest
        return Page(moment, rows, Cursor(oldest, 0) if more else None)


def markets(reader: Reader, *, min_position: int = 0) -> Page:
    """Every market with its rules, by symbol, on one page.

    Raises:
        Behind: the views have not reached ``min_position``.
    """
    query = "SELECT rules, state, rulebook_version, position, at_us FROM markets ORDER BY symbol"
    with reader.moment(min_position) as moment:
        rows = [
            RulesRow(msgspec.json.decode(rules, type=Instrument), *more)
            for rules, *more in reader.connection.execute(query)
        ]
        return Page(moment, rows, None)


def _stored(reader: Reader, symbol: str, span: str, oldest: int, newest: int) -> list[Candle]:
    """Those that begin from ``oldest`` to ``newest``, behind the last one before them."""
    query = (
        "SELECT start_us, open, high, low, close, volume, value, trades FROM candles"
        " WHERE symbol=? AND span=? AND start_us>=(SELECT coalesce(max(start_us), 0)"
        " FROM candles WHERE symbol=? AND span=? AND start_us<=?) AND start_us<=?"
        " ORDER BY start_us"
    )
    found = reader.connection.execute(query, (symbol, span, symbol, span, oldest, newest))
    return [candle_of(row) for row in found]


def _fill_flat(candles: Sequence[Candle], oldest: int, newest: int, width: int) -> Iterator[Candle]:
    """The candles from one start to another, with flat ones where nothing traded."""
    known = {candle.start_us: candle for candle in candles}
    last = candles[0] if candles else None
    for start_us in range(oldest, newest + 1, width):
        if last is None or start_us < last.start_us:
            continue
        found = known.get(start_us)
        if found is not None:
            last = found
            yield found
        else:
            close = last.close
            yield Candle(start_us, close, close, close, close, 0, 0, 0)
