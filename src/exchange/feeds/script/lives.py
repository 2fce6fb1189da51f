"""Where each order of a story stands, followed from the events that tell of it."""

from collections.abc import Iterable
from typing import NamedTuple

from exchange.kernel.events import Envelope, Event
from exchange.kernel.orders import CANCELLING, EndReason, Status
from exchange.matching.events import (
    OrderAccepted,
    OrderAmended,
    OrderListAccepted,
    OrderReduced,
    OrdersCancelled,
    StopEntered,
    StopsTriggered,
)
from exchange.venue.answers import FINISHED, status


class Life(NamedTuple):
    """Where an order stands; ``reason`` is why it ended, null while it is open."""

    status: Status
    reason: EndReason | None = None

    def __str__(self) -> str:
        if self.reason is None or self.reason is EndReason.FILLED:
            return self.status.value
        return f"{self.status.value} because {self.reason.value}"


class Lives:
    """(symbol, order number) -> its life; orders that ended are kept."""

    def __init__(self) -> None:
        self._lives: dict[tuple[str, int], Life] = {}

    def of(self, symbol: str, number: int) -> Life:
        """The life of an accepted order."""
        return self._lives[symbol, number]

    def follow(self, envelopes: Iterable[Envelope]) -> None:
        """Follow the effects of one command.

        Raises:
            TypeError: a book has an event that nobody follows here.
        """
        for envelope in envelopes:
            room, _, symbol = envelope.originator_id.partition(":")
            if room == "book":
                event = envelope.event
                for it in event.orders if isinstance(event, OrderListAccepted) else (event,):
                    self._follow(symbol, it)

    def _follow(self, symbol: str, event: Event) -> None:
        match event:
            case OrderAccepted():
                self._meet(symbol, event)
                self._lives[symbol, event.number] = Life(status(event), event.ended)
            case StopsTriggered():
                for number in event.numbers:
                    self._lives[symbol, number] = Life(Status.TRIGGERED)
            case StopEntered():
                self._enter(symbol, event, Status.NEW)
            case OrderAmended():
                self._enter(symbol, event, self._lives[symbol, event.number].status)
            case OrdersCancelled():
                for number in event.numbers:
                    self._end(symbol, number, event.reason)
            case OrderReduced():
                pass  # It stays what it was.
            case _:
                raise TypeError(f"no order's life knows {type(event).__name__}")

    def _enter(self, symbol: str, event: StopEntered | OrderAmended, before: Status) -> None:
        """An order that was open comes in; without a fill it stands where it stood ``before``."""
        self._meet(symbol, event)
        if event.ended is None:
            stands = Status.PARTIALLY_FILLED if event.fills else before
            self._lives[symbol, event.number] = Life(stands)
        elif event.ended in FINISHED and event.fills:
            self._lives[symbol, event.number] = Life(Status.FILLED, event.ended)
        else:
            self._end(symbol, event.number, event.ended)

    def _meet(self, symbol: str, event: OrderAccepted | OrderAmended | StopEntered) -> None:
        for fill in event.fills:
            if fill.last:
                self._end(symbol, fill.maker, EndReason.FILLED)
            else:
                self._lives[symbol, fill.maker] = Life(Status.PARTIALLY_FILLED)
        for met in event.met:
            if met.last:
                self._end(symbol, met.maker, met.reason)

    def _end(self, symbol: str, number: int, reason: EndReason) -> None:
        ended = Status.CANCELED if reason in CANCELLING else Status.EXPIRED
        ended = Status.FILLED if reason is EndReason.FILLED else ended
        self._lives[symbol, number] = Life(ended, reason)
