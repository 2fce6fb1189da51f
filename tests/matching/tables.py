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
``A leaves its group``, ``the clock is 20``, ``due orders are swept``, ``the market is halted``,
``A amends 99: price 100, quantity 3, display 1, deadline 20``.

Orders that sleep stand in no table. ``C stops to buy 3 at 103``, ``C stops to sell 3 at 97 limit
96``, ``C takes profit selling 3 at 105``, ``C takes profit buying for 500 at 95``; then ``C cancels
the stop at 103``, ``C amends the stop at 103: trigger 104``, ``the woken enter``.

Two orders of which one cancels the other stand in one line: ``D sells 7 at 105 or stop 95``, ``D
sells 7 profit 105 or stop 95 limit 94``. What an order has for itself stands behind it: ``D sells 7
at 105 showing 2 until 20 as d1 post-only or stop 95 until 30 as d2``.

What comes of it: ``2 of B at 101, 1 of A at 101; filled``, ``rests 4``, ``refused WOULD_TRADE``.
Orders that it met without a trade stand behind the fills: ``expired A 3 at 101`` and ``cut A 3
at 101`` by a self-trade mode, ``due A 3 at 101`` by their deadline. Of an amend ``stays 3`` if it
kept its place, else what an order hears. Of a list both: ``rests 7 or sleeps``; who loses an order
because the other one of its list was met or ended: ``dropped D 7 at 95``. What is woken comes last:
``1 of A at 103; filled; triggered C: 2 of D at 104; filled``.
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
from exchange.kernel.rejects import Refusal
from exchange.matching.events import (
    OrderAccepted,
    OrderAmended,
    OrderListAccepted,
    OrderReduced,
    OrdersCancelled,
    StopEntered,
)
from exchange.matching.ladder import Order
from exchange.matching.picture import Row
from exchange.orders.commands import (
    AmendOrder,
    CancelOrders,
    ChangeMarketState,
    ExpireOrders,
    PlaceOrderList,
    RunStops,
    SetTradeGroup,
)
from exchange.venue.answers import Ack
from exchange.venue.laws import check_all
from tests.build import SYMBOL, Desk, desk

ACCOUNTS = "ABCDE"
DEADLINE, FILLED, DECREMENT = EndReason.DEADLINE, EndReason.FILLED, SelfTrade.DECREMENT

ORDER = (
    r"(\w) (buys|sells) (?:(\d+)|for (\d+))(?: showing (\d+))?"
    r" at (\d+|market)(?: until (\d+))?((?: \S+)*)"
)
STOP = (
    r"(\w) (stops to|takes profit) (buy|sell|buying|selling)"
    r" (?:(\d+)|for (\d+))(?: showing (\d+))?(?: at (\d+))?(?: limit (\d+))?"
    r"(?: until (\d+))?((?: \S+)*)"
)
LISTED = re.compile(
    r"(?:(buys|sells) (?:(\d+)|for (\d+)) )?(at|stop|profit) (\d+|market)(?: limit (\d+))?"
    r"(?: showing (\d+))?(?: until (\d+))?(?: as (\w+))?((?: \S+)*)"
)
"""One order of a list; the second takes side and quantity from the first."""

WHICH = r"(?:(\d+)|the stop at (\d+))"
QUEUED = re.compile(r"(\w) (\d+)(?: of (\d+))?( until \d+)?")

WORDS: dict[str, dict[str, Any]] = {
    **{it.name: {"time_in_force": it} for it in TimeInForce},
    **{it.name: {"self_trade": it} for it in SelfTrade},
    "post-only": {"post_only": True},
}
"""Word behind an order -> the field that it sets."""

STOPS = {
    "stops to": (OrderType.STOP, OrderType.STOP_LIMIT),
    "takes profit": (OrderType.TAKE_PROFIT, OrderType.TAKE_PROFIT_LIMIT),
}
STOPS |= {"stop": STOPS["stops to"], "profit": STOPS["takes profit"]}
"""What an order waits for -> its type at market, and with a limit."""


Incoming = OrderAccepted | OrderAmended | StopEntered
"""What tells of an order that comes in."""


