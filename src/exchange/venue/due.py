"""What the venue itself has to do, as a function of its state: nothing of it waits in a queue."""

from exchange.kernel.instruments import MarketState
from exchange.orders.commands import ChangeMarketState, ExpireOrders, Request, Role, RunStops
from exchange.venue.state import Room, VenueState

ACTOR = "venue"
STOPPED_TOO_OFTEN = "the venue was stopped three times within a minute"


def due_work(state: VenueState, at_us: int) -> Request | None:
    """The piece of work that goes ahead of the next command at venue time ``at_us``, if any.

    One piece a command, each bounded: a command waits for no more than that, and what it meets
    before its piece comes up is taken care of on the spot. As this depends on the log alone,
    neither batches nor restarts change it.
    """
    return None if state.at_work else next_piece(state, at_us)


def next_piece(state: VenueState, at_us: int) -> Request | None:
    """What is due at ``at_us``, by market in the order of listing."""
    for symbol, room in state.rooms.items():
        deadlines = room.book.deadlines
        if deadlines and deadlines[0][0] <= at_us:
            return Request(ExpireOrders(symbol), ACTOR, Role.SYSTEM)
        if room.book.stops.woken and _trades(state, room):
            return Request(RunStops(symbol), ACTOR, Role.SYSTEM)
    return None


def next_due_us(state: VenueState) -> int | None:
    """The earliest venue time at which something will be due; null: nothing ever."""
    if next_piece(state, state.at_us) is not None:
        return state.at_us
    first = [room.book.deadlines[0][0] for room in state.rooms.values() if room.book.deadlines]
    return min(first, default=None)


def halts(state: VenueState) -> list[Request]:
    """What halts every market that trades, in the order of listing.

    Not a function of the state alone: the stops that call for it left no trace in the log.
    """
    return [
        Request(
            ChangeMarketState(symbol, MarketState.HALTED, STOPPED_TOO_OFTEN), ACTOR, Role.SYSTEM
        )
        for symbol, room in state.rooms.items()
        if room.market.state is MarketState.CONTINUOUS
    ]


def _trades(state: VenueState, room: Room) -> bool:
    """Whether anything may trade there."""
    return room.market.state is MarketState.CONTINUOUS and not state.switch.killed
