"""Read models followed in the venue's own process, a slice at a time between two batches."""

import asyncio
import os
import signal
from pathlib import Path

import pytest

from exchange.projections import views
from exchange.projections.trades import Trades
from exchange.serve import Followers, Running, running
from exchange.store.errors import StoreError
from exchange.store.lock import WriterLock
from exchange.store.urls import StoreUrl
from exchange.users.events import UserRegistered
from tests.command import answer
from tests.processes.scripts import at_last, until
from tests.projections.world import opened, reconciled, views_of
from tests.serve.trading import feed, last_of, nobody_follows, position_of, start, trading


def check_views(path: Path) -> None:
    """They have all of the log, and are its fold."""
    found = reconciled(path)
    assert (last_of(path), []) == (found.position, found.findings)


def test_the_views_follow_while_the_venue_trades_and_have_all_of_it_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("exchange.projections.slices.EVERY_S", 0.01)
    path = tmp_path / "venue.db"
    seen: set[int] = set()

    async def work() -> Running:
        async with trading(path, followers=Followers.SLICES) as (live, trader):
            for _ in range(20):
                await trader.trade(100)
                seen.add(position_of(path))
            await until(lambda: position_of(path) == live.venue.stored_position)
            await trader.trade(100)
        return live

    live = asyncio.run(work())
    assert len(seen) > 3
    (follower,) = live.followers
    assert ("slices", 0, True) == (follower.mode, follower.lag_events, follower.green)
    with opened(path) as log:
        assert all(log.seal_at(position) for position in seen - {0})
    assert nobody_follows(path)
    check_views(path)


def test_an_event_that_cannot_be_followed_is_red_and_trading_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, told = tmp_path / "venue.db", list[str]()
    known = tuple(it for it in views.SHOWN_NOWHERE if it is not UserRegistered)
    monkeypatch.setattr(views, "SHOWN_NOWHERE", known)

    async def work() -> None:
        async with trading(path, followers=Followers.SLICES, tell=told.append) as (live, trader):
            await trader.trade(300)
            assert not live.health.green
            (follower,) = live.followers
            assert "users.UserRegistered.v1" in follower.last_error
            assert told == [f"follower views: {follower.last_error}"]
            assert trader.tally.answered == trader.tally.accepted
            monkeypatch.undo()
            assert live.slices is not None
            live.slices.resume()
            assert live.health.green

    asyncio.run(work())
    check_views(path)


def test_a_fault_in_a_read_model_is_red_and_trading_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "venue.db"

    def broken(*_: object) -> None:
        raise ZeroDivisionError("a defect")

    monkeypatch.setattr(Trades, "_settle", broken)

    async def work() -> None:
        async with trading(path, followers=Followers.SLICES) as (live, trader):
            await trader.trade(300)
            (follower,) = live.followers
            assert "settlement.TradesSettled.v1" in follower.last_error
            assert "a defect" in follower.last_error
            assert trader.tally.answered == trader.tally.accepted

    asyncio.run(work())


def test_a_follower_can_be_paused_and_its_views_rebuilt_while_the_venue_trades(
    tmp_path: Path,
) -> None:
    path = tmp_path / "venue.db"

    async def work() -> None:
        async with trading(path, followers=Followers.SLICES) as (live, trader):
            slices = live.slices
            assert slices is not None
            await trader.trade(200)
            await until(lambda: position_of(path) == live.venue.stored_position)
            slices.pause()
            paused_at, first = position_of(path), views_of(path).resolve()
            await trader.trade(200)
            assert paused_at == position_of(path)
            slices.resume()
            await until(lambda: position_of(path) == live.venue.stored_position)
            slices.rebuild()
            await trader.trade(200)
            await until(lambda: views_of(path).resolve() != first)
            await until(lambda: position_of(path) == live.venue.stored_position)

    asyncio.run(work())
    check_views(path)


def test_views_that_somebody_else_follows_are_red_and_the_venue_trades(tmp_path: Path) -> None:
    path = tmp_path / "venue.db"
    other = WriterLock(path.with_name("venue.db.views.lock"))

    async def work() -> None:
        async with trading(path, followers=Followers.SLICES) as (live, trader):
            assert not live.health.green
            await trader.trade(10)
            other.release()
            assert live.slices is not None
            live.slices.resume()
            assert live.health.green

    asyncio.run(work())
    check_views(path)


def test_a_venue_killed_at_any_moment_loses_and_doubles_no_row(flow: Path, tmp_path: Path) -> None:
    path = tmp_path / "venue.db"
    line = feed(flow, path, "slices", "--batch", 3)
    for least in (500, 2_000, 4_000):
        venue = start(line)
        assert at_last(lambda bound=least: position_of(path) > bound)  # type: ignore[misc]
        os.kill(venue.pid, signal.SIGKILL)
        venue.communicate()
    told = answer(*line)
    (follower,) = told["followers"]
    assert (0, True) == (follower["lag_events"], follower["green"])
    check_views(path)


def test_a_store_in_memory_has_no_views() -> None:
    async def work() -> None:
        async with running(StoreUrl.parse("memory:"), followers=Followers.SLICES):
            pass

    with pytest.raises(StoreError, match="memory"):
        asyncio.run(work())
