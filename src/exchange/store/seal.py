"""The hash chain over batches, so that any change of the log is found."""

import hashlib
from collections.abc import Sequence
from itertools import accumulate
from struct import Struct
from typing import NamedTuple

import msgspec

Row = tuple[int, str, int, str, bytes]
"""position, stream, version, topic, stored bytes"""

Place = tuple[int, str, int, str, int, int]
"""position, stream, version, topic; where the stored bytes begin among all of the batch, counted
from 1, and how many they are"""


_numbers = Struct(">QQQQ").pack
_encode = msgspec.json.Encoder().encode
_decode_places = msgspec.json.Decoder(list[Place]).decode


class Packed(NamedTuple):
    """Rows in two pieces: what is hashed, and what SQLite takes."""

    places: bytes  # JSON without spaces: a list of the rows' places
    states: bytes  # the rows' stored bytes, one behind the other

    def plus(self, row: Row) -> "Packed":
        """These rows, of which there is one at least, and one more."""
        place = _encode((*row[:4], len(self.states) + 1, len(row[4])))
        return Packed(b"%b,%b]" % (self.places[:-1], place), self.states + row[4])


def pack(rows: Sequence[Row]) -> Packed:
    """The rows in two pieces."""
    sizes = [len(row[4]) for row in rows]
    starts = accumulate(sizes, initial=1)
    places = [
        (*row[:4], start, size) for row, start, size in zip(rows, starts, sizes, strict=False)
    ]
    return Packed(_encode(places), b"".join([row[4] for row in rows]))


def unpacked(rows: Packed) -> list[Row]:
    """The rows, one by one again."""
    states = rows.states
    return [
        (position, stream, version, topic, states[start - 1 : start - 1 + size])
        for position, stream, version, topic, start, size in _decode_places(rows.places)
    ]


def genesis(log_id: str) -> bytes:
    """H₀: SHA-256 of the log id's 32 hex digits."""
    return hashlib.sha256(log_id.encode()).digest()


def seal(before: bytes, epoch: int, batch: int, first: int, last: int, rows: Packed) -> bytes:
    """Hₙ of a batch that holds ``rows`` at positions ``first`` to ``last``, its seal excluded.

    SHA-256 of Hₙ₋₁ raw, the four integers (8 bytes each, big-endian, unsigned), places, states.
    """
    return hashlib.sha256(b"".join((before, _numbers(epoch, batch, first, last), *rows))).digest()
