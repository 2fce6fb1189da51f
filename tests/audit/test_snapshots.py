"""A snapshot with the log behind it is the whole log, wherever it was made."""

import random
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path

import pytest

from exchange.audit.asof import Moment, state_at
from exchange.audit.snapshots import Snapshotter, listed, verified
from exchange.store.errors import StoreDamaged, StoreError, StoreLocked
from exchange.store.log import EventLog
from exchange.store.snapshots import SnapshotFolder
from exchange.store.urls import StoreUrl
from exchange.store.writer import LogWriter
from exchange.venue.catalogue import EVENTS
from exchange.venue.keys import Keys
from exchange.venue.laws import check_all
from exchange.venue.opening import nearest, open_state
from exchange.venue.replay import replay
from exchange.venue.snapshot import Place, pack, restored, unpack
from exchange.venue.state import VenueState
from tests.audit.grown import SEED, copied, folded, grow, positions, reading, snapshot
from tests.audit.logs import url_of
from tests.build import SYMBOL
from tests.command import inside, url
from tests.store.stored import forge
from tests.store.trading import acks_of, drive, order, orders, set_up, venue_on
from tests.twin import loaded

MOMENTS = 100


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Some commands of every kind, and four snapshots."""
    made = tmp_path_factory.mktemp("grown") / "venue.db"
    assert 4 == len(grow(made, 700, 4))
    return made


@pytest.fixture
def log(path: Path) -> Iterator[EventLog]:
    with reading(path) as opened:
        yield opened


def test_a_snapshot_at_any_seal_leads_where_the_log_leads(tmp_path: Path) -> None:
    """Restored behind each of sixty seals, the state is the fold's, and so is what follows."""
    path = tmp_path / "venue.db"
    files = grow(path, 300, 60)
    with reading(path) as log:
        end, state = folded(log).encoded(), VenueState()
        envelopes = iter(log.read())
        for file in reversed(files):
            for it in envelopes:
                replay(state, [it])
                if it.position == file.position:
                    break
            loaded = restored(unpack(file.read()))
            check_all(loaded)
            assert state.encoded() == loaded.encoded()
            replay(loaded, log.read(file.position))
            assert end == loaded.encoded()
    assert 60 == len(files)


def test_a_hundred_moments_are_the_same_with_snapshots_and_without(log: EventLog) -> None:
    chance = random.Random(SEED)  # noqa: S311 - a repeatable choice, no secret
    last_us = state_at(log).at_us
    moments = [
        *(Moment(position=it) for it in chance.sample(range(1, log.last_position + 1), MOMENTS)),
        *(Moment(at_us=it) for it in chance.sample(range(last_us + 2), 30)),
        Moment(),
    ]
    started = set()
    for moment in moments:
        quick, slow = state_at(log, moment), state_at(log, moment, genesis=True)
        assert (slow.position, slow.at_us) == (quick.position, quick.at_us)
        assert slow.state.encoded() == quick.state.encoded()
        assert () == quick.passed
        started.add(nearest(log, moment.position, moment.at_us).position)
    assert 5 == len(started)  # genesis and each of the four


def test_the_snapshot_at_the_very_position_is_the_one_taken(log: EventLog) -> None:
    for file in SnapshotFolder(log.url).files():
        assert file.position == nearest(log, file.position).position
        assert file.position > nearest(log, file.position - 1).position


