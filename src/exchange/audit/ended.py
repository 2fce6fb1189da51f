"""What is due when open orders end: what each frees, and the other ones of their lists."""

from collections.abc import Iterable, Iterator, Sequence

from exchange.audit.blame import Effect
from exchange.kernel.ids import order_id
from exchange.kernel.journal import Entry
from exchange.kernel.orders import EndReason, Fill, Met, Side
from exchange.kernel.rejects import RejectCode, Rejected
from exchange.matching.events import OrdersCancelled
from exchange.matching.ladder import Order
from exchange.settlement.events import FeesClosed
from exchange.venue.parts import required
from exchange.venue.state import Room
from exchange.wallet.entries import release
from exchange.wallet.events import EntriesPosted

LEDGER = "ledger"

Cause = tuple[str, int]
"""Stream and version of a command's record."""


def closed(
    room: Room, orders: Sequence[Order], reason: EndReason, cause: Cause
) -> Iterator[Effect]:
    """What is due when open orders of one book end in this order."""
    entries: list[Entry] = []
    yield from ended(room, orders, reason, entries)
    if entries:
        yield LEDGER, EntriesPosted(*cause, tuple(entries))


def ended(
    room: Room, orders: Sequence[Order], reason: EndReason, entries: list[Entry]
) -> Iterator[Effect]:
    """The same without the ledger's event, for which ``entries`` are added.

    Of a list the first one named ends for the ``reason``, the other behind it.
    """
    others = {} if reason is EndReason.LIST else room.book.others
    first: list[Order] = []
    second: dict[int, Order] = {}
    for order in orders:
        if order.number not in second:
            first.append(order)
            if order.number in others:
                second[others[order.number].number] = others[order.number]
    for going, why in ((first, reason), (list(second.values()), EndReason.LIST)):
        yield from _ended(room, going, why, entries)


def _ended(
    room: Room, orders: Sequence[Order], reason: EndReason, entries: list[Entry]
) -> Iterator[Effect]:
    if not orders:
        return
    numbers = tuple([order.number for order in orders])
    freed = [freed_by(room, order, order.leaves) for order in orders]
    entries += [entry for entry in freed if entry.lines[0][2]]
    yield room.book.id, OrdersCancelled(numbers, reason)
    accrued = tuple([number for number in numbers if number in room.settlement.accrued])
    if accrued:
        yield room.settlement.id, FeesClosed(accrued)


def others_ended(room: Room, taken: Iterable[Fill | Met], entries: list[Entry]) -> Iterator[Effect]:
    """What is due on the lists of orders that a taker has met."""
    met = dict.fromkeys([it.maker for it in taken])
    ending = [room.book.others[number] for number in met if number in room.book.others]
    yield from ended(room, ending, EndReason.LIST, entries)


def parted(
    room: Room, met: Sequence[Met], side: Side, own: Sequence[int], entries: list[Entry]
) -> Iterator[Effect]:
    """Orders that a taker of ``side`` met end or shrink; their releases join ``entries``.

    Fees are closed for those that end and had traded; likewise for the taker where it is named
    as its ``own``.
    """
    rules, version = room.market.instrument, room.book.version
    ending = [*own, *[it.maker for it in met if it.last]]
    closing = tuple([number for number in ending if number in room.settlement.accrued])
    if closing:
        yield room.settlement.id, FeesClosed(closing)
    for it in met:
        asset, amount = required(rules, side.other, it.price, it.quantity)
        name = order_id(rules.symbol, it.maker)
        entries.append(release(name, version, it.account, asset, amount))


def freed_by(room: Room, order: Order, quantity: int) -> Entry:
    """The release of what ``quantity`` of an order held, by the book's next event.

    A list holds the dearer of two needs: what is over the other's comes free.
    """
    rules, other = room.market.instrument, room.book.others.get(order.number)
    asset, amount = required(rules, order.side, order.price, quantity)
    if order.terms.budget is not None:
        asset, amount = rules.quote, order.terms.budget
    if other is not None:
        _, stays = required(rules, order.side, other.price, quantity)
        amount = max(amount, stays) - stays
    name = order_id(rules.symbol, order.number)
    return release(name, room.book.version + 1, order.account, asset, amount)


def check_single(room: Room, order: Order) -> None:
    """Nothing, unless another order hangs on this one.

    Raises:
        Rejected: IN_LIST.
    """
    if order.number in room.book.others:
        raise Rejected(RejectCode.IN_LIST, "order")
