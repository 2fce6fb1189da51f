"""Read models followed by a process beside a venue: killed, stopped, told; nothing is lost."""

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import time
from contextlib import closing
from pathlib import Path

import pytest

from exchange import serve
from exchange.health import Part
from exchange.serve import Followers, Running, running
from exchange.store.errors import StoreError
from exchange.store.urls import StoreUrl
from exchange.store.writer import LogWriter
from exchange.venue.catalogue import EVENTS
from tests.audit.logs import append, url_of
from tests.command import answer, exchange, url
from tests.processes.scripts import PATIENCE_S, at_last, script, until
from tests.projections.world import batches, played, random_happenings, reconciled, views_of
from tests.serve.trading import feed, last_of, nobody_follows, position_of, start, trading

NEVER_MS = 3_600_000
"""Whoever polls so seldom has to be woken."""

IGNORANT = """
import sys
from exchange.cli import main
from exchange.projections import views
from exchange.users.events import UserRegistered
views.SHOWN_NOWHERE = tuple(it for it in views.SHOWN_NOWHERE if it is not UserRegistered)
sys.argv[0] = "exchange"
main()
"""
"""A program of an older version, say, that does not know what to do with new users."""


def pid_of(live: Running) -> int:
    (follower,) = live.followers
    return follower.pid or 0


def test_a_follower_killed_amid_trading_goes_on_and_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "venue.db"

    async def work() -> Running:
        async with trading(path) as (live, trader):
            for _ in range(2):
                await trader.trade(300)
                await until(lambda: pid_of(live))
                victim = pid_of(live)
                os.kill(victim, signal.SIGKILL)
                while pid_of(live) in {0, victim}:
                    await trader.trade(50)
            await trader.trade(300)
        assert trader.tally.answered == trader.tally.accepted
        return live

    live = asyncio.run(work())
    (follower,) = live.followers
    assert (2, 0, True) == (follower.restarts, follower.lag_events, follower.green)
    assert "ended by SIGKILL" == follower.last_error
    assert last_of(path) == follower.position == position_of(path)
    found = reconciled(path)
    assert (last_of(path), []) == (found.position, found.findings)


def test_a_follower_is_woken_by_each_commit(tmp_path: Path) -> None:
    """Though it would look by itself only once an hour."""
    path = tmp_path / "venue.db"

    async def work() -> None:
        async with trading(path, poll_ms=NEVER_MS) as (live, trader):
            for _ in range(3):
                await trader.trade(10)
                await until(lambda: position_of(path) == live.venue.stored_position)
            assert live.health.green

    asyncio.run(work())


def test_the_views_have_all_of_it_when_the_venue_has_ended(tmp_path: Path) -> None:
    path = tmp_path / "venue.db"

    async def work() -> Running:
        async with trading(path) as (live, trader):
            await trader.trade(2_000)
        return live

    live = asyncio.run(work())
    assert not path.with_name("venue.db-wal").exists()  # the venue was its last user
    assert nobody_follows(path)
    assert last_of(path) == position_of(path)
    assert live.health.green


def test_a_follower_that_meets_what_it_cannot_follow_is_red_and_trading_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, told = tmp_path / "venue.db", list[str]()
    line = ("follow", "views", "--store", url(path), "--supervised")
    monkeypatch.setattr(serve, "_follow", lambda *_: script(IGNORANT, *line))

    async def work() -> Running:
        async with trading(path, tell=told.append) as (live, trader):
            await trader.trade(10)
            await until(lambda: told)
            before = live.venue.stored_position
            await trader.trade(200)
            assert live.venue.stored_position > before
        return live

    live = asyncio.run(work())
    (follower,) = live.followers
    assert (False, 0, None) == (follower.green, follower.restarts, follower.pid)
    named = "(user:trader-0@1, users.UserRegistered.v1) can't be followed"
    assert named in follower.last_error
    assert follower.last_error.startswith("ended with 1: error: the event at ")
    assert [f"views {follower.last_error}"] == told
    assert Part("follower views", green=False, reason=follower.last_error) in live.health.parts
    assert follower.lag_events > 200

    monkeypatch.undo()

    async def again() -> None:
        async with trading(path):
            pass

    asyncio.run(again())
    assert last_of(path) == position_of(path)
    assert [] == reconciled(path).findings


def test_a_store_in_memory_has_no_followers() -> None:
    async def work() -> None:
        async with running(StoreUrl.parse("memory:"), followers=Followers.PROCESS):
            pass

    with pytest.raises(StoreError, match="a store in memory"):
        asyncio.run(work())


