"""Rules that change while orders rest: who is judged by which, and what the old ones may still do.

The market of the examples has tick 5 and lot 10; A bids 100 for 30 at 50, B asks 60 for 30.
"""

from typing import Any

import pytest

from exchange.kernel.events import Envelope
from exchange.kernel.instruments import MarketState
from exchange.kernel.orders import EndReason, OrderTerms, OrderType, SelfTrade, TimeInForce
from exchange.kernel.rejects import Refusal, RejectCode
from exchange.matching.events import OrderAccepted, OrderAmended
from exchange.orders.commands import (
    AmendOrder,
    AnyCommand,
    CancelOrder,
    ChangeMarketState,
    PlaceOrder,
    ReduceOrder,
)
from exchange.orders.events import InstrumentChanged
from exchange.orders.governing import ChangeInstrument, SetFeeTier
from exchange.orders.records import CommandRecorded
from exchange.orders.rulebook import Market
from exchange.venue.catalogue import project
from tests.build import BUY, SELL, SYMBOL, Desk, desk, limit, market, rows

CODES = RejectCode
MARKET = f"market:{SYMBOL}"


@pytest.fixture
def at() -> Desk:
    opened = desk("ABC", tick=5, lot=10, quantity_min=10)
    opened.done(
        PlaceOrder("A", SYMBOL, limit(BUY, 50, 30)), PlaceOrder("B", SYMBOL, limit(SELL, 60, 30))
    )
    return opened


def change(at: Desk, **rules: Any) -> None:  # noqa: ANN401 - fields of the command
    at.done(ChangeInstrument(SYMBOL, "as the example says", **rules))


def refusal(at: Desk, command: AnyCommand) -> Refusal | None:
    before = at.money()
    found = at.do(command).refusal
    assert found is None or before == at.money()
    return found


def test_new_orders_are_judged_by_the_new_rules(at: Desk) -> None:
    change(at, tick=20, lot=7, quantity_min=7)
    off_tick = PlaceOrder("A", SYMBOL, limit(BUY, 50, 7))
    off_lot = PlaceOrder("A", SYMBOL, limit(BUY, 40, 30))
    assert Refusal(CODES.OFF_TICK, "price", 50, 20) == refusal(at, off_tick)
    assert Refusal(CODES.OFF_LOT, "quantity", 30, 7) == refusal(at, off_lot)
    at.done(PlaceOrder("A", SYMBOL, limit(BUY, 40, 14)))


def test_resting_orders_stay_as_they_are_and_trade(at: Desk) -> None:
    before = rows(at.book())
    change(at, tick=20, lot=7, price_min=100, price_max=200, quantity_min=7, quantity_max=14)
    assert before == rows(at.book())
    at.done(PlaceOrder("C", SYMBOL, market(SELL, 14)), PlaceOrder("C", SYMBOL, market(SELL, 14)))
    assert [(60, 2, "B", None, 30, 30), (50, 1, "A", None, 30, 2)] == rows(at.book())


def test_a_resting_order_off_the_lot_is_reduced_by_lots_and_cancelled_whole(at: Desk) -> None:
    change(at, lot=7, quantity_min=7)
    off = Refusal(CODES.OFF_LOT, "quantity", 10, 7)
    assert off == refusal(at, ReduceOrder("A", SYMBOL, 10, 1))
    at.done(ReduceOrder("A", SYMBOL, 28, 1))
    assert 2 == at.book().orders[1].leaves
    at.done(ReduceOrder("A", SYMBOL, 3, 1), CancelOrder("B", SYMBOL, 2))  # all of it and more
    assert (0, 0) == (at.held("A", "USD"), at.held("B", "BTC"))


def test_an_amend_is_judged_whole_by_the_new_rules(at: Desk) -> None:
    """What it does not name as well: the changed order is one of today."""
    change(at, tick=20, lot=7, quantity_min=7)
    off_tick = Refusal(CODES.OFF_TICK, "price", 50, 20)
    assert off_tick == refusal(at, AmendOrder("A", SYMBOL, 1, quantity=28))
    off_lot = Refusal(CODES.OFF_LOT, "quantity", 30, 7)
    assert off_lot == refusal(at, AmendOrder("A", SYMBOL, 1, price=40))
    at.done(AmendOrder("A", SYMBOL, 1, price=40, quantity=28))
    assert (40 * 28, 28) == (at.held("A", "USD"), at.book().orders[1].leaves)


@pytest.mark.parametrize(
    ("budget", "bought"),
    [
        (30 * 60, [(60, 28)]),  # four lots of seven, not all that the money covers
        (30 * 60 + 7 * 65 - 1, [(60, 30)]),  # one unit short of a lot of the new one
        (30 * 60 + 7 * 65, [(60, 30), (65, 7)]),
        (6 * 60, []),
    ],
)
def test_a_budget_buys_whole_lots_of_today_and_all_of_an_old_order(
    at: Desk, budget: int, bought: list[tuple[int, int]]
) -> None:
    change(at, lot=7, quantity_min=7)
    at.done(PlaceOrder("B", SYMBOL, limit(SELL, 65, 7)))
    ack = at.place("C", market(BUY, budget=budget))
    assert bought == [(fill.price, fill.quantity) for fill in ack.fills]
    assert 0 == at.held("C", "USD")


