"""Whatever kills the maker of a snapshot, what is left is good or of no concern to anybody."""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from exchange.audit.snapshots import Snapshotter, verified
from exchange.store.snapshots import SnapshotFolder
from exchange.venue.opening import nearest
from tests.audit.grown import copied, grow, reading, snapshot
from tests.audit.process import POINTS
from tests.command import EXCHANGE, url
from tests.store.stored import ROOT, child, rows_of
from tests.store.stored import verified as seals_verified
from tests.store.trading import acks_of, orders, set_up, stored_acks

KILLS = 8


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("grown") / "venue.db"
    grow(made, 150, 2)
    return made


@pytest.fixture
def path(grown: Path, tmp_path: Path) -> Path:
    return copied(grown, tmp_path / "copy")


@pytest.mark.parametrize("point", POINTS)
def test_a_maker_killed_at_a_point_leaves_good_ones_only(path: Path, point: str) -> None:
    before = rows_of(path)
    command = [sys.executable, "-m", "tests.audit.process", str(path), point]
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True)  # noqa: S603
    assert -signal.SIGKILL == done.returncode, done.stderr
    sound(path)
    assert before == rows_of(path)
    with reading(path) as log:
        made = Snapshotter(log).make(keep=1)
        folder = SnapshotFolder(log.url)
        assert made is None or log.last_position == made.position
        assert log.last_position == folder.files()[0].position
        left = {it.name for it in folder.path.iterdir()} - {it.path.name for it in folder.files()}
        assert not (made and left)


@pytest.mark.slow
def test_a_command_killed_at_any_moment_leaves_good_ones_only(path: Path) -> None:
    chance = random.Random()  # noqa: S311 - moments to die at, not secrets
    for _ in range(KILLS):
        with subprocess.Popen(  # noqa: S603 - our own command
            [EXCHANGE, "snapshot", "make", "--store", url(path), "--keep", "2"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as process:
            time.sleep(chance.uniform(0.2, 0.8))
            process.kill()
        sound(path)


@pytest.mark.slow
def test_a_venue_that_trades_loses_and_doubles_nothing_by_it(tmp_path: Path) -> None:
    """Makers come and are killed while another process trades; it is killed at last as well."""
    path = tmp_path / "venue.db"
    acks_of(path, [*set_up(), *orders(1, 200)])
    chance, said = random.Random(), dict[str, int]()  # noqa: S311 - as above
    trader = child("trade", path, 1_000)
    assert trader.stdout is not None
    said |= dict([_said(next(trader.stdout))])
    snapshot(path)
    for _ in range(4):
        with subprocess.Popen(  # noqa: S603 - our own command
            [EXCHANGE, "snapshot", "make", "--store", url(path), "--follow"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as process:
            time.sleep(chance.uniform(0.7, 1.4))
            process.kill()
    trader.kill()
    said |= dict(map(_said, trader.stdout))
    trader.communicate()
    sound(path)
    stored = {key: ack.position for key, ack in stored_acks(path).items()}
    assert said == {key: stored.get(key) for key in said}
    seals_verified(path)


def _said(line: str) -> tuple[str, int]:
    key, position = line.split()
    return key, int(position)


def sound(path: Path) -> None:
    """Each snapshot is true, and the state that comes of them is the log's."""
    with reading(path) as log:
        assert [] == [it.wrong for it in verified(log) if it.wrong is not None]
        start = nearest(log)
        assert start.position > 0
        assert () == start.passed