class View(NamedTuple):
    """From which side a table is looked at: mirrored, bids are asks and high prices low."""

    mirrored: bool

    def price(self, price: int) -> int:
        """The price in the venue for the one in the table, and back."""
        return 200 - price if self.mirrored else price

    def side(self, word: str) -> Side:
        """The side in the venue for the one in the table."""
        return Side.BUY if word.startswith("buy") is not self.mirrored else Side.SELL


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
        self._used: Counter[int] = Counter()  # order number -> filled and prevented
        self._open: dict[int, Order] = {}  # before the last action
        self._lists: list[tuple[int, int]] = []  # of all that were accepted
        self.refusal: Refusal | None = None  # of the last action
        for action in _orders(book):
            assert self.do(action).startswith("rests"), action

    def do(self, action: str) -> str:
        """What comes of the action; one that is refused changes nothing."""
        before, self._open = self.desk.money(), dict(self.desk.book().orders)
        ack = self._act(action)
        self.refusal = ack.refusal
        self._check()
        if ack.refusal is not None:
            assert before == self.desk.money()
            return f"refused {ack.refusal.code.value}"
        return "; ".join(filter(None, map(self._told, self.desk.effects))) or "done"

    def number(self, account: str, price: int) -> int:
        """The number of the account's first order at that price; 404 when there is none."""
        price = self.view.price(price)
        orders = self.desk.book().accounts.get(account, {}).values()
        return next((it.number for it in orders if it.level and it.price == price), 404)

    def stop(self, account: str, trigger: int) -> int:
        """The number of the account's first order that sleeps till there; 404 likewise."""
        trigger = self.view.price(trigger)
        orders = self.desk.book().accounts.get(account, {}).values()
        return next((it.number for it in orders if it.trigger == trigger), 404)

    def asleep(self) -> str:
        """Who sleeps till which price, as they arrived; those that are woken too."""
        rows = self.desk.book().dump()["asleep"]
        return ", ".join(f"{row.account} {self.view.price(row.trigger)}" for row in rows)

    def woken(self) -> str:
        """Whose orders are triggered and wait for their turn."""
        book = self.desk.book()
        return ", ".join(book.orders[number].account for number in book.stops.woken)

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

    def _line(self, price: int, queue: Iterable[Row]) -> str:
        orders = self.desk.book().orders
        waiting = ", ".join(_written(orders[row.number]) for row in queue)
        return f"{self.view.price(price)} | {waiting}"

    def _act(self, action: str) -> Ack:
        for pattern, act in ACTIONS:
            if found := re.fullmatch(pattern, action):
                return act(self, *found.groups())
        raise AssertionError(f"{action!r} is no action")

    def _told(self, event: object) -> str | None:
        match event:
            case OrderAccepted() | OrderAmended() | StopEntered():
                return self._outcome(event)
            case OrderListAccepted():
                return " or ".join(map(self._outcome, event.orders))
            case OrderReduced():
                return "reduced"
            case OrdersCancelled(numbers, EndReason.DEADLINE | EndReason.LIST as reason):
                word = "due" if reason is DEADLINE else "dropped"
                return ", ".join(f"{word} {self._lost(self._open[it])}" for it in numbers)
            case OrdersCancelled():
                return f"cancelled {len(event.numbers)}"
        return None

    def _outcome(self, event: Incoming) -> str:
        terms, woken = self._terms(event), ""
        match event:
            case OrderAmended(entered=False):
                return f"stays {event.leaves}"
            case OrderAmended(trigger=int()) | OrderAccepted(terms=OrderTerms(trigger=int())):
                return "sleeps"
            case StopEntered():
                woken = f"triggered {self._open[event.number].account}: "
        fills = ", ".join(map(self._print, event.fills))
        met = ", ".join(self._meeting(it, terms) for it in event.met)
        end = event.ended.value if event.ended else f"rests {event.leaves}"
        return woken + "; ".join(filter(None, [fills, met, end]))

    def _terms(self, event: Incoming) -> OrderTerms:
        return event.terms if isinstance(event, OrderAccepted) else self._open[event.number].terms

    def _print(self, fill: Fill) -> str:
        return f"{fill.quantity} of {fill.account} at {self.view.price(fill.price)}"

    def _meeting(self, met: Met, terms: OrderTerms) -> str:
        lost = "cut" if terms.self_trade is DECREMENT else "expired"
        word = "due" if met.reason is DEADLINE else lost
        return f"{word} {met.account} {met.quantity} at {self.view.price(met.price)}"

    def _lost(self, order: Order) -> str:
        price = self.view.price(order.trigger or order.price)
        return f"{order.account} {order.leaves} at {price}"

    def _check(self) -> None:
        """No quantity is lost, and each account holds what its open orders need: closed ones 0."""
        check_all(self.desk.state)
        for event in self.desk.effects:
            self._count(event)
        orders = self.desk.book().orders
        left = {number: quantity for number, quantity in self._left.items() if quantity}
        assert left == {number: it.leaves for number, it in orders.items() if it.leaves}
        for account in ACCOUNTS:
            mine = [it for it in self._needy() if it.account == account]
            bids = sum(it.price * it.leaves for it in mine if it.side is Side.BUY)
            bids += sum(it.terms.budget or 0 for it in mine)
            asks = sum(it.leaves for it in mine if it.side is Side.SELL)
            assert (bids, asks) == tuple(self.desk.held(account, it) for it in ("USD", "BTC"))

    def _needy(self) -> list[Order]:
        """The open orders that something is held for: of a list only the dearer one.

        While both of a list are open, nothing has happened to either.
        """
        book = self.desk.book()
        needy = dict(book.orders)
        for pair in self._lists:
            both = [book.orders[number] for number in pair if number in book.orders]
            if len(both) == len(pair):
                assert all(it.leaves == it.quantity for it in both)
                assert not set(pair) & set(book.stops.woken)
                del needy[min(both, key=lambda it: it.price * it.leaves).number]
        return list(needy.values())

    def _count(self, event: object) -> None:
        """Of each order: filled + prevented + open + cancelled + expired = quantity."""
        left = self._left
        match event:
            case OrderAccepted():
                self._enter(event, event.terms.quantity)
            case OrderListAccepted():
                self._lists.append((event.orders[0].number, event.orders[1].number))
                for accepted in event.orders:
                    self._enter(accepted, accepted.terms.quantity)
            case OrderAmended():
                self._enter(event, event.quantity - self._used[event.number])
            case StopEntered():
                self._enter(event, left[event.number] if self._terms(event).quantity else None)
            case OrderReduced():
                left[event.number] -= event.quantity
            case OrdersCancelled():
                for number in event.numbers:
                    left[number] -= self._open[number].leaves

    def _enter(self, event: Incoming, quantity: int | None) -> None:
        """Count an order that comes in with ``quantity``; a budget leaves nothing."""
        left, used, number = self._left, self._used, event.number
        cut = self._terms(event).self_trade is DECREMENT
        own = sum(it.quantity for it in event.fills)
        own += sum(it.quantity for it in event.met if cut and it.reason is not DEADLINE)
        taken: tuple[Fill | Met, ...] = (*event.fills, *event.met)
        for it in taken:
            left[it.maker] -= it.quantity
            used[it.maker] += it.quantity
        used[number] += own
        rest = 0 if quantity is None else quantity - own
        assert rest >= 0
        left[number] = rest if event.ended in {None, FILLED} else 0


