"""What a venue shows while it trades: only what is on disk, and all that was answered before."""

import asyncio
import random
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from eventsourcing.persistence import OperationalError

from exchange.audit.asof import Moment, state_at
from exchange.kernel.ids import order_id
from exchange.kernel.instruments import MarketState
from exchange.kernel.orders import OrderTerms, OrderType
from exchange.kernel.rejects import RejectCode, Rejected
from exchange.store.log import EventLog
from exchange.store.urls import StoreUrl
from exchange.venue import looks
from exchange.venue.batch import Bounds, Seen
from exchange.venue.catalogue import EVENTS
from exchange.venue.looks import (
    Balance,
    Best,
    Depth,
    PriceLevel,
    balances,
    best,
    depth,
    open_orders,
)
from exchange.venue.sequencer import OutcomeUnknown, QueueFull, Venue, serving
from exchange.venue.state import VenueState
from tests.build import BUY, SELL, SYMBOL, desk, limit
from tests.store.stored import url_of
from tests.store.trading import cancel, order, orders, set_up

MEMORY = StoreUrl.parse("memory:")
QUESTIONS: list[Callable[[VenueState], Any]] = [
    partial(best, symbol=SYMBOL),
    partial(depth, symbol=SYMBOL, levels=3),
    *(partial(open_orders, account=account, symbol=SYMBOL) for account in ("ada", "bob")),
    *(partial(balances, account=account) for account in ("ada", "bob")),
]


Taken = tuple[Callable[[VenueState], Any], Seen[Any], int]
"""A question, what it saw, and the last position on disk when that was told."""


def check_looks(log: EventLog, taken: list[Taken]) -> None:
    """Each was on disk; those of the first sixty positions are what the log says there."""
    states: dict[int, VenueState] = {}
    for question, seen, stored in taken:
        assert seen.position <= stored
        if seen.position not in states and len(states) < 60:
            states[seen.position] = state_at(log, Moment(position=seen.position)).state
        if seen.position in states:
            assert question(states[seen.position]) == seen.answer


