"""A trade or a deposit is found in the log wherever it is: on disk, on its way, or far back."""

import asyncio
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.kernel.events import Envelope, Event
from exchange.kernel.laws import InvariantViolation
from exchange.kernel.rejects import RejectCode
from exchange.orders.commands import AnyCommand, PlaceOrder, Request, Role
from exchange.orders.money_commands import ApproveClaim, BustTrade, ReverseDeposit
from exchange.settlement.events import FeesClosed, Leg, Settled, TradesSettled
from exchange.settlement.spot import Settlement
from exchange.store.log import EventLog
from exchange.store.urls import StoreUrl
from exchange.venue.answers import Ack
from exchange.venue.batch import Bounds
from exchange.venue.catalogue import EVENTS
from exchange.venue.lookback import posted_entry, settled_trade
from exchange.venue.replay import STORE_STREAM
from exchange.venue.sequencer import serving
from exchange.wallet.events import Bust, Corrected, Reversal
from exchange.wallet.ledger import Ledger
from tests.audit.logs import verdict_on
from tests.build import BUY, SELL, Desk, limit
from tests.store.trading import set_up

STREAM = "settlement:BTC-USD"


def settled(number: int) -> Settled:
    leg = Leg(1, "A", 0, 0, last=False)
    return Settled(number, 1, 1, 1, 1, leg, leg)


class Told:
    """A stream in memory that counts how often it is looked at."""

    def __init__(self, sizes: list[int]) -> None:
        """Events of so many trades; one of none closes fees, as many trades before must allow."""
        self.settlement, self.events, self.looks = Settlement(STREAM), list[Event](), 0
        for size in sizes:
            made = self.settlement.trade_count
            event: Event = FeesClosed(())
            if size:
                event = TradesSettled(tuple(settled(made + more) for more in range(1, size + 1)))
            self.settlement.evolve(event)
            self.events.append(event)

    def past(self, stream: str, version: int) -> Event | None:
        assert (STREAM, True) == (stream, 1 <= version <= len(self.events))
        self.looks += 1
        return self.events[version - 1]


@given(st.lists(st.integers(0, 4), max_size=40))
def test_each_trade_is_found_and_no_other(sizes: list[int]) -> None:
    told = Told(sizes)
    for number in range(1, sum(sizes) + 1):
        assert settled(number) == settled_trade(told.past, told.settlement, number)
    for number in (-1, 0, sum(sizes) + 1):
        assert settled_trade(told.past, told.settlement, number) is None


def test_a_trade_among_a_thousand_takes_ten_looks() -> None:
    told = Told([1] * 1_000)
    settled_trade(told.past, told.settlement, 777)
    assert told.looks <= 10
    told = Told([1, *[0] * 500, 1])
    settled_trade(told.past, told.settlement, 2)
    assert told.looks <= 2 * 502


def test_a_log_that_lacks_a_trade_that_was_counted_breaks_a_law() -> None:
    told = Told([1, 1, 1])
    told.events[1] = FeesClosed(())
    with pytest.raises(InvariantViolation, match="S1"):
        settled_trade(told.past, told.settlement, 2)


def test_a_log_that_lacks_a_deposit_that_was_counted_breaks_a_law() -> None:
    ledger = Ledger("ledger")
    ledger.references["deposit:wire-1"] = 1
    with pytest.raises(InvariantViolation, match="L6"):
        posted_entry(lambda *_: None, ledger, "deposit:wire-1")


# In a running venue.


STORY: tuple[tuple[AnyCommand, str | None], ...] = (
    (PlaceOrder("ada", "BTC-USD", limit(SELL, 100, 5)), "ada"),
    (PlaceOrder("bob", "BTC-USD", limit(BUY, 100, 2)), "bob"),
    (BustTrade("BTC-USD", 1, "at once"), None),
    (PlaceOrder("bob", "BTC-USD", limit(BUY, 100, 2)), "bob"),
    (PlaceOrder("bob", "BTC-USD", limit(BUY, 100, 1)), "bob"),
    (BustTrade("BTC-USD", 3, "the last"), None),
    (BustTrade("BTC-USD", 1, "again"), None),
    (ReverseDeposit("bob-BTC", "at once", claim=True), None),
    (BustTrade("BTC-USD", 4, "none"), None),
)


REQUESTS = [
    *set_up(),
    *(
        Request(command, actor or "op1", Role.OPERATOR if actor is None else Role.TRADER)
        for command, actor in STORY
    ),
    Request(ApproveClaim(1), "op2", Role.OPERATOR),
]


def told(path: Path, bounds: Bounds, *, together: bool) -> list[RejectCode | None]:
    """What the venue answers to the story, all of it given at once or one by one."""

    async def give() -> list[Ack]:
        async with serving(StoreUrl.parse(f"sqlite:///{path}"), bounds) as venue:
            if together:
                return await asyncio.gather(*[venue.submit(it, at_us=5) for it in REQUESTS])
            return [await venue.submit(it, at_us=5) for it in REQUESTS]

    acks = asyncio.run(give())[len(set_up()) :]
    return [ack.refusal.code if ack.refusal else None for ack in acks]


@pytest.mark.parametrize(
    ("bounds", "together"),
    [(Bounds(), True), (Bounds(commands=1), True), (Bounds(commands=2), True), (Bounds(), False)],
    ids=["one batch", "a batch each", "two in a batch", "one by one"],
)
def test_what_is_not_stored_yet_is_found_as_well_as_what_is(
    bounds: Bounds, tmp_path: Path, *, together: bool
) -> None:
    path = tmp_path / "venue.db"
    expected = [None] * 6 + [RejectCode.ALREADY_CORRECTED, None, RejectCode.NOT_FOUND, None]
    assert expected == told(path, bounds, together=together)
    assert [] == verdict_on(path).findings
    log = EventLog(StoreUrl.parse(f"sqlite:///{path}"), EVENTS)
    stored = [it for it in log.read() if it.originator_id != STORE_STREAM]
    log.close()
    made = [it.event.correction for it in stored if isinstance(it.event, Corrected)]
    assert [Bust("BTC-USD", 1), Bust("BTC-USD", 3), Reversal("bob-BTC")] == made
    assert placed(without_a_store().envelopes) == placed(stored)


def without_a_store() -> Desk:
    """A desk to which the same was said."""
    desk = Desk()
    for it in REQUESTS:
        desk.decide(it, at_us=5)
    return desk


def placed(envelopes: list[Envelope]) -> list[tuple[str, int, Event]]:
    """Each event with its place in its stream: law R1, whatever the batches."""
    return [(it.originator_id, it.originator_version, it.event) for it in envelopes]
