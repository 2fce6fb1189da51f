"""Whether a command's turn had come: the venue's own work goes first, and only when it is due."""

from exchange.kernel.events import Event
from exchange.kernel.laws import InvariantViolation
from exchange.orders.commands import Request, Role
from exchange.orders.records import CommandRecorded
from exchange.venue.due import due_work, halts, next_piece
from exchange.venue.state import VenueState


def check_turn(state: VenueState, record: Event) -> None:
    """Law R7 for the next record of a log, in the state before it.

    Raises:
        InvariantViolation: a piece of work should have gone ahead, or was not the next one.
    """
    if not isinstance(record, CommandRecorded):
        return  # that is another finding's
    if record.role is Role.SYSTEM:
        if Request(record.command, record.actor, record.role) in halts(state):
            return  # Why is written beside the log; that it was done, and by whom, is in it.
        piece = next_piece(state, record.at_us)
        if piece is None or piece.command != record.command:
            due = None if piece is None else piece.command
            raise InvariantViolation("R7", f"{record.command} was not next, but {due}")
        return
    work = due_work(state, record.at_us)
    if work is not None:
        raise InvariantViolation("R7", f"{work.command} should have gone ahead")
