"""Each event that concerns an order becomes a step of its story."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from exchange.audit.explain.changes import CHANGING, TOLD, Stood, prevents
from exchange.audit.explain.checks import checks_of
from exchange.audit.explain.money import moved
from exchange.audit.explain.refused import received
from exchange.audit.explain.story import Checked, Listed, Met
from exchange.audit.explain.tale import Tale
from exchange.audit.explain.words import why_met
from exchange.kernel.events import Envelope, Event
from exchange.kernel.ids import group_key
from exchange.kernel.orders import EndReason, Fill, SelfTrade
from exchange.kernel.orders import Met as MetFact
from exchange.matching.enter import entering_terms
from exchange.matching.events import (
    OrderAccepted,
    OrderAmended,
    OrderListAccepted,
    StopEntered,
)
from exchange.orders.records import CommandRecorded
from exchange.settlement.events import TradesSettled
from exchange.venue.replay import replay

FILLED, SELF_TRADE = EndReason.FILLED, EndReason.SELF_TRADE


class Taking(NamedTuple):
    """An order that came in, what it traded and whom else it met."""

    number: int
    trade: int  # number of the first fill
    fills: tuple[Fill, ...]
    met: tuple[MetFact, ...]
    mode: SelfTrade


def follow(tale: Tale, command: Sequence[Envelope]) -> None:
    """Let the tale, and its state, follow a command; the first one has accepted the order."""
    record = command[0].event
    if not isinstance(record, CommandRecorded):
        raise TypeError(f"no record at {command[0].position}")
    tale.begin(command, record)
    if not tale.steps:
        _arrive(tale)
    for envelope in command:
        if envelope.originator_id == tale.room.book.id:
            _follow_book(tale, envelope)
            continue
        replay(tale.state, (envelope,))
        if envelope.originator_id == tale.room.settlement.id:
            _tell_trades(tale, envelope)
    tale.tell_later()
    tale.steps += tale.bill.released(tale.entries, tale.cause)
    _tell_busts(tale)


def follow_busts(tale: Tale, command: Sequence[Envelope]) -> None:
    """What may still come of an order that has ended; the tale's state stays where it is."""
    record = command[0].event
    if isinstance(record, CommandRecorded):
        tale.begin(command, record)
        _tell_busts(tale)


def _tell_busts(tale: Tale) -> None:
    for envelope in tale.command:
        place = envelope.position, tale.cause
        tale.steps += tale.bill.busted(envelope.event, tale.entries, *place)


def _arrive(tale: Tale) -> None:
    """The command itself: what it asked for, what was compared, what was set aside."""
    place, own, other, shared = tale.command[0], *_accepted(tale, tale.command[1].event)
    tale.account, tale.terms, tale.total = own.account, own.terms, own.terms.quantity
    tale.group = group_key(own.account, own.group)
    tale.steps.append(received(place, tale.record, tale.units))
    holds = tale.bill.holds(tale.entries, shared)
    amount = sum(moved(posted.entry)[1] for posted in holds)
    checks = checks_of(tale.state, tale.record, own.terms, tale.units, amount)
    tale.steps.append(Checked(position=place.position, cause=tale.cause, checks=checks))
    if other is not None:
        tale.partner, name = other.number, tale.named(other.number)
        asked = tale.units.terms(other.terms)
        tale.steps.append(
            Listed(position=place.position + 1, cause=tale.cause, other=name, asked=asked)
        )
    tale.steps += [tale.bill.held(posted, tale.cause) for posted in holds]


def _accepted(tale: Tale, event: Event) -> tuple[OrderAccepted, OrderAccepted | None, str]:
    """The order as accepted, the other one of its list, and whose name the list's hold has."""
    if isinstance(event, OrderListAccepted):
        first, second = event.orders
        shared = tale.named(first.number)
        if first.number == tale.number:
            return first, second, shared
        return second, first, shared
    if isinstance(event, OrderAccepted):
        return event, None, ""
    raise TypeError(f"{tale.name} did not come by {type(event).__name__}")


def _follow_book(tale: Tale, envelope: Envelope) -> None:
    event, position, book = envelope.event, envelope.position, tale.room.book
    tale.tell_later()
    before, taken = _stood(tale, event), list(_taken(tale, event))
    replay(tale.state, (envelope,))
    tale.queue.follow(book, event, position, tale.record.at_us, tale.record.actor)
    for taking in taken:
        _tell_taking(tale, taking, before, position)
    if type(event) in TOLD:
        TOLD[type(event)](tale, event, before, position)
    tale.look_at_place(position)


def _stood(tale: Tale, event: Event) -> Stood | None:
    order = tale.order
    if order is None:
        return None
    comes_in = isinstance(event, StopEntered) and event.number == tale.number
    fields = {name: getattr(order, name) for name in CHANGING}
    return Stood(order, entering_terms(order) if comes_in else None, order.leaves, fields)


def _taken(tale: Tale, event: Event) -> Iterator[Taking]:
    """What the event's takers did; looked at before the book follows it."""
    match event:
        case OrderListAccepted(orders=orders):
            for it in orders:
                yield Taking(it.number, it.trade, it.fills, it.met, it.terms.self_trade)
        case OrderAccepted():
            mode = event.terms.self_trade
            yield Taking(event.number, event.trade, event.fills, event.met, mode)
        case OrderAmended() | StopEntered():
            mode = tale.room.book.orders[event.number].terms.self_trade
            yield Taking(event.number, event.trade, event.fills, event.met, mode)


def _tell_taking(tale: Tale, taking: Taking, before: Stood | None, position: int) -> None:
    """What it means for our order, as the taker or as one that was met."""
    if taking.fills:
        tale.taker = taking.number
        tale.prints = [(taking.trade + n, fill.price) for n, fill in enumerate(taking.fills)]
    own = taking.number == tale.number
    for met in taking.met:
        if own or met.maker == tale.number:
            _tell_met(tale, met, taking, position)
        if met.maker == tale.number and met.last and before is not None:
            name = tale.named(taking.number)
            why = why_met(met, name, taking.mode, before.order, tale.record.at_us)
            lost = 0 if prevents(met, taking.mode) else met.quantity
            tale.end(position, met.reason, lost, why)
    if any(fill.last and fill.maker == tale.number for fill in taking.fills):
        tale.end(position, FILLED, 0, "all of it traded")


def _tell_met(tale: Tale, met: MetFact, taking: Taking, position: int) -> None:
    own = taking.number == tale.number
    tale.prevented += met.quantity if prevents(met, taking.mode) else 0
    tale.steps.append(
        Met(
            position=position,
            cause=tale.cause,
            role="taker" if own else "maker",
            other=tale.named(met.maker if own else taking.number),
            reason=met.reason.value,
            quantity=tale.units.quantity(met.quantity),
            mode=taking.mode.value if met.reason is SELF_TRADE else None,
        )
    )


def _tell_trades(tale: Tale, envelope: Envelope) -> None:
    """The order's own trades among those that were settled, then what waited for them."""
    if not isinstance(envelope.event, TradesSettled):
        return
    for trade in envelope.event.trades:
        if tale.number in {trade.buy.order, trade.sell.order}:
            tale.filled += trade.quantity
            tale.steps.append(
                tale.bill.matched(trade, tale.taker, tale.entries, envelope.position, tale.cause)
            )
    tale.tell_later()
