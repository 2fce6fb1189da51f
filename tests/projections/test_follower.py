"""The follower under kills, restores and events that it can't follow: nothing lost or doubled."""

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest
from msgspec.structs import replace

from exchange.kernel.events import Envelope, Event
from exchange.matching.events import OrderAccepted
from exchange.projections import schema, views
from exchange.projections.bulk import Script
from exchange.projections.follower import Follower, FollowerStopped
from exchange.projections.queries import trades
from exchange.projections.reader import Reader
from exchange.store.errors import StoreError, StoreFormat, StoreLocked
from exchange.store.events import BatchSealed
from exchange.store.writer import LogWriter
from exchange.users.events import UserRegistered
from exchange.venue.catalogue import EVENTS
from tests.audit.logs import append, url_of
from tests.build import BUY, desk, limit
from tests.projections.process import POINTS
from tests.projections.world import (
    batches,
    content,
    follow,
    opened,
    played,
    random_happenings,
    reconciled,
    views_of,
    write_log,
)
from tests.store.stored import Noted

ROOT = Path(__file__).parents[2]


def killed(path: Path, point: str, events: int) -> None:
    """Follow in a process that dies at the point."""
    command = [sys.executable, "-m", "tests.projections.process", str(path), point, str(events)]
    done = subprocess.run(command, cwd=ROOT, check=False)  # noqa: S603 - this very package
    assert -signal.SIGKILL == done.returncode


@pytest.mark.parametrize("point", POINTS)
def test_a_follower_killed_at_a_point_goes_on_as_if_undisturbed(
    busy: Path, store: Path, point: str
) -> None:
    killed(store, point, 500)
    follow(store, 500)
    assert content(views_of(busy)) == content(views_of(store))
    left = {path.name for path in store.parent.iterdir() if ".views" in path.name}
    (number,) = (name for name in left if name.rpartition(".")[2].isdigit())
    assert {"venue.db.views", number, "venue.db.views.lock"} == {
        name for name in left if not name.endswith(("-wal", "-shm"))
    }


@pytest.mark.slow
def test_a_follower_killed_at_any_moment_loses_and_doubles_nothing(busy: Path, store: Path) -> None:
    """Each follower goes on where the last was killed."""
    chance = random.Random()  # noqa: S311 - moments to die at, not secrets
    command = [
        str(Path(sys.executable).with_name("exchange")), "follow", "--store", f"sqlite:///{store}",
    ]  # fmt: skip
    for _ in range(8):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)  # noqa: S603 - ours
        time.sleep(0.3 + chance.uniform(0, 0.6))
        process.kill()
        process.wait()
    follow(store)
    assert content(views_of(busy)) == content(views_of(store))


def test_views_deleted_and_followed_again_are_the_same_row_for_row(busy: Path, store: Path) -> None:
    follow(store)
    for path in store.parent.glob("venue.db.views*"):
        path.unlink()
    follow(store, 333)
    assert content(views_of(busy)) == content(views_of(store))


