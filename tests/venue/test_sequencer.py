"""What a venue does at the edges of its work: bounds, ends, failures."""

import asyncio
import gc
import sys
import threading
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import pytest
from eventsourcing.persistence import OperationalError

from exchange.collector import settled
from exchange.kernel.orders import TimeInForce
from exchange.orders.commands import ExpireOrders, PlaceOrder, Request, Role
from exchange.orders.records import CommandRecorded
from exchange.store.errors import CommitFailed
from exchange.store.seal import unpacked
from exchange.store.urls import StoreUrl
from exchange.store.writer import Numbered
from exchange.venue.answers import Ack
from exchange.venue.batch import Bounds
from exchange.venue.intake import Malformed
from exchange.venue.sequencer import OutcomeUnknown, Venue, serving
from tests.build import BUY, limit
from tests.store.trading import drive, orders, set_up

MEMORY = StoreUrl.parse("memory:")


@pytest.mark.parametrize(
    "bounds",
    [
        Bounds(events=0, queue=100),
        Bounds(deciding_ms=0, queue=100),
        Bounds(deciding_ms=-1, queue=100),
        Bounds(commands=1, queue=100),
    ],
    ids=repr,
)
def test_a_batch_takes_one_command_at_least(bounds: Bounds) -> None:
    """However tight its bounds are: else nothing would ever be answered."""
    outcomes, stopped = drive(Venue(MEMORY, bounds), set_up() + orders(1, 10))
    assert stopped is None
    assert {Ack} == {type(outcome) for outcome in outcomes}


