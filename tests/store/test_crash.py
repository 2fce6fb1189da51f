"""What was answered is in the log, whatever kills the process and wherever a commit fails."""

import random
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from threading import Timer

import pytest
from eventsourcing.persistence import OperationalError

from exchange.kernel.events import Envelope
from exchange.store.errors import CommitFailed
from exchange.store.log import EventLog
from exchange.users.events import UserRegistered
from exchange.venue.answers import Ack
from exchange.venue.catalogue import EVENTS
from exchange.venue.due import next_piece
from exchange.venue.replay import replay
from exchange.venue.sequencer import OutcomeUnknown, QueueFull
from exchange.venue.state import VenueState
from tests.store.stored import child, heads_file, rows_of, url_of, verified
from tests.store.trading import (
    acks_of,
    busy_story,
    drive,
    drive_at,
    orders,
    set_up,
    small_pieces,
    stored_acks,
    venue_on,
)

ROUNDS = 10


@pytest.mark.slow
def test_a_venue_killed_at_any_moment_has_stored_whatever_it_answered(tmp_path: Path) -> None:
    """Each round goes on where the last was killed; nothing is stored twice or in part."""
    chance = random.Random()  # noqa: S311 - moments to die at, not secrets
    path, answered = tmp_path / "venue.db", dict[str, int]()
    acks_of(path, set_up())
    for round_ in range(1, ROUNDS + 1):
        said = trade_until_killed(path, round_ * 1_000_000, chance.uniform(0.001, 0.3))
        answered |= said
        stored = {key: ack.position for key, ack in stored_acks(path).items()}
        assert answered == {key: stored.get(key) for key in answered}
        verified(path)
    assert len(answered) > ROUNDS
    venue = venue_on(path)
    assert ROUNDS + 2 == venue.log.epoch
    venue.close()
    retry(path, answered)


def trade_until_killed(path: Path, first: int, seconds: float) -> dict[str, int]:
    """Key -> position of what a venue answered that is killed so long after its first answer."""
    process = child("trade", path, first)
    said: dict[str, int] = {}
    assert process.stdout is not None
    killer = Timer(seconds, process.kill)
    for line in process.stdout:
        key, position = line.split()
        if not said:
            killer.start()
        said[key] = int(position)
    killer.join()
    process.communicate()
    assert -9 == process.returncode
    return said


