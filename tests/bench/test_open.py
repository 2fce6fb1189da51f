"""Does the measurement of opening open what it says? No time is asserted."""

import json
from pathlib import Path

import pytest

from tests.command import inside


def test_opening_is_measured_from_genesis_and_from_snapshots(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was made for it is gone at the end."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    told = json.loads(inside("bench", "open", "--quick", "--json")[0])
    assert told["hashes_equal"]
    assert told["started_where_expected"]
    assert told["events"] > 3_000
    followed = [
        told[way]["events_followed"]
        for way in ("from_snapshot", "from_snapshot_with_tail", "from_genesis")
    ]
    assert 2 == followed[0]
    assert 500 < followed[1] < 600
    assert told["events"] == followed[2]
    assert 500 < told["state_alone_with_tail"]["events_followed"] < followed[1] + 1
    assert told["snapshot"]["bytes"] > 1_000
    assert 2 == len(told["beside"]["ratios"])
    loop = told["beside"]["open_loop"]
    assert 2 * 1_250 == loop["orders"]
    assert {"ack_p50_ms", "ack_p99_ms", "ack_p999_ms", "ack_max_ms"} == set(loop["alone"])
    assert loop["alone"].keys() == loop["with_a_snapshot"].keys()
    assert [] == list(tmp_path.iterdir())
