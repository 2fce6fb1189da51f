"""Orders: place, cancel, reduce. Each function judges, then records."""

from collections.abc import Container, Iterable
from itertools import islice

from exchange.kernel.ids import group_key, order_id
from exchange.kernel.instruments import Instrument
from exchange.kernel.journal import Entry
from exchange.kernel.money import stop_price
from exchange.kernel.orders import BUY, FOK, LIMIT, EndReason, OrderTerms
from exchange.kernel.rejects import RejectCode, Rejected
from exchange.matching.accept import accept, plan
from exchange.matching.book import Book
from exchange.matching.events import OrderAccepted, OrderReduced
from exchange.matching.ladder import Order
from exchange.matching.plan import Plan
from exchange.matching.sweep import blocking_price
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
from exchange.venue.journal import Journal
from exchange.venue.parts import (
    check_alone,
    check_funds,
    end_orders,
    end_others,
    freed,
    part,
    post,
    required,
    settle_fills,
)
from exchange.venue.state import Room, VenueState
from exchange.venue.stops import follow_prints
from exchange.wallet.entries import hold, release

Naming = CancelOrder | ReduceOrder | AmendOrder
FILLED, DEADLINE = EndReason.FILLED, EndReason.DEADLINE

SWEEP_MAX = 1_000
"""The most orders that one sweep takes out of a book."""


def place_order(state: VenueState, command: PlaceOrder, journal: Journal) -> None:
    """Hold, match, settle.

    Raises:
        Rejected: by the first check that fails, in the fixed order; nothing is recorded.
    """
    account, terms, at_us = command.account, command.terms, journal.at_us
    room = state.room(command.symbol)
    rules = room.market.instrument
    check_placing(room.market, terms)
    check_terms(terms, rules)
    deadline_us = check_deadline(terms, rules, at_us)
    check_client_order_id(terms)
    check_place(room.book, account, terms, rules)
    group = state.groups.get(account)
    if terms.trigger is not None:
        _place_sleeping(state, room, command, group, deadline_us, journal)
        return
    planned = plan(
        room.book, account, terms, rules.value_unit, rules.lot, at_us, group_key(account, group)
    )
    if planned.stopped is EndReason.WOULD_TRADE:
        best = blocking_price(room.book, terms.side, at_us)
        raise Rejected(RejectCode.WOULD_TRADE, "price", terms.price, best)
    if terms.price is None:
        _check_planned_notional(planned, rules)
    if terms.time_in_force is FOK and planned.filled != terms.quantity:
        raise Rejected(RejectCode.NOT_FILLABLE, "quantity", terms.quantity, planned.filled)
    asset, amount = _hold_amount(terms, rules, planned)
    check_funds(state, account, asset, amount)

    cause = journal.begin(room.market.version)
    accepted = accept(room.book, account, terms, planned, group, deadline_us)
    journal.record(room.book, accepted)
    name = order_id(command.symbol, accepted.number)
    entries = [hold(name, account, asset, amount)] if amount else []
    taker, ended = (accepted.number, account, terms.side), accepted.ended is not None
    entries += settle_fills(room, taker, accepted.fills, terms.price, journal, ended=ended)
    unused = _unused(accepted, rules)
    if unused:
        entries.append(release(name, room.book.version, account, asset, unused))
    if accepted.met:
        entries += part(room, accepted.met, terms.side, journal)
    if room.book.others:
        entries += end_others(room, (*accepted.fills, *accepted.met), journal)
    entries += follow_prints(room, accepted.fills, journal)
    post(state, entries, journal, cause)


def _place_sleeping(
    state: VenueState,
    room: Room,
    command: PlaceOrder,
    group: str | None,
    deadline_us: int | None,
    journal: Journal,
) -> None:
    """Accept a stop or take-profit: it holds what it may need, and sleeps."""
    account, terms, rules = command.account, command.terms, room.market.instrument
    check_trigger(room.book, terms)
    bound = sleeping_bound(terms, rules)
    asset, amount = sleeping_hold(terms, rules, bound)
    check_funds(state, account, asset, amount)

    cause = journal.begin(room.market.version)
    number = room.book.order_count + 1
    accepted = OrderAccepted(
        number, account, terms, 0, (), terms.quantity or 0, None, (), group, deadline_us, bound
    )
    journal.record(room.book, accepted)
    name = order_id(command.symbol, number)
    post(state, [hold(name, account, asset, amount)], journal, cause)


def check_trigger(book: Book, terms: OrderTerms) -> None:
    """Nothing, while the last print has not gone through the trigger.

    Raises:
        Rejected: WOULD_TRIGGER.
    """
    last, trigger = book.last_price, terms.trigger
    if last is None or trigger is None:
        return
    if last >= trigger if terms.rises else last <= trigger:
        raise Rejected(RejectCode.WOULD_TRIGGER, "trigger", trigger, last)


def sleeping_bound(terms: OrderTerms, rules: Instrument) -> int | None:
    """The most that a purchase at market by quantity will pay; null for all others."""
    at_market = terms.price is None and terms.budget is None and terms.side is BUY
    if not at_market or terms.trigger is None:
        return None
    return stop_price(terms.trigger, rules.stop_slippage_ppm)


def sleeping_hold(terms: OrderTerms, rules: Instrument, bound: int | None) -> tuple[str, int]:
    """What a sleeping order holds: the asset and its units."""
    if terms.budget is not None:
        return rules.quote, terms.budget
    return required(rules, terms.side, terms.price or bound or 0, terms.quantity or 0)


def cancel_order(state: VenueState, command: CancelOrder, journal: Journal) -> None:
    """Take one order out of the book and free what it holds.

    Raises:
        Rejected: NOT_FOUND for an unknown, finished or foreign order alike; or an earlier check.
    """
    room = state.room(command.symbol)
    check_cancelling(room.market)
    check_named(command)
    order = find(room.book, command)
    close_orders(state, room, [order], EndReason.CANCELLED, journal)