def written(book: str) -> str:
    """The table as :class:`Table` writes it."""
    return "\n".join(line.strip() for line in book.strip().splitlines())


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
    terms = OrderTerms(
        table.view.side(word),
        OrderType.MARKET if price == "market" else OrderType.LIMIT,
        None if price == "market" else table.view.price(int(price)),
        _number(quantity),
        budget=_number(budget),
        display=_number(display),
        **_fields(deadline_us, words),
    )
    return table.desk.place(account, terms)


def _place_stop(
    table: Table,
    account: str,
    kind: str,
    word: str,
    quantity: str | None,
    budget: str | None,
    display: str | None,
    trigger: str | None,
    price: str | None,
    deadline_us: str | None,
    words: str,
) -> Ack:
    at_market, limited = STOPS[kind]
    terms = OrderTerms(
        table.view.side(word),
        limited if price else at_market,
        table.view.price(int(price)) if price else None,
        _number(quantity),
        budget=_number(budget),
        display=_number(display),
        trigger=table.view.price(int(trigger)) if trigger else None,
        **_fields(deadline_us, words),
    )
    return table.desk.place(account, terms)


def _place_list(table: Table, account: str, first: str, second: str) -> Ack:
    one = _listed(table, first)
    other = _listed(table, second, one)
    return table.desk.do(PlaceOrderList(account, SYMBOL, one, other))


