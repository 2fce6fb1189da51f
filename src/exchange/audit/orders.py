"""What an order, a cancel or a reduce must do to book, settlement and ledger."""

from collections.abc import Iterator, Sequence

from exchange.audit.blame import Effect
from exchange.audit.matched import check_accepted
from exchange.kernel.ids import order_id
from exchange.kernel.journal import Entry
from exchange.kernel.laws import InvariantViolation
from exchange.kernel.orders import BUY, GTC, LIMIT, EndReason
from exchange.kernel.rejects import RejectCode, Rejected
from exchange.matching.book import Order
from exchange.matching.events import OrderAccepted, OrderReduced, OrdersCancelled
from exchange.orders.commands import CancelOrder, PlaceOrder, ReduceOrder
from exchange.orders.validate import check_cancelling, check_terms, check_trading
from exchange.risk.pre_trade import check_open_orders
from exchange.settlement.events import FeesClosed
from exchange.settlement.spot import settle, trade_entry
from exchange.venue.state import Room, VenueState
from exchange.venue.trading import required
from exchange.wallet.entries import hold, release
from exchange.wallet.events import EntriesPosted

LEDGER = "ledger"

Cause = tuple[str, int]
"""Stream and version of a command's record."""


def due_on_place(
    state: VenueState, command: PlaceOrder, cause: Cause, effects: Sequence[Effect]
) -> Iterator[Effect]:
    """What is due on an order, given the first of the ``effects``: what the book made of it.

    Raises:
        Rejected: the order should have been refused.
        InvariantViolation: the book should have answered it otherwise.
    """
    room = state.room(command.symbol)
    book, rules = room.book, room.market.instrument
    account, terms = command.account, command.terms
    check_trading(room.market)
    check_terms(terms, rules)
    named = terms.client_order_id
    if named is not None and (account, named) in book.client_ids:
        raise Rejected(RejectCode.DUPLICATE_CLIENT_ORDER_ID, "client_order_id", named)
    if terms.type is LIMIT and terms.time_in_force is GTC:
        check_open_orders(rules, len(book.accounts.get(account, ())))
    stream, accepted = effects[0] if effects else ("", None)
    if stream != book.id or not isinstance(accepted, OrderAccepted):
        raise InvariantViolation("R7", f"{book.id} has no answer to the order")
    if accepted.account != account or accepted.terms != terms:
        raise InvariantViolation("R7", f"placed was {command}, accepted {accepted}")
    check_accepted(book, rules, accepted)
    yield stream, accepted
    yield from _paid(room, accepted, cause)


def due_on_cancel(state: VenueState, command: CancelOrder, cause: Cause) -> Iterator[Effect]:
    """What is due on a cancel.

    Raises:
        Rejected: it should have been refused.
    """
    room = state.room(command.symbol)
    check_cancelling(room.market)
    yield from closed(room, [_named(room, command)], EndReason.CANCELLED, cause)


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
    order = _named(room, command)
    if quantity >= order.leaves:
        yield from closed(room, [order], EndReason.CANCELLED, cause)
        return
    if quantity % lot:
        raise Rejected(RejectCode.OFF_LOT, "quantity", quantity, lot)
    yield room.book.id, OrderReduced(order.number, quantity)
    yield LEDGER, EntriesPosted(*cause, (_freed(room, order, quantity),))


def closed(
    room: Room, orders: Sequence[Order], reason: EndReason, cause: Cause
) -> Iterator[Effect]:
    """What is due when open orders end in this order."""
    if not orders:
        return
    numbers = tuple([order.number for order in orders])
    yield room.book.id, OrdersCancelled(numbers, reason)
    accrued = tuple([number for number in numbers if number in room.settlement.accrued])
    if accrued:
        yield room.settlement.id, FeesClosed(accrued)
    entries = tuple([_freed(room, order, order.leaves) for order in orders])
    yield LEDGER, EntriesPosted(*cause, entries)


def _paid(room: Room, accepted: OrderAccepted, cause: Cause) -> Iterator[Effect]:
    """The settlement of an order's fills, and its entries: hold, trades, release."""
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
        settled = settle(
            room.settlement, rules, terms.side, accepted.number, account, fills, ended=ended
        )
        yield room.settlement.id, settled
        limit = price if terms.side is BUY else None
        entries += [trade_entry(rules, trade, limit or trade.price) for trade in settled.trades]
    if spare:
        entries.append(release(name, room.book.version + 1, account, asset, spare))
    if entries:
        yield LEDGER, EntriesPosted(*cause, tuple(entries))


def _freed(room: Room, order: Order, quantity: int) -> Entry:
    """The release of what ``quantity`` of an order held, by the book's next event."""
    rules = room.market.instrument
    asset, amount = required(rules, order.side, order.price, quantity)
    name = order_id(rules.symbol, order.number)
    return release(name, room.book.version + 1, order.account, asset, amount)


def _named(room: Room, command: CancelOrder | ReduceOrder) -> Order:
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
