"""The hash chain over batches, so that any change of the log is found."""

import hashlib
from collections.abc import Sequence
from functools import lru_cache
from struct import Struct

Row = tuple[int, str, int, str, bytes]
"""position, stream, version, topic, stored bytes"""


_number = Struct(">Q").pack


def genesis(log_id: str) -> bytes:
    """H₀: SHA-256 of the log id's 32 hex digits."""
    return hashlib.sha256(log_id.encode()).digest()


def seal(before: bytes, epoch: int, batch: int, rows: Sequence[Row]) -> bytes:
    """Hₙ of a batch that holds ``rows`` (not empty, its seal excluded).

    SHA-256 of Hₙ₋₁ raw, epoch, batch, first, last, then of each row: stream, version,
    topic, stored bytes. Integers are 8 bytes big-endian unsigned; texts and bytes stand
    after an 8-byte length.
    """
    parts = [before, *map(_number, (epoch, batch, rows[0][0], rows[-1][0]))]
    add, number, text = parts.extend, _number, _text
    for _, stream, version, topic, state in rows:
        add((text(stream), number(version), text(topic), number(len(state)), state))
    return hashlib.sha256(b"".join(parts)).digest()


@lru_cache(maxsize=65_536)
def _text(text: str) -> bytes:
    raw = text.encode()
    return len(raw).to_bytes(8) + raw