def _listed(table: Table, words: str, before: OrderTerms | None = None) -> OrderTerms:
    found = LISTED.fullmatch(words)
    assert found, words
    word, quantity, budget, kind, at, limit, display, deadline_us, name, more = found.groups()
    price, trigger = (at, None) if kind == "at" else (limit, at)
    types = STOPS.get(kind, (OrderType.MARKET, OrderType.LIMIT))
    return OrderTerms(
        before.side if before and not word else table.view.side(word),
        types[price not in {None, "market"}],
        None if price in {None, "market"} else table.view.price(int(price)),
        before.quantity if before and not word else _number(quantity),
        budget=_number(budget),
        display=_number(display),
        client_order_id=name,
        trigger=table.view.price(int(trigger)) if trigger else None,
        **_fields(deadline_us, more),
    )


def _number(text: str | None) -> int | None:
    return int(text) if text else None


def _fields(deadline_us: str | None, words: str) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    if deadline_us is not None:
        fields = {"time_in_force": TimeInForce.GTD, "deadline_us": int(deadline_us)}
    for it in words.split():
        fields |= WORDS[it]
    return fields


def _which(table: Table, account: str, price: str | None, trigger: str | None) -> int:
    if price is not None:
        return table.number(account, int(price))
    return table.stop(account, int(trigger or 0))


def _amend(table: Table, account: str, price: str | None, trigger: str | None, changes: str) -> Ack:
    fields: dict[str, Any] = {}
    for name, value in re.findall(r"(\w+) (\d+)", changes):
        is_price = name in {"price", "trigger"}
        field = "deadline_us" if name == "deadline" else name
        fields[field] = table.view.price(int(value)) if is_price else int(value)
    number = _which(table, account, price, trigger)
    return table.desk.do(AmendOrder(account, SYMBOL, number, **fields))


def _cancel(table: Table, account: str, price: str | None, trigger: str | None) -> Ack:
    return table.desk.cancel(account, _which(table, account, price, trigger))


def _cancel_all(table: Table, account: str, word: str | None) -> Ack:
    return table.desk.do(CancelOrders(account, side=table.view.side(word) if word else None))


def _reduce(
    table: Table, account: str, price: str | None, trigger: str | None, quantity: str
) -> Ack:
    return table.desk.reduce(account, _which(table, account, price, trigger), int(quantity))


def _join(table: Table, account: str, group: str | None) -> Ack:
    return table.desk.do(SetTradeGroup(account, group))


def _switch(table: Table, state: str) -> Ack:
    return table.desk.do(ChangeMarketState(SYMBOL, MarketState(state), "as the table says"))


def _set_clock(table: Table, time_us: str) -> Ack:
    table.desk.at_us, table.desk.effects = int(time_us), []
    return Ack(0)


def _sweep(table: Table) -> Ack:
    return table.desk.do(ExpireOrders(SYMBOL))


def _run_stops(table: Table) -> Ack:
    return table.desk.do(RunStops(SYMBOL))


ACTIONS: tuple[tuple[str, Callable[..., Ack]], ...] = (
    (r"(\w) ((?:buys|sells) .+) or (.+)", _place_list),
    (ORDER, _place),
    (STOP, _place_stop),
    (rf"(\w) amends {WHICH}: (.+)", _amend),
    (rf"(\w) cancels {WHICH}", _cancel),
    (r"(\w) cancels all(?: (buys|sells))?", _cancel_all),
    (rf"(\w) reduces {WHICH} by (\d+)", _reduce),
    (r"(\w) (?:joins (\w+)|leaves its group)", _join),
    (r"the market is (\w+)", _switch),
    (r"the clock is (\d+)", _set_clock),
    (r"due orders are swept", _sweep),
    (r"the woken enter", _run_stops),
)
"""What an action looks like, and the function that takes its words behind the table."""
