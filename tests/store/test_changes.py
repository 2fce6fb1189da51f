"""Whoever waits for a log to grow is told soon, and costs nothing meanwhile."""

import time
from contextlib import closing
from pathlib import Path

from exchange.kernel.events import Envelope
from exchange.store.changes import Changes
from exchange.store.writer import LogWriter
from exchange.users.events import UserRegistered
from exchange.venue.catalogue import EVENTS
from tests.audit.logs import append, url_of

LONG_S = 600.0


def test_a_commit_is_noticed_once(tmp_path: Path) -> None:
    """In the tests' patience: without it being noticed the wait would take ten minutes."""
    url = url_of(tmp_path / "venue.db")
    log = LogWriter(url, EVENTS, at_us=0)
    with closing(Changes(url)) as changes:
        for number in range(2):
            append(log, [Envelope(f"user:{number}", 1, UserRegistered(), 0)])
            began = time.monotonic()
            changes.wait(LONG_S)
            assert time.monotonic() - began < LONG_S / 10
        began = time.monotonic()
        changes.wait(0.2)
        assert time.monotonic() - began >= 0.2
    log.close()
