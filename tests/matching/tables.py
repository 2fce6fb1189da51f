"""How an order book, what is done to it and what comes of it are written in tests.

A book is a table, asks above the line, bids below, each queue from its first order on. An
iceberg shows a part of what is open; an order with a deadline tells it in venue time::

    102 | C 2 of 9
    101 | B 2, A 1 until 20
    ----
     99 | A 5

Done to it: ``D buys 7 at 102``, ``D sells 3 at market IOC``, ``D buys for 500 at market``,
``D sells 9 showing 2 at 101``, ``D buys 7 at 102 until 20 EXPIRE_MAKER``, ``A cancels 99``,
``A cancels all``, ``A cancels all sells``, ``A reduces 99 by 2``, ``A joins desk``,
``A leaves its group``, ``the clock is 20``, ``due orders are swept``, ``the market is halted``.

What comes of it: ``2 of B at 101, 1 of A at 101; filled``, ``rests 4``, ``refused WOULD_TRADE``.
Orders that it met without a trade stand behind the fills: ``expired A 3 at 101`` and ``cut A 3
at 101`` by a self-trade mode, ``due A 3 at 101`` by their deadline.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import pytest

from exchange.feeds.script.lives import Lives
from exchange.kernel.instruments import MarketState
from exchange.kernel.orders import (
    EndReason,
    Fill,
    Met,
    OrderTerms,
    OrderType,
    SelfTrade,
    Side,
    TimeInForce,
)
from exchange.matching.book import Order
from exchange.matching.events import OrderAccepted, OrderReduced, OrdersCancelled
from exchange.orders.commands import CancelOrders, ChangeMarketState, ExpireOrders, SetTradeGroup
from exchange.venue.answers import Ack
from exchange.venue.laws import check_all
from tests.build import SYMBOL, Desk, desk

ACCOUNTS = "ABCDE"
DEADLINE, FILLED, DECREMENT = EndReason.DEADLINE, EndReason.FILLED, SelfTrade.DECREMENT

ORDER = (
    r"(\w) (buys|sells) (?:(\d+)|for (\d+))(?: showing (\d+))?"
    r" at (\d+|market)(?: until (\d+))?((?: \S+)*)"
)
QUEUED = re.compile(r"(\w) (\d+)(?: of (\d+))?( until \d+)?")

WORDS: dict[str, dict[str, Any]] = {
    **{it.name: {"time_in_force": it} for it in TimeInForce},
    **{it.name: {"self_trade": it} for it in SelfTrade},
    "post-only": {"post_only": True},
}
"""Word behind an order -> the field that it sets."""


class View(NamedTuple):
    """From which side a table is looked at: mirrored, bids are asks and high prices low."""

    mirrored: bool

    def price(self, price: int) -> int:
        """The price in the venue for the one in the table, and back."""
        return 200 - price if self.mirrored else price

    def side(self, word: str) -> Side:
        """The side in the venue for the one in the table."""
        return Side.BUY if (word == "buys") is not self.mirrored else Side.SELL


AS_WRITTEN = View(mirrored=False)

both_sides = pytest.mark.parametrize(
    "view", [AS_WRITTEN, View(mirrored=True)], ids=["buys", "sells"]
)


def played(
    view: View, before: str, actions: Iterable[tuple[str, str]], after: str, **rules: int
) -> None:
    """Each action comes out as told, and the book is left as drawn."""
    table = Table(before, view, **rules)
    for action, outcome in actions:
        found = table.do(action)
        assert outcome == found, f"{action}: {found}"
    assert written(after) == str(table), f"the book is left as\n{table}"


def unchanged(view: View, book: str, action: str, outcome: str) -> None:
    """The action comes out as told and leaves the book as it was."""
    played(view, book, [(action, outcome)], book)


class Table:
    """A venue whose one book is written and read as text; the laws hold after each action."""

    def __init__(self, book: str, view: View, **rules: int) -> None:
        self.desk: Desk = desk(ACCOUNTS, **rules)
        self.view = view
        self._left: Counter[int] = Counter()  # order number -> quantity that nothing took
        self._open: dict[int, Order] = {}  # before the last action
        for action in _orders(book):
            assert self.do(action).startswith("rests"), action

    def do(self, action: str) -> str:
        """What comes of the action; one that is refused changes nothing."""
        before, self._open = self.desk.money(), dict(self.desk.book().orders)
        ack = self._act(action)
        self._check()
        if ack.refusal is not None:
            assert before == self.desk.money()
            return f"refused {ack.refusal.code.value}"
        return next(filter(None, map(self._told, self.desk.effects)), "done")

    def number(self, account: str, price: int) -> int:
        """The number of the account's first order at that price; 404 when there is none."""
        price = self.view.price(price)
        orders = self.desk.book().accounts.get(account, {}).values()
        return next((it.number for it in orders if it.price == price), 404)

    def depth(self, price: int) -> int:
        """What anybody sees at that price."""
        book = self.desk.book()
        levels = [*book.asks.levels.values(), *book.bids.levels.values()]
        return next(it.quantity for it in levels if it.price == self.view.price(price))

    def life(self, number: int) -> str:
        """Where the order of that number stands, and why if it has ended."""
        lives = Lives()
        lives.follow(self.desk.envelopes)
        return str(lives.of(SYMBOL, number))

    def __str__(self) -> str:
        queues = self.desk.book().dump()
        sides = [queues["bids"], queues["asks"]]
        asks, bids = reversed(sides) if not self.view.mirrored else sides
        lines = [self._line(*level) for level in reversed(asks)]
        return "\n".join([*lines, "----", *(self._line(*level) for level in bids)])

    def _line(self, price: int, queue: Iterable[tuple[Any, ...]]) -> str:
        orders = self.desk.book().orders
        waiting = ", ".join(_written(orders[number]) for number, *_ in queue)
        return f"{self.view.price(price)} | {waiting}"

    def _act(self, action: str) -> Ack:
        for pattern, act in ACTIONS:
            if found := re.fullmatch(pattern, action):
                return act(self, *found.groups())
        raise AssertionError(f"{action!r} is no action")

    def _told(self, event: object) -> str | None:
        match event:
            case OrderAccepted():
                fills = ", ".join(map(self._print, event.fills))
                met = ", ".join(self._meeting(it, event.terms) for it in event.met)
                end = event.ended.value if event.ended else f"rests {event.leaves}"
                return "; ".join(filter(None, [fills, met, end]))
            case OrderReduced():
                return "reduced"
            case OrdersCancelled(numbers, EndReason.DEADLINE):
                return ", ".join(self._due(self._open[number]) for number in numbers)
            case OrdersCancelled():
                return f"cancelled {len(event.numbers)}"
        return None

    def _print(self, fill: Fill) -> str:
        return f"{fill.quantity} of {fill.account} at {self.view.price(fill.price)}"

    def _meeting(self, met: Met, terms: OrderTerms) -> str:
        lost = "cut" if terms.self_trade is DECREMENT else "expired"
        word = "due" if met.reason is DEADLINE else lost
        return f"{word} {met.account} {met.quantity} at {self.view.price(met.price)}"

    def _due(self, order: Order) -> str:
        return f"due {order.account} {order.leaves} at {self.view.price(order.price)}"

    def _check(self) -> None:
        """No quantity is lost, and each account holds what its open orders need: closed ones 0."""
        check_all(self.desk.state)
        for event in self.desk.effects:
            self._count(event)
        orders = self.desk.book().orders
        left = {number: quantity for number, quantity in self._left.items() if quantity}
        assert left == {number: it.leaves for number, it in orders.items()}
        for account in ACCOUNTS:
            mine = [it for it in orders.values() if it.account == account]
            bids = sum(it.price * it.leaves for it in mine if it.side is Side.BUY)
            asks = sum(it.leaves for it in mine if it.side is Side.SELL)
            assert (bids, asks) == tuple(self.desk.held(account, it) for it in ("USD", "BTC"))

    def _count(self, event: object) -> None:
        """Of each order: filled + prevented + open + cancelled + expired = quantity."""
        left = self._left
        match event:
            case OrderAccepted():
                for fill in event.fills:
                    left[fill.maker] -= fill.quantity
                for met in event.met:
                    left[met.maker] -= met.quantity
                rest = _rest(event)
                assert rest >= 0
                left[event.number] = rest if event.ended in {None, FILLED} else 0
            case OrderReduced():
                left[event.number] -= event.quantity
            case OrdersCancelled():
                for number in event.numbers:
                    left[number] -= self._open[number].leaves


