"""The present code decides history as it was decided; a change of it shows, each by itself."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from exchange.audit.asof import Moment, NotThere, state_at
from exchange.audit.checkpoint import copied
from exchange.audit.reexecute import reexecute
from exchange.kernel.orders import TimeInForce
from exchange.matching import plan, sweep
from exchange.matching.events import OrderAccepted
from exchange.matching.ladder import Ladder, Order
from exchange.orders.commands import CancelOrder, Command, Request
from exchange.orders.records import CommandRecorded
from exchange.store.writer import LogWriter
from exchange.venue.batch import Bounds
from exchange.venue.decide import DECISIONS, decide
from exchange.venue.due import due_work
from exchange.venue.journal import Journal
from exchange.venue.laws import check_all
from exchange.venue.replay import by_command, replay
from exchange.venue.state import VenueState
from tests.audit.eventful import eventful
from tests.audit.logs import log_of, run_sample
from tests.build import BUY, SELL, Desk, desk, limit
from tests.command import answer, inside, url

SEED = 20260711
STEPS = 1_000


@pytest.fixture(scope="module")
def log() -> Iterator[LogWriter]:
    with log_of(*[it.command for it in eventful(SEED, STEPS)]) as made:
        yield made


def last_first(queue_ladder: Ladder, floor: int | None) -> Iterator[Order]:
    """The altered rule: at one price whoever came last trades first."""
    for key in reversed(queue_ladder.keys):
        if floor is not None and key < floor:
            return
        order = queue_ladder.levels[key].tail
        while order is not None:
            yield order
            order = order.prev


def two_deep(rounds: int) -> Desk:
    """Each round two orders at one price, one that takes a part of the first, and both go."""
    busy = desk()
    for _ in range(rounds):
        first = busy.place("A", limit(SELL, 100, 5)).order_id
        second = busy.place("B", limit(SELL, 100, 5)).order_id
        busy.place("C", limit(BUY, 100, 2))
        for account, order_id in (("A", first), ("B", second)):
            busy.cancel(account, int((order_id or "").split(":")[1]))
    return busy


def alter(patching: pytest.MonkeyPatch) -> None:
    """Put the altered rule into the matcher, for plain books and for all others."""

    def backwards(ladder: Ladder, floor: int | None, _: object) -> Iterator[tuple[Order, int, int]]:
        for order in last_first(ladder, floor):
            yield order, order.shown, order.leaves

    patching.setattr(plan, "queue", last_first)
    patching.setattr(sweep, "_slices", backwards)


def changed_one_by_one(log: LogWriter) -> list[int]:
    """Positions of the commands that come out otherwise now, each tried on a fresh replay."""
    changed = []
    for command in by_command(log.read()):
        state = state_at(log, Moment(position=command[0].position - 1)).state
        record = command[0].event
        assert isinstance(record, CommandRecorded)
        request = Request(record.command, record.actor, record.role, record.key)
        journal = Journal(state, command[0].position - 1, log.event)
        decide(state, request, record.digest, record.at_us, journal)
        if journal.envelopes != command:
            changed.append(command[0].position)
    return changed


def test_the_present_code_decides_as_it_was_decided(log: LogWriter) -> None:
    seen = reexecute(log)
    commands = list(by_command(log.read()))
    assert [] == seen.differences
    assert (len(commands), sum(map(len, commands))) == (seen.commands, seen.events)
    assert state_at(log).state.state_hash() == seen.state_hash


def test_real_order_flow_is_decided_as_it_was(five_minutes: Path, tmp_path: Path) -> None:
    """The opening book and all of the five minutes behind it, by the command line."""
    path = tmp_path / "venue.db"
    run_sample(five_minutes, path, Bounds())
    told = answer("replay", "--store", url(path), "--re-execute")
    assert ([], False) == (told["differences"], told["stopped"])
    assert told["commands"] > 45_300


def test_an_altered_tie_break_shows_where_it_decides_and_nowhere_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The cancels of a round come out as recorded although its trade went to another order."""
    rounds = 5
    with log_of(two_deep(rounds).envelopes) as log:
        takers = [
            command[0].position
            for command in by_command(log.read())
            if len(command) > 1
            and isinstance(command[1].event, OrderAccepted)
            and command[1].event.fills
        ]
        alter(monkeypatch)
        seen = reexecute(log)
    assert rounds == len(takers)
    assert takers == [it.position for it in seen.differences]
    assert not seen.stopped
    for difference in seen.differences:
        recorded, decided = difference.expected[1].event, difference.decided[1].event
        assert ("A", "B") == (recorded.fills[0].account, decided.fills[0].account)


