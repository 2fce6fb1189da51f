"""The public sample of real order flow, downloaded once: the wheel, the files, the tape."""

import os
from pathlib import Path

import pytest

from exchange.feeds import sample
from exchange.feeds.sample import SampleUnavailable
from tests.feeds.flows import Tape, tape_of


@pytest.fixture(scope="session")
def wheel() -> Path:
    """The real wheel. Without one the test is skipped, but in CI, where nobody would see, fails."""
    try:
        return sample.fetch(sample.cache_dir())
    except SampleUnavailable as reason:
        if os.environ.get("CI"):
            pytest.fail(f"the sample can't be had: {reason}")
        pytest.skip(f"the sample can't be had: {reason}")


@pytest.fixture(scope="session")
def commands(wheel: Path) -> bytes:
    """All 30 minutes as a commands file."""
    return sample.convert(wheel)


@pytest.fixture(scope="session")
def all_minutes(commands: bytes, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of all 30 minutes."""
    path = tmp_path_factory.mktemp("sample") / "commands.csv"
    path.write_bytes(commands)
    return path


@pytest.fixture(scope="session")
def five_minutes(commands: bytes, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of the first 5 minutes."""
    path = tmp_path_factory.mktemp("sample") / "first_5.csv"
    path.write_bytes(sample.first_minutes(commands, 5))
    return path


@pytest.fixture(scope="session")
def tape(wheel: Path) -> Tape:
    """What the exchange itself recorded as its trades: nothing of ours had a hand in it."""
    return tape_of(wheel)
