"""Snapshots by hand: made, listed, checked, and spoken of where they are of no use."""

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.audit.grown import grow
from tests.command import answer, exchange, inside, url
from tests.store.trading import acks_of, orders, set_up


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A store without snapshots."""
    made = tmp_path / "venue.db"
    acks_of(made, [*set_up(), *orders(1, 40)])
    return made


def told(*words: object, code: int = 0) -> Any:  # noqa: ANN401 - any JSON
    return json.loads(inside("snapshot", *words, "--json", code=code)[0])


def spoil(path: Path) -> Path:
    """Cut the newest snapshot in half."""
    newest: Path = max(path.with_name(path.name + ".snapshots").iterdir())
    newest.write_bytes(newest.read_bytes()[:100])
    return newest


def test_a_snapshot_is_made_listed_and_verified(path: Path) -> None:
    """By a process of its own."""
    store = ("--store", url(path))
    assert [] == told("list", *store)
    made = answer("snapshot", "make", *store)
    assert made["made"]
    assert Path(made["file"]).stat().st_size == made["bytes"]
    assert made["events"] == made["position"] > 40
    for word in ("list", "verify"):
        (row,) = answer("snapshot", word, *store)
        assert (True, "good") == (row["good"], row["verdict"])
        assert all(row[name] == made[name] for name in ("position", "bytes", "state_hash", "file"))
        assert row["orders"] == made["orders"] > 0
    assert told("make", *store) == {"made": False, "events_since": 0}
    assert made["state_hash"] == json.loads(inside("replay", *store, "--json")[0])["state_hash"]


def test_people_see_the_same(path: Path) -> None:
    store = ("--store", url(path))
    assert "position" in inside("snapshot", "make", *store)[0]
    said, _ = inside("snapshot", "make", *store)
    assert said == "no snapshot made: 0 events since the newest\n"
    header, row = inside("snapshot", "list", *store)[0].splitlines()
    assert ["position", "time", "orders", "bytes", "state_hash", "verdict"] == header.split()
    assert row.endswith("good")


def test_one_is_made_only_when_enough_has_happened(path: Path) -> None:
    store = ("--store", url(path))
    assert told("make", *store, "--every", 10)["made"]
    acks_of(path, orders(41, 42))
    behind = told("make", *store, "--every", 1_000)
    assert (False, True) == (behind["made"], 5 < behind["events_since"] < 1_000)
    assert told("make", *store, "--every", behind["events_since"])["made"]


def test_so_many_are_kept_as_are_asked_for(path: Path) -> None:
    store = ("--store", url(path))
    for number in range(4):
        assert (number > 1) == told("make", *store, "--keep", 2)["removed"]
        acks_of(path, orders(50 + number, 50 + number))
    assert 2 == len(told("list", *store))


def test_one_that_is_of_no_use_is_named_by_whoever_would_have_used_it(tmp_path: Path) -> None:
    """The answer is the same; the word goes to stderr, past the JSON."""
    path = tmp_path / "venue.db"
    grow(path, 60, 2)
    store = ("--store", url(path))
    right, silence = inside("book", "BTC-USD", *store, "--json")
    assert silence == ""
    spoilt = spoil(path)
    for words in (("book", "BTC-USD"), ("balances",), ("venue", "show")):
        said = inside(*words, *store, "--json")[1]
        assert said.startswith(f"warning: snapshot {spoilt} is passed over: it is damaged")
    assert right == inside("book", "BTC-USD", *store, "--json")[0]
    assert "is passed over" in inside("snapshot", "make", *store)[1]


def test_a_venue_that_opens_names_it_too(path: Path) -> None:
    store = ("--store", url(path))
    inside("snapshot", "make", *store)
    spoilt = spoil(path)
    done = exchange("venue", "kill", *store, "--reason", "a test")
    assert f"warning: snapshot {spoilt} is passed over" in done.stderr


def test_a_false_one_is_told_by_its_exit_code(path: Path) -> None:
    store = ("--store", url(path))
    told("make", *store)
    acks_of(path, orders(41, 60))
    told("make", *store)
    spoil(path)
    for found in (told("list", *store), told("verify", *store, code=1)):
        assert [False, True] == [row["good"] for row in found]
        assert "it is damaged" in found[0]["verdict"]


def test_one_of_a_newer_program_is_no_broken_one(path: Path) -> None:
    """It is not ours to judge."""
    store = ("--store", url(path))
    file = Path(told("make", *store)["file"])
    rest = b'{"format":2}\nwhatever'
    file.write_bytes(hashlib.sha256(rest).hexdigest().encode() + b"\n" + rest)
    (row,) = told("verify", *store)
    assert (False, True) == (row["good"], "its format is 2" in row["verdict"])


def test_a_snapshot_does_not_outlive_what_it_is_of(path: Path, tmp_path: Path) -> None:
    """Under another store's name it is told to be of another log."""
    other = tmp_path / "other.db"
    acks_of(other, [*set_up(), *orders(1, 40)])
    told("make", "--store", url(path))
    shutil.copytree(f"{path}.snapshots", f"{other}.snapshots")
    (row,) = told("list", "--store", url(other))
    assert "it is of another log" in row["verdict"]


def test_a_demo_forgets_the_snapshots_of_the_store_that_it_replaces(path: Path) -> None:
    """They would be passed over with a word each time."""
    store = ("--store", url(path))
    told("make", *store)
    inside("demo", "--synthetic", "--dir", path.parent)
    assert [] == told("list", *store)


@pytest.mark.parametrize("word", ["make", "list", "verify"])
def test_a_store_that_has_none_to_give_is_refused(word: str, tmp_path: Path) -> None:
    for store, reason in (("memory:", "in memory"), (url(tmp_path / "none.db"), "no store")):
        assert reason in inside("snapshot", word, "--store", store, code=3)[1]
