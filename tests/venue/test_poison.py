"""A command that can't be recorded stops the venue once; then it is refused, all others go on."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from exchange.audit.reexecute import reexecute
from exchange.kernel.instruments import MarketState
from exchange.kernel.laws import InvariantViolation
from exchange.kernel.orders import Side
from exchange.kernel.rejects import Refusal, RejectCode
from exchange.orders.commands import ChangeMarketState, Request, Role
from exchange.orders.records import CommandRecorded, content_digest
from exchange.store.errors import StoreDamaged
from exchange.store.log import EventLog
from exchange.store.poison import (
    OWN_WORK,
    Stop,
    note_cleared,
    note_halted,
    note_stop,
    read_poison,
)
from exchange.store.urls import StoreUrl
from exchange.venue.answers import Ack
from exchange.venue.batch import Bounds
from exchange.venue.catalogue import EVENTS
from exchange.venue.due import STOPPED_TOO_OFTEN, halts
from exchange.venue.replay import replay
from exchange.venue.sequencer import OutcomeUnknown, Venue
from exchange.venue.state import VenueState
from tests.audit.logs import verdict_on
from tests.command import inside, url
from tests.store.stored import ROOT, url_of
from tests.store.trading import (
    acks_of,
    drive,
    drive_at,
    limited,
    order,
    orders,
    set_up,
    stored_acks,
    venue_on,
)
from tests.venue.defects import broken_book, faulty, lawless

Maker = Callable[..., Request]
each_defect = pytest.mark.parametrize(
    ("poisoned", "error", "name"),
    [(faulty, ZeroDivisionError, "ZeroDivisionError"), (lawless, InvariantViolation, "F1")],
    ids=["a fault", "a broken law"],
)


def aside(path: Path) -> Path:
    """The poison file of a store."""
    return path.with_name(path.name + ".poison")


def stop_at(path: Path, *requests: Request) -> BaseException:
    """What stops a venue of the broken book at those requests; nobody is answered."""
    with broken_book():
        outcomes, stopped = drive(venue_on(path, commands=100), requests)
    assert stopped is not None
    assert {OutcomeUnknown} == {type(it) for it in outcomes}
    return stopped


def folded(path: Path) -> VenueState:
    """The state that the log alone gives."""
    log, state = EventLog(url_of(path), EVENTS), VenueState()
    replay(state, log.read())
    log.close()
    return state


def sound(path: Path) -> None:
    """The log verifies, and today's code decides each of its commands as it was decided."""
    assert [] == verdict_on(path).findings
    log = EventLog(url_of(path), EVENTS)
    assert [] == reexecute(log).differences
    log.close()


@each_defect
def test_it_is_refused_after_the_rebuild_and_all_others_go_on(
    tmp_path: Path, poisoned: Maker, error: type[BaseException], name: str
) -> None:
    """In the batch that fails nobody is answered, and only the one at fault is written aside."""
    path = tmp_path / "venue.db"
    before = acks_of(path, set_up() + orders(1, 5))
    stopped = stop_at(path, order(6), poisoned(), order(7))
    assert isinstance(stopped, error)
    (stop,) = read_poison(aside(path)).stops
    assert (content_digest(poisoned().command), "place", name) == (
        stop.digest,
        stop.kind,
        stop.fault,
    )

    with broken_book():
        six, refused, seven, again = acks_of(path, [order(6), poisoned(), order(7), poisoned()])
        sound(path)
    assert Refusal(RejectCode.INTERNAL, "poison", name) == refused.refusal
    assert refused == again
    assert None is six.refusal is seven.refusal
    kept = stored_acks(path)
    assert before == [kept[str(it.key)] for it in set_up() + orders(1, 5)]
    assert refused == kept[str(poisoned().key)]
    sound(path)