def test_views_of_a_log_that_was_restored_older_are_noticed_and_rebuilt(tmp_path: Path) -> None:
    """The log goes on otherwise than the one that the views have followed."""
    path, older = tmp_path / "venue.db", tmp_path / "older.db"
    all_of_it = batches(played(random_happenings(3, 200)))
    log = LogWriter(url_of(path), EVENTS, at_us=0)
    for batch in all_of_it[:30]:
        append(log, batch)
    log.close()
    shutil.copy(path, older)
    log = LogWriter(url_of(path), EVENTS, at_us=0)
    for batch in all_of_it[30:]:
        append(log, batch)
    log.close()
    position = follow(path)
    for suffix in ("", "-wal", "-shm", ".heads"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    shutil.copy(older, path)
    assert ["anchor"] == [finding.check for finding in reconciled(path).findings]
    with opened(path) as shorter:
        assert shorter.last_position < position
        assert shorter.last_position == follow(path)
    assert [] == reconciled(path).findings
    write_more(path, 40)
    assert [] == following(path)


def write_more(path: Path, count: int) -> None:
    """Further batches, of users."""
    log = LogWriter(url_of(path), EVENTS, at_us=0)
    for number in range(count):
        append(log, [Envelope(f"user:later-{number}", 1, UserRegistered(), 0)])
    log.close()


def following(path: Path) -> list[object]:
    """What is found amiss once the views have followed."""
    follow(path)
    return list(reconciled(path).findings)


def test_views_that_were_dropped_are_not_read_on(store: Path, tmp_path: Path) -> None:
    """Whoever has them open learns that they are gone: they are of another log."""
    follow(store)
    reader = Reader(views_of(store))
    other = tmp_path / "other.db"
    write_log(played(random_happenings(4, 900)), other)
    shutil.copy(other, store)
    with (
        opened(store) as log,
        Follower(log, views_of(store)),
        pytest.raises(StoreError, match="there are no views"),
    ):
        trades(reader, "BTC-USD")
    reader.close()


def test_views_of_another_log_are_noticed_and_rebuilt(store: Path, tmp_path: Path) -> None:
    follow(store)
    other = tmp_path / "other.db"
    write_log(played(random_happenings(4, 900)), other)
    shutil.copy(other, store)
    follow(store)
    assert [] == reconciled(store).findings


def test_an_unknown_event_stops_the_follower_and_is_named(tmp_path: Path) -> None:
    """What came before is kept; nothing is skipped, however often it is tried."""
    path, busy_desk = tmp_path / "venue.db", played(random_happenings(5, 50))
    write_log(busy_desk, path)
    follow(path)
    known = content(views_of(path))
    log = LogWriter(url_of(path), [*EVENTS, Noted], at_us=0)
    first = append(log, [Envelope("user:new", 1, UserRegistered(), 0)])
    at = append(log, [Envelope("strange", 1, Noted("?"), 0)])
    log.close()
    for _ in range(2):
        with pytest.raises(
            FollowerStopped, match=rf"the event at {at} \(strange@1, test.Noted.v1\)"
        ):
            follow(path, 1)
    with opened(path) as log_, Follower(log_, views_of(path)) as follower:
        assert first + 1 == follower.anchor.position == at - 1
    assert known["postings"] == content(views_of(path))["postings"]


def test_an_event_that_no_view_knows_stops_the_follower(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also one that the program can read: it must be said that it is shown nowhere."""
    fewer = tuple(kind for kind in views.SHOWN_NOWHERE if kind is not UserRegistered)
    monkeypatch.setattr(views, "SHOWN_NOWHERE", fewer)
    with pytest.raises(FollowerStopped, match=r"user:ann@1, users.UserRegistered.v1"):
        follow(store)


def test_a_gap_in_the_log_stops_the_follower(store: Path) -> None:
    with closing(sqlite3.connect(store, isolation_level=None)) as connection:
        connection.execute("DROP TRIGGER stored_events_never_deleted")
        connection.execute("DELETE FROM stored_events WHERE rowid=700")
    with pytest.raises(FollowerStopped, match=r"the event at 701 .* behind 699"):
        follow(store)


def test_a_log_that_ends_inside_a_batch_stops_the_follower(store: Path) -> None:
    with closing(sqlite3.connect(store, isolation_level=None)) as connection:
        connection.execute("DROP TRIGGER stored_events_never_deleted")
        (last,) = connection.execute("SELECT max(rowid) FROM stored_events").fetchone()
        connection.execute("DELETE FROM stored_events WHERE rowid=?", (last,))
    with pytest.raises(FollowerStopped, match=f"ends inside a batch, at {last - 1}"):
        follow(store)


def test_a_quantity_beyond_64_bits_stops_the_follower(tmp_path: Path) -> None:
    """No venue accepts one; a log that tells of it is not shown wrongly."""
    path, large = tmp_path / "venue.db", desk("A")
    assert large.place("A", limit(BUY, 1, 1)).refusal is None
    large.envelopes = [it._replace(event=enlarged(it.event)) for it in large.envelopes]
    write_log(large, path)
    with pytest.raises(FollowerStopped, match=r"beyond 64 bits: .* orders.quantity"):
        follow(path)


def enlarged(event: Event) -> Event:
    """An order that is accepted with 10^20 units."""
    if not isinstance(event, OrderAccepted):
        return event
    return replace(event, terms=replace(event.terms, quantity=10**20))


@pytest.mark.parametrize("calls", [0, 1, 4])
def test_a_step_that_cannot_be_written_leaves_the_views_where_they_stood(
    busy: Path, store: Path, monkeypatch: pytest.MonkeyPatch, calls: int
) -> None:
    """Though the next one was followed meanwhile; catching up goes on from there."""
    commits, commit, stood = iter(range(calls)), views.Views.commit, [0]

    def commit_some(self: views.Views, script: Script) -> None:
        if next(commits, None) is None:
            script.execute("INSERT INTO nowhere VALUES (?)", (1,))
        commit(self, script)
        stood.append(views.read_anchor(self.connection).position)

    monkeypatch.setattr(views.Views, "commit", commit_some)
    with opened(store) as log, Follower(log, views_of(store)) as follower:
        with pytest.raises(StoreError, match="no such table: nowhere"):
            follower.catch_up(max_events=500)
        assert stood[-1] == follower.anchor.position
        with pytest.raises(StoreError, match="open it anew"):
            follower.step()
    monkeypatch.undo()
    with opened(store) as log, Follower(log, views_of(store)) as follower:
        assert stood[-1] == follower.anchor.position
        follower.catch_up(max_events=500)
    assert content(views_of(busy)) == content(views_of(store))


def test_what_was_followed_before_an_event_that_cannot_be_is_written(store: Path) -> None:
    """Also the step that was being written when the event came."""
    with opened(store) as log:
        seals = [row[0] for row in log.rows() if row[3] == BatchSealed.TOPIC and row[0] >= 700]
    with closing(sqlite3.connect(store, isolation_level=None)) as connection:
        connection.execute("DROP TRIGGER stored_events_never_updated")
        connection.execute("UPDATE stored_events SET topic='?' WHERE rowid=?", (seals[0] + 1,))
    with opened(store) as log, Follower(log, views_of(store)) as follower:
        with pytest.raises(FollowerStopped, match=f"the event at {seals[0] + 1} "):
            follower.catch_up(max_events=1)
        assert seals[0] == follower.anchor.position


def test_amounts_beyond_64_bits_are_kept_exactly(tmp_path: Path) -> None:
    path, rich = tmp_path / "venue.db", desk("AB", funds=10**30)
    write_log(rich, path)
    follow(path)
    assert [] == reconciled(path).findings
    assert {str(10**30), str(-2 * 10**30)} == {
        row[3] for row in content(views_of(path))["balances"]
    }


def test_a_step_ends_at_a_seal_and_carries_a_large_batch_through(tmp_path: Path) -> None:
    path = tmp_path / "venue.db"
    write_log(played(random_happenings(6, 300)), path, [100])
    with opened(path) as log, Follower(log, views_of(path)) as follower:
        seals = [row[0] for row in log.rows() if row[3] == BatchSealed.TOPIC]
        seen = []
        while followed := follower.step(max_events=1):
            seen.append(follower.anchor.position)
            assert followed > 0
        assert seals == seen
        assert max(b - a for a, b in pairwise(seals)) > 100


def test_a_step_that_has_no_time_follows_one_batch(store: Path) -> None:
    with opened(store) as log, Follower(log, views_of(store)) as follower:
        seals = [row[0] for row in log.rows() if row[3] == BatchSealed.TOPIC]
        assert seals[0] == follower.step(max_ms=0)


def test_a_second_follower_is_refused(store: Path) -> None:
    with (
        opened(store) as log,
        Follower(log, views_of(store)),
        pytest.raises(StoreLocked, match=str(os.getpid())),
    ):
        Follower(log, views_of(store))


def test_nothing_can_be_read_before_the_first_build_has_caught_up(store: Path) -> None:
    with opened(store) as log, Follower(log, views_of(store)) as follower:
        follower.step(10)
        with pytest.raises(StoreError, match="exchange follow --once"):
            Reader(views_of(store))
        follower.catch_up()
        Reader(views_of(store)).close()


def test_views_stay_whatever_way_leads_to_them(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A path from where one stands, or through a folder that is a link."""
    whole = follow(store)
    (tmp_path / "link").symlink_to(tmp_path)
    monkeypatch.chdir(tmp_path)
    for way in (Path(store.name), tmp_path / "link" / store.name):
        assert whole == follow(way, rebuild=True)
        seen = reconciled(way)
        assert (whole, []) == (seen.position, seen.findings)


def test_views_of_a_log_that_never_rests_are_read_when_they_have_caught_up(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While a step looks into the log, the venue goes on: there is always more to follow."""
    log, commit = LogWriter(url_of(store), EVENTS, at_us=0), views.Views.commit

    def beside_a_busy_venue(self: views.Views, script: Script) -> None:
        append(log, [Envelope(f"user:later-{log.position}", 1, UserRegistered(), 0)])
        commit(self, script)

    monkeypatch.setattr(views.Views, "commit", beside_a_busy_venue)
    with opened(store) as reading, Follower(reading, views_of(store)) as follower:
        assert follower.step() > 0
        assert not follower.building
        assert 0 < follower.step() < 10
    monkeypatch.undo()
    log.close()
    assert [] == following(store)


def test_old_views_are_read_until_the_new_ones_have_caught_up(store: Path) -> None:
    """A reader that has them open goes over to the new ones with its next moment."""
    position = follow(store)
    before = Reader(views_of(store))
    with opened(store) as log, Follower(log, views_of(store), rebuild=True) as follower:
        follower.step(10)
        between = Reader(views_of(store))
        assert position == trades(between, "BTC-USD", limit=1).moment.position
        follower.catch_up()
        after = Reader(views_of(store))
    pages = [trades(reader, "BTC-USD") for reader in (before, between, after)]
    assert not list(store.parent.glob("venue.db.views.1"))
    assert pages[0] == pages[1] == pages[2]
    for reader in (before, between, after):
        reader.close()


def test_views_of_a_newer_version_are_refused(store: Path) -> None:
    follow(store)
    with closing(sqlite3.connect(views_of(store))) as connection:
        connection.execute("PRAGMA user_version=99")
    for attempt in (lambda: follow(store), lambda: Reader(views_of(store))):
        with pytest.raises(StoreFormat, match="written by a newer version"):
            attempt()


def test_views_of_an_older_version_are_built_anew(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after an update that brings one more migration: the old ones wait until it is done."""
    follow(store)
    scripts = schema.migrations()
    more = (*scripts, schema.Script("4_more.sql", "CREATE TABLE more (number INTEGER) STRICT;\n"))
    for module in (schema, views):
        monkeypatch.setattr(module, "migrations", lambda: more)
    with pytest.raises(StoreFormat, match="has version 3 of the views, this program reads 4"):
        Reader(views_of(store))
    follow(store)
    assert "more" in content(views_of(store))
    Reader(views_of(store)).close()


@pytest.mark.parametrize("bytes_", [b"no database at all", b""])
def test_a_file_that_holds_no_views_is_never_written(store: Path, bytes_: bytes) -> None:
    views_of(store).write_bytes(bytes_ * 100)
    if bytes_:
        with pytest.raises(StoreFormat, match="no file of views"):
            follow(store)
        assert bytes_ * 100 == views_of(store).read_bytes()
    with closing(sqlite3.connect(store)) as connection:
        (count,) = connection.execute("SELECT count(*) FROM stored_events").fetchone()
    assert count


def test_the_log_itself_is_no_file_of_views(store: Path) -> None:
    before = store.read_bytes()
    with opened(store) as log, pytest.raises(StoreFormat, match="holds no views"):
        Follower(log, store)
    assert before == store.read_bytes()


def test_files_that_only_look_like_ours_are_left_alone(store: Path) -> None:
    """A log that was copied aside under such a name, for one."""
    aside = [store.with_name(f"venue.db.views.{number}") for number in (1, 7)]
    for path in aside:
        shutil.copy(store, path)
    aside[0].unlink()
    follow(store)
    follow(store, rebuild=True)
    assert store.read_bytes() == aside[1].read_bytes()


def test_views_name_no_person_and_no_machine(store: Path) -> None:
    """The columns are those of the scripts; nothing is noted about who ran them."""
    follow(store)
    with closing(sqlite3.connect(views_of(store))) as connection:
        made = {sql for (sql,) in connection.execute("SELECT sql FROM sqlite_schema") if sql}
    text = "".join("".join(script.text for script in schema.migrations()).split())
    text = text.replace("IFNOTEXISTS", "")
    assert all("".join(sql.split()) in text for sql in made)
