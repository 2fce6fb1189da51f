"""Orders that change while they wait: judged like new ones, recorded in one step."""

from msgspec.structs import replace

from exchange.kernel.ids import order_id
from exchange.kernel.instruments import MarketState
from exchange.kernel.journal import Entry
from exchange.kernel.orders import GTD, LIMIT, EndReason, OrderTerms
from exchange.kernel.rejects import RejectCode, Rejected
from exchange.matching.amend import amend
from exchange.matching.events import OrderAmended
from exchange.matching.ladder import Order
from exchange.matching.sweep import blocking_price
from exchange.orders.commands import AmendOrder
from exchange.orders.validate import check_deadline, check_terms, check_trading
from exchange.venue.journal import Journal
from exchange.venue.parts import (
    check_alone,
    check_funds,
    end_others,
    held_by,
    part,
    post,
    required,
    settle_fills,
)
from exchange.venue.state import Room, VenueState
from exchange.venue.stops import follow_prints
from exchange.venue.trading import (
    check_named,
    check_trigger,
    close_orders,
    find,
    sleeping_bound,
    sleeping_hold,
)
from exchange.wallet.entries import rehold, release


def amend_order(state: VenueState, command: AmendOrder, journal: Journal) -> None:
    """Change an open order: in its place, or out and in again, when it may trade at once.

    A total that is used up already cancels the rest; an order that is due expires instead.

    Raises:
        Rejected: as for a cancel and for a new order of the changed terms; IN_LIST while another
            one hangs on it; FIELD_COMBINATION for no change at all; WOULD_TRADE for a post-only
            order or market.
    """
    room = state.room(command.symbol)
    check_trading(room.market)
    check_named(command)
    order, rules = find(room.book, command), room.market.instrument
    if order.is_due(journal.at_us):
        close_orders(state, room, [order], EndReason.DEADLINE, journal)
        return
    check_alone(room, order)
    terms = amended_terms(order, command)
    if order.level is None:
        _amend_sleeping(state, room, order, terms, command, journal)
        return
    used, total = order.quantity - order.leaves, terms.quantity or 0
    if 0 < total <= used:
        close_orders(state, room, [order], EndReason.CANCELLED, journal)
        return
    check_terms(terms, rules)
    if command.deadline_us is not None:
        check_deadline(terms, rules, journal.at_us)
    amended = amend(room.book, order, terms, total - used, rules, journal.at_us)
    _check_posting(room, order, terms, amended, journal.at_us)
    asset, needed = required(rules, order.side, amended.price, total - used)
    more = needed - required(rules, order.side, order.price, order.leaves)[1]
    check_funds(state, order.account, asset, more)

    cause = journal.begin(room.market.version)
    journal.record(room.book, amended)
    entries = _paid(room, order, amended, asset, more, needed, journal)
    entries += end_others(room, (*amended.fills, *amended.met), journal)
    entries += follow_prints(room, amended.fills, journal)
    post(state, entries, journal, cause)


def _amend_sleeping(
    state: VenueState,
    room: Room,
    order: Order,
    terms: OrderTerms,
    command: AmendOrder,
    journal: Journal,
) -> None:
    """Change an order that sleeps; a new trigger puts it behind those that slept before it.

    Raises:
        Rejected: as for a new one; FIELD_COMBINATION once it is woken.
    """
    rules, name = room.market.instrument, order_id(command.symbol, order.number)
    if order.number in room.book.stops.woken:
        raise Rejected(RejectCode.FIELD_COMBINATION, "status", "TRIGGERED")
    check_terms(terms, rules)
    if command.deadline_us is not None:
        check_deadline(terms, rules, journal.at_us)
    if command.trigger is not None:
        check_trigger(room.book, terms)
    bound = sleeping_bound(terms, rules)
    asset, needed = sleeping_hold(terms, rules, bound)
    more = needed - held_by(rules, order)[1]
    check_funds(state, order.account, asset, more)

    cause, account = journal.begin(room.market.version), order.account
    journal.record(room.book, sleeping_amended(order, terms, bound))
    version = room.book.version
    held = rehold(name, version, account, asset, more) if more > 0 else None
    freed = release(name, version, account, asset, -more) if more < 0 else None
    post(state, [entry for entry in (held, freed) if entry is not None], journal, cause)