@each_defect
def test_a_venue_that_was_stopped_comes_to_what_one_comes_to_that_refuses_it_at_once(
    tmp_path: Path, poisoned: Maker, error: type[BaseException], name: str
) -> None:
    del error
    stopped, undisturbed = tmp_path / "stopped.db", tmp_path / "undisturbed.db"
    note_stop(aside(undisturbed), Stop(0, content_digest(poisoned().command), "place", name))
    acks_of(stopped, set_up() + orders(1, 5))
    stop_at(stopped, order(6), poisoned(), order(7))
    acks_of(stopped, [order(6), poisoned(), order(7)])
    acks_of(undisturbed, [*set_up(), *orders(1, 6), poisoned(), order(7)])
    assert folded(stopped).state_hash() == folded(undisturbed).state_hash()


def test_the_answers_of_the_batch_before_are_given(tmp_path: Path) -> None:
    """What was on its way to the disk when the venue stopped is stored and answered."""
    path = tmp_path / "venue.db"
    acks_of(path, set_up())
    with broken_book():
        outcomes, _ = drive(Venue(url_of(path), Bounds(commands=1)), [*orders(1, 3), faulty()])
    answered = [it for it in outcomes if isinstance(it, Ack)]
    assert answered == outcomes[: len(answered)]
    assert set(answered) <= set(stored_acks(path).values())
    assert OutcomeUnknown is type(outcomes[-1])


def test_once_cleared_it_is_decided_again_under_another_key(tmp_path: Path) -> None:
    path = tmp_path / "venue.db"
    acks_of(path, set_up())
    stop_at(path, faulty())
    (refused,) = acks_of(path, [faulty()])
    _, err = inside("venue", "poison", "clear", "0" * 32, "--store", url(path), code=2)
    assert "no command with the digest" in " ".join(err.replace("│", " ").split())
    digest = content_digest(faulty().command)
    inside("venue", "poison", "clear", digest, "--store", url(path))
    first, second = acks_of(path, [faulty(), faulty(key="another")])
    assert (refused, None) == (first, second.refusal)
    sound(path)


def test_a_venue_at_work_is_not_cleared_behind_its_back(tmp_path: Path) -> None:
    path = tmp_path / "venue.db"
    acks_of(path, set_up())
    stop_at(path, faulty())
    venue = Venue(url_of(path))
    digest = content_digest(faulty().command)
    _, err = inside("venue", "poison", "clear", digest, "--store", url(path), code=3)
    assert "held by another writer" in err
    venue.close()


def test_a_stranger_hears_what_strangers_hear_and_binds_no_key(tmp_path: Path) -> None:
    path = tmp_path / "venue.db"
    acks_of(path, set_up())
    stop_at(path, faulty())
    stranger = faulty(key="mine", actor="bob")
    (heard,) = acks_of(path, [stranger])
    assert heard.refusal is not None
    assert RejectCode.UNKNOWN_ACCOUNT is heard.refusal.code
    own = order(6, key="mine")
    (ack,) = acks_of(path, [own])
    assert ack.refusal is None


def test_a_third_stop_within_a_minute_halts_every_market_that_trades(tmp_path: Path) -> None:
    """Once: the operator lets them trade again, and the next opening leaves them alone."""
    path = tmp_path / "venue.db"
    acks_of(path, set_up())
    resting = order(2)
    acks_of(path, [resting])
    for number in range(3):
        assert MarketState.CONTINUOUS is folded(path).rooms["BTC-USD"].market.state
        stop_at(path, faulty(number))
    _, err = inside("order", "cancel", "ada", "BTC-USD:1", "--store", url(path))
    assert "every market that traded was halted" in " ".join(err.split())
    assert MarketState.HALTED is folded(path).rooms["BTC-USD"].market.state
    assert ["system change_market_state", "trader cancel"] == last_records(path, 2)
    sound(path)

    _, err = inside("market", "state", "BTC-USD", "continuous", "--reason", "mended",
                    "--store", url(path))  # fmt: skip
    assert "halted" not in err
    acks = acks_of(path, [order(6), faulty(0), faulty(1), faulty(2)])
    assert [False, True, True, True] == [ack.refusal is not None for ack in acks]
    stop_at(path, faulty(3))
    acks_of(path, [order(7)])
    assert MarketState.CONTINUOUS is folded(path).rooms["BTC-USD"].market.state
    sound(path)


