"""The venue's own work stands in the log where it was due, and nowhere else."""

import pytest

from exchange.audit import entered
from exchange.audit.verify import verify
from exchange.kernel.orders import OrderTerms, OrderType, TimeInForce
from exchange.orders.commands import AnyCommand, ExpireOrders, PlaceOrder, RunStops
from exchange.venue import stops
from tests.audit.logs import log_of
from tests.build import BUY, SELL, SYMBOL, Desk, desk, limit

SWEEP, RUN = ExpireOrders(SYMBOL), RunStops(SYMBOL)


def bid(price: int, until: int | None = None) -> PlaceOrder:
    """An order of A."""
    lasting = TimeInForce.GTC if until is None else TimeInForce.GTD
    return PlaceOrder("A", SYMBOL, limit(BUY, price, 1, time_in_force=lasting, deadline_us=until))


def found_in(told: Desk) -> list[str]:
    """What verify has to say of the desk's log."""
    with log_of(told.envelopes) as log:
        verdict, _ = verify(log)
    return [f"{it.law} {it.detail.partition(': ')[2]}" for it in verdict.findings]


@pytest.mark.parametrize(
    ("commands", "found"),
    [
        ([(bid(9), 10)], f"R7 {SWEEP} should have gone ahead"),
        ([(SWEEP, 9)], f"R7 {SWEEP} was not next, but None"),
        ([(SWEEP, 10), (SWEEP, 10)], f"R7 {SWEEP} was not next, but None"),
        ([(RUN, 10)], f"R7 {RUN} was not next, but {SWEEP}"),
        ([(bid(9), 9), (SWEEP, 10), (bid(8), 10)], None),
    ],
    ids=["skipped", "too early", "twice", "another's turn", "in turn"],
)
def test_a_sweep_goes_ahead_of_what_comes_behind_a_deadline(
    commands: list[tuple[AnyCommand, int]], found: str | None
) -> None:
    told = desk("A")
    told.done(bid(10, until=10))
    for command, at_us in commands:
        told.at_us = at_us
        told.done(command)
    assert ([] if found is None else [found]) == found_in(told)


@pytest.mark.parametrize("goes_ahead", [True, False])
def test_woken_orders_that_were_left_go_ahead(
    monkeypatch: pytest.MonkeyPatch, *, goes_ahead: bool
) -> None:
    monkeypatch.setattr(stops, "STOPS_MAX", 1)
    monkeypatch.setattr(entered, "STOPS_MAX", 1)
    told = desk("AB")
    for trigger in (100, 101):
        told.place("B", OrderTerms(SELL, OrderType.STOP, None, 1, trigger=trigger))
    told.done(bid(99), PlaceOrder("B", SYMBOL, limit(SELL, 99, 1)))
    told.done(*[RUN] * goes_ahead, bid(98))
    found = [] if goes_ahead else [f"R7 {RUN} should have gone ahead"]
    assert found == found_in(told)