def test_the_command_line_shows_the_same_with_snapshots_and_without(
    path: Path, tmp_path: Path
) -> None:
    bare = copied(path, tmp_path / "bare", "", ".heads")
    with reading(path) as log:
        last = log.last_position
    chance = random.Random(SEED)  # noqa: S311 - as above
    for position in chance.sample(range(last // 4, last + 1), 8):
        for words in (("book", SYMBOL, "--queues"), ("balances",), ("order", "show", "BTC-USD:9")):
            command = (*words, "--json", "--as-of", position, "--store")
            assert inside(*command, url(bare)) == inside(*command, url(path))


def test_every_key_is_bound_to_its_record_wherever_the_venue_starts(log: EventLog) -> None:
    """Also where keys up to some position are somebody else's."""
    whole = Keys()
    replay(VenueState(), log.read(), whole)
    places = vars(whole)["_new"]
    start = nearest(log).position
    assert len(places) > 100
    for after in (0, start // 2, start, start + 20, log.last_position):
        keys = Keys()
        keys.forgotten = after
        opened = open_state(log, keys)
        expected = {key: at for key, at in places.items() if at > after}
        assert (start, expected) == (opened.position, vars(keys)["_new"])
        assert folded(log).encoded() == opened.state.encoded()


def test_a_repeat_from_before_the_snapshot_gets_its_first_answer(tmp_path: Path) -> None:
    path = tmp_path / "venue.db"
    requests = [*set_up(), *orders(1, 60)]
    acks = acks_of(path, requests[:40])
    position = snapshot(path)
    acks += acks_of(path, requests[40:])
    before = snapshot(path)
    venue = venue_on(path)
    assert before == venue.opened.position > position
    outcomes, stopped = drive(venue, requests)
    assert (None, acks) == (stopped, outcomes)
    with reading(path) as log:
        assert before + 2 == log.last_position  # the epoch and its seal


def test_a_venue_that_starts_from_a_snapshot_trades_on_as_the_other(tmp_path: Path) -> None:
    """Commands after the opening have the same effects, down to the position."""
    path = tmp_path / "venue.db"
    acks_of(path, [*set_up(), *orders(1, 50)])
    bare = copied(path, tmp_path / "bare", "", ".heads")
    snapshot(path)
    assert acks_of(bare, orders(51, 120), 7) == acks_of(path, orders(51, 120), 7)
    with reading(path) as quick, reading(bare) as slow:
        assert folded(slow).encoded() == folded(quick).encoded()


@pytest.mark.slow
def test_the_recorded_flow_opens_from_any_of_its_snapshots(whole_log: Path, tmp_path: Path) -> None:
    """Five minutes of it with thousands of orders; the state is the fold's from each seal on."""
    path = copied(whole_log, tmp_path / "copy", "", ".heads")
    with reading(path) as log:
        whole, end = folded(log).encoded(), log.last_position
        for share in (10, 4, 2):
            seal = next(it for it in range(end // share, end) if log.seal_at(it) is not None)
            state = VenueState()
            replay(state, takewhile(lambda it, seal=seal: it.position <= seal, log.read()))  # type: ignore[misc]
            again = loaded(state)
            check_all(again)
            replay(again, log.read(seal))
            assert whole == again.encoded()
    snapshot(path)
    with reading(path) as log:
        assert [None] == [it.wrong for it in verified(log)]
        assert whole == open_state(log, Keys()).state.encoded()


# Which are kept.


def test_the_newest_are_kept(path: Path, tmp_path: Path) -> None:
    store = copied(path, tmp_path / "copy")
    before = positions(SnapshotFolder(url_of(store)).files())
    made = snapshot(store, keep=2)
    assert [made, before[0]] == positions(SnapshotFolder(url_of(store)).files())


def test_none_is_made_where_the_last_one_stands(path: Path, tmp_path: Path) -> None:
    store = copied(path, tmp_path / "copy")
    with reading(store) as log:
        maker = Snapshotter(log)
        assert maker.make() is not None
        assert maker.make() is None
        assert Snapshotter(log).make() is None


def test_a_follower_goes_on_from_where_it_stands(tmp_path: Path) -> None:
    """It holds its own state: each snapshot costs what came since the last."""
    path = tmp_path / "venue.db"
    acks_of(path, [*set_up(), *orders(1, 20)])
    with reading(path) as log:
        maker, first = Snapshotter(log), log.last_position
        assert first == maker.events_behind
        for number in range(20, 80, 20):
            made = maker.make()
            assert made is not None
            assert (log.last_position, 0) == (made.position, maker.events_behind)
            assert folded(log).state_hash() == made.state_hash
            acks_of(path, orders(number + 1, number + 20))
            assert log.last_position - made.position == maker.events_behind


def test_only_one_process_makes_them_at_a_time(path: Path, tmp_path: Path) -> None:
    store = copied(path, tmp_path / "copy")
    with (
        reading(store) as log,
        SnapshotFolder(log.url).writing(),
        pytest.raises(StoreLocked, match="held by another"),
    ):
        Snapshotter(log).make()


def test_a_log_in_memory_has_none() -> None:
    log = LogWriter(StoreUrl.parse("memory:"), EVENTS, at_us=0)
    for ask in (Snapshotter, listed):
        with pytest.raises(StoreError, match="memory"):
            ask(log)
    assert 0 == nearest(log).position
    log.close()


def test_a_log_that_ends_inside_a_batch_gets_none(path: Path, tmp_path: Path) -> None:
    store = copied(path, tmp_path / "copy")
    forge(store, "venue", "store.EpochStarted.v1", b'["",1,1,"",0]')
    with reading(store) as log, pytest.raises(StoreDamaged, match="ends inside a batch"):
        Snapshotter(log).make()


# A log that is not the one that they were made of.


def test_a_log_that_was_restored_older_does_without_the_newer_ones(tmp_path: Path) -> None:
    """Then it goes on otherwise, past where they stand; in the end they are cleared away."""
    path = tmp_path / "venue.db"
    acks_of(path, [*set_up(), *orders(1, 20)])
    first = snapshot(path)
    older = copied(path, tmp_path / "older", "", ".heads")
    acks_of(path, orders(21, 40))
    second = snapshot(path)
    for suffix in ("", ".heads"):
        older.with_name(older.name + suffix).replace(path.with_name(path.name + suffix))
    with reading(path) as log:
        start = nearest(log)
        assert first == start.position
        assert [f"it stands at {second}, but the log ends at {first}"] == [
            it.reason for it in start.passed
        ]
    acks_of(path, [order(number) for number in range(100, 150)])
    with reading(path) as log:
        start = nearest(log)
        assert first == start.position
        assert [f"the log has another seal at {second}, or none"] == [
            it.reason for it in start.passed
        ]
        assert folded(log).encoded() == open_state(log, Keys()).state.encoded()
        assert [True, False] == [it.false for it in listed(log)]
    third = snapshot(path, keep=3)
    assert [third, first] == positions(SnapshotFolder(url_of(path)).files())


def test_verifying_tells_a_false_header(tmp_path: Path) -> None:
    path = tmp_path / "venue.db"
    newest, *_ = grow(path, 60, 1)
    with reading(path) as log:
        true = unpack(newest.read())
        place = Place(true.header.log_id, newest.position, true.header.seal, 7)
        SnapshotFolder(log.url).write(newest.position, pack(restored(true), place)[1])
        (found,) = verified(log)
        assert (True, True) == (found.false, "its last command is at 7" in (found.wrong or ""))


def test_verifying_tells_a_state_that_the_log_does_not_lead_to(tmp_path: Path) -> None:
    """Whole, behind the right seal, with the hash of its false state: only the fold can tell."""
    path = tmp_path / "venue.db"
    newest, *_ = grow(path, 120, 3)
    with reading(path) as log:
        assert [None] * 3 == [it.wrong for it in verified(log)]
        true = unpack(newest.read())
        state, header = restored(true), true.header
        state.ledger.transfer_count += 1
        place = Place(header.log_id, header.position, header.seal, header.command)
        SnapshotFolder(log.url).write(newest.position, pack(state, place)[1])
        assert [None] * 3 == [it.wrong for it in listed(log)]
        found = verified(log)
        assert [True, False, False] == [it.false for it in found]
        assert (found[0].wrong or "").endswith(f"the log's {header.state_hash}")