def test_what_a_look_shows_is_on_disk_and_is_what_the_log_says(tmp_path: Path) -> None:
    """Looks taken at random moments of a busy venue, each held against the log by its position."""
    url, chance = url_of(tmp_path / "venue.db"), random.Random(5)  # noqa: S311 - a workload
    reader: list[EventLog] = []
    seen: list[Taken] = []

    def answered(
        question: Callable[[VenueState], Any], future: "asyncio.Future[Seen[Any]]"
    ) -> None:
        seen.append((question, future.result(), reader[0].last_position))

    async def look_on(venue: Venue) -> None:
        while True:
            await asyncio.sleep(0)
            if chance.random() < 0.2:
                question = chance.choice(QUESTIONS)
                venue.look(question).add_done_callback(partial(answered, question))

    async def trade() -> None:
        async with serving(url, Bounds(commands=20)) as venue:
            reader.append(EventLog(url, EVENTS))
            for request in set_up():
                await venue.submit(request, 0)
            onlooker = asyncio.create_task(look_on(venue))
            for number in range(1, 401):
                venue.submit(order(number), number)
                cancelled = venue.submit(cancel(number // 2 + 1), number)
                if chance.random() < 0.2:
                    await cancelled
            onlooker.cancel()

    asyncio.run(trade())
    assert len(seen) > 100
    assert len({it.position for _, it, _ in seen}) > 20
    check_looks(reader[0], seen)
    reader[0].close()


def test_who_was_answered_sees_what_it_did() -> None:
    async def trade() -> tuple[str | None, list[str]]:
        async with serving(MEMORY) as venue:
            for request in set_up():
                await venue.submit(request, 0)
            ack = await venue.submit(order(1), 0)
            found = await venue.look(partial(open_orders, account="bob", symbol=SYMBOL))
            return ack.order_id, [order_id(SYMBOL, it.number) for it in found.answer]

    placed, found = asyncio.run(trade())
    assert [placed] == found


def test_a_look_at_an_idle_venue_leaves_no_trace(tmp_path: Path) -> None:
    async def look() -> None:
        async with serving(url_of(tmp_path / "venue.db")) as venue:
            for request in set_up():
                await venue.submit(request, 0)
            before = venue.log.position, venue.log.last_position
            for question in QUESTIONS:
                await venue.look(question)
            assert before == (venue.log.position, venue.log.last_position)

    asyncio.run(look())


def test_what_may_not_be_stored_is_shown_to_nobody(tmp_path: Path) -> None:
    async def fail() -> tuple[object, ...]:
        venue = Venue(url_of(tmp_path / "venue.db"))
        running = asyncio.create_task(venue.run())
        for request in set_up():
            await venue.submit(request, 0)

        def broken(*_: object) -> None:
            raise OperationalError(OSError("the disk is gone"))

        venue.log.recorder.insert_rows = broken  # type: ignore[assignment]  # the fault
        order_sent = venue.submit(orders(1, 1)[0], 0)
        while not venue.state.rooms[SYMBOL].book.orders:  # noqa: ASYNC110 - decided, not stored
            await asyncio.sleep(0)
        looked = venue.look(partial(best, symbol=SYMBOL))
        found = await asyncio.gather(order_sent, looked, running, return_exceptions=True)
        with pytest.raises(QueueFull):
            venue.look(partial(best, symbol=SYMBOL))
        venue.close()
        return tuple(found)

    sent, looked, _ = asyncio.run(asyncio.wait_for(fail(), 30))
    assert isinstance(sent, OutcomeUnknown)
    assert isinstance(looked, OutcomeUnknown)


def test_depth_shows_levels_best_first_and_no_more_than_asked_for() -> None:
    """Icebergs count with what they show, sleeping orders not at all."""
    it = desk()
    it.place("A", limit(BUY, 95, 10))
    it.place("A", limit(BUY, 97, 50, display=4))
    it.place("B", limit(BUY, 97, 3))
    it.place("B", limit(BUY, 90, 8))
    it.place("C", limit(SELL, 105, 2))
    it.place("C", OrderTerms(SELL, OrderType.STOP, None, 7, trigger=80))
    assert depth(it.state, SYMBOL, 2) == Depth(
        MarketState.CONTINUOUS,
        it.book().version,
        [PriceLevel(97, 7), PriceLevel(95, 10)],
        [PriceLevel(105, 2)],
    )
    assert best(it.state, SYMBOL) == Best(PriceLevel(97, 7), PriceLevel(105, 2), None)
    it.place("D", limit(SELL, 97, 1))
    assert best(it.state, SYMBOL) == Best(PriceLevel(97, 6), PriceLevel(105, 2), 97)


def test_open_orders_come_in_pages_sleeping_ones_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looks, "ORDERS_MAX", 2)
    it = desk()
    for price in (90, 91, 92):
        it.place("A", limit(BUY, price, 5))
    it.place("A", OrderTerms(SELL, OrderType.STOP, None, 7, trigger=80))
    first = open_orders(it.state, "A", SYMBOL)
    second = open_orders(it.state, "A", SYMBOL, above=first[-1].number)
    assert [order.number for order in first + second] == [1, 2, 3, 4]
    assert [order.asleep for order in first + second] == [False, False, False, True]
    assert open_orders(it.state, "B", SYMBOL) == []


def test_balances_tell_what_is_free_and_what_is_held() -> None:
    it = desk(funds=1_000)
    it.place("A", limit(BUY, 90, 5))
    assert balances(it.state, "A") == [Balance("BTC", 1_000, 0, 0), Balance("USD", 550, 450, 0)]


@pytest.mark.parametrize(
    ("question", "code"),
    [
        (partial(best, symbol="NO-NE"), RejectCode.UNKNOWN_MARKET),
        (partial(depth, symbol="NO-NE", levels=1), RejectCode.UNKNOWN_MARKET),
        (partial(open_orders, account="A", symbol="NO-NE"), RejectCode.UNKNOWN_MARKET),
        (partial(open_orders, account="nobody", symbol=SYMBOL), RejectCode.UNKNOWN_ACCOUNT),
        (partial(balances, account="nobody"), RejectCode.UNKNOWN_ACCOUNT),
    ],
)
def test_a_look_at_what_is_not_there_is_refused(
    question: Callable[[VenueState], Any], code: RejectCode
) -> None:
    with pytest.raises(Rejected) as refused:
        question(desk().state)
    assert refused.value.refusal.code is code
