"""What an amend must do to book, settlement and ledger."""

from collections.abc import Iterator

from msgspec.structs import replace

from exchange.audit.blame import Effect
from exchange.audit.ended import LEDGER, Cause, check_single, closed, others_ended, parted
from exchange.audit.entered import asleep_needs, bound_of, due_stops, is_through
from exchange.audit.fees import due_trades
from exchange.audit.orders import named
from exchange.audit.walk import walk
from exchange.kernel.ids import order_id
from exchange.kernel.journal import Entry
from exchange.kernel.orders import (
    BUY,
    EndReason,
    OrderTerms,
    OrderType,
    SelfTrade,
    TimeInForce,
)
from exchange.kernel.rejects import RejectCode, Rejected
from exchange.matching.events import OrderAmended
from exchange.matching.ladder import Order
from exchange.orders.commands import AmendOrder
from exchange.orders.validate import check_deadline, check_terms, check_trading
from exchange.settlement.spot import trade_entry
from exchange.venue.parts import held_by, required
from exchange.venue.state import Room, VenueState
from exchange.wallet.entries import rehold, release
from exchange.wallet.events import EntriesPosted


def due_on_amend(
    state: VenueState, command: AmendOrder, cause: Cause, at_us: int
) -> Iterator[Effect]:
    """What is due on an amend.

    Raises:
        Rejected: it should have been refused.
    """
    room = state.room(command.symbol)
    check_trading(room.market)
    order, rules = named(room, command), room.market.instrument
    if order.deadline_us is not None and at_us >= order.deadline_us:
        yield from closed(room, [order], EndReason.DEADLINE, cause)
        return
    check_single(room, order)
    terms = _changed(order, command)
    if order.level is None:
        yield from _due_asleep(room, order, terms, command, cause, at_us)
        return
    total, gone = terms.quantity or 0, order.quantity - order.leaves
    if 0 < total <= gone:
        yield from closed(room, [order], EndReason.CANCELLED, cause)
        return
    check_terms(terms, rules)
    if command.deadline_us is not None:
        check_deadline(terms, rules, at_us)
    event = _due(room, order, terms, total - gone, at_us)
    asset, held = required(rules, order.side, order.price, order.leaves)
    _, needs = required(rules, order.side, event.price, total - gone)
    name, account = order_id(rules.symbol, order.number), order.account
    yield room.book.id, event
    version, entries = room.book.version, list[Entry]()
    if needs > held:
        entries.append(rehold(name, version, account, asset, needs - held))
    yield from _traded(room, order, event, entries)
    filled = sum(it.quantity for it in event.fills)
    _, keeps = required(rules, order.side, event.price, event.leaves + filled)
    if max(needs, held) > keeps:
        entries.append(release(name, version, account, asset, max(needs, held) - keeps))
    own = (order.number,) if event.ended is not None else ()
    yield from parted(room, event.met, order.side, own, entries)
    yield from others_ended(room, (*event.fills, *event.met), entries)
    yield from due_stops(room, event.fills, at_us, entries)
    if entries:
        yield LEDGER, EntriesPosted(*cause, tuple(entries))


def _due_asleep(
    room: Room, order: Order, terms: OrderTerms, command: AmendOrder, cause: Cause, at_us: int
) -> Iterator[Effect]:
    """The same for an order that sleeps on."""
    rules, name = room.market.instrument, order_id(command.symbol, order.number)
    if order.number in room.book.stops.woken:
        raise Rejected(RejectCode.FIELD_COMBINATION, "status")
    check_terms(terms, rules)
    if command.deadline_us is not None:
        check_deadline(terms, rules, at_us)
    if command.trigger is not None and is_through(room, terms):
        raise Rejected(RejectCode.WOULD_TRIGGER, "trigger")
    bound = bound_of(terms, rules)
    asset, needs = asleep_needs(rules, terms, bound)
    _, held = held_by(rules, order)
    moved, quantity = terms.trigger != order.trigger, terms.quantity or 0
    deadline_us = terms.deadline_us or order.deadline_us
    yield room.book.id, OrderAmended(
        order.number, terms.price or bound or 0, quantity, terms.display, deadline_us,
        moved, 0, (), (), quantity, None, terms.trigger,
    )  # fmt: skip
    version = room.book.version
    if needs > held:
        more = rehold(name, version, order.account, asset, needs - held)
        yield LEDGER, EntriesPosted(*cause, (more,))
    elif held > needs:
        less = release(name, version, order.account, asset, held - needs)
        yield LEDGER, EntriesPosted(*cause, (less,))


