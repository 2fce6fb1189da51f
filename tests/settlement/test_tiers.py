"""What fills cost accounts in a tier, and what a maker with a negative rate gets back.

A is the account whose order waits or sweeps, B the one it trades with. The price is 1, so that a
seller receives as many units as a buyer. Each row is a fill: what it moves, the rate of each side
when it happens, and what both pay and get.
"""

import re
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.kernel.accounts import FEES, available, held
from exchange.kernel.orders import OrderTerms, OrderType, Side
from exchange.orders.commands import PlaceOrder
from exchange.orders.governing import ChangeInstrument, SetAccountTier, SetFeeTier
from exchange.settlement.events import TradesSettled
from exchange.venue.laws import check_all
from exchange.wallet.events import EntriesPosted
from tests.build import BUY, SELL, SYMBOL, Desk, desk, limit, listing
from tests.settlement.test_fees import other

both_sides = pytest.mark.parametrize("side", [BUY, SELL])

# The maker's order is one from the first row to the last; each taker's order is a new one.

A_TIER_CHANGES_WHILE_THE_ORDER_WAITS = """
    fill   maker ppm   maker's sum × ppm   in all   fee | taker ppm   fee   rebate
     100       1,000             100,000        1     1 |     2,000     1        0
     100       1,000             200,000        1     0 |     2,000     1        0
     300       3,000           1,100,000        2     1 |     2,000     1        0
     900           0           1,100,000        2     0 |     2,000     2        0
     900       1,000           2,000,000        2     0 |     2,000     2        0
       1       1,000           2,001,000        3     1 |     2,000     1        0
"""

THE_MAKER_COMES_INTO_A_TIER_WITH_A_REBATE_AND_LEAVES_IT = """
    fill   maker ppm   maker's sum × ppm   in all   fee | taker ppm   fee   rebate
     500       1,000             500,000        1     1 |     2,000     1        0
  10,000        -500             500,000        1     0 |     2,000    20        5
  10,001        -500             500,000        1     0 |     2,000    21        5
  11,999        -500             500,000        1     0 |     2,000    24        5
  12,000        -500             500,000        1     0 |     2,000    24        6
     500       1,000           1,000,000        1     0 |     2,000     1        0
       1       1,000           1,001,000        2     1 |     2,000     1        0
"""

A_REBATE_IS_ROUNDED_DOWN_AND_AT_MOST_THE_FEE = """
    fill   maker ppm   maker's sum × ppm   in all   fee | taker ppm   fee   rebate
       1        -500                   0        0     0 |     2,000     1        0
   1,999        -500                   0        0     0 |     2,000     4        0
   2,000        -500                   0        0     0 |     2,000     4        1
   2,000      -2,000                   0        0     0 |     2,000     4        4
   2,000      -9,000                   0        0     0 |     2,000     4        4
   2,000  -1,000,000                   0        0     0 |     2,000     4        4
   2,000      -9,000                   0        0     0 |         0     0        0
"""

A_TAKER_IN_A_TIER = """
    fill   maker ppm   maker's sum × ppm   in all   fee | taker ppm   fee   rebate
   1,000       1,000           1,000,000        1     1 |     1,500     2        0
   1,000       1,000           2,000,000        2     1 |         0     0        0
   1,000        -500           2,000,000        2     0 |       100     1        0
  10,000        -500           2,000,000        2     0 |       100     1        1
"""

DUST = """
    fill   maker ppm   maker's sum × ppm   in all   fee | taker ppm   fee   rebate
       1           1                   1        1     1 |         1     1        0
       1          -1                   1        1     0 |         1     1        0
       1           1                   2        1     0 |         1     1        0
 999,998           1           1,000,000        1     0 |         1     1        0
       1           1           1,000,001        2     1 |         1     1        0
"""

TABLES = (
    A_TIER_CHANGES_WHILE_THE_ORDER_WAITS,
    THE_MAKER_COMES_INTO_A_TIER_WITH_A_REBATE_AND_LEAVES_IT,
    A_REBATE_IS_ROUNDED_DOWN_AND_AT_MOST_THE_FEE,
    A_TAKER_IN_A_TIER,
    DUST,
)


class Row(NamedTuple):
    fill: int
    maker_ppm: int
    accrued: int
    charged: int
    fee: int
    taker_ppm: int
    taker_fee: int
    rebate: int


def read(table: str) -> list[Row]:
    _, *lines = table.strip().splitlines()
    return [Row(*map(int, re.findall(r"-?\d+", line.replace(",", "")))) for line in lines]