def last_records(path: Path, count: int) -> list[str]:
    """Role and kind of the last commands."""
    log = EventLog(url_of(path), EVENTS)
    found = [
        f"{it.event.role.value} {it.event.command.__struct_config__.tag}"
        for it in log.read()
        if isinstance(it.event, CommandRecorded)
    ]
    log.close()
    return found[-count:]


def test_the_venue_s_own_work_that_breaks_is_counted_but_nobody_s_command_is_refused(
    tmp_path: Path,
) -> None:
    """A sweep that can't be recorded: after the third stop the markets are halted."""
    path = tmp_path / "venue.db"
    acks_of(path, set_up())
    drive_at(Venue(url_of(path)), [limited(1, "ada", Side.BUY, 50, 5, until=10)])
    for _ in range(3):
        with broken_book(sweeps=True):
            outcomes, stopped = drive_at(Venue(url_of(path)), [(order(2), 20)])
        assert ([OutcomeUnknown], ZeroDivisionError) == (
            [type(it) for it in outcomes],
            type(stopped),
        )
    poison = read_poison(aside(path))
    assert [(OWN_WORK, "expire")] * 3 == [(it.digest, it.kind) for it in poison.stops]
    assert {} == poison.refused
    acks = acks_of(path, [order(2)])
    assert [RejectCode.MARKET_STATE] == [it.refusal.code for it in acks if it.refusal]
    sound(path)


def test_only_halts_of_the_venue_itself_pass_for_its_own(tmp_path: Path) -> None:
    """Verify asks of all other work of the venue whether it was due."""
    path = tmp_path / "venue.db"
    acks_of(path, set_up())
    state = folded(path)
    (halt,) = halts(state)
    assert ChangeMarketState("BTC-USD", MarketState.HALTED, STOPPED_TOO_OFTEN) == halt.command
    venue = Venue(url_of(path))
    resume = ChangeMarketState("BTC-USD", MarketState.CLOSED, "by itself")
    venue._record(  # noqa: SLF001 - what nobody is let in with
        Request(resume, "venue", Role.SYSTEM),
        content_digest(resume),
        0,
        venue._forming,  # noqa: SLF001
    )
    drive(venue, [])
    (finding,) = verdict_on(path).findings
    assert "R7" == finding.law


def test_a_store_in_memory_has_nothing_to_write_aside() -> None:
    with broken_book():
        _, stopped = drive(Venue(StoreUrl.parse("memory:")), [*set_up(), faulty()])
    assert isinstance(stopped, ZeroDivisionError)


MINUTE = 60_000_000


@pytest.mark.parametrize(
    ("times", "due"),
    [
        ([], False),
        ([0, 1], False),
        ([0, 1, MINUTE], True),
        ([0, 1, MINUTE + 1], False),
        ([0, 5, 6, 7, MINUTE + 7], False),
        ([0, 1, "halted"], False),
        ([0, 1, 2, "halted"], False),
        ([0, 1, 2, "halted", 3, 4], False),
        ([0, 1, 2, "halted", 3, 4, 5], True),
    ],
    ids=str,
)
def test_three_stops_within_a_minute_since_the_last_halt_call_for_one(
    tmp_path: Path,
    times: Sequence[int | str],
    due: bool,  # noqa: FBT001 - an example's answer
) -> None:
    path = tmp_path / "venue.db.poison"
    for it in times:
        if isinstance(it, int):
            note_stop(path, Stop(it, f"{it:032}", "place", "F1"))
        else:
            note_halted(path, 9)
    assert due is read_poison(path).halt_due


