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
from exchange.venue.trading import check_place, check_trigger, sleeping_bound, sleeping_hold
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
    for terms in both:
        check_terms(terms, rules)
    check_list(*both)
    deadlines = [check_deadline(terms, rules, at_us) for terms in both]
    for more, terms in enumerate(both):
        check_client_order_id(terms)
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
