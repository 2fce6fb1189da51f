"""What is due on an order list: two orders that wait, on what the dearer one needs."""

from collections.abc import Iterator

from exchange.audit.blame import Effect
from exchange.audit.ended import LEDGER, Cause, others_ended, parted
from exchange.audit.entered import asleep_needs, bound_of, is_through
from exchange.audit.walk import walk
from exchange.kernel.ids import group_key, order_id
from exchange.kernel.orders import EndReason, Met, OrderTerms
from exchange.kernel.rejects import RejectCode, Rejected
from exchange.matching.events import OrderAccepted, OrderListAccepted
from exchange.orders.commands import PlaceOrderList
from exchange.orders.validate import (
    check_client_order_id,
    check_deadline,
    check_list,
    check_placing,
    check_terms,
)
from exchange.risk.pre_trade import check_open_orders
from exchange.venue.state import Room, VenueState
from exchange.wallet.entries import hold
from exchange.wallet.events import EntriesPosted


def due_on_list(
    state: VenueState, command: PlaceOrderList, cause: Cause, at_us: int
) -> Iterator[Effect]:
    """What is due on an order list.

    Raises:
        Rejected: it should have been refused.
    """
    room, account, both = (
        state.room(command.symbol),
        command.account,
        (command.first, command.second),
    )
    rules, book, group = room.market.instrument, room.book, state.groups.get(account)
    check_list(*both)
    orders, needs = [], []
    for number, terms in enumerate(both, book.order_count + 1):
        check_placing(room.market, terms)
        check_terms(terms, rules)
        check_client_order_id(terms)
        names = [it.client_order_id for it in both if it.client_order_id is not None]
        if len(set(names)) < len(names) or any((account, it) in book.client_ids for it in names):
            raise Rejected(RejectCode.DUPLICATE_CLIENT_ORDER_ID, "client_order_id")
        if is_through(room, terms):
            raise Rejected(RejectCode.WOULD_TRIGGER, "trigger")
        deadline_us, bound = check_deadline(terms, rules, at_us), bound_of(terms, rules)
        needs.append(asleep_needs(rules, terms, bound))
        orders.append(
            OrderAccepted(
                number, account, terms, 0, (), terms.quantity or 0, None,
                _pushed_out(room, account, group, terms, at_us), group, deadline_us, bound,
            )
        )  # fmt: skip
    check_open_orders(rules, len(book.accounts.get(account, ())) + 1)
    yield book.id, OrderListAccepted((orders[0], orders[1]))
    asset, amount = max(needs, key=lambda need: need[1])
    entries = [hold(order_id(rules.symbol, orders[0].number), account, asset, amount)]
    met = orders[0].met + orders[1].met
    yield from parted(room, met, command.first.side, (), entries)
    yield from others_ended(room, met, entries)
    yield LEDGER, EntriesPosted(*cause, tuple(entries))


def _pushed_out(
    room: Room, account: str, group: str | None, terms: OrderTerms, at_us: int
) -> tuple[Met, ...]:
    """The due orders in the reach of a limit order; any other one there is in its way."""
    if terms.trigger is not None:
        return ()
    key = group_key(account, group)
    due = walk(room.book, room.market.instrument, account, key, terms, at_us)
    if (
        due.fills
        or due.end is not None
        or any(it.reason is not EndReason.DEADLINE for it in due.met)
    ):
        raise Rejected(RejectCode.WOULD_TRADE, "price")
    return tuple(due.met)