def in_tier(at: Desk, account: str, maker_ppm: int, taker_ppm: int) -> None:
    """A tier of its own for the account."""
    at.done(SetFeeTier(SYMBOL, account, maker_ppm, taker_ppm), SetAccountTier(account, account))


@both_sides
@pytest.mark.parametrize("table", TABLES)
def test_each_fill_costs_what_the_table_says(side: Side, table: str) -> None:
    at, table_rows, charged = desk("AB"), read(table), 0
    total = sum(row.fill for row in table_rows) + 1
    at.place("A", limit(side, 1, total))
    for row in table_rows:
        in_tier(at, "A", row.maker_ppm, 999_999)
        in_tier(at, "B", 999_999, row.taker_ppm)
        before = wealth(at)
        at.place("B", limit(other(side), 1, row.fill))
        (trade,) = at.effect(TradesSettled).trades
        makes, takes = (trade.buy, trade.sell) if side is BUY else (trade.sell, trade.buy)
        charged += makes.fee
        accrued = at.state.rooms[SYMBOL].settlement.accrued[1]
        assert row == Row(
            trade.quantity, makes.rate_ppm, accrued, charged, makes.fee,
            takes.rate_ppm, takes.fee, trade.rebate,
        )  # fmt: skip
        gives, gets = ("USD", "BTC") if side is BUY else ("BTC", "USD")
        assert {
            ("A", gets): row.fill - row.fee,
            ("A", gives): row.rebate - row.fill,
            ("B", gives): row.fill - row.taker_fee,
            ("B", gets): -row.fill,
            ("venue", gets): row.fee,
            ("venue", gives): row.taker_fee - row.rebate,
        } == {key: units - before[key] for key, units in wealth(at).items()}
        check_all(at.state)


SWEEP = """
    fill   taker ppm   taker's sum × ppm   in all   fee | maker ppm   fee   rebate
       1       2,000               2,000        1     1 |      -500     0        0
     499       2,000           1,000,000        1     0 |      -500     0        0
   2,000       2,000           5,000,000        5     4 |      -500     0        1
   2,000       2,000           9,000,000        9     4 |     1,000     2        0
   4,000       2,000          17,000,000       17     8 |    -9,000     0        8
       1       2,000          17,002,000       18     1 |    -9,000     0        0
"""
"""One order takes from six; its dust is charged with the first unit, so a rebate out of the second
fill has nothing to come from."""


@both_sides
def test_a_sweep_pays_each_maker_out_of_its_own_fill(side: Side) -> None:
    table_rows = read(SWEEP)
    at = desk("ABCDEFG", taker_ppm=2_000)
    for maker, row in zip("BCDEFG", table_rows, strict=True):
        in_tier(at, maker, row.taker_ppm, 0)
        at.place(maker, limit(other(side), 1, row.fill))
    at.place("A", limit(side, 1, sum(row.fill for row in table_rows)))
    accrued = charged = 0
    for row, trade in zip(table_rows, at.effect(TradesSettled).trades, strict=True):
        takes, makes = (trade.buy, trade.sell) if side is BUY else (trade.sell, trade.buy)
        accrued, charged = accrued + trade.quantity * takes.rate_ppm, charged + takes.fee
        assert row == Row(
            trade.quantity, takes.rate_ppm, accrued, charged, takes.fee,
            makes.rate_ppm, makes.fee, trade.rebate,
        )  # fmt: skip
    check_all(at.state)


def test_a_rebate_posts_what_an_accountant_expects() -> None:
    """B buys 1,000 BTC at 100 of A: it owes 2 BTC, of which A gets 500 ppm of 1,000, rounded down.

    A pays nothing of its 100,000 USD.
    """
    at = desk("AB", maker_ppm=-1_500, taker_ppm=2_000)
    at.place("A", limit(SELL, 100, 1_000))
    at.place("B", limit(BUY, 110, 1_000))
    _, trade = at.effect(EntriesPosted).entries
    assert (
        (held("B"), "USD", -110_000),
        (available("B"), "USD", 10_000),
        (available("A"), "USD", 100_000),
        (held("A"), "BTC", -1_000),
        (available("B"), "BTC", 998),
        (FEES, "BTC", 2),
        (FEES, "BTC", -1),
        (available("A"), "BTC", 1),
    ) == trade.lines


