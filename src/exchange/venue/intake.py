"""What may enter the queue at all: a request that is not admitted leaves no record."""

import msgspec

from exchange.kernel.ids import is_key, is_name
from exchange.kernel.roles import SYSTEM
from exchange.orders.commands import Request, account_of
from exchange.orders.records import content, digest_of
from exchange.venue.keys import key_digest

CONTENT_BYTES_MAX = 65_536


class Malformed(ValueError):  # noqa: N818 - the condition is the message
    """The request could not be stored as it is; it binds nothing and leaves no record."""


class Admitted(msgspec.Struct, frozen=True, gc=False):
    """A request with its content digest, and the digest of its key if it has one."""

    request: Request
    digest: str
    key: bytes | None


def admit(request: Request) -> Admitted:
    """The request, ready to be decided.

    Raises:
        Malformed: a key or id breaks its pattern, or the content can't be stored.
    """
    command = request.command
    if request.role is SYSTEM:
        raise Malformed("the venue gives its own commands itself")
    account, symbol = account_of(command), getattr(command, "symbol", None)
    if symbol is None:
        symbol = getattr(command, "only_symbol", None)
    if not (
        is_name(request.actor)
        and (account is None or is_name(account))
        and (symbol is None or is_name(symbol))
        and (request.key is None or is_key(request.key))
        and (request.trace_id is None or is_key(request.trace_id))
    ):
        raise Malformed("the actor, account, symbol, key or trace id breaks its pattern")
    try:
        stored = content(command)
    except ValueError as error:  # a lone surrogate, an integer of thousands of digits
        raise Malformed(f"the content can't be stored: {error}") from error
    if len(stored) > CONTENT_BYTES_MAX:
        raise Malformed(f"the content has {len(stored)} bytes, {CONTENT_BYTES_MAX} at most")
    key = key_digest(command, request.key, request.actor)
    return Admitted(request, digest_of(stored), key)
