"""What an order, a cancel or a reduce must do to book, settlement and ledger."""

from collections.abc import Iterator, Sequence

from exchange.audit.blame import Effect
from exchange.audit.ended import (
    LEDGER,
    Cause,
    check_single,
    closed,
    ended,
    freed_by,
    others_ended,
    parted,
)
from exchange.audit.entered import due_on_sleep, due_stops
from exchange.audit.fees import due_trades
from exchange.audit.matched import check_accepted
from exchange.kernel.ids import order_id
from exchange.kernel.journal import Entry
from exchange.kernel.laws import InvariantViolation
from exchange.kernel.orders import BUY, LIMIT, EndReason
from exchange.kernel.rejects import RejectCode, Rejected
from exchange.matching.events import OrderAccepted, OrderReduced
from exchange.matching.ladder import Order
from exchange.orders.commands import (
    AmendOrder,
    CancelOrder,
    CancelOrders,
    ExpireOrders,
    PlaceOrder,
    ReduceOrder,
)
from exchange.orders.validate import (
    check_cancelling,
    check_client_order_id,
    check_deadline,
    check_placing,
    check_terms,
    check_trading,
)
from exchange.risk.pre_trade import check_open_orders
from exchange.settlement.spot import trade_entry
from exchange.venue.parts import required
from exchange.venue.state import Room, VenueState
from exchange.venue.trading import SWEEP_MAX
from exchange.wallet.entries import hold, release
from exchange.wallet.events import EntriesPosted


def due_on_place(
    state: VenueState,
    command: PlaceOrder,
    cause: Cause,
    at_us: int,
    effects: Sequence[Effect],
) -> Iterator[Effect]:
    """What is due on an order, given the first of the ``effects``: what the book made of it.

    Raises:
        Rejected: the order should have been refused.
        InvariantViolation: the book should have answered it otherwise.
    """
    room = state.room(command.symbol)
    book, rules = room.book, room.market.instrument
    account, terms = command.account, command.terms
    check_placing(room.market, terms)
    check_terms(terms, rules)
    check_deadline(terms, rules, at_us)
    check_client_order_id(terms)
    named = terms.client_order_id
    if named is not None and (account, named) in book.client_ids:
        raise Rejected(RejectCode.DUPLICATE_CLIENT_ORDER_ID, "client_order_id", named)
    if terms.trigger is not None or (terms.type is LIMIT and terms.time_in_force.rests):
        check_open_orders(rules, len(book.accounts.get(account, ())))
    stream, accepted = effects[0] if effects else ("", None)
    if stream != book.id or not isinstance(accepted, OrderAccepted):
        raise InvariantViolation("R7", f"{book.id} has no answer to the order")
    if accepted.account != account or accepted.terms != terms:
        raise InvariantViolation("R7", f"placed was {command}, accepted {accepted}")
    group = state.groups.get(account)
    if terms.trigger is not None:
        yield from due_on_sleep(room, account, terms, group, at_us, cause)
        return
    check_accepted(book, rules, accepted, group, at_us)
    yield stream, accepted
    yield from _paid(room, accepted, cause, at_us)


def due_on_cancel(state: VenueState, command: CancelOrder, cause: Cause) -> Iterator[Effect]:
    """What is due on a cancel.

    Raises:
        Rejected: it should have been refused.
    """
    room = state.room(command.symbol)
    check_cancelling(room.market)
    yield from closed(room, [named(room, command)], EndReason.CANCELLED, cause)


def due_on_cancel_all(state: VenueState, command: CancelOrders, cause: Cause) -> Iterator[Effect]:
    """What is due when an account takes its orders out.

    Raises:
        Rejected: it should have been refused.
    """
    entries: list[Entry] = []
    symbols = sorted(state.rooms) if command.only_symbol is None else [command.only_symbol]
    for symbol in symbols:
        room = state.room(symbol)
        mine = [it for it in room.book.orders.values() if it.account == command.account]
        chosen = [it for it in mine if command.side is None or it.side is command.side]
        chosen.sort(key=lambda it: it.number)
        yield from ended(room, chosen, EndReason.CANCELLED, entries)
    if entries:
        yield LEDGER, EntriesPosted(*cause, tuple(entries))


