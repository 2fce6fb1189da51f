"""What an operator gets of the read models: following, asking, and clear refusals."""

import json
import shutil
import signal
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from exchange.audit.reconcile.compare import reconcile
from exchange.kernel.events import Envelope
from exchange.projections.reader import Reader
from exchange.store.writer import LogWriter
from exchange.venue.catalogue import EVENTS
from tests.audit.logs import append, url_of
from tests.command import answer, exchange, inside, start, url
from tests.projections.world import batches, opened, played, random_happenings, views_of, write_log
from tests.store.stored import Noted


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("followed") / "venue.db"
    write_log(played(random_happenings(21, 400)), path)
    told = answer("follow", "--store", url(path), "--once")
    with opened(path) as log:
        assert log.last_position == told["position"] == told["events"]
    return path


def asked(*arguments: object, code: int = 0) -> Any:  # noqa: ANN401 - any JSON
    return json.loads(inside(*arguments, "--json", code=code)[0])


def test_following_again_finds_nothing_new(followed: Path) -> None:
    again = asked("follow", "views", "--store", url(followed), "--once")
    assert 0 == again["events"]
    assert asked("reconcile", "--store", url(followed))["ok"]


def test_a_follower_keeps_up_with_a_growing_log_until_interrupted(tmp_path: Path) -> None:
    path, all_of_it = tmp_path / "venue.db", batches(played(random_happenings(22, 200)))
    log = LogWriter(url_of(path), EVENTS, at_us=0)
    append(log, all_of_it[0])
    process = start("follow", "--store", url(path), "--json")
    assert process.stdout is not None
    process.stdout.readline()
    for batch in all_of_it[1:]:
        append(log, batch)
    last = log.position
    log.close()
    until = time.monotonic() + 30
    while position_of(path) < last and time.monotonic() < until:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert 0 == process.returncode, said
    assert last == position_of(path)
    with opened(path) as reading:
        assert [] == reconcile(reading, Reader(views_of(path))).findings


def position_of(path: Path) -> int:
    with closing(sqlite3.connect(f"file:{views_of(path)}?mode=ro", uri=True)) as connection:
        (position,) = connection.execute("SELECT position FROM followers").fetchone()
    return int(position)


def test_an_event_that_cannot_be_followed_ends_the_command_with_1(tmp_path: Path) -> None:
    path = tmp_path / "venue.db"
    write_log(played([]), path)
    log = LogWriter(url_of(path), [*EVENTS, Noted], at_us=0)
    at = append(log, [Envelope("strange", 1, Noted("?"), 0)])
    log.close()
    _, said = inside("follow", "--store", url(path), "--once", code=1)
    assert f"the event at {at} (strange@1, test.Noted.v1)" in said


def test_a_statement_in_words_and_as_json(followed: Path) -> None:
    told = asked("statement", "A", "USD", "--store", url(followed), "--limit", 5)
    said, _ = inside("statement", "A", "USD", "--store", url(followed), "--limit", 5)
    assert 5 == len(told["lines"])
    names = {"acct:A:available", "acct:A:held", "acct:A:withdrawal"}
    assert names == set(told["opening"]) == set(told["closing"])
    for line in told["lines"]:
        assert line["entry_id"] in said
    assert f"--cursor {told['cursor']}" in said
    more = asked(
        "statement", "A", "USD", "--store", url(followed), "--cursor", told["cursor"]
    )  # fmt: skip
    assert told["closing"] == more["opening"]


def test_a_statement_from_one_time_to_another(followed: Path) -> None:
    """Venue times of the tests begin with 1970."""
    whole = asked("statement", "A", "USD", "--store", url(followed), "--limit", 1_000)
    cut = "1970-01-01T00:10:00Z"
    early = asked(
        "statement", "A", "USD", "--store", url(followed), "--until", cut, "--limit", 1_000
    )
    late = asked("statement", "A", "USD", "--store", url(followed), "--from", cut, "--limit", 1_000)
    assert whole["lines"] == early["lines"] + late["lines"]
    assert early["lines"]
    assert late["lines"]
    assert early["closing"] == late["opening"]


@pytest.mark.parametrize(
    "line",
    [
        ["orders", "A"],
        ["orders", "--symbol", "ETH-USD", "--open"],
        ["trades", "BTC-USD"],
        ["candles", "BTC-USD", "--interval", "5m"],
        ["deposits"],
        ["deposits", "A", "--asset", "USD"],
        ["withdrawals"],
        ["withdrawals", "--asset", "USD", "--state", "requested"],
    ],
)
def test_pages_in_words_and_as_json(followed: Path, line: list[str]) -> None:
    told = asked(*line, "--store", url(followed), "--limit", 2)
    said, _ = inside(*line, "--store", url(followed), "--limit", 2)
    assert told["rows"]
    assert f"as of position {told['position']}" in said
    if told["cursor"] is not None:
        more = asked(*line, "--store", url(followed), "--limit", 2, "--cursor", told["cursor"])
        assert not [row for row in more["rows"] if row in told["rows"]]


