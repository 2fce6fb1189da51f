"""A snapshot as bytes: the venue's state at a seal, and all that tells whether it can be trusted.

Two lines of text, then the body. The first line is the SHA-256 of all behind it, the second the
header, JSON that says which ``format`` the rest has: so much stays as it is in every format.
The body is the canonical encoding of the state, compressed.
"""

import hashlib
import zlib

import msgspec

from exchange import __version__
from exchange.kernel.laws import InvariantViolation
from exchange.venue.state import STATE_ENCODING, VenueState

FORMAT = 1
DIGITS = 64
LEVEL = 1
"""Of compression: a tenth of the size for a sixth of the time that the state takes to load."""

FAULTS = (
    InvariantViolation, ArithmeticError, AttributeError, LookupError, RecursionError, TypeError,
    ValueError, zlib.error,
)  # fmt: skip
"""What loading raises where a body that was not changed makes no sense."""


class Header(msgspec.Struct, frozen=True):
    """What is known of a snapshot without its body."""

    format: int
    encoding: int  # of the state
    software: str  # that made it, for people
    log_id: str
    position: int  # of the seal that it stands behind
    seal: str  # its hash, 64 hex digits
    command: int  # position of the last event of the last command, 0 before the first
    at_us: int  # venue time of that command
    state_hash: str
    orders: int  # open ones, for people


class Snapshot(msgspec.Struct, frozen=True):
    """Header and body; the digest over both was right."""

    header: Header
    body: bytes


class Unusable(Exception):  # noqa: N818 - the condition is the message
    """No state comes of it; the message says why."""


class OtherVersion(Unusable):
    """Another version of the program made it: it may be sound, only not for us."""


class Place(msgspec.Struct, frozen=True):
    """Where in which log a state stands."""

    log_id: str
    position: int  # of a seal
    seal: str
    command: int


def pack(state: VenueState, place: Place) -> tuple[Header, bytes]:
    """The snapshot of a state that stands behind a seal: its header, and all of it. O(state)."""
    encoded = state.encoded()
    header = Header(
        FORMAT, STATE_ENCODING, __version__, place.log_id, place.position, place.seal,
        place.command, state.at_us, hashlib.sha256(encoded).hexdigest(),
        sum(len(room.book.orders) for room in state.rooms.values()),
    )  # fmt: skip
    rest = b"\n".join((msgspec.json.encode(header), zlib.compress(encoded, LEVEL)))
    return header, b"\n".join((_digest(rest), rest))


def unpack(content: bytes) -> Snapshot:
    """Header and body; O(bytes). What the state says is left for :func:`restored`.

    Raises:
        Unusable: bytes were changed, or are missing.
        OtherVersion: a newer or older program made it.
    """
    digest, _, rest = content.partition(b"\n")
    if digest != _digest(rest):
        raise Unusable("it is damaged: its digest is not that of its bytes")
    head, _, body = rest.partition(b"\n")
    try:
        written = msgspec.json.decode(head, type=dict[str, object])
        if written.get("format") != FORMAT:
            raise OtherVersion(f"its format is {written.get('format')}, this program's {FORMAT}")
        header = msgspec.convert(written, Header)
    except ValueError as error:
        raise Unusable(f"its header makes no sense: {error}") from error
    if header.encoding != STATE_ENCODING:
        raise OtherVersion(
            f"its state has encoding {header.encoding}, this program's {STATE_ENCODING}"
        )
    return Snapshot(header, body)


def restored(snapshot: Snapshot) -> VenueState:
    """The state, which has the hash that the header names. O(state).

    Raises:
        Unusable: it has not.
    """
    state = VenueState()
    try:
        state.load(zlib.decompress(snapshot.body))
        found = state.state_hash()
    except FAULTS as error:
        raise Unusable(f"its state makes no sense: {error!r}") from error
    header = snapshot.header
    if found != header.state_hash:
        raise Unusable(f"its state has hash {found}, its header says {header.state_hash}")
    if state.at_us != header.at_us:
        raise Unusable(f"its state stands at {state.at_us}us, its header says {header.at_us}us")
    return state


def _digest(content: bytes) -> bytes:
    return hashlib.sha256(content).hexdigest().encode()