def test_without_a_tier_or_in_one_that_the_market_does_not_know_the_market_rates_hold() -> None:
    at = desk("AB")
    at.done(listing(symbol="BTC-2"), SetFeeTier("BTC-2", "gold", 0, 0), SetAccountTier("A", "gold"))
    assert (1_000, 2_000) == rates(at)
    at.done(SetFeeTier(SYMBOL, "gold", 7, 8))
    assert (7, 2_000) == rates(at)
    at.done(SetFeeTier(SYMBOL, "gold", 5, 6), SetAccountTier("B", "gold"))
    assert (5, 6) == rates(at)
    at.done(SetFeeTier(SYMBOL, "gold", None, None))
    assert (1_000, 2_000) == rates(at)
    at.done(ChangeInstrument(SYMBOL, "cheaper", maker_ppm=1, taker_ppm=2))
    assert (1, 2) == rates(at)
    at.done(SetFeeTier(SYMBOL, "gold", 5, 6), SetAccountTier("A", None))
    assert (1, 6) == rates(at)


def test_a_stop_that_wakes_pays_what_its_account_pays_then() -> None:
    at = desk("ABC")
    at.done(
        PlaceOrder("A", SYMBOL, OrderTerms(BUY, OrderType.STOP, None, 500, trigger=2)),
        PlaceOrder("B", SYMBOL, limit(SELL, 2, 501)),
    )
    in_tier(at, "A", 0, 9_000)
    in_tier(at, "B", -1_000_000, 0)
    at.place("C", limit(BUY, 2, 1))
    _, woken = [trade for it in settled(at) for trade in it.trades]
    assert (9_000, 5, 5) == (woken.buy.rate_ppm, woken.buy.fee, woken.rebate)


def test_a_rebate_that_ends_an_order_leaves_no_sum() -> None:
    at = desk("AB", maker_ppm=-500)
    at.place("A", limit(SELL, 1, 10))
    at.place("B", limit(BUY, 1, 4))
    assert {1: 0} == at.state.rooms[SYMBOL].settlement.accrued
    at.cancel("A", 1)
    assert {} == at.state.rooms[SYMBOL].settlement.accrued


ppm = st.integers(-1_000_000, 1_000_000) | st.sampled_from([-1_000_000, -1, 0, 1, 1_000_000])
fills = st.lists(
    st.tuples(st.integers(1, 5) | st.integers(1, 10**4), ppm, st.integers(0, 1_000_000)),
    min_size=1,
    max_size=10,
)


@given(st.sampled_from(Side), fills, st.integers(1, 500))
def test_whatever_the_rates_money_is_only_moved(
    side: Side, split: list[tuple[int, int, int]], price: int
) -> None:
    """No fill takes more than it moves, no rebate more than its fee, and no order pays a unit more
    than the exact sum of its fees.
    """
    at, paid, exact = desk("AB"), 0, 0
    at.place("A", limit(side, price, sum(quantity for quantity, *_ in split)))
    for quantity, maker_ppm, taker_ppm in split:
        in_tier(at, "A", maker_ppm, 0)
        in_tier(at, "B", 0, taker_ppm)
        at.place("B", limit(other(side), price, quantity))
        (trade,) = at.effect(TradesSettled).trades
        to_maker, to_taker = (trade.base, trade.quote)[:: 1 if side is BUY else -1]
        makes, takes = (trade.buy, trade.sell)[:: 1 if side is BUY else -1]
        assert 0 <= makes.fee <= to_maker
        assert 0 <= trade.rebate <= takes.fee <= to_taker
        paid, exact = paid + makes.fee, exact + max(0, maker_ppm) * to_maker
        check_all(at.state)
    assert exact <= paid * 1_000_000 < exact + 1_000_000
    assert at.held("A", "USD") == at.held("A", "BTC") == 0


def wealth(at: Desk) -> dict[tuple[str, str], int]:
    """What everybody has, held or not, and what the venue has earned."""
    own = {
        (account, asset): at.free(account, asset) + at.held(account, asset)
        for account in "AB"
        for asset in ("BTC", "USD")
    }
    fees = {("venue", asset): at.state.ledger.balance(FEES, asset) for asset in ("BTC", "USD")}
    return own | fees


def rates(at: Desk) -> tuple[int, int]:
    """What A pays as a maker and B as a taker, right now."""
    at.place("A", limit(SELL, 1, 1))
    at.place("B", limit(BUY, 1, 1))
    (trade,) = at.effect(TradesSettled).trades
    return trade.sell.rate_ppm, trade.buy.rate_ppm


def settled(at: Desk) -> list[TradesSettled]:
    """The settlements of the last command, in order."""
    return [event for event in at.effects if isinstance(event, TradesSettled)]