def test_the_markets_are_told_as_the_log_tells_them(followed: Path) -> None:
    told = asked("markets", "--store", url(followed))["rows"]
    for rules in asked("market", "list", "--store", url(followed)):
        (same,) = (it for it in told if it["symbol"] == rules["symbol"])
        assert rules == {name: same.get(name, rules["tiers"]) for name in rules}
    said, _ = inside("markets", "--store", url(followed))
    assert ["BTC-USD", "continuous"] in [line.split()[:2] for line in said.splitlines()]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (["follow", "other", "--once"], "there is no follower 'other'"),
        (["statement", "nobody", "USD"], "nothing was ever booked"),
        (["statement", "A", "XRP"], "no asset"),
        (["statement", "A", "USD", "--from", "yesterday"], "no time"),
        (["statement", "A", "USD", "--cursor", "x"], "no cursor"),
        (["orders"], "name an account"),
        (["orders", "--symbol", "XRP-USD"], "no market"),
        (["trades", "XRP-USD"], "no market"),
        (["candles", "BTC-USD", "--interval", "2m"], "none of 1m"),
        (["trades", "BTC-USD", "--limit", "0"], "limit"),
        (["deposits", "--asset", "XRP"], "no asset"),
        (["withdrawals", "--state", "lost"], "none of requested, approved"),
        (["withdrawals", "--after", "x"], "no cursor"),
        (["markets", "--min-position", "-1"], "min-position"),
    ],
)
def test_wrong_use_ends_with_2(followed: Path, line: list[str], said: str) -> None:
    _, told = inside(*line, "--store", url(followed), code=2)
    assert said in " ".join(told.replace("│", " ").split())


@pytest.mark.parametrize(
    "line",
    [["statement", "A", "USD"], ["orders", "A"], ["trades", "BTC-USD"], ["candles", "BTC-USD"],
     ["markets"], ["deposits"], ["withdrawals"], ["reconcile"]],
)  # fmt: skip
def test_without_views_a_question_ends_with_3(
    followed: Path, tmp_path: Path, line: list[str]
) -> None:
    path = tmp_path / "venue.db"
    shutil.copy(followed, path)
    _, said = inside(*line, "--store", url(path), code=3)
    assert "`exchange follow --once` makes them" in said


def test_views_may_stand_elsewhere(followed: Path, tmp_path: Path) -> None:
    elsewhere = f"sqlite:///{tmp_path / 'elsewhere.db'}"
    exchange("follow", "--store", url(followed), "--views", elsewhere, "--once")
    assert asked("reconcile", "--store", url(followed), "--views", elsewhere)["ok"]
    inside("follow", "--store", url(followed), "--views", "memory:", "--once", code=3)


QUESTIONS = [
    ["statement", "A", "USD"], ["orders", "A"], ["trades", "BTC-USD"], ["candles", "BTC-USD"],
    ["markets"], ["deposits"], ["withdrawals"],
]  # fmt: skip


@pytest.mark.parametrize("line", QUESTIONS)
def test_a_question_for_a_moment_that_the_views_never_reach_ends_with_3(
    followed: Path, line: list[str]
) -> None:
    """Naming both positions."""
    last = position_of(followed)
    store = ["--store", url(followed)]
    assert last == asked(*line, *store, "--min-position", last)["position"]
    _, said = inside(*line, *store, "--min-position", last + 1, "--wait", 0, code=3)
    assert f"the views stand at position {last}, asked for was {last + 1}" in said


def test_who_asks_with_the_position_of_an_answer_sees_what_it_was_given_for(tmp_path: Path) -> None:
    """Beside a follower that is a process of its own."""
    path = tmp_path / "venue.db"
    write_log(played([]), path)
    process = start("follow", "--store", url(path), "--json")
    assert process.stdout is not None
    process.stdout.readline()
    for number in range(5):
        done = asked("deposit", "make", "A", "USD", "5", "--reference", f"more-{number}",
                     "--store", url(path))  # fmt: skip
        told = asked("deposits", "A", "--store", url(path), "--min-position", done["position"],
                     "--wait", 60)  # fmt: skip
        assert f"more-{number}" == told["rows"][0]["reference"]
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert 0 == process.returncode, said
