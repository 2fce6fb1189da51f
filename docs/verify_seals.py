#!/usr/bin/env python3
"""Recompute every seal of a store with nothing but Python; the formula is in docs/log.md.

Run as ``python docs/verify_seals.py STORE.db``. Prints how much is sealed and the last head, in
the words of the heads file; ends with 1 at the first bad batch.
"""

import hashlib
import json
import sqlite3
import sys
from pathlib import Path

ROWS = "SELECT rowid, originator_id, originator_version, topic, state FROM stored_events"


def number(value: int) -> bytes:
    """An integer as it is hashed."""
    return value.to_bytes(8, "big")


def verify(store: Path) -> str:
    """What was found in a store that is sound."""
    batch, first, position, epoch, head, log_id = 1, 1, 0, 0, b"", ""
    places: list[list[object]] = []  # of the batch so far
    states = b""
    versions: dict[str, int] = {}
    database = sqlite3.connect(f"{store.absolute().as_uri()}?mode=ro", uri=True)
    for found, stream, version, topic, state in database.execute(ROWS + " ORDER BY rowid"):
        position, versions[stream] = position + 1, versions.get(stream, 0) + 1
        if (found, version) != (position, versions[stream]):
            place = f"event {found} ({stream} {version})"
            sys.exit(f"batch {batch}: {place} instead of {position} ({stream} {versions[stream]})")
        if (stream, topic) == ("venue", "store.BatchSealed.v1"):
            parts = [number(n) for n in (epoch, batch, first, position - 1)]
            listed = json.dumps(places, ensure_ascii=False, separators=(",", ":")).encode()
            head = hashlib.sha256(b"".join([head, *parts, listed, states])).digest()
            if state != f'[{epoch},{batch},{first},{position - 1},"{head.hex()}"]'.encode():
                sys.exit(f"batch {batch}: events {first} to {position} do not fit its seal")
            batch, first, places, states = batch + 1, position + 1, [], b""
            continue
        epoch += (stream, topic) == ("venue", "store.EpochStarted.v1")
        if position == 1:  # its first field is the log id
            log_id = state[2:34].decode("ascii", "replace")
            head = hashlib.sha256(log_id.encode()).digest()
        places.append([position, stream, version, topic, len(states) + 1, len(state)])
        states += state
    if places or not head:
        sys.exit(f"batch {batch}: the log ends at event {position} without a seal")
    return f"log {log_id}: {position} events\n{batch - 1} {position} {head.hex()}\n"


if __name__ == "__main__":
    try:
        sys.stdout.write(verify(Path(sys.argv[1])))
    except sqlite3.Error as error:
        sys.exit(f"{sys.argv[1]}: {error}")