def written(book: str) -> str:
    """The table as :class:`Table` writes it."""
    return "\n".join(line.strip() for line in book.strip().splitlines())


def _rest(accepted: OrderAccepted) -> int:
    """What neither traded on arrival nor was prevented; of a budget 0."""
    terms = accepted.terms
    if terms.quantity is None:
        return 0
    met = accepted.met if terms.self_trade is DECREMENT else ()
    cut = sum(it.quantity for it in met if it.reason is not DEADLINE)
    return terms.quantity - cut - sum(fill.quantity for fill in accepted.fills)


def _orders(book: str) -> Iterator[str]:
    """The actions that lead to the book."""
    word = "sells"
    for line in written(book).splitlines():
        if line == "----":
            word = "buys"
            continue
        price, _, queue = line.partition(" | ")
        for order in queue.split(", "):
            found = QUEUED.fullmatch(order)
            assert found, order
            account, shown, whole, deadline = found.groups()
            quantity = f"{whole} showing {shown}" if whole else shown
            yield f"{account} {word} {quantity} at {price}{deadline or ''}"


def _written(order: Order) -> str:
    hidden = "" if order.shown == order.leaves else f" of {order.leaves}"
    deadline = "" if order.deadline_us is None else f" until {order.deadline_us}"
    return f"{order.account} {order.shown}{hidden}{deadline}"


