"""How an order book, what is done to it and what comes of it are written in tests.

A book is a table, asks above the line, bids below, each queue from its first order on::

    102 | C 5
    101 | B 2, A 1
    ----
     99 | A 5

Done to it: ``D buys 7 at 102``, ``D sells 3 at market IOC``, ``D buys for 500 at market``,
``A cancels 99``, ``A reduces 99 by 2``, ``the market is halted``. What comes of it:
``2 of B at 101, 1 of A at 101; filled``, ``; rests 4``, ``refused WOULD_TRADE``.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from exchange.kernel.instruments import MarketState
from exchange.kernel.orders import Fill, OrderTerms, OrderType, Side, TimeInForce
from exchange.matching.events import OrderAccepted, OrderReduced, OrdersCancelled
from exchange.orders.commands import ChangeMarketState
from exchange.venue.answers import Ack
from tests.build import SYMBOL, Desk, desk

ORDER = re.compile(
    r"(\w) (buys|sells) (?:(\d+)|for (\d+)) at (\d+|market)(?: (IOC|FOK|post-only))?"
)
CANCEL = re.compile(r"(\w) cancels (\d+)")
REDUCE = re.compile(r"(\w) reduces (\d+) by (\d+)")
STATE = re.compile(r"the market is (halted|closed|continuous)")


class View(NamedTuple):
    """From which side a table is looked at: mirrored, bids are asks and high prices low."""

    mirrored: bool

    def price(self, price: int) -> int:
        """The price in the venue for the one in the table, and back."""
        return 200 - price if self.mirrored else price

    def side(self, side: Side) -> Side:
        """Likewise."""
        return side if not self.mirrored else Side.SELL if side is Side.BUY else Side.BUY


class Table:
    """A venue whose one book is written and read as text."""

    def __init__(self, book: str, view: View, **rules: int) -> None:
        self.desk: Desk = desk("ABCDE", **rules)
        self._view = view
        for side, price, account, quantity in _orders(book):
            terms = OrderTerms(view.side(side), OrderType.LIMIT, view.price(price), quantity)
            assert self.desk.place(account, terms).refusal is None

    def do(self, action: str) -> str:
        """What comes of the action; one that is refused changes nothing."""
        before = self.desk.money()
        ack = self._act(action)
        if ack.refusal is not None:
            assert before == self.desk.money()
            return f"refused {ack.refusal.code.value}"
        return self._told()

    def __str__(self) -> str:
        queues = self.desk.book().dump()
        sides = [queues["bids"], queues["asks"]]
        asks, bids = reversed(sides) if not self._view.mirrored else sides
        lines = [self._line(level) for level in reversed(asks)]
        return "\n".join([*lines, "----", *(self._line(level) for level in bids)])

    def _line(self, level: tuple[int, list[tuple[int, str, str, int, int, str]]]) -> str:
        queue = ", ".join(f"{account} {leaves}" for _, account, _, _, leaves, _ in level[1])
        return f"{self._view.price(level[0])} | {queue}"

    def _act(self, action: str) -> Ack:
        if found := ORDER.fullmatch(action):
            account, word, quantity, budget, price, more = found.groups()
            side = self._view.side(Side.BUY if word == "buys" else Side.SELL)
            terms = OrderTerms(
                side,
                OrderType.MARKET if price == "market" else OrderType.LIMIT,
                None if price == "market" else self._view.price(int(price)),
                int(quantity) if quantity else None,
                TimeInForce[more] if more in {"IOC", "FOK"} else TimeInForce.GTC,
                post_only=more == "post-only",
                budget=int(budget) if budget else None,
            )
            return self.desk.place(account, terms)
        if found := CANCEL.fullmatch(action):
            return self.desk.cancel(found[1], self.number(found[1], int(found[2])))
        if found := REDUCE.fullmatch(action):
            number = self.number(found[1], int(found[2]))
            return self.desk.reduce(found[1], number, int(found[3]))
        found = STATE.fullmatch(action)
        assert found, action
        return self.desk.do(ChangeMarketState(SYMBOL, MarketState(found[1]), "as the table says"))

    def number(self, account: str, price: int) -> int:
        """The number of the account's first order at that price; 404 when there is none."""
        price = self._view.price(price)
        orders = self.desk.book().accounts.get(account, {}).values()
        return next((it.number for it in orders if it.price == price), 404)

    def _told(self) -> str:
        for event in self.desk.effects:
            match event:
                case OrderAccepted():
                    fills = ", ".join(map(self._print, event.fills))
                    end = event.ended.value if event.ended else f"rests {event.leaves}"
                    return f"{fills}; {end}".removeprefix("; ")
                case OrderReduced():
                    return "reduced"
                case OrdersCancelled():
                    return f"cancelled {len(event.numbers)}"
                case _:
                    pass
        return "done"

    def _print(self, fill: Fill) -> str:
        return f"{fill.quantity} of {fill.account} at {self._view.price(fill.price)}"


def written(book: str) -> str:
    """The table as :class:`Table` writes it."""
    return "\n".join(line.strip() for line in book.strip().splitlines())


def _orders(book: str) -> Iterator[tuple[Side, int, str, int]]:
    side = Side.SELL
    for line in written(book).splitlines():
        if line == "----":
            side = Side.BUY
            continue
        price, _, queue = line.partition(" | ")
        for order in queue.split(", "):
            account, quantity = order.split(" ")
            yield side, int(price), account, int(quantity)
