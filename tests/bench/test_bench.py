"""Do the measurements measure what they say? Small runs, and no time is asserted."""

import json
from functools import partial
from itertools import chain
from pathlib import Path

import msgspec
import pytest

from exchange.bench.drive import build, chunks, recipes, run
from exchange.bench.flow import MID, Flow
from exchange.bench.lag import lags_ms
from exchange.bench.matching import measure_matching
from exchange.bench.pipeline import STORE, Load, measure_pipeline
from exchange.bench.replay import measure_replay
from exchange.bench.rounds import play
from exchange.bench.rows import batches
from exchange.bench.workload import (
    GROWTH,
    W5K,
    W5K_QUICK,
    Workload,
    WorkloadUnavailable,
    cache_dir,
    rows_of,
    workload_file,
)
from exchange.cli.bench import opened_with
from exchange.matching.book import Book
from exchange.matching.events import OrderAccepted, OrderReduced, OrdersCancelled
from exchange.orders.commands import PlaceOrder, Request
from exchange.serve import Followers
from tests.projections.world import views_of

TINY = Load(
    accounts=20, resting=100, seconds=0.1, segment=200, window=16, offered_per_s=2_000,
    baseline_seconds=0.1, baseline_rows=500,
)  # fmt: skip


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache that the tests of this module share."""
    return tmp_path_factory.mktemp("cache") / "made" / "when needed"


def test_a_workload_trades_as_its_generator_says(cache: Path) -> None:
    rows = rows_of(workload_file(W5K_QUICK, cache).read_bytes())
    assert play(W5K_QUICK, rows).right(W5K_QUICK)


def test_a_book_that_trades_otherwise_is_noticed(cache: Path) -> None:
    rows = rows_of(workload_file(W5K_QUICK, cache).read_bytes())
    rows[-2] += 1  # the last quantity
    assert not play(W5K_QUICK, rows).right(W5K_QUICK)


def test_a_damaged_workload_is_made_anew(cache: Path) -> None:
    file = workload_file(W5K_QUICK, cache)
    whole = file.read_bytes()
    file.write_bytes(whole[:-1])
    assert whole == workload_file(W5K_QUICK, cache).read_bytes()
    assert [file] == [path for path in cache.iterdir() if path.stem == W5K_QUICK.name]


def test_a_workload_that_comes_out_otherwise_is_not_used(tmp_path: Path) -> None:
    other = msgspec.structs.replace(W5K_QUICK, name="other", commands=10)
    with pytest.raises(WorkloadUnavailable, match="made other with SHA-256"):
        workload_file(other, tmp_path)
    assert [] == list(tmp_path.iterdir())


def test_the_reason_of_a_failing_generator_is_told(tmp_path: Path) -> None:
    wrong = msgspec.structs.replace(W5K_QUICK, live=-1, commands=-1)
    with pytest.raises(WorkloadUnavailable, match="the generator of w5k-quick failed: "):
        workload_file(wrong, tmp_path)


def test_the_cache_follows_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXCHANGE_CACHE", "/own")
    assert Path("/own") == cache_dir()
    monkeypatch.delenv("EXCHANGE_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "/shared")
    assert Path("/shared/exchange") == cache_dir()
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert Path("~/.cache/exchange").expanduser() == cache_dir()


def test_the_baseline_builds_the_very_events(cache: Path) -> None:
    rows = rows_of(workload_file(W5K_QUICK, cache).read_bytes())
    book = Book("book:BENCH")
    events = list(chain.from_iterable(run(book, steps) for steps in chunks(rows)))
    assert {OrderAccepted, OrdersCancelled, OrderReduced} == {type(event) for event in events}
    assert events == build(recipes(events))


def test_matching_in_small(cache: Path) -> None:
    said: list[str] = []
    result = measure_matching(said.append, quick=True, rounds=1, cache=cache)
    assert said
    assert result == json.loads(json.dumps(result))
    assert (20_000, 8_863, True) == tuple(
        result[key] for key in ("commands", "trades", "hashes_equal")
    )
    assert (W5K_QUICK.trade_hash, W5K_QUICK.state_hash) == (
        result["trade_hash"],
        result["state_hash"],
    )
    assert 0 < result["commands_per_s"] < result["baseline_commands_per_s"]
    assert {"1000", "10000"} == result["scaling"]["command_us"].keys()
    assert result["scaling"]["hashes_equal"]
    assert {"cancel_from_the_middle_ns", "fill_ns"} == result["cliffs"]["one_level"].keys()
    assert {"place_ns", "cancel_ns", "fill_ns"} == result["cliffs"]["ladder"].keys()
    first, second = result["memory"]["live_orders"]
    assert first == second > 4_000


@pytest.mark.slow
@pytest.mark.parametrize("workload", [W5K, *GROWTH], ids=lambda workload: workload.name)
def test_every_workload_trades_as_its_generator_says(workload: Workload, tmp_path: Path) -> None:
    file = workload_file(workload, tmp_path)
    assert play(workload, rows_of(file.read_bytes())).right(workload)


def test_a_flow_is_its_seed() -> None:
    def drawn(seed: int) -> list[Request]:
        flow = Flow(seed, 10)
        return [*flow.opening(), *flow.passive(10), *flow.orders(100)]

    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)
    keys = [request.key for request in drawn(1) if isinstance(request.command, PlaceOrder)]
    assert 110 == len(set(keys))


def test_half_of_a_flow_crosses() -> None:
    orders = [request.command for request in Flow(1, 10).orders(10_000)]
    reach = [
        (order.terms.price or 0) - MID
        if order.terms.side.value == "buy"
        else MID - (order.terms.price or 0)
        for order in orders
        if isinstance(order, PlaceOrder)
    ]
    assert 4_800 < sum(ticks > 500 for ticks in reach) < 5_200
    assert 4_800 < sum(-500 <= ticks < 0 for ticks in reach) < 5_200


def test_the_pipeline_in_small(tmp_path: Path) -> None:
    said: list[str] = []
    result = measure_pipeline(said.append, load=TINY, directory=tmp_path)
    assert said
    assert result == json.loads(json.dumps(result))
    loops = 100 + result["orders"] + result["open_loop"]["orders"]
    assert loops == result["accepted"] == result["proof"]["accepted_in_log"]
    assert 0 == result["refused"]
    assert 200 == result["open_loop"]["orders"]
    assert result["fills"] > 0
    assert result["resting_min"] > 0
    assert result["proof"]["counts_equal"]
    assert result["proof"]["hashes_equal"]
    assert result["state_hash"] == result["proof"]["state_hash"]
    waits = [result["open_loop"][f"ack_{name}_ms"] for name in ("p50", "p99", "p999", "max")]
    assert sorted(waits) == waits
    assert 0 < result["library"]["commands_per_s"]
    assert 0 < result["bare_rows"]["rows_per_s"]
    assert f"sqlite:///{tmp_path / STORE}" == result["store"]
    assert all(path.name.startswith(STORE) for path in tmp_path.iterdir())

    again = measure_replay(said.append, store=result["store"], rounds=1)
    assert (result["state_hash"], True) == (again["state_hash"], again["hashes_equal"])
    other = measure_replay(said.append, store=result["store"], state_hash="0" * 64, rounds=1)
    assert not other["hashes_equal"]
    with pytest.raises(FileExistsError):
        measure_pipeline(said.append, load=TINY, directory=tmp_path)


def test_the_pipeline_with_its_read_models_in_small(tmp_path: Path) -> None:
    opening = partial(opened_with, Followers.PROCESS)
    result = measure_pipeline(
        lambda _: None, load=TINY, directory=tmp_path, opening=opening, followed=True
    )
    assert result == json.loads(json.dumps(result))
    for views in (result["views"], result["open_loop"]["views"]):
        assert views["caught_up"]
        assert views["commits"] > 0
        lags = [views[f"lag_{name}_ms"] for name in ("p50", "p99", "max")]
        assert sorted(lags) == lags
        assert lags[0] > 0
    assert views_of(tmp_path / STORE).is_file()


def test_a_lag_runs_to_the_first_look_that_finds_the_views_there() -> None:
    stored = [(1_000_000, 10), (2_000_000, 20), (3_000_000, 30), (9_000_000, 40)]
    seen = [(500_000, 5), (4_000_000, 20), (8_000_000, 35)]
    assert [3.0, 2.0, 5.0] == lags_ms(stored, seen)


def test_the_pipeline_leaves_nothing_without_a_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert measure_pipeline(lambda _: None, load=TINY)["store"] is None
    assert [] == list(tmp_path.iterdir())


def test_replay_in_small() -> None:
    said: list[str] = []
    result = measure_replay(said.append, quick=True, rounds=1)
    assert said
    assert result == json.loads(json.dumps(result))
    assert result["hashes_equal"]
    assert result["live_state_hash"] == result["state_hash"]
    assert 2_000 < result["events"]
    assert 0 < result["ratio"] < 1


def test_rows_are_written_once_more_commit_for_commit() -> None:
    sealed = (2, "venue", 1, "store.BatchSealed.v1", b"[]")
    rows = [
        (1, "a", 1, "t", b""), sealed, (3, "a", 2, "t", b""), (4, "b", 1, "t", b""), sealed,
        (6, "a", 3, "t", b""),
    ]  # fmt: skip
    assert [rows[:2], rows[2:5]] == list(batches(rows))