def due_on_expire(
    state: VenueState, command: ExpireOrders, cause: Cause, at_us: int
) -> Iterator[Effect]:
    """What is due on a sweep: the first orders by deadline, then by number.

    Raises:
        Rejected: it should have been refused.
    """
    room = state.room(command.symbol)
    timed = [it for it in room.book.orders.values() if it.deadline_us is not None]
    over = sorted(
        (it.deadline_us, it.number) for it in timed if it.deadline_us and it.deadline_us <= at_us
    )
    orders = [room.book.orders[number] for _, number in over[:SWEEP_MAX]]
    yield from closed(room, orders, EndReason.DEADLINE, cause)


def due_on_reduce(state: VenueState, command: ReduceOrder, cause: Cause) -> Iterator[Effect]:
    """What is due on a reduce.

    Raises:
        Rejected: it should have been refused.
    """
    room = state.room(command.symbol)
    lot, quantity = room.market.instrument.lot, command.quantity
    check_trading(room.market)
    if quantity <= 0:
        raise Rejected(RejectCode.QUANTITY_BOUNDS, "quantity", quantity, lot)
    order = named(room, command)
    if quantity >= order.leaves:
        yield from closed(room, [order], EndReason.CANCELLED, cause)
        return
    check_single(room, order)
    if quantity % lot:
        raise Rejected(RejectCode.OFF_LOT, "quantity", quantity, lot)
    freed = freed_by(room, order, quantity)
    yield room.book.id, OrderReduced(order.number, quantity)
    yield LEDGER, EntriesPosted(*cause, (freed,))


def _paid(room: Room, accepted: OrderAccepted, cause: Cause, at_us: int) -> Iterator[Effect]:
    """The settlement of an order's fills, and its entries: hold, trades, release; then stops."""
    rules, account, terms = room.market.instrument, accepted.account, accepted.terms
    fills, price, quantity, spare = accepted.fills, terms.price, terms.quantity, 0
    filled = sum([fill.quantity for fill in fills]) if fills else 0
    if price is not None and quantity is not None:
        asset, amount = required(rules, terms.side, price, quantity)
        if accepted.leaves != quantity - filled:
            _, spare = required(rules, terms.side, price, quantity - filled - accepted.leaves)
    elif terms.side is BUY:
        asset, amount = rules.quote, sum(rules.notional(it.price, it.quantity) for it in fills)
    else:
        asset, amount = rules.base, filled * rules.base_unit
    name = order_id(rules.symbol, accepted.number)
    entries = [hold(name, account, asset, amount)] if amount else []
    if fills:
        ended = accepted.ended is not None
        event = due_trades(room, accepted.number, account, terms.side, fills, ended=ended)
        yield room.settlement.id, event
        limit = price if terms.side is BUY else None
        entries += [trade_entry(rules, trade, limit or trade.price) for trade in event.trades]
    if spare:
        entries.append(release(name, room.book.version, account, asset, spare))
    yield from parted(room, accepted.met, terms.side, (), entries)
    yield from others_ended(room, (*fills, *accepted.met), entries)
    yield from due_stops(room, fills, at_us, entries)
    if entries:
        yield LEDGER, EntriesPosted(*cause, tuple(entries))


def named(room: Room, command: CancelOrder | ReduceOrder | AmendOrder) -> Order:
    """The open order of the account that the command names.

    Raises:
        Rejected: FIELD_COMBINATION unless it is named in exactly one way; NOT_FOUND.
    """
    number, named = command.number, command.client_order_id
    if (number is None) is (named is None):
        raise Rejected(RejectCode.FIELD_COMBINATION, "number")
    found = room.book.client_ids.get((command.account, named or ""))
    if number is not None:
        found = room.book.orders.get(number)
    if found is None or found.account != command.account:
        raise Rejected(RejectCode.NOT_FOUND, "order", number or named)
    return found
