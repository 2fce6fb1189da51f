"""What a caller is told, made from the command's own events: now, or from the log years later."""

from collections.abc import Sequence

import msgspec

from exchange.kernel.events import Placed
from exchange.kernel.ids import order_id
from exchange.kernel.orders import CANCELLING, EndReason, Fill, Status
from exchange.kernel.rejects import Refusal
from exchange.matching.events import (
    OrderAccepted,
    OrderAmended,
    OrderListAccepted,
    OrderReduced,
    OrdersCancelled,
)
from exchange.orders.records import CommandRecorded
from exchange.wallet.events import ClaimProposed, WithdrawalRequested

NEW, PARTIALLY_FILLED = Status.NEW, Status.PARTIALLY_FILLED
FINISHED = (EndReason.FILLED, EndReason.BUDGET_SPENT)


class Ack(msgspec.Struct, frozen=True, gc=False):
    """The first answer to a command; a repeat gets the same.

    ``position`` is that of the command's last event: a read model that has reached it shows
    the command. ``status`` is null for commands that end or enter no order. ``other_id`` is the
    second order of a list, ``status`` then that of the first; ``number`` is that of a withdrawal
    or a claim that the command made.
    """

    position: int
    refusal: Refusal | None = None
    order_id: str | None = None
    status: Status | None = None
    fills: tuple[Fill, ...] = ()
    other_id: str | None = None
    number: int | None = None


def answer(placed: Sequence[Placed]) -> Ack:
    """The answer to the command whose record and effects ``placed`` are."""
    (_, _, record, begun), (*_, position) = placed[0], placed[-1]
    if not isinstance(record, CommandRecorded):
        raise TypeError(f"no record at {begun}")
    if record.refusal is not None:
        return Ack(position, record.refusal, None, Status.REJECTED)
    if len(placed) == 1:
        return Ack(position)
    stands: Status | None
    stream, _, event, _ = placed[1]
    symbol = stream[5:]  # behind "book:"
    match event:
        case OrderAccepted():
            number, stands, fills = event.number, status(event), event.fills
        case OrderListAccepted(orders=(first, second)):
            other_id = order_id(symbol, second.number)
            return Ack(position, None, order_id(symbol, first.number), status(first), (), other_id)
        case OrderAmended():
            number, stands, fills = event.number, _amended(event), event.fills
        case OrdersCancelled():
            cancelled = event.reason in CANCELLING
            stands = Status.CANCELED if cancelled else Status.EXPIRED
            number, fills = event.numbers[0], ()
        case OrderReduced():
            number, stands, fills = event.number, None, ()
        case WithdrawalRequested() | ClaimProposed():
            return Ack(position, number=event.number)
        case _:
            return Ack(position)
    return Ack(position, None, order_id(symbol, number), stands, fills)


def _amended(event: OrderAmended) -> Status:
    """Where an order stands right after it was changed."""
    if event.ended is None:
        return NEW if event.leaves == event.quantity else PARTIALLY_FILLED
    return Status.FILLED if event.ended in FINISHED else Status.EXPIRED


def status(accepted: OrderAccepted) -> Status:
    """Where an order stands right after it entered the book."""
    if accepted.ended is None:
        if accepted.terms.trigger is not None:
            return Status.UNTRIGGERED
        return PARTIALLY_FILLED if accepted.fills else NEW
    if accepted.ended in FINISHED and accepted.fills:
        return Status.FILLED
    return Status.CANCELED if accepted.ended in CANCELLING else Status.EXPIRED
