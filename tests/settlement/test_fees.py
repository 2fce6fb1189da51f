"""What a fill costs: the fee on all that the order received so far, less what it paid before.

The fee on the whole is rounded up, once. In the tables the price is 1, so that a seller receives
as many units as a buyer.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.kernel.accounts import FEES, available, held
from exchange.kernel.journal import EntryKind
from exchange.kernel.orders import Side, TimeInForce
from exchange.settlement.events import FeesClosed, Leg, TradesSettled
from exchange.wallet.events import EntriesPosted
from tests.build import BUY, SELL, SYMBOL, Desk, desk, limit

both_sides = pytest.mark.parametrize("side", [BUY, SELL])

MAKER_FILLS = """
    maker 1,000 ppm        |          exact fee   charged    fee of
    received    in all     |             on all    in all  the fill
           1         1     |              0.001         1         1
           1         2     |              0.002         1         0
         998     1,000     |              1.000         1         0
           1     1,001     |              1.001         2         1
       1,000     2,001     |              2.001         3         1
     997,999 1,000,000     |          1,000.000     1,000       997
"""

DUST = """
    maker 1 ppm            |          exact fee   charged    fee of
    received    in all     |             on all    in all  the fill
           1         1     |           0.000001         1         1
           1         2     |           0.000002         1         0
           1         3     |           0.000003         1         0
     999,997 1,000,000     |           1.000000         1         0
           1 1,000,001     |           1.000001         2         1
"""

FREE = """
    maker 0 ppm            |          exact fee   charged    fee of
    received    in all     |             on all    in all  the fill
           1         1     |                  0         0         0
     999,999 1,000,000     |                  0         0         0
"""

EVERYTHING = """
    maker 1,000,000 ppm    |          exact fee   charged    fee of
    received    in all     |             on all    in all  the fill
           1         1     |                  1         1         1
          41        42     |                 42        42        41
"""

TAKER_FILLS = """
    taker 2,000 ppm        |          exact fee   charged    fee of
    received    in all     |             on all    in all  the fill
           1         1     |              0.002         1         1
         499       500     |              1.000         1         0
           1       501     |              1.002         2         1
         499     1,000     |              2.000         2         0
      10,000    11,000     |             22.000        22        20
