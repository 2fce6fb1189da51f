"""What befell the other order of a list, that our order ended by it."""

from collections.abc import Sequence

from exchange.kernel.events import Envelope, Event
from exchange.kernel.orders import EndReason
from exchange.matching.events import (
    OrderAccepted,
    OrderAmended,
    OrderListAccepted,
    OrdersCancelled,
    StopEntered,
    StopsTriggered,
)


def fate_of(number: int, command: Sequence[Envelope], book: str) -> str:
    """What the command did to the order ``number`` of ``book``, in words."""
    for envelope in command:
        if envelope.originator_id == book:
            fate = _fate(number, envelope.event)
            if fate is not None:
                return fate
    return "was ended with it"


def _fate(number: int, event: Event) -> str | None:
    match event:
        case StopsTriggered() if number in event.numbers:
            return "was triggered"
        case OrdersCancelled() if number in event.numbers and event.reason is not EndReason.LIST:
            return f"ended first: {event.reason.value}"
        case OrderAccepted() | OrderAmended() | StopEntered():
            return _met_by(number, event)
        case OrderListAccepted(orders=orders):
            return _met_by(number, orders[0]) or _met_by(number, orders[1])
        case _:
            return None


def _met_by(number: int, event: OrderAccepted | OrderAmended | StopEntered) -> str | None:
    if any(fill.maker == number for fill in event.fills):
        return "traded"
    found = next((it for it in event.met if it.maker == number), None)
    return None if found is None else f"was met and not traded with: {found.reason.value}"
