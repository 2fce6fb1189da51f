"""All 30 minutes of real order flow: every known figure, and every aggregate at any version."""

import asyncio
import random
from collections.abc import Collection
from copy import deepcopy
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from exchange.cli.look import open_log
from exchange.feeds.flow import Flow, read_flow
from exchange.feeds.report import Outcome, report_flow
from exchange.feeds.run import Listing, run_flow
from exchange.feeds.tables import TAPE_COLUMNS, compare_tables
from exchange.kernel.decimals import to_units
from exchange.kernel.events import Event
from exchange.store.urls import StoreUrl
from exchange.venue.catalogue import Aggregate, project
from exchange.venue.journal import Journal
from exchange.venue.sequencer import serving
from tests.command import answer, url
from tests.feeds.flows import ALL_MINUTES, Tape, same_facts, write_tape

pytestmark = pytest.mark.slow

MOMENTS = 50
SEED = 20260502

Dump = dict[str, Any]
Place = tuple[str, int]
"""Stream and version."""


class Done(NamedTuple):
    """What a run came to: its report, and each stream as the writer left it."""

    outcome: Outcome
    final: dict[str, Dump]

    @property
    def facts(self) -> dict[str, Any]:
        """The report by name."""
        return {name: getattr(self.outcome.report, name) for name in ALL_MINUTES}


class Watched(NamedTuple):
    """A run, and how aggregates looked to the writer while it made the log."""

    done: Done
    dumps: dict[Place, Dump]


@pytest.fixture(scope="module")
def flow(all_minutes: Path) -> Flow:
    return read_flow(all_minutes)


@pytest.fixture(scope="module")
def charged(flow: Flow) -> Done:
    """The whole file with the standard fees."""
    return asyncio.run(run("memory:", flow, "standard"))


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("full") / "venue.db"


@pytest.fixture(scope="module")
def free(flow: Flow, store: Path, charged: Done) -> Watched:
    """The whole file without fees, its aggregates watched at random moments.

    The run with fees tells which versions there will be: fees change none of them.
    """
    versions = {stream: dump["version"] for stream, dump in charged.final.items()}
    wanted = moments(versions)
    dumps: dict[Place, Dump] = {}
    with pytest.MonkeyPatch.context() as patching:
        watch(wanted, dumps, patching)
        done = asyncio.run(run(url(store), flow, "zero"))
    assert wanted == dumps.keys()
    assert versions == {stream: dump["version"] for stream, dump in done.final.items()}
    return Watched(done, dumps)


async def run(store: str, flow: Flow, fees: str) -> Done:
    listing = Listing(fees=fees)
    async with serving(StoreUrl.parse(store)) as venue:
        await run_flow(venue, flow, listing)
        return Done(report_flow(venue.log, flow, listing), venue.state.dump())


def moments(versions: dict[str, int]) -> set[Place]:
    """Random versions of random streams, each kind of stream as often as any other."""
    chance = random.Random(SEED)  # noqa: S311 - a repeatable choice, no secret
    kinds: dict[str, list[str]] = {}
    for stream in sorted(versions):
        kinds.setdefault(stream.partition(":")[0], []).append(stream)
    found: set[Place] = set()
    while len(found) < MOMENTS:
        stream = chance.choice(kinds[chance.choice(sorted(kinds))])
        found.add((stream, chance.randint(1, versions[stream])))
    return found


def watch(
    wanted: Collection[Place], dumps: dict[Place, Dump], patching: pytest.MonkeyPatch
) -> None:
    """Keep what the wanted places look like when the writer has just recorded them."""
    record = Journal.record

    def watched(journal: Journal, aggregate: Aggregate, event: Event) -> None:
        record(journal, aggregate, event)
        place = (aggregate.id, aggregate.version)
        if place in wanted:
            dumps[place] = deepcopy(aggregate.dump())

    patching.setattr(Journal, "record", watched)


def test_every_known_figure_comes_out(free: Watched) -> None:
    assert same_facts(ALL_MINUTES, free.done.facts)
    assert {"BTC": "0.00000000", "USD": "0.0000000000"} == free.done.outcome.report.fees


def test_every_trade_is_the_one_that_the_exchange_made(
    free: Watched, tape: Tape, tmp_path: Path
) -> None:
    """284 of 284 in maker, taker, side, price, quantity and order."""
    trades = free.done.outcome.trades
    assert tape == [tuple(trade[column] for column in TAPE_COLUMNS) for trade in trades]
    expected = write_tape(tmp_path / "expected", tape)
    found = compare_tables(free.done.outcome, expected, zero_fees=True)
    assert (["284/284 exchange's tape"], "") == found


def test_the_accounts_add_up(free: Watched) -> None:
    """What is held at the end is known; what moved between the accounts sums to nothing."""
    columns = {"base_delta": 8, "quote_delta": 10, "base_locked_end": 8, "quote_locked_end": 10}
    accounts = free.done.outcome.accounts
    assert 100 == len(accounts)
    assert {
        "base_delta": 0,
        "quote_delta": 0,
        "base_locked_end": 365_95843961,
        "quote_locked_end": 34_770_708_9618526800,
    } == {
        name: sum(units(row[name], places) for row in accounts) for name, places in columns.items()
    }


def test_the_final_orders_are_those_that_rest(free: Watched) -> None:
    """Each id once, both sides, none crossed."""
    rows = free.done.outcome.final_orders
    assert 6_494 == len(rows) == len({row["order_id"] for row in rows})
    bids = [units(row["price"], 2) for row in rows if row["side"] == "buy"]
    asks = [units(row["price"], 2) for row in rows if row["side"] == "sell"]
    assert (78_350_00, 78_351_00) == (max(bids), min(asks))


def test_standard_fees_are_exact(charged: Done) -> None:
    """Fees change neither a trade nor an order."""
    assert {"BTC": "0.02380208", "USD": "1669.0683583424"} == charged.outcome.report.fees
    assert same_facts(ALL_MINUTES, charged.facts)


def test_the_log_verifies(free: Watched, store: Path) -> None:
    verdict = answer("verify", "--store", url(store))
    assert (True, []) == (verdict["ok"], verdict["findings"])
    assert free.done.outcome.report.state_hash == verdict["state_hash"]


def test_every_command_is_decided_again_as_it_was(free: Watched, store: Path) -> None:
    told = answer("replay", "--store", url(store), "--re-execute")
    assert ([], False) == (told["differences"], told["stopped"])
    assert free.done.outcome.report.state_hash == told["state_hash"]
    assert free.done.outcome.report.events == told["events"]


def test_any_aggregate_at_any_version_is_what_the_writer_saw(free: Watched, store: Path) -> None:
    """Rebuilt from the log alone, by the library's repository."""
    log = open_log(url(store))
    try:
        for (stream, version), dump in sorted(free.dumps.items()):
            rebuilt = log.repository.get(stream, version=version, projector_func=project)
            assert dump == rebuilt.dump(), f"{stream} at {version}"
    finally:
        log.close()


def test_every_aggregate_ends_as_the_writer_left_it(free: Watched, store: Path) -> None:
    log = open_log(url(store))
    try:
        for stream, dump in free.done.final.items():
            rebuilt = log.repository.get(stream, projector_func=project)
            assert dump == rebuilt.dump(), stream
    finally:
        log.close()


def units(text: str, places: int) -> int:
    """A signed decimal in units."""
    sign = -1 if text.startswith("-") else 1
    return sign * to_units(text.removeprefix("-"), places)
