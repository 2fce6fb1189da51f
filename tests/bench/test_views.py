"""Does the measurement of the read models follow what it says? No time is asserted."""

import json
from pathlib import Path

import pytest

from exchange.bench import views
from tests.command import inside, url
from tests.projections.world import opened, played, random_happenings, write_log


def test_the_views_of_a_store_are_measured_beside_a_bare_cursor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store is left as it was."""
    monkeypatch.setattr(views, "ROUNDS", 1)
    path = tmp_path / "venue.db"
    write_log(played(random_happenings(1, 100)), path)
    told = json.loads(inside("bench", "views", "--store", url(path), "--json")[0])
    with opened(path) as log:
        assert log.last_position == told["events"]
    assert told["events_per_s"] > 0
    assert told["ratio"] > 0
    assert not list(tmp_path.glob("*.views*"))


def test_without_a_store_one_is_made() -> None:
    told = json.loads(inside("bench", "views", "--quick", "--json")[0])
    assert told["events"] > 5_000
