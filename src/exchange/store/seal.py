"""The hash chain over batches, so that any change of the log is found."""

import hashlib
from collections.abc import Iterable
from functools import lru_cache

Row = tuple[int, str, int, str, bytes]
"""position, stream, version, topic, stored bytes"""


def genesis(log_id: str) -> bytes:
    """H₀: SHA-256 of the log id's 32 hex digits."""
    return hashlib.sha256(log_id.encode()).digest()


def seal(before: bytes, epoch: int, batch: int, rows: Iterable[Row]) -> bytes:
    """Hₙ of a batch that holds ``rows`` (not empty, its seal excluded).

    SHA-256 of Hₙ₋₁ raw, epoch, batch, first, last, then of each row: stream, version,
    topic, stored bytes. Integers are 8 bytes big-endian unsigned; texts and bytes stand
    after an 8-byte length.
    """
    parts: list[bytes] = []
    add = parts.append
    first = last = 0
    for position, stream, version, topic, state in rows:
        first, last = first or position, position
        add(_text(stream))
        add(version.to_bytes(8))
        add(_text(topic))
        add(len(state).to_bytes(8))
        add(state)
    head = b"".join(n.to_bytes(8) for n in (epoch, batch, first, last))
    return hashlib.sha256(before + head + b"".join(parts)).digest()


@lru_cache(maxsize=65_536)
def _text(text: str) -> bytes:
    raw = text.encode()
    return len(raw).to_bytes(8) + raw
