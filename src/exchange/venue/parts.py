"""What commands on orders share: what an order holds, how it ends, what comes free."""

from collections.abc import Iterable, Sequence

from exchange.kernel.accounts import available
from exchange.kernel.ids import order_id
from exchange.kernel.instruments import Instrument
from exchange.kernel.journal import Entry
from exchange.kernel.orders import BUY, EndReason, Fill, Met, Side
from exchange.kernel.rejects import RejectCode, Rejected
from exchange.matching.events import OrdersCancelled
from exchange.matching.ladder import Order, shared
from exchange.settlement.events import FeesClosed
from exchange.settlement.spot import settle, trade_entry
from exchange.venue.journal import Journal
from exchange.venue.state import Room, VenueState
from exchange.wallet.entries import release
from exchange.wallet.events import EntriesPosted

LIST = EndReason.LIST


def required(rules: Instrument, side: Side, price: int, quantity: int) -> tuple[str, int]:
    """What an open order of ``quantity`` must hold: the asset and its units."""
    if side is BUY:
        return rules.quote, price * quantity * rules.value_unit
    return rules.base, quantity * rules.base_unit


def held_by(rules: Instrument, order: Order) -> tuple[str, int]:
    """What an open order holds: the asset and its units; of a list, what it would hold alone."""
    if order.terms.budget is not None:
        return rules.quote, order.terms.budget
    return required(rules, order.side, order.price, order.leaves)


def held_twice(rules: Instrument, order: Order, other: Order) -> int:
    """Units that two orders of a list would hold alone, both of them, but are held once."""
    unit = rules.value_unit if order.side is BUY else rules.base_unit
    return shared(order, other) * unit


def check_funds(state: VenueState, account: str, asset: str, amount: int) -> None:
    """Nothing, while the account can spend so much.

    Raises:
        Rejected: INSUFFICIENT_FUNDS.
    """
    free = state.ledger.balance(available(account), asset)
    if amount > free:
        raise Rejected(RejectCode.INSUFFICIENT_FUNDS, "funds", amount, free)


def check_alone(room: Room, order: Order) -> None:
    """Nothing, unless the order shares what it holds with another one of its list.

    Raises:
        Rejected: IN_LIST.
    """
    other = room.book.others.get(order.number)
    if other is not None:
        name = order_id(room.market.instrument.symbol, other.number)
        raise Rejected(RejectCode.IN_LIST, "order", name)


def settle_fills(
    room: Room,
    taker: tuple[int, str, Side],
    fills: Sequence[Fill],
    bound: int | None,
    journal: Journal,
    *,
    ended: bool,
) -> list[Entry]:
    """Record the settlement of a taker's fills; their entries.

    The taker is its number, account and side; ``bound`` the price that a purchase's hold was
    taken at, null where it was each print's own.
    """
    if not fills:
        return []
    (number, account, side), rules = taker, room.market.instrument
    settled = settle(room.settlement, rules, side, number, account, fills, room.rates, ended=ended)
    journal.record(room.settlement, settled)
    limit = bound if side is BUY else None
    return [trade_entry(rules, trade, limit or trade.price) for trade in settled.trades]


def post(
    state: VenueState, entries: Sequence[Entry], journal: Journal, cause: tuple[str, int]
) -> None:
    """All entries of the command whose record is ``cause``, as one event; none is no event."""
    if entries:
        journal.record(state.ledger, EntriesPosted(*cause, tuple(entries)))


def end_orders(
    room: Room, orders: Iterable[Order], reason: EndReason, journal: Journal
) -> list[Entry]:
    """End open orders of one book in the given order; the entries that free what they hold.

    The other ones of their lists end behind them, unless these end for that very reason.
    """
    others, behind, closing = room.book.others, dict[int, Order](), list[Order]()
    for order in orders:
        if order.number not in behind:
            closing.append(order)
            if order.number in others and reason is not LIST:
                other = others[order.number]
                behind[other.number] = other
    if not closing:
        return []
    held = [_freed_by(room, order) for order in closing]
    numbers = tuple([order.number for order in closing])
    journal.record(room.book, OrdersCancelled(numbers, reason))
    accrued = tuple([number for number in numbers if number in room.settlement.accrued])
    if accrued:
        journal.record(room.settlement, FeesClosed(accrued))
    symbol, version = room.market.instrument.symbol, room.book.version
    entries = [
        release(order_id(symbol, order.number), version, order.account, asset, amount)
        for order, (asset, amount) in zip(closing, held, strict=True)
        if amount
    ]
    return entries + end_orders(room, behind.values(), LIST, journal)


def _freed_by(room: Room, order: Order) -> tuple[str, int]:
    """What comes free when an order ends: where it is of a list, what the other does not need."""
    rules, other = room.market.instrument, room.book.others.get(order.number)
    asset, amount = held_by(rules, order)
    return asset, amount if other is None else amount - held_twice(rules, order, other)


def end_others(room: Room, taken: Iterable[Fill | Met], journal: Journal) -> list[Entry]:
    """End whichever order shares a list with one that a taker has met; what that frees."""
    return end_listed(room, [it.maker for it in taken], journal) if room.book.others else []


def end_listed(room: Room, numbers: Iterable[int], journal: Journal) -> list[Entry]:
    """End the other orders of the lists that these orders stand in; what that frees."""
    others = room.book.others
    found = [others[number] for number in dict.fromkeys(numbers) if number in others]
    return end_orders(room, found, LIST, journal)


def part(
    room: Room, met: Sequence[Met], side: Side, journal: Journal, own: tuple[int, ...] = ()
) -> list[Entry]:
    """Close the fees of orders that a taker of ``side`` met and that ended; all their releases.

    ``own`` is the taker where it ended too and may have traded before.
    """
    rules, version = room.market.instrument, room.book.version
    parted = (*own, *(it.maker for it in met if it.last))
    ended = tuple(number for number in parted if number in room.settlement.accrued)
    if ended:
        journal.record(room.settlement, FeesClosed(ended))
    entries = []
    for it in met:
        asset, amount = required(rules, side.other, it.price, it.quantity)
        name = order_id(rules.symbol, it.maker)
        entries.append(release(name, version, it.account, asset, amount))
    return entries


def freed(room: Room, order: Order, quantity: int) -> Entry:
    """Free what ``quantity`` of an order held; the book has recorded it already."""
    rules = room.market.instrument
    asset, amount = required(rules, order.side, order.price, quantity)
    name = order_id(rules.symbol, order.number)
    return release(name, room.book.version, order.account, asset, amount)