def test_a_batch_takes_more_while_the_disk_is_busy_with_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Up to four times as long; else time is what bounds it. Here deciding takes 1 ms each."""

    async def trade() -> list[int]:
        venue = Venue(StoreUrl.parse(f"sqlite:///{tmp_path / 'venue.db'}"), Bounds(deciding_ms=10))
        running = asyncio.create_task(venue.run())
        for request in set_up():
            await venue.submit(request, 0)
        store, go_on, begun, sizes = venue.log.store, threading.Event(), threading.Event(), []

        def busy(batch: Numbered) -> int:
            rows = unpacked(batch.draft.packed())
            sizes.append(sum(topic == CommandRecorded.TOPIC for _, _, _, topic, _ in rows))
            begun.set()
            go_on.wait(30)
            return store(batch)

        monkeypatch.setattr(venue.log, "store", busy)
        ticks = count(0, 1_000_000)
        monkeypatch.setattr(
            "exchange.venue.sequencer.time", SimpleNamespace(monotonic_ns=lambda: next(ticks))
        )
        first = venue.submit(orders(1, 1)[0], 0)
        while not begun.is_set():  # noqa: ASYNC110 - the thread says when
            await asyncio.sleep(0)
        others = [venue.submit(request, 0) for request in orders(2, 201)]
        left = -1
        while left != (left := venue.room):  # noqa: ASYNC110 - until it takes no more
            await asyncio.sleep(0.05)
        go_on.set()
        await asyncio.gather(first, *others)
        venue.stop()
        await running
        venue.close()
        return sizes

    first, long, *_ = asyncio.run(asyncio.wait_for(trade(), 30))
    assert (1, 40) == (first, long - 1)


def test_a_store_in_memory_that_fails_ends_the_venue_too() -> None:
    async def fail() -> tuple[object, ...]:
        venue = Venue(MEMORY)
        running = asyncio.create_task(venue.run())
        for request in set_up():
            await venue.submit(request, 0)

        def broken(*_: object) -> None:
            raise OperationalError(OSError("no more memory"))

        venue.log.recorder.insert_rows = broken  # type: ignore[assignment]  # the fault
        found = await asyncio.gather(
            venue.submit(orders(1, 1)[0], 0), running, return_exceptions=True
        )
        venue.close()
        return tuple(found)

    outcome, stopped = asyncio.run(asyncio.wait_for(fail(), 30))
    assert isinstance(outcome, OutcomeUnknown)
    assert isinstance(stopped, CommitFailed)


def test_a_venue_that_ends_beside_a_long_checkpoint_answers_first(tmp_path: Path) -> None:
    """The loop goes on: nobody's answer waits for the disk's housekeeping."""

    async def end() -> bool:
        venue = Venue(StoreUrl.parse(f"sqlite:///{tmp_path / 'venue.db'}"))
        running = asyncio.create_task(venue.run())
        for request in set_up():
            await venue.submit(request, 0)
        go_on, begun = threading.Event(), threading.Event()

        def slow() -> None:
            begun.set()
            go_on.wait(30)

        venue.log.ease_checkpoint = slow  # type: ignore[method-assign]  # a disk that takes its time
        venue.log._since_checkpoint = 10**9  # noqa: SLF001 - one is due
        await venue.submit(orders(1, 1)[0], 0)
        last = venue.submit(orders(2, 2)[0], 0)
        venue.stop()
        await last
        answered_beside_it = begun.is_set() and not running.done()
        go_on.set()
        await running
        venue.close()
        return answered_beside_it

    assert asyncio.run(asyncio.wait_for(end(), 30))


def test_the_process_is_as_before_when_its_last_venue_has_gone() -> None:
    before = (gc.get_threshold(), sys.getswitchinterval())
    first, second = settled(), settled()
    first.__enter__()
    during = (gc.get_threshold(), sys.getswitchinterval())
    second.__enter__()
    first.__exit__(None, None, None)
    assert during == (gc.get_threshold(), sys.getswitchinterval())
    second.__exit__(None, None, None)
    assert before == (gc.get_threshold(), sys.getswitchinterval())
    assert before != during


# Work of the venue's own.


def test_nobody_else_gives_the_venue_s_own_commands() -> None:
    async def give() -> None:
        async with serving(MEMORY) as venue:
            venue.submit(Request(ExpireOrders("BTC-USD"), "venue", Role.SYSTEM), 0)

    with pytest.raises(Malformed, match="its own commands"):
        asyncio.run(give())


def timed(number: int, deadline_us: int) -> Request:
    """A buy order that ends at a venue time."""
    terms = limit(BUY, 50 + number, 1, time_in_force=TimeInForce.GTD, deadline_us=deadline_us)
    return Request(PlaceOrder("ada", "BTC-USD", terms), "ada", Role.TRADER, f"timed-{number}")


def records(venue: Venue) -> list[str]:
    """The role and kind of each command since the set-up, in order."""
    return [
        f"{it.event.role.value} {type(it.event.command).__name__}"
        for it in venue.log.read()
        if isinstance(it.event, CommandRecorded)
    ][len(set_up()) :]


@pytest.mark.parametrize("most", [0, 1])
def test_what_is_due_goes_ahead_of_the_next_command(most: int) -> None:
    """Whatever the batches: it depends on the log alone."""

    async def trade() -> list[str]:
        async with serving(MEMORY, Bounds(commands=most)) as venue:
            for request in set_up():
                await venue.submit(request, 0)
            asked = [timed(1, 10), timed(2, 20)]
            await asyncio.gather(*(venue.submit(request, 5) for request in asked))
            later = [(timed(3, 30), 9), (timed(4, 40), 10), (timed(5, 50), 30)]
            await asyncio.gather(*(venue.submit(request, at) for request, at in later))
            assert [4, 5] == [number for _, number in venue.state.rooms["BTC-USD"].book.deadlines]
            return records(venue)

    place, sweep = "trader PlaceOrder", "system ExpireOrders"
    assert [place] * 3 + [sweep, place, sweep, place] == asyncio.run(trade())


def test_a_live_venue_sweeps_though_nobody_asks() -> None:
    async def wait() -> list[str]:
        async with serving(MEMORY) as venue:
            for request in set_up():
                await venue.submit(request)
            now_us = venue.state.at_us
            await venue.submit(timed(1, now_us + 200_000))
            book = venue.state.rooms["BTC-USD"].book
            for _ in range(500):
                if not book.orders:
                    break
                await asyncio.sleep(0.01)
            assert not book.orders
            return records(venue)

    assert ["trader PlaceOrder", "system ExpireOrders"] == asyncio.run(wait())
