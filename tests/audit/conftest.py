"""The logs that get tampered with: each made once, copied for each attempt."""

import os
from pathlib import Path

import pytest

from exchange.feeds import sample
from exchange.feeds.sample import SampleUnavailable
from exchange.feeds.synthetic import synthetic_flow
from exchange.venue.batch import Bounds
from tests.audit.logs import run_sample

BOUNDS = Bounds(commands=20, deciding_ms=60_000)
"""Batches of twenty commands however slow the machine is."""


@pytest.fixture(scope="session")
def five_minutes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five minutes of recorded flow; without the download a skip, but where CI is set a failure."""
    try:
        flow = sample.convert(sample.fetch(sample.cache_dir()))
    except SampleUnavailable as reason:
        if os.environ.get("CI"):
            pytest.fail(f"the sample can't be had: {reason}")
        pytest.skip(f"the sample can't be had: {reason}")
    path = tmp_path_factory.mktemp("sample") / "five_minutes.csv"
    path.write_bytes(sample.first_minutes(flow, 5))
    return path


@pytest.fixture(scope="session")
def synthetic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six hundred made-up commands."""
    path = tmp_path_factory.mktemp("synthetic") / "flow.csv"
    path.write_bytes(synthetic_flow(600))
    return path


@pytest.fixture(scope="session")
def real_log(five_minutes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The log of the real opening book and the two thousand commands behind it."""
    path = tmp_path_factory.mktemp("real") / "venue.db"
    run_sample(five_minutes, path, BOUNDS, limit=8_500)
    return path


@pytest.fixture(scope="session")
def whole_log(five_minutes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The log of all five minutes, in batches as they come."""
    path = tmp_path_factory.mktemp("whole") / "venue.db"
    run_sample(five_minutes, path, Bounds())
    return path


@pytest.fixture(scope="session")
def small_log(synthetic: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The log of the made-up flow, in two epochs."""
    path = tmp_path_factory.mktemp("small") / "venue.db"
    run_sample(synthetic, path, BOUNDS, limit=300)
    run_sample(synthetic, path, BOUNDS)
    return path