def test_the_venue_without_followers_starts_none(tmp_path: Path) -> None:
    path = tmp_path / "venue.db"

    async def work() -> Running:
        async with trading(path, followers=Followers.NONE) as (live, trader):
            await trader.trade(10)
        return live

    live = asyncio.run(work())
    assert [] == live.followers
    assert ["writer", "clock", "keys"] == [part.name for part in live.health.parts]
    assert not path.with_name("venue.db.views").exists()


def test_faults_and_a_wall_clock_that_jumps_are_red(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work() -> Running:
        async with trading(tmp_path / "venue.db", followers=Followers.NONE) as (live, trader):
            assert live.health.green
            monkeypatch.setattr("time.time_ns", lambda: 0)
            await trader.trade(1)
            live.venue.faults = 2
            return live

    red = asyncio.run(work()).health
    assert not red.green
    assert {"writer": "2 commands refused as INTERNAL", "clock": "the wall clock has jumped"} == {
        part.name: part.reason for part in red.parts if not part.green
    }


# The follower's own side.


def test_a_supervised_follower_catches_up_when_its_stdin_ends(tmp_path: Path) -> None:
    path, all_of_it = tmp_path / "venue.db", batches(played(random_happenings(31, 200)))
    log = LogWriter(url_of(path), EVENTS, at_us=0)
    append(log, all_of_it[0])
    process = subprocess.Popen(  # noqa: S603 - ours
        serve._follow(url_of(path), NEVER_MS),  # noqa: SLF001 - as the venue starts it
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert at_last(lambda: position_of(path) == log.position)
    time.sleep(0.5)  # now it sleeps, and nobody wakes it
    for batch in all_of_it[1:]:
        append(log, batch)
    last = log.position
    log.close()
    assert (b"", b"") == process.communicate(timeout=PATIENCE_S)
    assert 0 == process.returncode
    assert last == position_of(path)


# A venue in a process of its own.


def test_a_venue_that_is_killed_takes_its_follower_along_and_goes_on_later(
    flow: Path, tmp_path: Path
) -> None:
    path = tmp_path / "venue.db"
    venue = start(feed(flow, path, "process", "--batch", 1))
    assert at_last(lambda: position_of(path) > 1_000)
    assert not nobody_follows(path)
    assert venue.poll() is None
    venue.kill()
    venue.communicate()
    assert at_last(lambda: nobody_follows(path))
    assert position_of(path) <= last_of(path)  # a commit cut off may come back when it is opened
    told = answer(*feed(flow, path, "process", "--limit", 5_000))
    (follower,) = told["followers"]
    assert "jobs" not in told
    assert (0, 0, True) == (follower["lag_events"], follower["restarts"], follower["green"])
    assert last_of(path) == follower["position"]
    assert answer("reconcile", "--store", url(path))["ok"]


def test_ctrl_c_ends_the_venue_and_its_follower_without_a_word_of_it(
    flow: Path, tmp_path: Path
) -> None:
    path = tmp_path / "venue.db"
    venue = start(feed(flow, path, "process", "--batch", 20))
    assert at_last(lambda: position_of(path) > 1_000)
    assert venue.poll() is None
    os.killpg(venue.pid, signal.SIGINT)
    _, said = venue.communicate(timeout=PATIENCE_S)
    assert "Traceback" not in said
    assert "views" not in said
    assert nobody_follows(path)
    assert last_of(path) == position_of(path)
    assert answer("reconcile", "--store", url(path))["ok"]


def test_what_is_red_at_the_end_is_told_and_ends_the_command_with_1(
    flow: Path, tmp_path: Path
) -> None:
    """Here views that a newer version has left behind: nothing is written to them."""
    path = tmp_path / "venue.db"
    answer(*feed(flow, path, "process", "--limit", 100))
    with closing(sqlite3.connect(views_of(path))) as connection:
        connection.execute("PRAGMA user_version=99")
    done = exchange(
        *feed(flow, path, "process", "--limit", 200), "--reconcile-every", 3_600, "--json", code=1
    )
    told = json.loads(done.stdout)
    (follower,), (job,) = told["followers"], told["jobs"]
    assert (200, 0, False) == (told["commands"], follower["position"], follower["green"])
    assert "written by a newer version" in follower["last_error"]
    assert f"red: follower views: {follower['last_error']}" in done.stderr
    assert ("reconcile", 0, True) == (job["name"], job["runs"], job["healthy"])
