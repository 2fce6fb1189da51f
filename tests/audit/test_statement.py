"""A past statement is what it was then, whether the views tell it or the log alone."""

import random
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import msgspec
import pytest

from exchange.audit.asof import Moment, NotThere, place_of, state_at
from exchange.audit.statement import Asked, statement_at, statement_from
from exchange.kernel.accounts import EXTERNAL, FEES
from exchange.kernel.events import Envelope
from exchange.projections.follower import Follower
from exchange.projections.reader import Reader
from exchange.projections.statement import Statement, statement
from exchange.store.log import EventLog
from tests.audit.logs import Batch, append, log_of
from tests.build import Desk, desk
from tests.projections.world import (
    batches,
    follow,
    opened,
    played,
    random_happenings,
    views_of,
    write_log,
)

SIZES = [1, 4, 40]
NAMES = ["A", "A2", "B", "C", FEES, EXTERNAL]


def anything(chance: random.Random, end_us: int) -> Asked:
    """Any account's statement, of any period, on pages of any size."""
    times = sorted(chance.choice([None, chance.randrange(end_us)]) or 0 for _ in range(2))
    from_us, until_us = (it or None for it in times)
    asset, limit = chance.choice(["USD", "USD", "BTC", "ETH"]), chance.choice([1, 7, 1_000])
    return Asked(chance.choice(NAMES), asset, from_us, until_us, limit)


@pytest.fixture(scope="module")
def busy() -> Desk:
    return played(random_happenings(31, 250))


@pytest.fixture(scope="module")
def log(busy: Desk, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EventLog]:
    path = tmp_path_factory.mktemp("past") / "venue.db"
    write_log(busy, path, SIZES)
    follow(path)
    with opened(path) as found:
        yield found


@pytest.fixture(scope="module")
def reader(log: EventLog) -> Reader:
    assert log.url.path is not None
    return Reader(views_of(log.url.path))


def facts(told: Statement) -> Statement:
    """All but where it was made from."""
    return msgspec.structs.replace(told, source="")


def cut(busy: Desk, position: int) -> Iterator[Batch]:
    """The batches of a log that ends with the last whole command at or before a position."""
    at = 2  # behind the first epoch and its seal
    for batch in batches(busy, SIZES):
        whole: list[Envelope] = []
        for command in commands(batch):
            if at + len(whole) + len(command) > position:
                yield whole
                return
            whole += command
        yield whole
        at += len(whole) + 1


def commands(batch: Batch) -> Iterator[list[Envelope]]:
    """Each record with its effects."""
    starts = [n for n, it in enumerate(batch) if type(it.event).__name__ == "CommandRecorded"]
    for first, last in zip(starts, [*starts[1:], len(batch)], strict=True):
        yield list(batch[first:last])


def test_it_is_the_statement_of_a_log_that_ends_there(
    busy: Desk, log: EventLog, reader: Reader, tmp_path: Path
) -> None:
    """At 100 positions, anywhere: from the views, from the log, and from the views of a log that
    was cut there.
    """
    chance = random.Random(41)  # noqa: S311 - repeatable, no secret
    compared, end_us = 0, state_at(log).at_us
    for number in range(100):
        moment = Moment(position=chance.randrange(40, log.last_position + 1))
        asked = anything(chance, end_us)
        views = tmp_path / f"{number}.views"
        with log_of(*cut(busy, moment.position or 0)) as short, Follower(short, views) as follower:
            follower.catch_up()
        try:
            then = statement(Reader(views), **msgspec.structs.asdict(asked))
        except LookupError:
            for source in (reader, None):
                with pytest.raises(LookupError):
                    statement_at(log, source, asked, moment)
            continue
        told, alone = (statement_at(log, source, asked, moment) for source in (reader, None))
        assert ("views", "log") == (told.source, alone.source)
        assert facts(told) == facts(alone)
        assert (then.opening, then.lines, then.closing) == (told.opening, told.lines, told.closing)
        assert then.cursor == told.cursor
        compared += bool(told.lines)
    assert compared > 40


