"""What must come of an order in a book with icebergs, deadlines or any self-trade mode.

Written without the matcher that is audited: a level is a line of people, each with what it shows
and what it has; whoever is served and has more goes to the end of the line.
"""

from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

from exchange.kernel.instruments import Instrument
from exchange.kernel.money import lots_affordable
from exchange.kernel.orders import BUY, EndReason, Fill, Met, OrderTerms, SelfTrade
from exchange.matching.book import Book
from exchange.matching.ladder import Order
from exchange.matching.plan import FILLS_MAX

Line = deque[tuple[Order, int, int]]
"""Order, what it shows, what it has."""


class Due(NamedTuple):
    """What must be: fills, orders met and not traded with, why it ended (null: it may rest)."""

    fills: list[Fill]
    met: list[Met]
    end: EndReason | None


def walk(
    book: Book, rules: Instrument, account: str, group: str, terms: OrderTerms, at_us: int
) -> Due:
    """Serve the other side's lines, best price first."""
    taker = _Taker(rules, {account, group}, terms, at_us)
    for price, line in _lines(book, terms):
        while line:
            maker, shows, has = line.popleft()
            takes, over = taker.meet(maker, price, shows, has)
            if over:
                return Due(taker.fills, taker.met, taker.end)
            if maker.display is not None and takes == shows < has:
                line.append((maker, min(maker.display, has - takes), has - takes))
    return Due(taker.fills, taker.met, taker.end)


class _Taker:
    """Who walks along the lines."""

    def __init__(self, rules: Instrument, own: set[str], terms: OrderTerms, at_us: int) -> None:
        self.rules, self.own, self.terms, self.at_us = rules, own, terms, at_us
        self.fills: list[Fill] = []
        self.met: list[Met] = []
        self.quantity, self.money = terms.quantity or 0, terms.budget
        self.dry = EndReason.NO_LIQUIDITY if terms.price is None else None
        self.end = self.dry

    def meet(self, maker: Order, price: int, shows: int, has: int) -> tuple[int, bool]:
        """What the taker buys or sells here, and whether it goes home, as ``end`` says."""
        if maker.deadline_us is not None and self.at_us >= maker.deadline_us:
            self._push_out(maker, price, has, has, EndReason.DEADLINE)
            return 0, False
        wants = self.quantity
        if self.money is not None:
            wants = lots_affordable(self.money, price, self.rules.value_unit, self.rules.lot)
        if not wants:
            if self.end is not EndReason.SELF_TRADE:
                self.end = EndReason.BUDGET_SPENT
            return 0, True
        if {maker.group, maker.account} & self.own and self.terms.self_trade is not SelfTrade.NONE:
            return 0, self._meet_own(maker, price, wants, has)
        if len(self.fills) == FILLS_MAX:
            self.end = EndReason.FILLS_MAX
            return 0, True
        takes = min(wants, shows)
        self.fills.append(Fill(maker.number, maker.account, price, takes, takes == has))
        self._spend(takes, price)
        spent = EndReason.FILLED if self.money is None else EndReason.BUDGET_SPENT
        self.end = spent if takes == wants else self.dry
        return takes, takes == wants and (self.money is None or takes < has)

    def _meet_own(self, maker: Order, price: int, wants: int, has: int) -> bool:
        mode = self.terms.self_trade
        if mode is SelfTrade.DECREMENT:
            loses = min(wants, has)
            self._push_out(maker, price, loses, has, EndReason.SELF_TRADE)
            self._spend(loses, price)
            self.end = EndReason.SELF_TRADE if loses == wants else self.dry
            return loses == wants and (self.money is None or loses < has)
        if mode is not SelfTrade.EXPIRE_TAKER:
            self._push_out(maker, price, has, has, EndReason.SELF_TRADE)
        if mode is not SelfTrade.EXPIRE_MAKER:
            self.end = EndReason.SELF_TRADE
        return mode is not SelfTrade.EXPIRE_MAKER

    def _push_out(self, maker: Order, price: int, loses: int, has: int, why: EndReason) -> None:
        self.met.append(Met(maker.number, maker.account, price, loses, why, loses == has))

    def _spend(self, quantity: int, price: int) -> None:
        if self.money is None:
            self.quantity -= quantity
        else:
            self.money -= quantity * price * self.rules.value_unit


def _lines(book: Book, terms: OrderTerms) -> Iterator[tuple[int, Line]]:
    """Price and line of each level in the order's reach."""
    ladder, sign = (book.asks, 1) if terms.side is BUY else (book.bids, -1)
    for key in reversed(ladder.keys):
        level = ladder.levels[key]
        if terms.price is not None and sign * level.price > sign * terms.price:
            return
        line: Line = deque()
        order = level.head
        while order is not None:
            line.append((order, order.shown, order.leaves))
            order = order.next
        yield level.price, line
