"""Reconciliations beside a venue that trades."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

from exchange.serve import Running, reconciliation
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