# What each action does.


def _place(
    table: Table,
    account: str,
    word: str,
    quantity: str | None,
    budget: str | None,
    display: str | None,
    price: str,
    deadline_us: str | None,
    words: str,
) -> Ack:
    fields: dict[str, Any] = {}
    if deadline_us is not None:
        fields = {"time_in_force": TimeInForce.GTD, "deadline_us": int(deadline_us)}
    for it in words.split():
        fields |= WORDS[it]
    terms = OrderTerms(
        table.view.side(word),
        OrderType.MARKET if price == "market" else OrderType.LIMIT,
        None if price == "market" else table.view.price(int(price)),
        int(quantity) if quantity else None,
        budget=int(budget) if budget else None,
        display=int(display) if display else None,
        **fields,
    )
    return table.desk.place(account, terms)


def _cancel(table: Table, account: str, price: str) -> Ack:
    return table.desk.cancel(account, table.number(account, int(price)))


def _cancel_all(table: Table, account: str, word: str | None) -> Ack:
    return table.desk.do(CancelOrders(account, side=table.view.side(word) if word else None))


def _reduce(table: Table, account: str, price: str, quantity: str) -> Ack:
    return table.desk.reduce(account, table.number(account, int(price)), int(quantity))


def _join(table: Table, account: str, group: str | None) -> Ack:
    return table.desk.do(SetTradeGroup(account, group))


def _switch(table: Table, state: str) -> Ack:
    return table.desk.do(ChangeMarketState(SYMBOL, MarketState(state), "as the table says"))


def _set_clock(table: Table, time_us: str) -> Ack:
    table.desk.at_us, table.desk.effects = int(time_us), []
    return Ack(0)


def _sweep(table: Table) -> Ack:
    return table.desk.do(ExpireOrders(SYMBOL))


ACTIONS: tuple[tuple[str, Callable[..., Ack]], ...] = (
    (ORDER, _place),
    (r"(\w) cancels (\d+)", _cancel),
    (r"(\w) cancels all(?: (buys|sells))?", _cancel_all),
    (r"(\w) reduces (\d+) by (\d+)", _reduce),
    (r"(\w) (?:joins (\w+)|leaves its group)", _join),
    (r"the market is (\w+)", _switch),
    (r"the clock is (\d+)", _set_clock),
    (r"due orders are swept", _sweep),
)
"""What an action looks like, and the function that takes its words behind the table."""
