"""Orders that change while they wait: judged like new ones, recorded in one step."""

from msgspec.structs import replace

from exchange.kernel.accounts import available
from exchange.kernel.ids import order_id
from exchange.kernel.instruments import MarketState
from exchange.kernel.journal import Entry
from exchange.kernel.orders import BUY, GTD, EndReason, OrderTerms
from exchange.kernel.rejects import RejectCode, Rejected
from exchange.matching.amend import amend
from exchange.matching.book import Order
from exchange.matching.events import OrderAmended
from exchange.matching.plan import opposite
from exchange.orders.commands import AmendOrder
from exchange.orders.validate import check_deadline, check_terms, check_trading
from exchange.settlement.spot import settle, trade_entry
from exchange.venue.journal import Journal
from exchange.venue.state import Room, VenueState
from exchange.venue.trading import check_named, close_orders, find, part, post, required
from exchange.wallet.entries import rehold, release


def amend_order(state: VenueState, command: AmendOrder, journal: Journal) -> None:
    """Change an open order: in its place, or out and in again, when it may trade at once.

    A total that is used up already cancels the rest.

    Raises:
        Rejected: as for a cancel and for a new order of the changed terms; FIELD_COMBINATION for
            no change at all; WOULD_TRADE for a post-only order or market.
    """
    room = state.room(command.symbol)
    check_trading(room.market)
    check_named(command)
    order, rules = find(room.book, command), room.market.instrument
    terms = amended_terms(order, command)
    used, total = order.quantity - order.leaves, terms.quantity or 0
    if 0 < total <= used:
        close_orders(state, room, [order], EndReason.CANCELLED, journal)
        return
    check_terms(terms, rules)
    if command.deadline_us is not None:
        check_deadline(terms, rules, journal.at_us)
    amended = amend(room.book, order, terms, total - used, rules, journal.at_us)
    _check_posting(room, order, terms, amended)
    asset, needed = required(rules, order.side, amended.price, total - used)
    more = needed - required(rules, order.side, order.price, order.leaves)[1]
    free = state.ledger.balance(available(order.account), asset)
    if more > free:
        raise Rejected(RejectCode.INSUFFICIENT_FUNDS, "funds", more, free)

    cause = journal.begin(room.market.version)
    journal.record(room.book, amended)
    entries = _paid(room, order, amended, asset, more, needed, journal)
    post(state, entries, journal, cause)


def amended_terms(order: Order, command: AmendOrder) -> OrderTerms:
    """What the order asks for after the change; the quantity is its new total.

    Raises:
        Rejected: FIELD_COMBINATION, nothing would change.
    """
    changes = (command.price, command.quantity, command.display, command.deadline_us)
    if changes == (None, None, None, None):
        raise Rejected(RejectCode.FIELD_COMBINATION, "amend")
    price = order.price if command.price is None else command.price
    quantity = order.quantity if command.quantity is None else command.quantity
    display = command.display
    if display is None and order.display is not None:
        display = min(order.display, quantity)
    terms = replace(order.terms, price=price, quantity=quantity, display=display)
    if command.deadline_us is not None:
        return replace(terms, time_in_force=GTD, deadline_us=command.deadline_us)
    return replace(terms, deadline_us=order.deadline_us) if terms.time_in_force is GTD else terms


def _check_posting(room: Room, order: Order, terms: OrderTerms, amended: OrderAmended) -> None:
    """An order or a market that only posts takes no change that would trade."""
    posts = terms.post_only or room.market.state is MarketState.POST_ONLY
    if posts and amended.entered and (amended.fills or amended.ended is not None):
        best = opposite(room.book, order.side).best
        raise Rejected(RejectCode.WOULD_TRADE, "price", terms.price, best.price if best else None)


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
    if amended.fills:
        settled = settle(
            room.settlement, rules, side, order.number, account, amended.fills,
            ended=amended.ended is not None,
        )  # fmt: skip
        journal.record(room.settlement, settled)
        limit = amended.price if side is BUY else None
        entries += [trade_entry(rules, trade, limit or trade.price) for trade in settled.trades]
        filled = sum(fill.quantity for fill in amended.fills)
        spare -= required(rules, side, amended.price, filled)[1]
    if spare:
        entries.append(release(name, version, account, asset, spare))
    own = () if amended.ended is None else (order.number,)
    return entries + part(room, amended.met, side, journal, own)
