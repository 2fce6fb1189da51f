"""Slices between two batches: what is followed while a thread is still writing."""

import threading
import time
from pathlib import Path

import pytest

from exchange.projections import slices, views
from exchange.projections.bulk import Script
from tests.projections.world import content, opened, views_of


def test_a_slow_commit_holds_up_only_what_is_beyond_a_bound(
    busy: Path, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The venue is never asked to come again at once before it is done."""
    may_commit, commit = threading.Event(), views.Views.commit

    def slow(self: views.Views, script: Script) -> None:
        assert may_commit.wait(5)
        commit(self, script)

    monkeypatch.setattr(views.Views, "commit", slow)
    monkeypatch.setattr(slices, "SLICE_EVENTS", 100)
    monkeypatch.setattr(slices, "WAITING_MAX", 500)
    woken = threading.Event()
    with opened(store) as log:
        last = log.last_position
        serve = slices.Slices(log, views_of(store), pytest.fail, woken.set)
        again = [serve(last) for _ in range(20)]
        assert [0] * 4 == again[:4]
        assert [None] * 10 == again[10:]
        assert 0 == serve.position
        woken.clear()
        may_commit.set()
        assert woken.wait(5)
        assert serve(last) is not None
        assert 0 < serve.position < 500
        until = time.monotonic() + 30
        while (serve.position < last or not views_of(store).exists()) and time.monotonic() < until:
            time.sleep(serve(last) or 0.001)
        serve.close()
    assert content(views_of(busy)) == content(views_of(store))
