"""``exchange events|book|balances``: what a store holds, read without disturbing its writer."""

import itertools
from typing import Annotated, Any

import msgspec
import typer

from exchange.audit.times import time_text
from exchange.cli.moment import AsOf, past_of, told
from exchange.cli.output import JsonFlag, StoreOption, print_json, print_table, stdout
from exchange.cli.queues import join_queues, print_queues
from exchange.kernel.decimals import to_text
from exchange.matching.book import Book
from exchange.matching.ladder import Ladder
from exchange.store.errors import StoreError
from exchange.store.log import EventLog
from exchange.store.urls import StoreUrl
from exchange.venue.catalogue import EVENTS
from exchange.venue.state import VenueState


def events(
    *,
    store: StoreOption,
    stream: Annotated[str | None, typer.Option(help="Only this stream.")] = None,
    first: Annotated[int, typer.Option("--from", min=1, help="First position.")] = 1,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 100,
    as_json: JsonFlag = False,
) -> None:
    """Print stored events, one a line, in the order of the log."""
    log = open_log(store)
    found = (row for row in log.rows(first - 1) if stream is None or row[1] == stream)
    for position, name, version, topic, state in itertools.islice(found, limit):
        if as_json:
            payload = msgspec.Raw(state)
            print_json(
                {
                    "position": position,
                    "stream": name,
                    "version": version,
                    "topic": topic,
                    "event": payload,
                }
            )
        else:
            stdout.print(f"{position} {name}@{version} {topic} {state.decode()}")


def book(
    symbol: Annotated[str, typer.Argument(help="The market.")],
    *,
    store: StoreOption,
    depth: Annotated[int, typer.Option(min=1, help="Levels a side.")] = 10,
    as_of: AsOf = None,
    queues: Annotated[
        bool, typer.Option("--queues", help="Each order too, first in line first.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Print the price levels of a market, best first; as of an earlier moment, if you like."""
    past = past_of(open_log(store), as_of)
    room = past.state.rooms.get(symbol)
    if room is None:
        known = ", ".join(sorted(past.state.rooms)) or "none"
        when = "" if as_of is None else f", {told(past)}"
        raise typer.BadParameter(f"{symbol!r} is no market of this store{when}; it has: {known}")
    rules = room.market.instrument

    def side(ladder: Ladder) -> list[dict[str, Any]]:
        keys = itertools.islice(reversed(ladder.keys), depth)
        return [
            {
                "price": to_text(ladder.levels[key].price, rules.price_decimals),
                "quantity": to_text(ladder.levels[key].quantity, rules.quantity_decimals),
                "orders": _orders_at(ladder, key),
            }
            for key in keys
        ]

    bids, asks = side(room.book.bids), side(room.book.asks)
    if queues:
        join_queues(room, (bids, asks))
    if as_json:
        print_json(
            {
                "symbol": symbol,
                "state": room.market.state.value,
                "version": room.book.version,
                "position": past.position,
                "at": time_text(past.at_us),
                "bids": bids,
                "asks": asks,
            }
        )
        return
    if as_of is not None:
        stdout.print(told(past))
    _print_book(symbol, room.market.state.value, room.book, bids, asks)
    if queues:
        print_queues(bids, asks)


def balances(
    account: Annotated[str | None, typer.Argument(help="Only this account.")] = None,
    *,
    store: StoreOption,
    as_of: AsOf = None,
    as_json: JsonFlag = False,
) -> None:
    """Print the ledger's balances by account and asset; as of an earlier moment, if you like."""
    past = past_of(open_log(store), as_of)
    state, when = past.state, "" if as_of is None else f", {told(past)}"
    if account is not None and account not in state.owners:
        raise typer.BadParameter(f"{account!r} is no account of this store{when}")
    prefix = "" if account is None else f"acct:{account}:"
    rows = [
        (name, asset, to_text(units, state.assets.by_code[asset].decimals))
        for name, asset, units in sorted(state.ledger.balances())
        if name.startswith(prefix)
    ]
    if as_json:
        print_json([{"account": n, "asset": a, "balance": b} for n, a, b in rows])
    else:
        if when:
            stdout.print(told(past))
        print_table(("account", "asset", "balance"), rows)


def open_log(store: str) -> EventLog:
    """The store's log, to read.

    Raises:
        StoreError: there is none.
    """
    url = StoreUrl.parse(store)
    if url.path is None:
        raise StoreError("a store in memory ends with its process: name one on disk")
    return EventLog(url, EVENTS)


def read_state(store: str) -> VenueState:
    """The state at the end of the store's log."""
    return past_of(open_log(store), None).state


def _orders_at(ladder: Ladder, key: int) -> int:
    count, order = 0, ladder.levels[key].head
    while order is not None:
        count, order = count + 1, order.next
    return count


def _print_book(
    symbol: str, state: str, book: Book, bids: list[dict[str, Any]], asks: list[dict[str, Any]]
) -> None:
    stdout.print(f"{symbol} {state}, version {book.version}, {len(book.orders):,} open orders")
    empty = {"price": "", "quantity": "", "orders": ""}
    rows = [
        (str(b["orders"]), b["quantity"], b["price"], a["price"], a["quantity"], str(a["orders"]))
        for b, a in itertools.zip_longest(bids, asks, fillvalue=empty)
    ]
    print_table(("orders", "quantity", "bid", "ask", "quantity", "orders"), rows)