def cancel_orders(state: VenueState, command: CancelOrders, journal: Journal) -> None:
    """Take an account's open orders out of the books; having none is no refusal.

    Raises:
        Rejected: UNKNOWN_MARKET.
    """
    rooms = [room for _, room in sorted(state.rooms.items())]
    if command.only_symbol is not None:
        rooms = [state.room(command.only_symbol)]

    cause, entries = journal.begin(), list[Entry]()
    for room in rooms:
        owned = room.book.accounts.get(command.account, {})
        chosen = [owned[n] for n in sorted(owned) if command.side in (None, owned[n].side)]
        entries += end_orders(room, chosen, EndReason.CANCELLED, journal)
    post(state, entries, journal, cause)


def expire_orders(state: VenueState, command: ExpireOrders, journal: Journal) -> None:
    """Take orders out of a book whose deadline has come, the earliest first, up to a bound.

    Raises:
        Rejected: UNKNOWN_MARKET.
    """
    room = state.room(command.symbol)

    close_orders(state, room, due_orders(room.book, journal.at_us), DEADLINE, journal)


def due_orders(book: Book, at_us: int) -> list[Order]:
    """The open orders that a sweep at venue time ``at_us`` takes, at most ``SWEEP_MAX``."""
    due = islice(book.deadlines.irange(maximum=(at_us, book.order_count)), SWEEP_MAX)
    return [book.orders[number] for _, number in due]


def reduce_order(state: VenueState, command: ReduceOrder, journal: Journal) -> None:
    """Take an amount off an order, which keeps its place; all of it or more cancels.

    Raises:
        Rejected: as for a cancel, or QUANTITY_BOUNDS, IN_LIST, OFF_LOT.
    """
    room = state.room(command.symbol)
    check_trading(room.market)
    rules, quantity = room.market.instrument, command.quantity
    check_named(command)
    if quantity <= 0:
        raise Rejected(RejectCode.QUANTITY_BOUNDS, "quantity", quantity, rules.lot)
    order = find(room.book, command)
    if quantity >= order.leaves:
        close_orders(state, room, [order], EndReason.CANCELLED, journal)
        return
    check_alone(room, order)
    if quantity % rules.lot:
        raise Rejected(RejectCode.OFF_LOT, "quantity", quantity, rules.lot)

    cause = journal.begin(room.market.version)
    journal.record(room.book, OrderReduced(order.number, quantity))
    post(state, [freed(room, order, quantity)], journal, cause)


def close_orders(
    state: VenueState, room: Room, orders: Iterable[Order], reason: EndReason, journal: Journal
) -> None:
    """Record the command, then end open orders in the given order and free what they hold."""
    cause = journal.begin(room.market.version)
    post(state, end_orders(room, orders, reason, journal), journal, cause)


def check_unused(account: str, named: str | None, known: Container[tuple[str, str | None]]) -> None:
    """Nothing, while no open order of the account has that client order id.

    Raises:
        Rejected: DUPLICATE_CLIENT_ORDER_ID.
    """
    if (account, named) in known:
        raise Rejected(RejectCode.DUPLICATE_CLIENT_ORDER_ID, "client_order_id", named)


def check_place(
    book: Book, account: str, terms: OrderTerms, rules: Instrument, more: int = 0
) -> None:
    """Nothing, while such an order has a place in the book, and ``more`` beside it.

    Raises:
        Rejected: DUPLICATE_CLIENT_ORDER_ID or OPEN_ORDERS_MAX, in this order.
    """
    if terms.client_order_id is not None:
        check_unused(account, terms.client_order_id, book.client_ids)
    lasting = terms.time_in_force
    rests = terms.type is LIMIT and lasting.rests
    if rests or terms.trigger is not None:
        check_open_orders(rules, len(book.accounts.get(account, ())) + more)


def _check_planned_notional(planned: Plan, rules: Instrument) -> None:
    """A market order by quantity has no notional before its plan."""
    value = planned.value * rules.value_unit
    if value > rules.notional_max:
        raise Rejected(RejectCode.NOTIONAL_MAX, "notional", value, rules.notional_max)


def _hold_amount(terms: OrderTerms, rules: Instrument, planned: Plan) -> tuple[str, int]:
    """The full hold: a limit's whole quantity, a market order's planned fills exactly."""
    if terms.price is not None and terms.quantity is not None:
        return required(rules, terms.side, terms.price, terms.quantity)
    if terms.side is BUY:
        return rules.quote, planned.value * rules.value_unit
    return rules.base, planned.filled * rules.base_unit


def _unused(accepted: OrderAccepted, rules: Instrument) -> int:
    """Units that a limit order held for what neither traded nor rests."""
    terms = accepted.terms
    ended = accepted.ended
    all_used = (ended is None or ended is FILLED) and not accepted.met
    if all_used or terms.price is None or terms.quantity is None:
        return 0
    filled = sum(fill.quantity for fill in accepted.fills)
    return required(rules, terms.side, terms.price, terms.quantity - filled - accepted.leaves)[1]


def check_named(command: Naming) -> None:
    """An order is named in exactly one way."""
    if (command.number is None) is (command.client_order_id is None):
        raise Rejected(RejectCode.FIELD_COMBINATION, "number")


def find(book: Book, command: Naming) -> Order:
    """The open order that the command names, if it is the account's: else NOT_FOUND."""
    if command.number is not None:
        found = book.orders.get(command.number)
    else:
        found = book.client_ids.get((command.account, command.client_order_id or ""))
    if found is None or found.account != command.account:
        raise Rejected(RejectCode.NOT_FOUND, "order")
    return found
