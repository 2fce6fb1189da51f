"""Killed at any moment, the venue loses nothing it acknowledged and ends as if undisturbed."""

import random
import shutil
import signal
import time
from pathlib import Path
from typing import NamedTuple

import pytest

from exchange.cli.look import open_log
from exchange.feeds.flow import read_flow
from exchange.feeds.run import key_prefix
from exchange.orders.records import CommandRecorded
from exchange.store.errors import StoreFormat
from tests.command import answer, start, url
from tests.feeds.flows import acknowledged, orders_and_money

pytestmark = pytest.mark.slow

SEED = 20260502
SECONDS_MAX = 60

Row = tuple[str, int, str, bytes]


class Campaign(NamedTuple):
    """Kills of one store's runs: the batch limit, the last seq to run, how often, from where on."""

    batch: int
    limit: int
    kills: int
    first: int


CAMPAIGNS = [
    Campaign(batch=1, limit=8_000, kills=12, first=6_000),
    Campaign(batch=7, limit=10_000, kills=10, first=0),
    Campaign(batch=0, limit=20_000, kills=10, first=0),
]


class End(NamedTuple):
    """How a run ended: what it reported, and all rows but the store's own."""

    state_hash: str
    bbo_sha256: str
    rows: list[Row]


def line(flow: Path, store: Path, limit: int, batch: int) -> list[object]:
    return ["feed", "run", flow, "--store", url(store), "--limit", limit, "--batch", batch]


def finish(flow: Path, store: Path, limit: int, batch: int = 0, hash_seed: str = "0") -> End:
    """Run to the limit, undisturbed from here on."""
    report = answer(*line(flow, store, limit, batch), PYTHONHASHSEED=hash_seed)
    return End(report["state_hash"], report["bbo_sha256"], orders_and_money(store))


@pytest.fixture(scope="module")
def undisturbed(five_minutes: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[int, End]:
    """Limit -> the end of a run that nobody killed, in batches as they come, at hash seed 0."""
    folder = tmp_path_factory.mktemp("undisturbed")
    limits = {campaign.limit for campaign in CAMPAIGNS}
    return {limit: finish(five_minutes, folder / f"{limit}.db", limit) for limit in limits}


@pytest.mark.parametrize("campaign", CAMPAIGNS, ids=lambda campaign: f"batch-{campaign.batch}")
def test_killed_runs_keep_what_they_acknowledged_and_end_undisturbed(
    campaign: Campaign, five_minutes: Path, undisturbed: dict[int, End], tmp_path: Path
) -> None:
    """Each kill hits a run that was about to go on where the last one was killed."""
    store, prefix = tmp_path / "venue.db", key_prefix(read_flow(five_minutes).digest)
    if campaign.first:
        finish(five_minutes, store, campaign.first)
    stored: set[int] = set()
    unfinished = 0
    for number, moment in enumerate(moments(campaign)):
        acks = tmp_path / f"acks-{number}"
        kill(line(five_minutes, store, campaign.limit, campaign.batch), acks, moment)
        kept = stored_seqs(store, prefix, tmp_path / "crashed")
        assert set(acknowledged(acks)) <= kept
        assert stored <= kept
        assert kept == set(range(1, len(kept) + 1))
        stored = kept
        unfinished += len(kept) < campaign.limit
    verdict = answer("verify", "--store", url(store))  # right on what the last kill left
    assert verdict["ok"], verdict
    assert unfinished > campaign.kills // 2, "the kills came too late to prove anything"
    end = finish(five_minutes, store, campaign.limit)
    assert undisturbed[campaign.limit] == end
    verdict = answer("verify", "--store", url(store))
    assert (True, end.state_hash) == (verdict["ok"], verdict["state_hash"])


def test_neither_batches_nor_hash_seeds_change_what_is_stored(
    five_minutes: Path, undisturbed: dict[int, End], tmp_path: Path
) -> None:
    """One command a batch, seven, 256, as many as wait: rows, hashes and books are the same."""
    limit = 8_000
    settings = [(1, "random"), (7, "1"), (256, "random"), (0, "1")]
    for number, (batch, seed) in enumerate(settings):
        store = tmp_path / f"{number}.db"
        end = finish(five_minutes, store, limit, batch, seed)
        assert undisturbed[limit] == end, f"batch {batch}, hash seed {seed}"


class Moment(NamedTuple):
    """When to kill: once so many were acknowledged, and so much later."""

    acks: int
    seconds: float


def moments(campaign: Campaign) -> list[Moment]:
    """Random, in the order of the flow; every fourth by the clock alone: in start or recovery."""
    chance = random.Random(SEED + campaign.batch)  # noqa: S311 - a repeatable choice, no secret
    most = campaign.limit - 500
    seqs = sorted(chance.randint(campaign.first + 1, most) for _ in range(campaign.kills))
    return [
        Moment(seq, chance.uniform(0, 0.01)) if number % 4 else Moment(0, chance.uniform(0.3, 0.9))
        for number, seq in enumerate(seqs)
    ]


def kill(words: list[object], acks: Path, moment: Moment) -> None:
    """Start the run and end it the hard way."""
    with start(*words, "--acks", acks) as running:
        until = time.monotonic() + SECONDS_MAX
        while moment.acks and last_ack(acks) < moment.acks:
            assert running.poll() is None, running.communicate()
            assert time.monotonic() < until, f"{moment} was not reached"
            time.sleep(0.001)
        time.sleep(moment.seconds)
        running.kill()
        assert -signal.SIGKILL == running.wait()


def last_ack(acks: Path) -> int:
    """The last whole line of a file that grows."""
    if not acks.exists():
        return 0
    with acks.open("rb") as file:
        file.seek(-min(64, acks.stat().st_size), 2)
        lines = file.read().split(b"\n")[:-1]
    return int(lines[-1]) if lines else 0


def stored_seqs(store: Path, prefix: str, folder: Path) -> set[int]:
    """The file's commands in the log, read from a copy: a reader must not tidy up the store."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for path in store.parent.glob(f"{store.name}*"):
        if not path.name.endswith("-shm"):
            shutil.copy(path, folder)
    copy = folder / store.name
    if not copy.exists():
        return set()
    try:
        log = open_log(url(copy))
    except StoreFormat as error:  # killed before the file was a store
        assert "no venue has been opened" in str(error)  # noqa: PT017 - else it is a fault
        return set()
    try:
        keys = [
            envelope.event.key or ""
            for envelope in log.read()
            if isinstance(envelope.event, CommandRecorded)
        ]
    finally:
        log.close()
    found = [key.removeprefix(prefix) for key in keys if key.startswith(prefix)]
    seqs = [int(seq) for seq in found if seq.isdecimal()]
    assert len(set(seqs)) == len(seqs)
    return set(seqs)