def _changed(order: Order, command: AmendOrder) -> OrderTerms:
    """The order as it stands, with what the command names put in its place."""
    fields = ("price", "quantity", "display", "trigger")
    named_ones = {it: getattr(command, it) for it in fields if getattr(command, it) is not None}
    if not named_ones and command.deadline_us is None:
        raise Rejected(RejectCode.FIELD_COMBINATION, "amend")
    if order.level is not None and command.trigger is not None:
        raise Rejected(RejectCode.FIELD_COMBINATION, "trigger")
    terms = order.terms
    terms = replace(
        terms,
        type=terms.type if order.level is None else OrderType.LIMIT,
        price=terms.price and order.price,
        quantity=terms.quantity and order.quantity,
        display=order.display,
        trigger=order.trigger,
    )
    terms = replace(terms, **named_ones)
    if command.display is None and terms.display is not None:
        terms = replace(terms, display=min(terms.display, terms.quantity or 0))
    return _until(order, terms, command)


def _until(order: Order, terms: OrderTerms, command: AmendOrder) -> OrderTerms:
    if command.deadline_us is not None:
        if not terms.time_in_force.rests:
            raise Rejected(RejectCode.FIELD_COMBINATION, "deadline_us")
        return replace(terms, time_in_force=TimeInForce.GTD, deadline_us=command.deadline_us)
    if terms.time_in_force is TimeInForce.GTD:
        return replace(terms, deadline_us=order.deadline_us)
    return terms


def _due(room: Room, order: Order, terms: OrderTerms, open_: int, at_us: int) -> OrderAmended:
    """The event that price and time ask for."""
    price, total, display = terms.price or 0, terms.quantity or 0, terms.display
    deadline_us = terms.deadline_us or order.deadline_us
    stays = price == order.price and total <= order.quantity
    if stays and (order.display is None or (display is not None and display <= order.display)):
        return OrderAmended(
            order.number, price, total, display, deadline_us, False, 0, (), (), open_, None
        )
    found = walk(
        room.book, room.market.instrument, order.account, order.group,
        replace(terms, quantity=open_), at_us,
    )  # fmt: skip
    filled = sum(it.quantity for it in found.fills)
    lost = sum(it.quantity for it in found.met if it.reason is EndReason.SELF_TRADE)
    left = open_ - filled - (lost if terms.self_trade is SelfTrade.DECREMENT else 0)
    if (found.fills or lost or found.end is not None) and (
        terms.post_only or room.market.state.value == "post_only"
    ):
        raise Rejected(RejectCode.WOULD_TRADE, "price", price)
    trade = room.book.trade_count + 1 if found.fills else 0
    left = 0 if found.end is not None else left
    return OrderAmended(
        order.number, price, total, display, deadline_us, True, trade,
        tuple(found.fills), tuple(found.met), left, found.end,
    )  # fmt: skip


def _traded(
    room: Room, order: Order, event: OrderAmended, entries: list[Entry]
) -> Iterator[Effect]:
    """The settlement of its fills; their entries join ``entries``."""
    if not event.fills:
        return
    rules, side, ended = room.market.instrument, order.side, event.ended is not None
    settled = due_trades(room, order.number, order.account, side, event.fills, ended=ended)
    yield room.settlement.id, settled
    limit = event.price if side is BUY else None
    entries += [trade_entry(rules, it, limit or it.price) for it in settled.trades]
