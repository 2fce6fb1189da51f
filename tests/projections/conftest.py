"""Stores with their views: one in which everything has happened, one of real order flow."""

import shutil
from pathlib import Path

import pytest

from exchange.venue.batch import Bounds
from tests.audit.logs import run_sample
from tests.feeds.conftest import commands, five_minutes, tape, wheel
from tests.projections.world import follow, played, random_happenings, write_log

__all__ = ["busy", "commands", "five_minutes", "real", "tape", "wheel"]


@pytest.fixture(scope="session")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log of every kind of order, in batches of various sizes, and its views."""
    path = tmp_path_factory.mktemp("busy") / "venue.db"
    write_log(played(random_happenings(11, 2_500)), path, [1, 4, 40])
    follow(path)
    return path


@pytest.fixture
def store(busy: Path, tmp_path: Path) -> Path:
    """The busy log, without views."""
    path = tmp_path / "venue.db"
    shutil.copy(busy, path)
    return path


@pytest.fixture(scope="session")
def real(five_minutes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The log of five minutes of recorded flow, and its views."""
    path = tmp_path_factory.mktemp("real") / "venue.db"
    run_sample(five_minutes, path, Bounds())
    follow(path)
    return path
