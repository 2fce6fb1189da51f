"""After real recorded flow: the exchange's tape, the feed's own tables, and the fold."""

from pathlib import Path
from typing import Any

import pytest

from exchange.feeds.flow import read_flow
from exchange.feeds.report import Outcome, report_flow
from exchange.feeds.run import Listing
from exchange.kernel.decimals import to_text
from exchange.projections.candles import SPANS
from exchange.projections.queries import candles, orders, trades
from exchange.projections.reader import Reader
from exchange.venue.batch import Bounds
from tests.audit.logs import run_sample
from tests.feeds.flows import Tape
from tests.projections.world import content, follow, opened, reconciled, rows_of, views_of

pytestmark = pytest.mark.slow

BTC_DECIMALS = 8


@pytest.fixture(scope="module")
def outcome(real: Path, five_minutes: Path) -> Outcome:
    """What the feed reports of the log, without any views."""
    with opened(real) as log:
        return report_flow(log, read_flow(five_minutes), Listing())


@pytest.fixture(scope="module")
def reader(real: Path) -> Reader:
    return Reader(views_of(real))


def every(ask: Any, *arguments: Any, **how: Any) -> list[Any]:  # noqa: ANN401 - any query
    """All pages of an answer."""
    rows, cursor = [], None
    while True:
        page = ask(*arguments, cursor=cursor, **how)
        rows += page.rows
        cursor = page.cursor
        if cursor is None:
            return rows


def test_the_views_are_the_fold(real: Path) -> None:
    done = reconciled(real)
    assert [] == done.findings
    assert done.compared["open orders"] > 6_000


def test_the_trades_are_the_exchanges_own_tape(reader: Reader, tape: Tape) -> None:
    names = {it.number: it.client_order_id for it in every(orders, reader, None, "BTC-USD")}
    told = [
        (
            names[it.maker_order], names[it.taker_order], it.taker_side, to_text(it.price, 2),
            to_text(it.quantity, BTC_DECIMALS),
        )
        for it in reversed(every(trades, reader, "BTC-USD", limit=10))
    ]  # fmt: skip
    assert len(told) == 47
    assert tape[:47] == told


def test_the_open_orders_are_the_feeds(reader: Reader, outcome: Outcome) -> None:
    found = every(orders, reader, None, "BTC-USD", only_open=True)
    rows = [
        {
            "order_id": it.client_order_id,
            "side": it.side,
            "price": to_text(it.price, 2),
            "remaining": to_text(it.leaves, BTC_DECIMALS),
        }
        for it in found
    ]
    assert outcome.final_orders == sorted(
        rows, key=lambda row: (len(row["order_id"]), row["order_id"])
    )


def test_the_balances_are_the_feeds(real: Path, reader: Reader, outcome: Outcome) -> None:
    balances = {
        (row["account"], row["asset"]): int(row["balance"])
        for row in rows_of(views_of(real), "balances")
    }
    deposits: dict[tuple[str, str], int] = {}
    for row in rows_of(views_of(real), "deposits"):
        key = (row["account"], row["asset"])
        deposits[key] = deposits.get(key, 0) + int(row["amount"])
    decimals = reader.decimals()
    for row in outcome.accounts:
        for name, asset in (("base", "BTC"), ("quote", "USD")):
            account = f"acct:{row['account']}"
            locked = balances.get((f"{account}:held", asset), 0)
            free = balances.get((f"{account}:available", asset), 0)
            given = deposits.get((f"{account}:available", asset), 0)
            assert row[f"{name}_locked_end"] == to_text(locked, decimals[asset])
            assert row[f"{name}_delta"] == to_text(free + locked - given, decimals[asset])


def test_the_candles_are_those_of_the_tape(reader: Reader) -> None:
    tape = every(trades, reader, "BTC-USD")[::-1]
    for span, width in SPANS.items():
        found = [it for it in every(candles, reader, "BTC-USD", span, limit=2) if it.trades]
        by_start: dict[int, list[Any]] = {}
        for it in tape:
            by_start.setdefault(it.at_us // width * width, []).append(it)
        assert sorted(by_start) == [it.start_us for it in reversed(found)]
        for candle in found:
            prints = by_start[candle.start_us]
            prices = [it.price for it in prints]
            ends = (prices[0], max(prices), min(prices), prices[-1])
            assert ends == (candle.open, candle.high, candle.low, candle.close)
            assert candle.volume == sum(it.quantity for it in prints)


def test_views_that_followed_a_trading_venue_end_the_same(
    five_minutes: Path, tmp_path: Path
) -> None:
    """Followed while the log grows, and in one go afterwards: the same rows."""
    path = tmp_path / "venue.db"
    for limit in (2_000, 7_500, 8_000):
        run_sample(five_minutes, path, Bounds(commands=100), limit=limit)
        follow(path, 900)
    grown = content(views_of(path))
    follow(path, rebuild=True)
    assert grown == content(views_of(path))