def test_an_order_that_meets_an_old_one_may_rest_off_the_lot(at: Desk) -> None:
    change(at, lot=7, quantity_min=7)
    at.done(PlaceOrder("C", SYMBOL, limit(BUY, 60, 35)))
    assert 5 == at.book().orders[3].leaves
    assert 5 * 60 == at.held("C", "USD")
    at.done(PlaceOrder("B", SYMBOL, limit(SELL, 60, 7)))
    assert at.book().orders.keys() == {1, 4}
    assert 0 == at.held("C", "USD")


def test_an_iceberg_goes_on_in_its_old_slices(at: Desk) -> None:
    at.done(PlaceOrder("B", SYMBOL, limit(SELL, 60, 30, display=10)), CancelOrder("B", SYMBOL, 2))
    change(at, lot=7, quantity_min=7)
    at.done(PlaceOrder("C", SYMBOL, limit(BUY, 60, 14)))
    assert (16, 6) == (at.book().orders[3].leaves, at.book().orders[3].shown)
    off = Refusal(CODES.OFF_LOT, "display", 10, 7)
    assert off == refusal(at, AmendOrder("B", SYMBOL, 3, quantity=28))


def test_a_sleeping_purchase_keeps_its_bound_until_it_is_amended(at: Desk) -> None:
    """Trigger 100 and 50,000 ppm: 105 each. Twice that, from the next amend on: 110."""
    stop = OrderTerms(BUY, OrderType.STOP, None, 10, trigger=100)
    at.done(PlaceOrder("C", SYMBOL, stop))
    change(at, stop_slippage_ppm=100_000)
    assert 1_050 == at.held("C", "USD")
    at.done(AmendOrder("C", SYMBOL, 3, quantity=20))
    assert 2_200 == at.held("C", "USD")


def test_the_limit_of_open_orders_counts_the_old_ones(at: Desk) -> None:
    at.done(PlaceOrder("A", SYMBOL, limit(BUY, 40, 10)))
    change(at, open_orders_max=1)
    expected = Refusal(CODES.OPEN_ORDERS_MAX, "open_orders", 2, 1)
    assert expected == refusal(at, PlaceOrder("A", SYMBOL, limit(BUY, 40, 10)))
    at.done(AmendOrder("A", SYMBOL, 3, price=45), PlaceOrder("A", SYMBOL, market(SELL, 10)))


def test_self_trade_mode_none_is_a_matter_of_entry() -> None:
    at = desk("A", self_trade_allowed=True)
    stop = OrderTerms(
        BUY, OrderType.STOP, None, 5, self_trade=SelfTrade.NONE, trigger=60
    )  # fmt: skip
    at.done(PlaceOrder("A", SYMBOL, stop), PlaceOrder("A", SYMBOL, limit(SELL, 60, 10)))
    change(at, self_trade_allowed=False)
    none = PlaceOrder("A", SYMBOL, limit(BUY, 60, 1, self_trade=SelfTrade.NONE))
    assert Refusal(CODES.FIELD_COMBINATION, "self_trade") == refusal(at, none)
    at.done(CancelOrder("A", SYMBOL, 1))


def test_a_day_order_ends_when_it_was_to_end(at: Desk) -> None:
    """At 100; an order that comes later, at the new end of the day."""
    change(at, day_end_us=100)
    at.done(PlaceOrder("C", SYMBOL, limit(BUY, 40, 10, time_in_force=TimeInForce.DAY)))
    change(at, day_end_us=50)
    at.done(PlaceOrder("C", SYMBOL, limit(BUY, 40, 10, time_in_force=TimeInForce.DAY)))
    assert [100, 50] == [at.book().orders[number].deadline_us for number in (3, 4)]