def test_a_torn_line_is_left_out_and_written_over(tmp_path: Path) -> None:
    path = tmp_path / "venue.db.poison"
    first, second = Stop(1, "a" * 32, "place", "F1"), Stop(2, "b" * 32, "cancel", "KeyError")
    note_stop(path, first)
    with path.open("a") as file:
        file.write("2 stopped " + 100 * "b")
    assert (first,) == read_poison(path).stops
    note_stop(path, second)
    assert 2 == path.read_text().count("\n")
    assert path.read_text().endswith(" cancel KeyError\n")
    note_cleared(path, 3, first.digest)
    poison = read_poison(path)
    assert ((first, second), {second.digest: second}) == (poison.stops, poison.refused)


def test_what_is_written_aside_is_on_disk_before_the_venue_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The line, and the folder's entry for a new file."""
    path, synced = tmp_path / "venue.db", list[int]()
    acks_of(path, set_up())
    monkeypatch.setattr(os, "fsync", lambda file: synced.append(os.fstat(file).st_ino))
    stop_at(path, faulty())
    assert [aside(path).stat().st_ino, tmp_path.stat().st_ino] == synced


@pytest.mark.parametrize("line", ["", "5", "x halted", "5 stopped a b", "5 cleared", "5 halted 6"])
def test_a_venue_does_not_open_beside_a_poison_file_that_it_can_t_read(
    tmp_path: Path, line: str
) -> None:
    path = tmp_path / "venue.db"
    acks_of(path, set_up())
    aside(path).write_text(line + "\n")
    with pytest.raises(StoreDamaged, match="no line of a poison file"):
        Venue(url_of(path))


def test_an_operator_s_day_with_a_defect(tmp_path: Path) -> None:
    """By processes of their own: the order that stops the venue, its refusal, another order."""
    path = tmp_path / "venue.db"
    acks_of(path, set_up())
    place = ["order", "place", "ada", "BTC-USD", "buy", "800", "--price", "1",
             "--store", url(path)]  # fmt: skip
    stopped = run_broken(*place, code=1)
    assert "F1" in stopped.stderr
    digest = read_poison(aside(path)).stops[0].digest
    assert f"the venue stopped at place {digest}" in stopped.stderr
    assert {"code": "INTERNAL", "field": "poison", "value": "F1", "bound": None} == json.loads(
        run_broken(*place, "--json", code=1).stdout
    )["refusal"]
    fine = ["5" if word == "800" else word for word in place]
    assert json.loads(run_broken(*fine, "--json").stdout)["accepted"]
    (told,) = listed(path)["stops"]
    assert (digest, "place", "F1", True) == (
        told["digest"], told["command"], told["fault"], told["refused"],
    )  # fmt: skip
    said, _ = inside("venue", "poison", "list", "--store", url(path))
    assert [digest, "place", "F1", "refused"] == said.splitlines()[1].split()[1:]
    why, _ = inside("explain", "orders:ada:1", "--store", url(path))
    assert "the venue had to stop at it before (F1 broke)" in why
    assert 0 == listed_after_clearing(path, digest)


def listed(path: Path) -> Any:  # noqa: ANN401 - any JSON
    return json.loads(inside("venue", "poison", "list", "--store", url(path), "--json")[0])


def listed_after_clearing(path: Path, digest: str) -> int:
    """How many commands are refused then."""
    inside("venue", "poison", "clear", digest, "--store", url(path), "--json")
    return sum(it["refused"] for it in listed(path)["stops"])


def run_broken(*arguments: str, code: int = 0) -> "subprocess.CompletedProcess[str]":
    """The command in a process whose book has the defects."""
    program = (
        "from exchange.cli import main; from tests.venue.defects import broken_book\n"
        "with broken_book(): main()"
    )
    done = subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-c", program, *arguments],
        capture_output=True, text=True, timeout=300, check=False, cwd=ROOT,
    )  # fmt: skip
    assert code == done.returncode, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done
