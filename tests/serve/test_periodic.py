"""Reconciliations beside a venue that trades."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

from exchange.serve import Followers, Running, reconciliation, snapshots
from exchange.venue.sequencer import Venue
from tests.audit.logs import url_of
from tests.processes.scripts import until
from tests.projections.world import views_of
from tests.serve.trading import position_of, trading


def test_a_changed_row_turns_the_reconciliation_red_and_trading_goes_on(tmp_path: Path) -> None:
    path, told = tmp_path / "venue.db", list[str]()
    jobs = [reconciliation(url_of(path), 0.2)]

    async def work() -> Running:
        async with trading(path, jobs=jobs, tell=told.append) as (live, trader):
            await trader.trade(500)
            await until(lambda: live.jobs[0].outcomes.get("ok"))
            assert live.health.green
            await until(lambda: position_of(path) == live.venue.stored_position)
            with closing(sqlite3.connect(views_of(path), isolation_level=None)) as connection:
                connection.execute("UPDATE trades SET price = price + 1 WHERE number = 1")
            while live.health.green:
                before = live.venue.stored_position
                await trader.trade(50)
                assert live.venue.stored_position > before
        return live

    live = asyncio.run(work())
    (job,) = live.jobs
    assert job.reason.startswith("differs: ")
    assert "trades 1" in job.reason
    assert "BTC-USD 1" in {finding["subject"] for finding in job.found["findings"]}
    assert told[-1] == f"reconcile: {job.reason}"
    assert ["job reconcile"] == [part.name for part in live.health.parts if not part.green]


def test_snapshots_are_made_while_the_venue_trades_and_it_opens_from_them(tmp_path: Path) -> None:
    path = tmp_path / "venue.db"

    async def work() -> Running:
        jobs = [snapshots(url_of(path), 500)]
        async with trading(path, followers=Followers.NONE, jobs=jobs) as (live, trader):
            while not live.jobs[0].outcomes.get("ok"):
                await trader.trade(50)
            assert live.health.green
        return live

    live = asyncio.run(work())
    venue = Venue(url_of(path))
    assert 0 < venue.opened.position < live.venue.stored_position
    assert () == venue.opened.passed
    assert venue.state.state_hash() == live.venue.state.state_hash()
    venue.close()
