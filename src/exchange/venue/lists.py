"""Order lists: two orders on one hold, of which one cancels the other (OCO)."""

from exchange.kernel.ids import order_id
from exchange.kernel.orders import EndReason, OrderTerms
from exchange.kernel.rejects import RejectCode, Rejected
from exchange.matching.book import Book
from exchange.matching.events import OrderAccepted, OrderListAccepted
from exchange.matching.plan import NOTHING, Plan
from exchange.matching.sweep import blocking_price, plan_passive
from exchange.orders.commands import PlaceOrderList
from exchange.orders.validate import (
    check_client_order_id,
    check_deadline,
    check_list,
    check_placing,
    check_terms,
)
from exchange.venue.journal import Journal
from exchange.venue.parts import check_funds, end_others, part, post
from exchange.venue.state import VenueState
from exchange.venue.trading import (
    check_place,
    check_trigger,
    check_unused,
    sleeping_bound,
    sleeping_hold,
)
from exchange.wallet.entries import hold


def place_order_list(state: VenueState, command: PlaceOrderList, journal: Journal) -> None:
    """Let two orders wait; they hold what the dearer of them needs.

    Raises:
        Rejected: as for an order, by the first check that either fails; FIELD_COMBINATION where
            they don't go together; WOULD_TRADE for a limit order that would trade on arrival.
    """
    account, both, at_us = command.account, (command.first, command.second), journal.at_us
    room = state.room(command.symbol)
    rules, book = room.market.instrument, room.book
    for terms in both:
        check_placing(room.market, terms)
    check_list(*both)
    for terms in both:
        check_terms(terms, rules)
    deadlines = [check_deadline(terms, rules, at_us) for terms in both]
    _check_names(book, account, command.first, command.second)
    for more, terms in enumerate(both):
        check_place(book, account, terms, rules, more)
    for terms in both:
        check_trigger(book, terms)
    plans = [_plan(book, terms, at_us) for terms in both]
    bounds = [sleeping_bound(terms, rules) for terms in both]
    asset, amount = max(map(sleeping_hold, both, (rules, rules), bounds))
    check_funds(state, account, asset, amount)

    cause, group = journal.begin(room.market.version), state.groups.get(account)
    number = book.order_count + 1
    first, second = [
        OrderAccepted(
            number + n, account, terms, 0, (), terms.quantity or 0, None, plans[n].met, group,
            deadlines[n], bounds[n],
        )
        for n, terms in enumerate(both)
    ]  # fmt: skip
    journal.record(book, OrderListAccepted((first, second)))
    met = first.met + second.met
    entries = [hold(order_id(command.symbol, number), account, asset, amount)]
    entries += part(room, met, command.first.side, journal)
    entries += end_others(room, met, journal)
    post(state, entries, journal, cause)


def _check_names(book: Book, account: str, first: OrderTerms, second: OrderTerms) -> None:
    """Client order ids keep their form, and none has two orders.

    Raises:
        Rejected: INVALID_ID or DUPLICATE_CLIENT_ORDER_ID.
    """
    check_client_order_id(first)
    check_client_order_id(second)
    if second.client_order_id is not None:
        check_unused(account, second.client_order_id, {(account, first.client_order_id)})
    for terms in (first, second):
        check_unused(account, terms.client_order_id, book.client_ids)


def _plan(book: Book, terms: OrderTerms, at_us: int) -> Plan:
    """Which due orders a limit order pushes out.

    Raises:
        Rejected: WOULD_TRADE.
    """
    if terms.trigger is not None:
        return NOTHING
    planned = plan_passive(book, terms, at_us)
    if planned.stopped is EndReason.WOULD_TRADE:
        best = blocking_price(book, terms.side, at_us)
        raise Rejected(RejectCode.WOULD_TRADE, "price", terms.price, best)
    return planned
