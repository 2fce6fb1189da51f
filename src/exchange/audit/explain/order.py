"""The story of one order, from the log alone: what came, was held, traded, and why it ended."""

import re
from typing import NamedTuple

from exchange.audit.asof import END, Moment, NotThere, Progress, check_reached, history
from exchange.audit.explain.events import follow, follow_busts
from exchange.audit.explain.refused import refused_story
from exchange.audit.explain.story import Story
from exchange.audit.explain.tale import Tale
from exchange.collector import paused
from exchange.kernel.events import Envelope
from exchange.matching.events import OrderAccepted, OrderListAccepted
from exchange.orders.commands import kind
from exchange.orders.records import CommandRecorded
from exchange.store.log import EventLog
from exchange.venue.replay import replay
from exchange.venue.state import VenueState

ORDER = re.compile(r"([A-Za-z0-9._-]{1,32}):([0-9]{1,18})", re.ASCII)
RECORD = re.compile(r"(orders:[A-Za-z0-9._-]{1,32}):([0-9]{1,18})", re.ASCII)


class Name(NamedTuple):
    """An accepted order by symbol and number, or a command by its record's stream and version."""

    symbol: str | None
    stream: str | None
    number: int

    def __str__(self) -> str:
        return f"{self.symbol or self.stream}:{self.number}"


def parse_name(text: str) -> Name:
    """``BTC-USD:17``, or ``orders:alice:17``.

    Raises:
        ValueError: it is neither.
    """
    if found := RECORD.fullmatch(text):
        return Name(None, found[1], int(found[2]))
    if found := ORDER.fullmatch(text):
        return Name(found[1], None, int(found[2]))
    raise ValueError(f"{text!r} names no order: write SYMBOL:NUMBER, or orders:ACCOUNT:VERSION")


def explain(
    log: EventLog, name: Name, moment: Moment = END, progress: Progress | None = None
) -> Story:
    """What became of an order up to ``moment``; reading stops when the order has ended, unless
    the log has corrections, which may undo its trades later.

    A record that accepted an order stands for that one (of a list the first).

    Raises:
        NotThere: there is no such order, or it came later; or the record is of another command
            that was not refused.
        InvariantViolation: the log can't be followed; ``verify`` tells more.
        StoreError: the store can't be read.
    """
    check_reached(log, moment)
    state, tale = VenueState(), None
    corrected = log.event("corrections", 1) is not None
    with paused():
        for command in history(log, moment, progress):
            found = None if tale is not None else _found(state, name, command)
            if isinstance(found, Story):
                return found
            tale = tale or found
            if tale is None:
                replay(state, command)
                continue
            if tale.reason is None:
                follow(tale, command)
            elif corrected:
                follow_busts(tale, command)
            else:
                break
    if tale is None:
        when = "" if moment == END else " up to then"
        raise NotThere(f"the log has no {name}{when}")
    return tale.story()


def _found(state: VenueState, name: Name, command: list[Envelope]) -> Tale | Story | None:
    """What tells the story, when the command is the one that it begins with."""
    record, accepted = command[0].event, _accepted(command)
    if name.stream is None:
        return Tale(state, name.symbol or "", name.number) if name in accepted else None
    place = (command[0].originator_id, command[0].originator_version)
    if place != (name.stream, name.number) or not isinstance(record, CommandRecorded):
        return None
    if record.refusal is not None:
        return refused_story(state, command[0], record)
    if not accepted:
        raise NotThere(f"{name} is no order but an accepted {kind(record.command)}")
    return Tale(state, accepted[0].symbol or "", accepted[0].number)


def _accepted(command: list[Envelope]) -> list[Name]:
    """The orders that the command has brought into a book."""
    if len(command) == 1:
        return []
    event, symbol = command[1].event, command[1].originator_id[5:]  # behind "book:"
    if isinstance(event, OrderAccepted):
        return [Name(symbol, None, event.number)]
    if isinstance(event, OrderListAccepted):
        return [Name(symbol, None, it.number) for it in event.orders]
    return []
