"""Logs by a program that seals all it writes but breaks the law: a true story, one false command.

The command is decided as it should be, on a desk with the same story (or one that differs in
what made the command lawful there), and then its events are changed.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec

from exchange.kernel.events import Envelope, Event
from exchange.kernel.journal import Line
from exchange.matching.events import OrderAccepted
from exchange.orders.commands import AnyCommand, OpenAccount, PlaceOrder
from exchange.settlement.events import TradesSettled
from exchange.store.writer import LogWriter
from exchange.wallet.events import EntriesPosted
from tests.audit.logs import append, log_of
from tests.build import BUY, RICH, SELL, SYMBOL, Desk, desk, limit

Forged = list[tuple[str, Event]]
"""Stream and event; the versions follow from the streams."""

Change = Callable[[Forged], Forged]

Parts = list[Any]
"""Fills, trades or entries."""


def story(*more: AnyCommand, funds: int = RICH, **rules: int) -> Desk:
    """Four traders and five open orders; the first to sell has sold a part of its ten.

    | order | of | side | open | at |
    |---|---|---|---|---|
    | 1 | A | sell | 6 | 106 |
    | 2 | B | sell | 4 | 106 |
    | 3 | C | sell | 8 | 108 |
    | 4 | D | buy | 10 | 100 |
    | 5 | A | buy | 6 | 98 |
    """
    told = desk(funds=funds, **rules)
    told.done(
        OpenAccount("A", "A2"),
        PlaceOrder("A", SYMBOL, limit(SELL, 106, 10)),
        PlaceOrder("B", SYMBOL, limit(SELL, 106, 4, client_order_id="mine")),
        PlaceOrder("C", SYMBOL, limit(SELL, 108, 8)),
        PlaceOrder("D", SYMBOL, limit(BUY, 100, 10)),
        PlaceOrder("A", SYMBOL, limit(BUY, 98, 6)),
        PlaceOrder("D", SYMBOL, limit(BUY, 106, 4)),
        *more,
    )
    return told


class Forgery:
    """A true story, and the false command that is put behind it.

    The command is decided ``there``, which is the story's own desk unless it says otherwise.
    """

    def __init__(
        self,
        command: AnyCommand,
        *changes: Change,
        here: Callable[[], Desk] = story,
        there: Callable[[], Desk] | None = None,
    ) -> None:
        told = here()
        decided = told if there is None else there()
        self.story = list(told.envelopes)
        lawful = decided.decide(decided.request(command))
        self.forged = [(envelope.originator_id, envelope.event) for envelope in lawful]
        for change in changes:
            self.forged = change(self.forged)

    @contextmanager
    def log(self) -> Iterator[tuple[LogWriter, int]]:
        """The log, and where the false command stands in it."""
        with log_of(self.story) as log:
            yield log, append(log, self.numbered())

    def numbered(self) -> list[Envelope]:
        """The false command with the versions that come next."""
        last = {it.originator_id: it.originator_version for it in self.story}
        numbered = []
        for stream, event in self.forged:
            last[stream] = last.get(stream, 0) + 1
            numbered.append(Envelope(stream, last[stream], event))
        return numbered


def put(kind: type[Event], **fields: object) -> Change:
    """Other values in the event of that kind."""
    return edit(kind, lambda event: msgspec.structs.replace(event, **fields))


def edit(kind: type[Event], change: Callable[[Any], Event]) -> Change:
    """Another event in place of the one of that kind."""
    return lambda forged: [
        (stream, change(event) if isinstance(event, kind) else event) for stream, event in forged
    ]


def drop(kind: type[Event]) -> Change:
    """The event of that kind is forgotten."""
    return lambda forged: [effect for effect in forged if not isinstance(effect[1], kind)]


def twice(kind: type[Event]) -> Change:
    """The event of that kind happens twice."""
    return lambda forged: [
        effect for effect in forged for _ in range(1 + isinstance(effect[1], kind))
    ]


def also(stream: str, event: Event) -> Change:
    """One more event at the end."""
    return lambda forged: [*forged, (stream, event)]


def on(stream: str, kind: type[Event]) -> Change:
    """The event of that kind stands on another stream."""
    return lambda forged: [(stream if isinstance(it[1], kind) else it[0], it[1]) for it in forged]


def fills(change: Callable[[Parts], Parts]) -> Change:
    """Other fills of the order."""
    return _part(OrderAccepted, "fills", change)


def trades(change: Callable[[Parts], Parts]) -> Change:
    """Other trades in the settlement."""
    return _part(TradesSettled, "trades", change)


def entries(change: Callable[[Parts], Parts]) -> Change:
    """Other entries in the ledger."""
    return _part(EntriesPosted, "entries", change)


def nth(number: int, **fields: object) -> Callable[[Parts], Parts]:
    """Other values in one of the parts; a function gets the old value."""

    def change(parts: Parts) -> Parts:
        old = parts[number]
        values = {
            name: value(getattr(old, name)) if callable(value) else value
            for name, value in fields.items()
        }
        return [*parts[:number], msgspec.structs.replace(old, **values), *parts[number + 1 :]]

    return change


def amounts(*more: int) -> Callable[[Sequence[Line]], tuple[Line, ...]]:
    """So many units more in each line."""
    return lambda lines: tuple(
        (name, asset, amount + units)
        for (name, asset, amount), units in zip(lines, more, strict=True)
    )


def _part(kind: type[Event], field: str, change: Callable[[Parts], Parts]) -> Change:
    return edit(
        kind,
        lambda event: msgspec.structs.replace(
            event, **{field: tuple(change(list(getattr(event, field))))}
        ),
    )