def test_its_pages_join_in_both_ways(log: EventLog, reader: Reader) -> None:
    moment = Moment(position=log.last_position * 2 // 3)
    asked = Asked("B", "USD", limit=10**6)
    whole = statement_at(log, reader, asked, moment)
    for source in (reader, None):
        page = statement_at(log, source, Asked("B", "USD", limit=13), moment)
        lines, opening = list(page.lines), page.opening
        while page.cursor is not None:
            before = page.closing
            page = statement_at(
                log, source, Asked("B", "USD", limit=13, cursor=page.cursor), moment
            )
            assert before == page.opening
            lines += page.lines
        assert (whole.opening, whole.lines, whole.closing) == (opening, lines, page.closing)
    assert len(whole.lines) > 50


def test_the_place_of_a_moment_is_where_the_fold_ends(log: EventLog) -> None:
    """For every position, and for times between and at those of commands."""
    chance = random.Random(43)  # noqa: S311 - repeatable, no secret
    last = log.last_position
    for position in [*range(1, 40), *(chance.randrange(40, last + 1) for _ in range(60)), last]:
        moment = Moment(position=position)
        past, place = state_at(log, moment), place_of(log, moment)
        assert (past.position, past.at_us) == (place.position, place.at_us)
    end_us = state_at(log).at_us
    for at_us in [0, 1, end_us, end_us + 5, *(chance.randrange(end_us) for _ in range(40))]:
        past, place = state_at(log, Moment(at_us=at_us)), place_of(log, Moment(at_us=at_us))
        assert (past.position, past.at_us) == (place.position, place.at_us)


def test_a_position_beyond_the_log_is_refused(log: EventLog, reader: Reader) -> None:
    for source in (reader, None):
        with pytest.raises(NotThere, match="beyond the end"):
            statement_at(log, source, Asked("A", "USD"), Moment(position=log.last_position + 1))


@pytest.mark.parametrize("asked", [Asked("nobody", "USD"), Asked("A", "XRP")])
@pytest.mark.parametrize("position", [1, 30, None])
def test_where_nothing_was_booked_by_then_that_is_said(
    log: EventLog, reader: Reader, asked: Asked, position: int | None
) -> None:
    for source in (reader, None):
        with pytest.raises(LookupError):
            statement_at(log, source, asked, Moment(position=position))


def test_views_that_are_behind_leave_it_to_the_log(busy: Desk, tmp_path: Path) -> None:
    path, all_of_it = tmp_path / "venue.db", list(batches(busy, SIZES))
    with log_of(*all_of_it[:10], path=path) as writer:
        behind = follow(path)
        for batch in all_of_it[10:]:
            append(writer, batch)
    with opened(path) as log:
        reader, asked = Reader(views_of(path)), Asked("A", "USD")
        for position in (behind - 1, behind):
            told = statement_at(log, reader, asked, Moment(position=position))
            assert "views" == told.source
        later = statement_at(log, reader, asked)
        assert ("log", later) == (later.source, statement_from(log, asked))


def test_views_of_another_log_tell_nothing(log: EventLog, tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    write_log(desk("AB"), other)
    follow(other)
    told = statement_at(log, Reader(views_of(other)), Asked("A", "USD"), Moment(position=60))
    assert "log" == told.source


def test_a_time_shows_what_was_booked_up_to_then(log: EventLog, reader: Reader) -> None:
    whole = statement_at(log, reader, Asked("A", "USD", limit=10**6))
    times = sorted({line.at_us for line in whole.lines})
    for at_us in chain(times[5::40], [times[7] + 1]):
        for source in (reader, None):
            told = statement_at(log, source, Asked("A", "USD", limit=10**6), Moment(at_us=at_us))
            assert [line for line in whole.lines if line.at_us <= at_us] == told.lines