def test_exactly_the_changed_decisions_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a busy history: those that a fresh replay up to each command finds, one by one."""
    with log_of(*[it.command for it in eventful(SEED, 300)]) as log:
        alter(monkeypatch)
        expected = changed_one_by_one(log)
        seen = reexecute(log, differences_max=10**6)
    assert len(expected) > 10
    assert expected == [it.position for it in seen.differences]


def test_it_stops_at_the_most_differences_that_are_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    with log_of(two_deep(5).envelopes) as log:
        alter(monkeypatch)
        seen = reexecute(log, differences_max=2)
    assert (2, True, "") == (len(seen.differences), seen.stopped, seen.state_hash)


def test_only_a_part_of_history_can_be_decided_again(monkeypatch: pytest.MonkeyPatch) -> None:
    with log_of(two_deep(5).envelopes) as log:
        alter(monkeypatch)
        whole = [it.position for it in reexecute(log).differences]
        part = reexecute(log, first=whole[1], until=Moment(position=whole[3]))
        with pytest.raises(NotThere):
            reexecute(log, first=log.position + 1)
    assert whole[1:3] == [it.position for it in part.differences]


def test_a_fault_of_the_present_code_is_a_difference_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """It comes after recording has begun; what follows is decided as recorded."""

    def faulty(state: VenueState, command: CancelOrder, journal: Journal) -> None:
        cancel(state, command, journal)
        raise KeyError("lost")

    cancel = DECISIONS[CancelOrder]
    with log_of(two_deep(2).envelopes) as log:
        altered: dict[type[Command], Any] = {**DECISIONS, CancelOrder: faulty}
        monkeypatch.setattr("exchange.venue.decide.DECISIONS", altered)
        seen = reexecute(log)
    assert ["cancel"] * 4 == [it.kind for it in seen.differences]
    assert {"deciding it raised KeyError('lost')"} == {it.fault for it in seen.differences}


def test_work_that_should_have_gone_ahead_is_missed() -> None:
    """Only there: the order that was due is met and expires, as recorded."""
    told = desk()
    told.place("A", limit(BUY, 99, 1, time_in_force=TimeInForce.GTD, deadline_us=10))
    told.at_us = 20
    told.place("B", limit(BUY, 98, 1))
    told.decide(due_work(told.state, 20) or told.request(CancelOrder("A", "BTC-USD", 1)))
    told.place("B", limit(BUY, 97, 1))
    with log_of(told.envelopes) as log:
        (difference,) = reexecute(log).differences
    assert "should have gone ahead" in (difference.fault or "")
    assert difference.expected == difference.decided


def test_a_copy_of_the_state_goes_its_own_way() -> None:
    done = eventful(SEED, 600)
    state = VenueState()
    for it in done[:400]:
        replay(state, it.command)
    twin = copied(state)
    assert state.dump() == twin.dump()
    before = state.state_hash()
    for it in done[400:]:
        replay(twin, it.command)
    check_all(twin)
    assert (before, done[-1].state_hash) == (state.state_hash(), twin.state_hash())
    for it in done[400:]:
        replay(state, it.command)
    check_all(state)
    assert done[-1].state_hash == state.state_hash()


def test_the_command_tells_what_differs_and_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "venue.db"
    with log_of(two_deep(2).envelopes, path=path):
        pass
    said, _ = inside("replay", "--store", url(path), "--re-execute")
    assert "differences   0" in said
    alter(monkeypatch)
    said, complaint = inside("replay", "--store", url(path), "--re-execute", code=1)
    assert "differences   2" in said
    assert 2 == complaint.count("differs: at ")
    assert 2 == complaint.count("  recorded  book:BTC-USD@")
    told = json.loads(inside("replay", "--store", url(path), "--re-execute", "--json", code=1)[0])
    assert ["place", "place"] == [it["kind"] for it in told["differences"]]
    assert {"stream", "version", "topic", "event"} == told["differences"][0]["decided"][0].keys()