"""


def read(table: str) -> tuple[int, list[tuple[int, int, int, int]]]:
    """The rate and the rows: received, in all, charged in all, fee of the fill.

    The exact fee is there for the reader.
    """
    title, _, *rows = [line.replace(",", "") for line in table.strip().splitlines()]
    numbers = [row.replace("|", " ").split() for row in rows]
    return int(title.split()[1]), [
        (int(received), int(so_far), int(charged), int(fee))
        for received, so_far, _, charged, fee in numbers
    ]


@both_sides
@pytest.mark.parametrize("table", [MAKER_FILLS, DUST, FREE, EVERYTHING])
def test_an_order_that_waits_pays_for_each_fill_what_the_sum_has_grown_by(
    side: Side, table: str
) -> None:
    rate, rows = read(table)
    at = desk(maker_ppm=rate)
    at.place("A", limit(side, 1, sum(received for received, *_ in rows) + 1))
    in_all = charged = 0
    for received, so_far, charged_so_far, fee in rows:
        at.place("B", limit(other(side), 1, received))
        (leg,) = legs(at, "A")
        in_all, charged = in_all + received, charged + leg.fee
        assert (so_far, charged_so_far, fee) == (in_all, charged, leg.fee)


@both_sides
def test_an_order_that_sweeps_pays_for_each_fill_what_the_sum_has_grown_by(side: Side) -> None:
    rate, rows = read(TAKER_FILLS)
    at = desk(taker_ppm=rate)
    for received, *_ in rows:
        at.place("B", limit(other(side), 1, received))
    at.place("A", limit(side, 1, sum(received for received, *_ in rows)))
    assert [fee for *_, fee in rows] == [leg.fee for leg in legs(at, "A")]


@both_sides
def test_an_order_that_first_takes_and_then_waits_pays_on_one_sum(side: Side) -> None:
    """100 × 2,000 + 800 × 1,000 ppm are exactly 1; one unit more begins the second."""
    at = desk(maker_ppm=1_000, taker_ppm=2_000)
    at.place("B", limit(other(side), 1, 100))
    fees = []
    at.place("A", limit(side, 1, 1_000))
    fees += legs(at, "A")
    for received in (800, 1):
        at.place("B", limit(other(side), 1, received))
        fees += legs(at, "A")
    assert [(2_000, 1), (1_000, 0), (1_000, 1)] == [(leg.rate_ppm, leg.fee) for leg in fees]


@both_sides
def test_each_order_begins_a_sum_of_its_own(side: Side) -> None:
    at = desk(maker_ppm=1_000)
    for _ in range(2):
        at.place("A", limit(side, 1, 10))
        at.place("B", limit(other(side), 1, 10))
        assert [1] == [leg.fee for leg in legs(at, "A")]


@both_sides
def test_the_sum_of_an_order_that_ends_unfilled_is_closed(side: Side) -> None:
    at = desk()
    at.place("A", limit(side, 1, 10))
    at.place("B", limit(other(side), 1, 4))
    settlement = at.state.rooms[SYMBOL].settlement
    assert [1] == list(settlement.accrued)
    at.cancel("A", 1)
    assert (1,) == at.effect(FeesClosed).orders
    assert not settlement.accrued


@both_sides
def test_an_order_whose_rest_expires_leaves_no_sum(side: Side) -> None:
    at = desk()
    at.place("B", limit(other(side), 1, 4))
    at.place("A", limit(side, 1, 10, time_in_force=TimeInForce.IOC))
    assert not at.state.rooms[SYMBOL].settlement.accrued


def test_a_trade_posts_what_an_accountant_expects() -> None:
    """B holds 10 × 110 and buys 10 at 100: the difference returns with the trade.

    The seller pays 1,000 ppm of 1,000 USD, the buyer 2,000 ppm of 10 BTC, rounded up.
    """
    at = desk(maker_ppm=1_000, taker_ppm=2_000)
    at.place("A", limit(SELL, 100, 10))
    at.place("B", limit(BUY, 110, 10))
    hold, trade = at.effect(EntriesPosted).entries
    assert (EntryKind.HOLD, "hold:BTC-USD:2") == (hold.kind, hold.entry_id)
    assert ((available("B"), "USD", -1_100), (held("B"), "USD", 1_100)) == hold.lines
    assert (EntryKind.TRADE, "trade:BTC-USD:1") == (trade.kind, trade.entry_id)
    assert {
        (held("B"), "USD", -1_100),
        (available("B"), "USD", 100),
        (available("A"), "USD", 999),
        (FEES, "USD", 1),
        (held("A"), "BTC", -10),
        (available("B"), "BTC", 9),
        (FEES, "BTC", 1),
    } == set(trade.lines)


rates = st.integers(0, 1_000_000) | st.sampled_from([0, 1, 999_999, 1_000_000])
splits = st.lists(st.integers(1, 5) | st.integers(1, 10**4), min_size=1, max_size=12)


@given(st.sampled_from(Side), rates, splits, st.integers(1, 1_000))
def test_a_split_never_costs_a_whole_unit_more_than_the_exact_fee(
    side: Side, rate: int, split: list[int], price: int
) -> None:
    """However the fills fall, the whole costs what one fill of it would."""
    at = desk("AB", maker_ppm=rate)
    at.place("A", limit(side, price, sum(split)))
    fees = []
    for quantity in split:
        at.place("B", limit(other(side), price, quantity))
        (leg,) = legs(at, "A")
        assert 0 <= leg.fee <= quantity * (1 if side is BUY else price)
        fees.append(leg.fee)
    received = sum(split) * (1 if side is BUY else price)
    exact = received * rate  # in millionths of a unit
    assert exact <= sum(fees) * 1_000_000 < exact + 1_000_000


def legs(at: Desk, account: str) -> list[Leg]:
    """The account's legs of the last command's trades, in order."""
    trades = at.effect(TradesSettled).trades
    return [leg for it in trades for leg in (it.buy, it.sell) if leg.account == account]


def other(side: Side) -> Side:
    """The side that trades with it."""
    return SELL if side is BUY else BUY