def sleeping_amended(order: Order, terms: OrderTerms, bound: int | None) -> OrderAmended:
    """What becomes of a sleeping order with changed terms."""
    deadline_us = order.deadline_us if terms.deadline_us is None else terms.deadline_us
    price, quantity = terms.price or bound or 0, terms.quantity or 0
    return OrderAmended(
        order.number, price, quantity, terms.display, deadline_us,
        terms.trigger != order.trigger, 0, (), (), quantity, None, terms.trigger,
    )  # fmt: skip


def amended_terms(order: Order, command: AmendOrder) -> OrderTerms:
    """What the order asks for after the change; the quantity is its new total.

    Raises:
        Rejected: FIELD_COMBINATION, nothing would change, or a deadline for IOC or FOK.
    """
    changed = (
        command.price, command.quantity, command.display, command.deadline_us, command.trigger,
    )  # fmt: skip
    if all(field is None for field in changed):
        raise Rejected(RejectCode.FIELD_COMBINATION, "amend")
    asked, quantity = order.terms, command.quantity
    price = None if asked.price is None else order.price
    if quantity is None and asked.quantity is not None:
        quantity = order.quantity
    display = command.display
    if display is None and order.display is not None:
        display = min(order.display, quantity or 0)
    terms = replace(
        asked,
        price=price if command.price is None else command.price,
        quantity=quantity,
        display=display,
        trigger=_trigger(order, command),
        type=asked.type if order.level is None else LIMIT,
    )
    if command.deadline_us is not None and not terms.time_in_force.rests:
        raise Rejected(RejectCode.FIELD_COMBINATION, "deadline_us", command.deadline_us)
    if command.deadline_us is not None:
        return replace(terms, time_in_force=GTD, deadline_us=command.deadline_us)
    return replace(terms, deadline_us=order.deadline_us) if terms.time_in_force is GTD else terms


def _trigger(order: Order, command: AmendOrder) -> int | None:
    """What wakes it after the change; what stands in a queue has nothing left to wake it.

    Raises:
        Rejected: FIELD_COMBINATION, a trigger for such an order.
    """
    if order.level is None:
        return order.trigger if command.trigger is None else command.trigger
    if command.trigger is not None:
        raise Rejected(RejectCode.FIELD_COMBINATION, "trigger")
    return None


def _check_posting(
    room: Room, order: Order, terms: OrderTerms, amended: OrderAmended, at_us: int
) -> None:
    """An order or a market that only posts takes no change that would trade."""
    posts = terms.post_only or room.market.state is MarketState.POST_ONLY
    met = any(it.reason is EndReason.SELF_TRADE for it in amended.met)
    if posts and amended.entered and (amended.fills or met or amended.ended is not None):
        best = blocking_price(room.book, order.side, at_us)
        raise Rejected(RejectCode.WOULD_TRADE, "price", terms.price, best)


def _paid(
    room: Room,
    order: Order,
    amended: OrderAmended,
    asset: str,
    more: int,
    needed: int,
    journal: Journal,
) -> list[Entry]:
    """Record the settlement; the entries: what is held more, the trades, what comes free."""
    rules, side, version = room.market.instrument, order.side, room.book.version
    name, account = order_id(rules.symbol, order.number), order.account
    entries = [rehold(name, version, account, asset, more)] if more > 0 else []
    spare = needed - required(rules, side, amended.price, amended.leaves)[1] - min(0, more)
    taker, ended = (order.number, account, side), amended.ended is not None
    entries += settle_fills(room, taker, amended.fills, amended.price, journal, ended=ended)
    filled = sum(fill.quantity for fill in amended.fills)
    spare -= required(rules, side, amended.price, filled)[1]
    if spare:
        entries.append(release(name, version, account, asset, spare))
    own = (order.number,) if ended else ()
    return entries + part(room, amended.met, side, journal, own)