def test_a_closing_market_frees_what_orders_off_the_lot_hold(at: Desk) -> None:
    change(at, tick=20, lot=7)
    at.done(ChangeMarketState(SYMBOL, MarketState.CLOSED, "the end"))
    assert (0, 0) == (at.held("A", "USD"), at.held("B", "BTC"))


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ({}, Refusal(CODES.FIELD_COMBINATION, "change")),
        ({"tick": 5, "lot": 10}, Refusal(CODES.FIELD_COMBINATION, "change")),
        ({"tick": 0}, Refusal(CODES.INVALID_INSTRUMENT, "tick", 0)),
        ({"lot": -1}, Refusal(CODES.INVALID_INSTRUMENT, "lot", -1)),
        ({"price_min": 10**7}, Refusal(CODES.INVALID_INSTRUMENT, "price_max", 10**6)),
        ({"price_max": 0}, Refusal(CODES.INVALID_INSTRUMENT, "price_max", 0)),
        ({"quantity_max": 9}, Refusal(CODES.INVALID_INSTRUMENT, "quantity_max", 9)),
        ({"quantity_min": 0}, Refusal(CODES.INVALID_INSTRUMENT, "quantity_min", 0)),
        ({"notional_min": -1}, Refusal(CODES.INVALID_INSTRUMENT, "notional_min", -1)),
        ({"notional_max": 10**39}, Refusal(CODES.INVALID_INSTRUMENT, "notional_max", 10**39)),
        ({"open_orders_max": 0}, Refusal(CODES.INVALID_INSTRUMENT, "open_orders_max", 0)),
        ({"maker_ppm": -1_000_001}, Refusal(CODES.INVALID_INSTRUMENT, "maker_ppm", -1_000_001)),
        ({"taker_ppm": -1}, Refusal(CODES.INVALID_INSTRUMENT, "taker_ppm", -1)),
        ({"stop_slippage_ppm": -1}, Refusal(CODES.INVALID_INSTRUMENT, "stop_slippage_ppm", -1)),
        ({"day_end_us": 86_400_000_000},
         Refusal(CODES.INVALID_INSTRUMENT, "day_end_us", 86_400_000_000)),
        ({"tick": 2, "reason": "\x00"}, Refusal(CODES.INVALID_ID, "reason")),
        ({"tick": 2, "symbol": "XRP-USD"}, Refusal(CODES.UNKNOWN_MARKET, "symbol", "XRP-USD")),
    ],
    ids=str,
)  # fmt: skip
def test_a_change_that_makes_no_market_names_the_rule(
    at: Desk, rules: dict[str, Any], expected: Refusal
) -> None:
    command = ChangeInstrument(**({"symbol": SYMBOL, "reason": "why not"} | rules))
    assert expected == refusal(at, command)


def test_a_closed_market_has_no_rules_to_change(at: Desk) -> None:
    at.done(ChangeMarketState(SYMBOL, MarketState.CLOSED, "the end"))
    closed = Refusal(CODES.MARKET_STATE, "state", "closed")
    for command in (ChangeInstrument(SYMBOL, "late", tick=2), SetFeeTier(SYMBOL, "gold", 1, 1)):
        assert closed == refusal(at, command)


def test_each_order_names_the_rulebook_that_judged_it_and_that_can_be_read(at: Desk) -> None:
    change(at, tick=2)
    at.done(SetFeeTier(SYMBOL, "gold", 1, 2))
    at.done(PlaceOrder("A", SYMBOL, limit(BUY, 48, 10)))
    change(at, tick=20)
    assert Refusal(CODES.OFF_TICK, "price", 48, 20) == refusal(
        at, PlaceOrder("A", SYMBOL, limit(BUY, 48, 10))
    )
    placed = [
        it.event for it in at.envelopes
        if isinstance(it.event, CommandRecorded) and isinstance(it.event.command, PlaceOrder)
    ]  # fmt: skip
    assert [1, 1, 3, 4] == [record.rulebook_version for record in placed]
    ticks = []
    for record in placed:
        then = project(None, stream(at, MARKET)[: record.rulebook_version])
        assert isinstance(then, Market)
        assert then.version == record.rulebook_version
        ticks.append(then.instrument.tick)
    assert [5, 5, 2, 20] == ticks


def test_a_change_is_an_event_with_the_whole_rulebook_and_the_reason(at: Desk) -> None:
    before = at.state.rooms[SYMBOL].market.instrument
    change(at, tick=2, maker_ppm=-100)
    changed = at.effect(InstrumentChanged)
    assert "as the example says" == changed.reason
    assert (2, -100, before.lot) == (
        changed.instrument.tick, changed.instrument.maker_ppm, changed.instrument.lot,
    )  # fmt: skip
    assert changed.instrument == at.state.rooms[SYMBOL].market.instrument


def test_a_woken_order_asks_for_lots_of_the_day_it_wakes(at: Desk) -> None:
    stop = OrderTerms(BUY, OrderType.STOP, None, None, budget=20 * 60 + 59, trigger=60)
    at.done(PlaceOrder("A", SYMBOL, stop))
    change(at, lot=7, quantity_min=7)
    at.done(PlaceOrder("C", SYMBOL, limit(BUY, 60, 7)))
    entered = at.effects[1:]
    assert any(getattr(it, "ended", None) is EndReason.BUDGET_SPENT for it in entered)
    assert 30 - 7 - 14 == at.book().orders[2].leaves
    assert 30 * 50 == at.held("A", "USD")  # of its bid alone


def test_an_amend_of_an_old_order_may_trade_at_once(at: Desk) -> None:
    change(at, lot=7, quantity_min=7)
    at.done(AmendOrder("A", SYMBOL, 1, price=60, quantity=35))
    amended = at.effect(OrderAmended)
    assert ([30], 5) == ([fill.quantity for fill in amended.fills], amended.leaves)
    at.done(PlaceOrder("C", SYMBOL, market(SELL, 7)))
    assert 5 == sum(fill.quantity for fill in at.effect(OrderAccepted).fills)


def stream(at: Desk, name: str) -> list[Envelope]:
    return [envelope for envelope in at.envelopes if envelope.originator_id == name]