def retry(path: Path, answered: dict[str, int]) -> None:
    """Every order that was or may have been sent is sent again: done once, answered alike."""
    before = stored_acks(path)
    last = dict.fromkeys(range(1, ROUNDS + 1), 0)
    for number in map(int, answered):
        last[number // 10**6] = max(last[number // 10**6], number)
    requests = [
        request
        for round_, most in last.items()
        for request in orders(max(round_ * 10**6, most - 50), most + 100)
    ]
    acks = dict(zip((request.key for request in requests), acks_of(path, requests), strict=True))
    after = stored_acks(path)
    assert before == {key: after[key] for key in before}
    assert acks == {key: after[str(key)] for key in acks}
    assert len(after) > len(before)
    verified(path)


@pytest.mark.parametrize(
    ("point", "batches"),
    [
        ("before the transaction", 3),
        ("within the transaction", 3),
        ("after COMMIT", 4),
        ("before the head", 4),
        ("within the head", 4),
        ("before the answers", 4),
    ],
)
def test_a_venue_is_killed_in_its_fourth_batch(tmp_path: Path, point: str, batches: int) -> None:
    """The batch is in or out as a whole, and the retry tells."""
    path = tmp_path / "venue.db"
    acks_of(path, set_up())
    process = child("die at", path, point)
    process.communicate()
    assert -9 == process.returncode
    before = stored_acks(path)
    assert [str(n) for n in range(1, 5 * batches + 1)] == [key for key in before if key.isdigit()]
    again = acks_of(path, orders(1, 40))
    assert again[: 5 * batches] == [before[str(n)] for n in range(1, 5 * batches + 1)]
    assert again == [stored_acks(path)[str(n)] for n in range(1, 41)]
    said = verified(path)
    assert said.endswith(heads_file(path).read_text().splitlines(keepends=True)[-1])


@pytest.mark.slow
@pytest.mark.parametrize("batches", [1, 4])
def test_a_venue_killed_before_the_work_that_a_command_left_does_it_all_the_same(
    tmp_path: Path, batches: int
) -> None:
    """Killed behind every so many batches, it ends where one ends that nothing happens to."""
    undisturbed, killed = tmp_path / "undisturbed.db", tmp_path / "killed.db"
    acks_of(undisturbed, set_up())
    acks_of(killed, set_up())
    with small_pieces():
        assert drive_at(venue_on(undisturbed), busy_story())[1] is None
    ends, work_left, code = 0, 0, -9
    while code == -9:
        process = child("work", killed, batches)
        process.communicate()
        code = process.returncode
        ends, work_left = ends + (code == -9), work_left + owes_work(killed)
    assert 0 == code
    assert work_left >= 10 // batches > 0, ends
    assert effects_of(undisturbed) == effects_of(killed)
    verified(killed)


def owes_work(path: Path) -> bool:
    """Whether the log ends with something still to be done."""
    state, log = VenueState(), EventLog(url_of(path), EVENTS)
    replay(state, log.read())
    log.close()
    return next_piece(state, state.at_us) is not None


def effects_of(path: Path) -> list[tuple[object, ...]]:
    """What the log tells, without epochs, batches and positions."""
    return [row[1:] for row in rows_of(path) if row[1] != "venue"]


# A commit that fails, before or after it was done


class Fault:
    """Breaks the recorder's insert at one of its calls."""

    def __init__(self, insert: Callable[..., None], at: int) -> None:
        self.insert, self.left = insert, at

    def before(self, *rows: object) -> None:
        self.left -= 1
        if not self.left:
            raise sqlite3.OperationalError("disk I/O error")
        self.insert(*rows)

    def after(self, *rows: object) -> None:
        self.insert(*rows)
        self.left -= 1
        if not self.left:
            raise OperationalError(sqlite3.OperationalError("disk I/O error"))


@pytest.mark.parametrize("stored", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("at", [1, 3])
def test_a_commit_that_fails_answers_nobody_and_the_retry_tells(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int, *, stored: bool
) -> None:
    path = tmp_path / "venue.db"
    acks_of(path, set_up())
    venue = venue_on(path, commands=5)
    fault = Fault(venue.log.recorder.insert_rows, at)
    monkeypatch.setattr(venue.log.recorder, "insert_rows", fault.after if stored else fault.before)
    outcomes, stopped = drive(venue, orders(1, 40))
    assert isinstance(stopped, CommitFailed)
    assert "disk I/O error" in str(stopped)
    done = 5 * (at - 1)
    assert [Ack] * done + [OutcomeUnknown] * (40 - done) == [type(o) for o in outcomes]
    before = stored_acks(path)
    assert len(set_up()) + done + 5 * stored == len(before)
    again = acks_of(path, orders(1, 40))
    assert outcomes[:done] == again[:done]
    assert before == {key: ack for key, ack in stored_acks(path).items() if key in before}
    assert again == [stored_acks(path)[str(number)] for number in range(1, 41)]
    verified(path)


def test_a_venue_that_failed_takes_nothing_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its memory is ahead of the log: whatever it stored now would be wrong for ever."""
    path = tmp_path / "venue.db"
    acks_of(path, set_up())
    venue = venue_on(path)
    fault = Fault(venue.log.recorder.insert_rows, 1)
    monkeypatch.setattr(venue.log.recorder, "insert_rows", fault.before)
    drive(venue, orders(1, 5))
    before = rows_of(path)
    with pytest.raises(QueueFull):
        venue.submit(orders(6, 6)[0])
    with pytest.raises(CommitFailed, match="in doubt"):
        venue.log.append([Envelope("user:eve", 1, UserRegistered(), venue.log.position + 1)])
    assert before == rows_of(path)


@pytest.mark.parametrize("moment", [0, 1, 2, 3, 5, 8, 13])
def test_a_store_that_was_killed_while_it_was_made_is_a_store_or_can_become_one(
    tmp_path: Path, moment: int
) -> None:
    path = tmp_path / "venue.db"
    process = child("hold", path)
    limit = time.monotonic() + 10
    while not path.with_name("venue.db.lock").exists() and time.monotonic() < limit:
        time.sleep(0.0005)
    time.sleep(moment / 1_000)
    process.kill()
    process.communicate()
    acks_of(path, set_up())
    verified(path)
