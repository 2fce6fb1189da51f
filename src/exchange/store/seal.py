"""The hash chain over batches, so that any change of the log is found."""

import hashlib
from collections.abc import Iterable, Sequence
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
    parts = [part for row in rows for part in sealed_parts(*row[1:])]
    return seal_parts(before, epoch, batch, rows[0][0], rows[-1][0], parts)


def sealed_parts(stream: str, version: int, topic: str, state: bytes) -> tuple[bytes, ...]:
    """What a seal covers of one row, as :func:`seal` says."""
    return _text(stream), _number(version), _text(topic), _number(len(state)), state


def seal_parts(
    before: bytes, epoch: int, batch: int, first: int, last: int, parts: Iterable[bytes]
) -> bytes:
    """Hₙ of the rows at ``first`` to ``last`` whose ``sealed_parts`` are ``parts``, in order."""
    head = (before, *map(_number, (epoch, batch, first, last)))
    return hashlib.sha256(b"".join((*head, *parts))).digest()


@lru_cache(maxsize=65_536)
def _text(text: str) -> bytes:
    raw = text.encode()
    return len(raw).to_bytes(8) + raw
