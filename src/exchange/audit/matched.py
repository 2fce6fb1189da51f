"""Whether the book did with an order what price and time alone ask for.

A second matcher, written without the first: it walks the other side's queue, best price and
first come first, and says which fills there must be.
"""

from collections.abc import Iterator
from itertools import zip_longest
from typing import NoReturn

from exchange.audit.walk import Due, walk
from exchange.kernel.ids import group_key
from exchange.kernel.instruments import Instrument
from exchange.kernel.laws import InvariantViolation
from exchange.kernel.money import lots_affordable
from exchange.kernel.orders import BUY, FOK, EndReason, Fill, OrderTerms, SelfTrade
from exchange.matching.book import Book
from exchange.matching.events import OrderAccepted
from exchange.matching.ladder import Ladder, Order
from exchange.matching.plan import FILLS_MAX
from exchange.orders.validate import check_deadline

FILLED, SPENT, SELF_TRADE = EndReason.FILLED, EndReason.BUDGET_SPENT, EndReason.SELF_TRADE
IMMEDIATE, NO_LIQUIDITY = EndReason.IMMEDIATE, EndReason.NO_LIQUIDITY


def check_accepted(
    book: Book, rules: Instrument, accepted: OrderAccepted, group: str | None, at_us: int
) -> None:
    """Laws B1 to B6 and L6 for an order that ``book`` has not followed yet.

    Raises:
        InvariantViolation: its number, a fill, the rest or the ending is not as it must be.
    """
    terms, account = accepted.terms, accepted.account
    numbers = (book.order_count + 1, book.trade_count + 1 if accepted.fills else 0)
    if (accepted.number, accepted.trade) != numbers:
        raise _broken("L6", accepted, f"first trade {accepted.trade}: {numbers} come next")
    if accepted.group != group:
        raise _broken("B6", accepted, f"its group is {group}")
    if accepted.deadline_us != check_deadline(terms, rules, at_us):
        raise _broken("B6", accepted, f"its deadline is not {accepted.deadline_us}")
    if book.odd_count or group is not None or terms.self_trade is not SelfTrade.EXPIRE_TAKER:
        due = walk(book, rules, account, group_key(account, group), terms, at_us)
    else:
        due = _match(book, rules, account, terms)
    if accepted.fills != tuple(due.fills):
        _blame(book, accepted, due.fills, due.end)
    if accepted.met != tuple(due.met):
        raise _broken("B6", accepted, f"it met {accepted.met}, due are {due.met}")
    _check_rest(accepted, due)


def _check_rest(accepted: OrderAccepted, due: Due) -> None:
    """What is left of the order does what its terms say."""
    terms, ended = accepted.terms, due.end
    if ended is None and not terms.time_in_force.rests:
        ended = IMMEDIATE
    if terms.post_only and (due.fills or ended is not None):
        raise _broken("B6", accepted, "it was to post only, but could trade")
    if terms.time_in_force is FOK and ended is not FILLED:
        raise _broken("B6", accepted, "it was to be filled whole or killed")
    if accepted.ended is not ended:
        law = "B3" if FILLED in (accepted.ended, ended) else "B6"
        raise _broken(law, accepted, f"it ends as {accepted.ended}, due is {ended}")
    leaves = 0
    if ended is None and terms.quantity is not None:
        leaves = terms.quantity - sum([fill.quantity for fill in due.fills])
        if terms.self_trade is SelfTrade.DECREMENT:
            leaves -= sum([it.quantity for it in due.met if it.reason is SELF_TRADE])
    if accepted.leaves != leaves:
        raise _broken("B3", accepted, f"{accepted.leaves} rest, due are {leaves}")


def _match(book: Book, rules: Instrument, account: str, terms: OrderTerms) -> Due:
    """The same in a book of plain orders, for a taker that gives way: most of them."""
    fills: list[Fill] = []
    price, quantity, budget = terms.price, terms.quantity, terms.budget
    ladder, sign = (book.asks, 1) if terms.side is BUY else (book.bids, -1)
    dry = None if price is not None else NO_LIQUIDITY
    best = ladder.best
    if best is None or (price is not None and sign * best.price > sign * price):
        return Due(fills, [], dry)  # the short way of the many that meet nobody
    filled, value = 0, 0
    end, done = dry, FILLED if budget is None else SPENT
    for maker in _queue(ladder):
        if budget is None:
            wanted = (quantity or 0) - filled
        else:
            left = budget - value * rules.value_unit
            wanted = lots_affordable(left, maker.price, rules.value_unit, rules.lot)
        if not wanted:
            return Due(fills, [], done)
        if price is not None and sign * maker.price > sign * price:
            return Due(fills, [], dry)
        if maker.account == account:
            return Due(fills, [], SELF_TRADE)
        if len(fills) == FILLS_MAX:
            return Due(fills, [], EndReason.FILLS_MAX)
        traded = min(wanted, maker.leaves)
        last = traded == maker.leaves
        fills.append(Fill(maker.number, maker.account, maker.price, traded, last))
        end = done if traded == wanted else dry
        if not last:
            break
        filled, value = filled + traded, value + maker.price * traded
    return Due(fills, [], end)


def _queue(ladder: Ladder) -> Iterator[Order]:
    for key in reversed(ladder.keys):
        order = ladder.levels[key].head
        while order is not None:
            yield order
            order = order.next


def _blame(
    book: Book, accepted: OrderAccepted, fills: list[Fill], ended: EndReason | None
) -> NoReturn:
    """Say which law the first wrong fill breaks."""
    pairs = zip_longest(accepted.fills, fills)
    found, due = next(pair for pair in pairs if pair[0] != pair[1])
    if found is None:
        law = "B1" if accepted.ended is None else "B5"
        raise _broken(law, accepted, f"order {due.maker} waits in reach, at {due.price}")
    if found.maker not in book.orders:
        raise _broken("B2", accepted, f"its maker {found.maker} is not in the book")
    if due is None:
        law = {None: "B4", SELF_TRADE: "B6"}.get(ended, "B3")
        raise _broken(law, accepted, f"nothing was left to trade ({ended}), but then came {found}")
    law = "B5" if found.maker != due.maker else "B4" if found.price != due.price else "B3"
    raise _broken(law, accepted, f"next in the queue is {due}, but {found}")


def _broken(law: str, accepted: OrderAccepted, detail: str) -> InvariantViolation:
    return InvariantViolation(law, f"order {accepted.number}: {detail}")
