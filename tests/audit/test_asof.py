"""The state at any moment of a log is the one that the venue was in then."""

import random
from bisect import bisect_right
from collections.abc import Iterator
from itertools import islice

import pytest

from exchange.audit.asof import Moment, NotThere, state_at
from exchange.kernel.events import Envelope
from exchange.orders.records import CommandRecorded
from exchange.store.writer import LogWriter
from exchange.venue.laws import check_all
from exchange.venue.replay import by_command, replay
from exchange.venue.state import VenueState
from tests.audit.eventful import Done, eventful
from tests.audit.logs import log_of

SEED = 20260711
STEPS = 1_200
MOMENTS = 100


@pytest.fixture(scope="module")
def done() -> list[Done]:
    return eventful(SEED, STEPS)


@pytest.fixture(scope="module")
def log(done: list[Done]) -> Iterator[LogWriter]:
    """The commands in batches of seven."""
    commands = iter([it.command for it in done])
    batches = []
    while batch := list(islice(commands, 7)):
        batches.append([envelope for command in batch for envelope in command])
    with log_of(*batches) as made:
        yield made


@pytest.fixture(scope="module")
def ends(log: LogWriter, done: list[Done]) -> list[tuple[int, int, str]]:
    """Of each command: the position of its last event, its venue time, the state hash behind it."""
    found = []
    setting_up = sum(isinstance(it.event, CommandRecorded) for it in done[0].command)
    commands = list(by_command(log.read()))
    for number, command in enumerate(commands[setting_up - 1 :]):
        record = command[0].event
        assert isinstance(record, CommandRecorded)
        found.append((command[-1].position, record.at_us, done[number].state_hash))
    return found


def test_a_hundred_positions_show_what_the_venue_knew_then(
    log: LogWriter, ends: list[tuple[int, int, str]]
) -> None:
    """Inside commands, at their ends and at seals: the last whole command counts."""
    chance = random.Random(SEED)  # noqa: S311 - a repeatable choice, no secret
    for position in chance.sample(range(ends[0][0], log.position + 1), MOMENTS):
        last, at_us, state_hash = ends[bisect_right(ends, (position, 10**9, "")) - 1]
        past = state_at(log, Moment(position=position))
        assert (last, at_us) == (past.position, past.at_us)
        assert state_hash == past.state.state_hash()


def test_it_equals_a_fresh_replay_that_is_cut_there_queues_included(log: LogWriter) -> None:
    chance = random.Random(SEED + 1)  # noqa: S311 - likewise
    for position in chance.sample(range(1, log.position + 1), MOMENTS):
        whole: list[Envelope] = []
        for command in by_command(log.read()):
            if command[-1].position <= position:
                whole += command
        fresh = VenueState()
        replay(fresh, whole)
        past = state_at(log, Moment(position=position)).state
        assert fresh.dump() == past.dump()
        check_all(past)


def test_a_time_shows_the_last_command_up_to_it(
    log: LogWriter, ends: list[tuple[int, int, str]]
) -> None:
    times = sorted({at_us for _, at_us, _ in ends})
    for at_us in (times[0], times[-1], times[-1] + 10**6, *times[5:600:40]):
        last = [end for end in ends if end[1] <= at_us][-1]
        past = state_at(log, Moment(at_us=at_us))
        assert (last[0], last[2]) == (past.position, past.state.state_hash())


def test_before_the_first_command_there_is_nothing(log: LogWriter) -> None:
    for moment in (Moment(position=1), Moment(at_us=-1)):
        past = state_at(log, moment)
        assert (0, 0, {}) == (past.position, past.at_us, past.state.dump())


def test_a_position_beyond_the_end_is_refused(log: LogWriter) -> None:
    end = log.position
    assert state_at(log, Moment(position=end)).position == end - 1
    with pytest.raises(NotThere, match=f"position {end + 1} lies beyond the end of the log, {end}"):
        state_at(log, Moment(position=end + 1))
