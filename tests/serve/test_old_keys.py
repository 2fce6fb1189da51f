"""Keys that have left memory still answer for the command that bound them."""

import asyncio
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from exchange.orders.commands import Request
from exchange.projections.older_keys import KeysInViews, keys_in_views
from exchange.serve import Followers, running
from exchange.store.log import EventLog
from exchange.venue import keys
from exchange.venue.answers import Ack
from exchange.venue.batch import KeyConflict
from exchange.venue.sequencer import Venue
from tests.audit.logs import url_of
from tests.processes.scripts import until
from tests.projections.world import follow, opened, reconciled, views_of
from tests.serve.trading import position_of
from tests.store.trading import acks_of, drive, order, orders, set_up

GENERATION = 40
"""Keys of a generation, so that most are forgotten."""


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "GENERATION", GENERATION)


async def answered(venue: Venue, requests: Sequence[Request]) -> list[Ack]:
    return list(await asyncio.gather(*(venue.submit(it, 0) for it in requests)))


def of_another_price(number: int) -> Request:
    """The order's key, but the content of the trader's next on that side."""
    return order(number + 4, key=str(number))


@pytest.mark.parametrize("followers", [Followers.SLICES, Followers.PROCESS])
def test_old_keys_leave_memory_and_get_their_first_answer(
    followers: Followers, tmp_path: Path
) -> None:
    path = tmp_path / "venue.db"

    async def trade() -> None:
        async with running(url_of(path), followers=followers) as live:
            venue, acks = live.venue, list[Ack]()
            await answered(venue, set_up())
            for first in range(1, 400, 20):
                acks += await answered(venue, orders(first, first + 19))
                await until(lambda: position_of(path) == venue.stored_position)
            assert len(venue.keys) < 3 * GENERATION
            assert venue.keys.forgotten
            before = venue.log.position
            assert acks == await answered(venue, orders(1, 400))
            assert before == venue.log.position
            conflicts = await asyncio.gather(
                *(venue.submit(of_another_price(n), 0) for n in (1, 200, 399)),
                return_exceptions=True,
            )
            assert [KeyConflict] * 3 == [type(it) for it in conflicts]
            assert live.health.green

    asyncio.run(trade())
    assert [] == reconciled(path).findings


def test_nothing_leaves_memory_while_nobody_follows(tmp_path: Path) -> None:
    path = tmp_path / "venue.db"
    acks_of(path, [*set_up(), *orders(1, 400)])
    venue = Venue(url_of(path), older=keys_in_views)
    assert (0, 400 + len(set_up())) == (venue.keys.forgotten, len(venue.keys))
    venue.close()


def followed(path: Path) -> list[Ack]:
    """The answers to 400 orders of a venue whose views have all of them."""
    acks = acks_of(path, [*set_up(), *orders(1, 400)])
    follow(path)
    assert [] == reconciled(path).findings
    return acks


def test_a_venue_opens_with_none_but_the_newest_keys_in_memory(tmp_path: Path) -> None:
    path = tmp_path / "venue.db"
    acks = followed(path)
    acks += acks_of(path, orders(401, 410))
    venue = Venue(url_of(path), older=keys_in_views)
    assert len(venue.keys) == 10
    outcomes, stopped = drive(venue, [*set_up(), *orders(1, 410)])
    assert (None, acks) == (stopped, outcomes)


def test_views_of_another_log_or_beyond_the_end_are_not_asked(tmp_path: Path) -> None:
    """They are those of a log that was restored older, say."""
    path, other = tmp_path / "venue.db", tmp_path / "other.db"
    followed(path)
    acks_of(other, [*set_up(), *orders(1, 50)])
    with closing(EventLog(url_of(other), [])) as log:
        assert 0 == KeysInViews(log, views_of(path)).reached()


def test_keys_come_from_the_log_when_the_views_are_spoilt_meanwhile(tmp_path: Path) -> None:
    path = tmp_path / "venue.db"
    acks = followed(path)
    venue = Venue(url_of(path), older=keys_in_views)
    assert venue.keys.forgotten
    with closing(sqlite3.connect(views_of(path), isolation_level=None)) as connection:
        connection.execute("DROP TABLE keys")
    outcomes, stopped = drive(venue, [*set_up(), *orders(1, 400)])
    assert (None, acks) == (stopped, outcomes)
    assert venue.older is not None
    assert venue.older.fault == "no such table: keys"


def test_the_table_says_what_the_records_say(tmp_path: Path) -> None:
    path = tmp_path / "venue.db"
    followed(path)
    with opened(path) as log:
        venue = Venue(url_of(path))
        venue.close()
        older = KeysInViews(log, views_of(path))
        reached = older.reached()
        assert reached
        digests = [*vars(venue.keys)["_old"], *vars(venue.keys)["_new"], b"x" * 16]
        expected = {it: venue.keys.recent(it) for it in digests[:-1]}
        assert expected == older.find(digests)
        older.close()
