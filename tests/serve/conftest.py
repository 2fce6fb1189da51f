"""Order flow for venues that run in a process of their own."""

from pathlib import Path

import pytest

from exchange.feeds.synthetic import synthetic_flow


@pytest.fixture(scope="module")
def flow(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("flow") / "flow.csv"
    file.write_bytes(synthetic_flow(20_000))
    return file
