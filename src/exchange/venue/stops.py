"""Stops and take-profits: what prints wake, and how the woken enter, within the command."""

from collections.abc import Sequence

from exchange.kernel.ids import order_id
from exchange.kernel.instruments import MarketState
from exchange.kernel.journal import Entry
from exchange.kernel.orders import BUY, Fill
from exchange.kernel.rejects import RejectCode, Rejected
from exchange.matching.enter import enter
from exchange.matching.events import StopsTriggered
from exchange.matching.ladder import Order
from exchange.orders.commands import RunStops
from exchange.venue.journal import Journal
from exchange.venue.parts import (
    end_listed,
    end_others,
    held_by,
    part,
    post,
    required,
    settle_fills,
)
from exchange.venue.state import Room, VenueState
from exchange.wallet.entries import release

STOPS_MAX = 1_000
"""The most woken orders that enter in one command; the others stay for the venue's own work."""


def run_stops(state: VenueState, command: RunStops, journal: Journal) -> None:
    """Let woken orders enter that an earlier command has left.

    Raises:
        Rejected: UNKNOWN_MARKET; MARKET_STATE or KILL_SWITCH while nothing may trade.
    """
    room = state.room(command.symbol)
    if room.market.state is not MarketState.CONTINUOUS:
        raise Rejected(RejectCode.MARKET_STATE, "state", room.market.state.value)
    if state.switch.killed:
        raise Rejected(RejectCode.KILL_SWITCH, "venue")

    cause = journal.begin(room.market.version)
    post(state, _enter_woken(room, journal), journal, cause)


def follow_prints(room: Room, fills: Sequence[Fill], journal: Journal) -> list[Entry]:
    """After the command's own order: wake what its prints reach and let the first enter.

    The entries of all that. Woken orders wait in one line; those that a cascade wakes join its
    back.
    """
    if not fills or not room.book.stops.count:
        return []
    return _wake(room, fills, journal) + _enter_woken(room, journal)


def _enter_woken(room: Room, journal: Journal) -> list[Entry]:
    entries: list[Entry] = []
    woken, orders = room.book.stops.woken, room.book.orders
    for _ in range(min(STOPS_MAX, len(orders))):
        if not woken:
            break
        entries += _enter(room, orders[next(iter(woken))], journal)
    return entries


def _wake(room: Room, fills: Sequence[Fill], journal: Journal) -> list[Entry]:
    """Wake what the prints reach, and end the other ones of their lists; what that frees.

    A due order never wakes: the sweep will take it. Of a list only the first one wakes.
    """
    book, awake = room.book, dict[int, None]()
    for number in book.stops.reached([fill.price for fill in fills]):
        other = book.others.get(number)
        if not book.orders[number].is_due(journal.at_us) and (
            other is None or other.number not in awake
        ):
            awake[number] = None
    if not awake:
        return []
    journal.record(book, StopsTriggered(tuple(awake)))
    return end_listed(room, awake, journal) if book.others else []


def _enter(room: Room, order: Order, journal: Journal) -> list[Entry]:
    """The first woken order enters; what it holds pays for its trades, the rest comes free."""
    rules, book = room.market.instrument, room.book
    asset, spare = held_by(rules, order)
    event = enter(book, order, rules.value_unit, rules.lot, journal.at_us)
    side, account, by_budget = order.side, order.account, order.terms.budget is not None
    bound = order.price if side is BUY and not by_budget else None
    journal.record(book, event)
    version, taker, ended = book.version, (order.number, account, side), event.ended is not None
    entries = settle_fills(room, taker, event.fills, bound, journal, ended=ended)
    for fill in event.fills:
        spare -= required(rules, side, bound or fill.price, fill.quantity)[1]
    if event.leaves:
        spare -= required(rules, side, order.price, event.leaves)[1]
    if spare:
        name = order_id(rules.symbol, order.number)
        entries.append(release(name, version, account, asset, spare))
    entries += part(room, event.met, side, journal)
    entries += end_others(room, (*event.fills, *event.met), journal)
    return entries + _wake(room, event.fills, journal)
