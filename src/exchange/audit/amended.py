"""What an amend must do to book, settlement and ledger."""

from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from exchange.audit.blame import Effect
from exchange.audit.orders import LEDGER, Cause, closed, named, parted
from exchange.audit.walk import walk
from exchange.kernel.ids import order_id
from exchange.kernel.orders import BUY, EndReason, OrderTerms, SelfTrade, TimeInForce
from exchange.kernel.rejects import RejectCode, Rejected
from exchange.matching.book import Order
from exchange.matching.events import OrderAmended
from exchange.orders.commands import AmendOrder
from exchange.orders.validate import check_deadline, check_terms, check_trading
from exchange.settlement.spot import settle, trade_entry
from exchange.venue.state import Room, VenueState
from exchange.venue.trading import required
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
    terms = _changed(order, command)
    total, gone = terms.quantity or 0, order.quantity - order.leaves
    if 0 < total <= gone:
        yield from closed(room, [order], EndReason.CANCELLED, cause)
        return
    check_terms(terms, rules)
    if command.deadline_us is not None:
        check_deadline(terms, rules, at_us)
    event = _due(room, order, terms, total - gone, at_us)
    yield room.book.id, event
    yield from _paid(room, order, event, total - gone, cause)


def _changed(order: Order, command: AmendOrder) -> OrderTerms:
    if not any(
        it is not None
        for it in (command.price, command.quantity, command.display, command.deadline_us)
    ):
        raise Rejected(RejectCode.FIELD_COMBINATION, "amend")
    quantity = command.quantity if command.quantity is not None else order.quantity
    display = command.display
    if display is None and order.display is not None:
        display = min(quantity, order.display)
    price = command.price if command.price is not None else order.price
    terms = replace(order.terms, price=price, quantity=quantity, display=display)
    if command.deadline_us is not None:
        terms = replace(terms, time_in_force=TimeInForce.GTD, deadline_us=command.deadline_us)
    elif terms.time_in_force is TimeInForce.GTD:
        terms = replace(terms, deadline_us=order.deadline_us)
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
        room.book, room.market.instrument, order.group, replace(terms, quantity=open_), at_us
    )
    filled = sum(it.quantity for it in found.fills)
    lost = sum(it.quantity for it in found.met if it.reason is EndReason.SELF_TRADE)
    left = open_ - filled - (lost if terms.self_trade is SelfTrade.DECREMENT else 0)
    if (found.fills or found.end is not None) and (
        terms.post_only or room.market.state.value == "post_only"
    ):
        raise Rejected(RejectCode.WOULD_TRADE, "price", price)
    trade = room.book.trade_count + 1 if found.fills else 0
    left = 0 if found.end is not None else left
    return OrderAmended(
        order.number, price, total, display, deadline_us, True, trade,
        tuple(found.fills), tuple(found.met), left, found.end,
    )  # fmt: skip


def _paid(
    room: Room, order: Order, event: OrderAmended, open_: int, cause: Cause
) -> Iterator[Effect]:
    """What is held more, the trades, what comes free: of this order and of those it met."""
    rules, side, version = room.market.instrument, order.side, room.book.version + 1
    name, account = order_id(rules.symbol, order.number), order.account
    asset, held = required(rules, side, order.price, order.leaves)
    _, needs = required(rules, side, event.price, open_)
    entries = [rehold(name, version, account, asset, needs - held)] if needs > held else []
    filled = sum(it.quantity for it in event.fills)
    _, keeps = required(rules, side, event.price, event.leaves + filled)
    traded: Sequence[int] = ()
    if event.fills:
        ended = event.ended is not None
        settled = settle(
            room.settlement, rules, side, order.number, account, event.fills, ended=ended
        )
        yield room.settlement.id, settled
        limit = event.price if side is BUY else None
        entries += [trade_entry(rules, it, limit or it.price) for it in settled.trades]
        traded = [leg.order for it in settled.trades for leg in (it.buy, it.sell) if not leg.last]
    if max(needs, held) > keeps:
        entries.append(release(name, version, account, asset, max(needs, held) - keeps))
    own = (order.number,) if event.ended is not None and not event.fills else ()
    yield from parted(room, event.met, side, traded, own, entries)
    if entries:
        yield LEDGER, EntriesPosted(*cause, tuple(entries))
