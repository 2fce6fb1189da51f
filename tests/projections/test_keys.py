"""Keys in the views are those that the venue's own map would have, and are found by the hundred."""

import hashlib
from pathlib import Path

import pytest

from exchange.kernel.events import Envelope
from exchange.kernel.roles import Role
from exchange.orders.commands import RegisterUser
from exchange.orders.records import CommandRecorded, content_digest
from exchange.projections.keys import OlderKeys, older_keys
from exchange.projections.reader import Reader
from exchange.venue.keys import Keys, key_digest
from tests.audit.logs import log_of
from tests.projections.world import follow, opened, rows_of, views_of


def recorded(path: Path) -> dict[bytes, int]:
    """Digest -> position, as the venue binds them."""
    keys = Keys()
    found: dict[bytes, int] = {}
    with opened(path) as log:
        for envelope in log.read():
            event = envelope.event
            if isinstance(event, CommandRecorded):
                keys.follow(event, envelope.position)
                digest = key_digest(event.command, event.key, event.actor)
                if digest is not None and keys.position(digest) is not None:
                    found.setdefault(digest, envelope.position)
    return found


def test_the_views_know_every_key_that_the_venue_has_bound(busy: Path) -> None:
    due = recorded(busy)
    assert len(due) > 100
    assert due == {row["digest"]: row["position"] for row in rows_of(views_of(busy), "keys")}


@pytest.mark.parametrize("count", [0, 1, 7, 1_000])
def test_keys_are_found_and_unknown_ones_are_not(busy: Path, count: int) -> None:
    due = recorded(busy)
    known = dict(list(due.items())[:count])
    unknown = [hashlib.blake2b(bytes([n % 251, n // 251]), digest_size=16).digest()
               for n in range(count)]  # fmt: skip
    reader = Reader(views_of(busy))
    with opened(busy) as log:
        found = older_keys(reader.connection, [*unknown, *known])
        assert OlderKeys(log.last_position, known) == found
    reader.close()


def test_the_first_binding_of_a_key_counts(tmp_path: Path) -> None:
    """Within one commit and across two; no venue binds a key twice, but a log may say so."""
    path, command = tmp_path / "venue.db", RegisterUser("ann")
    digest = content_digest(command)
    same = [
        Envelope(
            "commands", version,
            CommandRecorded(command, "op", Role.OPERATOR, "one", digest, None, version, 0, None),
        )
        for version in range(1, 5)
    ]  # fmt: skip
    with log_of(same[:2], same[2:], path=path):
        pass
    for max_events in (1, 1_000):
        follow(path, max_events, rebuild=True)
        (row,) = rows_of(views_of(path), "keys")
        assert min(recorded(path).values()) == row["position"]
