"""The book: who waits at which price, in which order, and how events change that."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import msgspec
from sortedcontainers import SortedList

from exchange.kernel.events import Event
from exchange.kernel.ids import group_key
from exchange.kernel.laws import hold_law
from exchange.kernel.orders import BUY, Fill, Met, Side
from exchange.matching.events import (
    OrderAccepted,
    OrderAmended,
    OrderListAccepted,
    OrderReduced,
    OrdersCancelled,
    StopEntered,
    StopsTriggered,
)
from exchange.matching.ladder import Ladder, Level, Odd, Order, shared
from exchange.matching.picture import Row, asleep, queues, unlinked, walk
from exchange.matching.stops import Stops


class Book:
    """The open orders of one symbol; an event-sourced aggregate."""

    __slots__ = (
        "accounts", "arrival_count", "asks", "bids", "client_ids", "deadlines", "held_budget",
        "held_quantity", "held_value", "id", "last_price", "odd_count", "order_count", "orders",
        "others", "stops", "trade_count", "version",
    )  # fmt: skip

    def __init__(self, stream: str) -> None:
        self.id = stream
        self.version = 0
        self.bids = Ladder(1)
        self.asks = Ladder(-1)
        self.orders: dict[int, Order] = {}  # number -> open order
        self.accounts: dict[str, dict[int, Order]] = {}  # account -> its open orders
        self.client_ids: dict[tuple[str, str], Order] = {}  # (account, client id) -> open order
        self.deadlines: SortedList[tuple[int, int]] = SortedList()  # (deadline, number), open
        self.others: dict[int, Order] = {}  # number of one of a list -> the other
        self.odd_count = 0  # standing orders with a display, a deadline or a trade group
        self.arrival_count = 0  # how often an order has joined a queue
        self.order_count = 0
        self.trade_count = 0
        self.stops = Stops()
        self.last_price: int | None = None  # of the last print
        self.held_value = 0  # sum of price × leaves over all that buy by quantity
        self.held_quantity = 0  # sum of leaves over all that sell
        self.held_budget = 0  # quote units, of all that buy by a budget

    def evolve(self, event: Event) -> None:
        """Follow one event of this stream."""
        self.version += 1
        self._EVOLVE[type(event)](self, event)

    def _accept(self, event: OrderAccepted) -> None:
        number = self.order_count = self.order_count + 1
        fills, met = event.fills, event.met
        if fills or met:
            self._meet(fills, met)
        if event.ended is None:
            account, terms = event.account, event.terms
            if terms.trigger is not None:
                self._sleep_anew(event, terms.trigger)
                return
            shown, group = event.leaves, event.group
            arrival = self.arrival_count = self.arrival_count + 1
            order = Order(
                number, account, account if group is None else group_key(account, group), terms,
                terms.side, terms.price, terms.quantity, shown, arrival,  # type: ignore[arg-type]  # only a limit by quantity rests
            )  # fmt: skip
            if terms.display is not None or event.deadline_us is not None or group is not None:
                shown = self._distinguish(order, terms.display, event.deadline_us)
            self._rest(order, number, account, shown)

    def _accept_list(self, event: OrderListAccepted) -> None:
        for accepted in event.orders:
            self._accept(accepted)
        first, second = [self.orders[it.number] for it in event.orders]
        self._join(first, second)

    def _join(self, first: Order, second: Order) -> None:
        """Make two open orders a list."""
        self.others |= {first.number: second, second.number: first}
        self._share(first, second, 1)

    def _share(self, order: Order, other: Order, sign: int) -> None:
        """Let orders that are counted one by one need no more than the greater, or again so."""
        if order.side is BUY:
            self.held_value -= sign * shared(order, other)
        else:
            self.held_quantity -= sign * shared(order, other)

    def _meet(self, fills: Sequence[Fill], met: Sequence[Met]) -> None:
        """Resting orders trade, or are met by one that doesn't trade with them."""
        orders = self.orders
        if fills:
            self.trade_count += len(fills)
            self.last_price = fills[-1].price
        for fill in fills:
            order = orders[fill.maker]
            if fill.last:
                self._remove(order)
            elif order.odd is None or order.odd.display is None:
                self._shrink(order, fill.quantity)
            else:
                self._use_up(order, order.odd, fill.quantity)
        for it in met:
            order = orders[it.maker]
            if it.last:
                self._remove(order)
            else:
                self._cut(order, it.quantity)

    def _distinguish(self, order: Order, display: int | None, deadline_us: int | None) -> int:
        """Note what is odd about an order; what is shown of it."""
        order.odd, shown = None, order.leaves
        if display is not None or deadline_us is not None:
            shown = min(display or shown, shown)
            order.odd = Odd(display, shown, deadline_us)
        self._count_odd(order, 1)
        return shown

    def _sleep_anew(self, event: OrderAccepted, trigger: int) -> None:
        """A new order sleeps; for a purchase at market its price is the most it will pay."""
        terms, account = event.terms, event.account
        self.arrival_count += 1
        order = Order(
            event.number, account, group_key(account, event.group), terms, terms.side,
            terms.price or event.bound or 0, terms.quantity or 0, event.leaves,
            self.arrival_count, Odd(terms.display, event.leaves, event.deadline_us, trigger),
        )  # fmt: skip
        self._sleep(order)

    def _sleep(self, order: Order) -> None:
        """Let an order wait for its trigger; it is open, but in no queue."""
        odd: Odd = order.odd  # type: ignore[assignment]  # it has a trigger
        self.stops.sleep(order.terms.rises, odd.trigger or 0, order.arrival, order.number)
        self._hold(order, 1)
        if odd.deadline_us is not None:
            self.deadlines.add((odd.deadline_us, order.number))
        self.orders[order.number] = order
        self.accounts.setdefault(order.account, {})[order.number] = order
        if order.terms.client_order_id is not None:
            self.client_ids[order.account, order.terms.client_order_id] = order

    def _hold(self, order: Order, sign: int) -> None:
        """Count what a sleeping order needs in or out."""
        if order.terms.budget is not None:
            self.held_budget += sign * order.terms.budget
        elif order.side is BUY:
            self.held_value += sign * order.price * order.leaves
        else:
            self.held_quantity += sign * order.leaves

    def _wake(self, event: StopsTriggered) -> None:
        for number in event.numbers:
            order = self.orders[number]
            self.stops.wake(order.terms.rises, order.trigger or 0, order.arrival, number)

    def _enter(self, event: StopEntered) -> None:
        order = self.orders[event.number]
        display, deadline_us = order.display, order.deadline_us
        self._remove(order)
        self._meet(event.fills, event.met)
        if event.ended is None:
            order.leaves = event.leaves
            shown = self._distinguish(order, display, deadline_us)
            order.arrival = self.arrival_count = self.arrival_count + 1
            self._rest(order, order.number, order.account, shown)

    def _rest(self, order: Order, number: int, account: str, shown: int) -> None:
        """Let an order wait at the end of its price's queue, showing so much."""
        leaves, price = order.leaves, order.price
        if order.side is BUY:
            self.held_value += price * leaves
            level = self.bids.levels.get(price) or self.bids.open(price)
        else:
            self.held_quantity += leaves
            level = self.asks.levels.get(-price) or self.asks.open(-price)
        order.level = level
        level.quantity += shown
        tail = level.tail
        if tail is None:
            level.head = order
        else:
            tail.next = order
            order.prev = tail
        level.tail = order
        self.orders[number] = order
        owned = self.accounts.get(account)
        if owned is None:
            owned = self.accounts[account] = {}
        owned[number] = order
        client_order_id = order.terms.client_order_id
        if client_order_id is not None:
            self.client_ids[account, client_order_id] = order

    def _count_odd(self, order: Order, by: int) -> None:
        """Count an order that is odd in or out; others don't count."""
        if order.odd is None:
            self.odd_count += by * (order.group is not order.account)
            return
        self.odd_count += by
        deadline_us = order.odd.deadline_us
        if deadline_us is not None:
            change = self.deadlines.add if by > 0 else self.deadlines.remove
            change((deadline_us, order.number))

    def _amend(self, event: OrderAmended) -> None:
        order = self.orders[event.number]
        if order.level is None:
            self._forget_sleeping(order)
            if event.entered:
                order.arrival = self.arrival_count = self.arrival_count + 1
            order.price, order.quantity, order.leaves = event.price, event.quantity, event.leaves
            order.odd = Odd(event.display, event.leaves, event.deadline_us, event.trigger)
            self._sleep(order)
            return
        order.quantity = event.quantity
        if not event.entered:
            self._cut(order, order.leaves - event.leaves)
            shown = order.shown
            self._count_odd(order, -1)
            self._distinguish(order, event.display, event.deadline_us)
            if order.odd is not None and order.odd.display is not None:
                order.odd.shown = min(order.odd.display, shown)
                order.level.quantity += order.odd.shown - shown
            return
        self._remove(order)
        self._meet(event.fills, event.met)
        order.price, order.leaves = event.price, event.leaves
        if event.ended is None:
            shown = self._distinguish(order, event.display, event.deadline_us)
            order.arrival = self.arrival_count = self.arrival_count + 1
            self._rest(order, order.number, order.account, shown)

    def _reduce(self, event: OrderReduced) -> None:
        order = self.orders[event.number]
        order.quantity -= event.quantity
        self._cut(order, event.quantity)

    def _cancel(self, event: OrdersCancelled) -> None:
        for number in event.numbers:
            order = self.orders[number]
            self._remove(order)
            if number in self.others:
                other = self.others.pop(number)
                del self.others[other.number]
                self._share(order, other, -1)

    def _shrink(self, order: Order, quantity: int) -> None:
        order.leaves -= quantity
        order.level.quantity -= quantity  # type: ignore[union-attr]  # an open order has a level
        if order.side is BUY:
            self.held_value -= order.price * quantity
        else:
            self.held_quantity -= quantity

    def _cut(self, order: Order, quantity: int) -> None:
        """Take off ``quantity`` in place: of an iceberg the hidden part first."""
        odd = order.odd
        if order.level is None:
            self._hold(order, -1)
            order.leaves -= quantity
            self._hold(order, 1)
            return
        if odd is None or odd.display is None:
            self._shrink(order, quantity)
            return
        seen = max(0, quantity - (order.leaves - odd.shown))
        self._shrink(order, quantity)
        odd.shown -= seen
        order.level.quantity += quantity - seen

    def _use_up(self, order: Order, odd: Odd, quantity: int) -> None:
        """A fill of an iceberg: when its slice is gone, the next joins the back of the queue."""
        self._shrink(order, quantity)
        odd.shown -= quantity
        if odd.shown:
            return
        level: Level = order.level  # type: ignore[assignment]  # it is open
        odd.shown = min(odd.display or 0, order.leaves)
        order.arrival = self.arrival_count = self.arrival_count + 1
        level.quantity += odd.shown
        after = order.next
        if after is None:
            return
        after.prev = order.prev
        if order.prev is None:
            level.head = after
        else:
            order.prev.next = after
        order.prev, order.next = level.tail, None
        level.tail.next = order  # type: ignore[union-attr]  # somebody stands behind it
        level.tail = order

    def _remove(self, order: Order) -> None:
        number, account, leaves, level = order.number, order.account, order.leaves, order.level
        if level is None:
            self._forget_sleeping(order)
            return
        before, after = order.prev, order.next
        order.level = order.prev = order.next = None
        if before is None:
            level.head = after
        else:
            before.next = after
        if after is None:
            level.tail = before
        else:
            after.prev = before
        if order.odd is None and order.group is account:
            level.quantity -= leaves
        else:
            level.quantity -= order.shown
            self._count_odd(order, -1)
        if order.side is BUY:
            self.held_value -= order.price * leaves
            ladder = self.bids
        else:
            self.held_quantity -= leaves
            ladder = self.asks
        if before is after:  # both null: nobody else stood there
            ladder.drop(level)
        del self.orders[number]
        owned = self.accounts[account]
        del owned[number]
        if not owned:
            del self.accounts[account]
        client_order_id = order.terms.client_order_id
        if client_order_id is not None:
            del self.client_ids[account, client_order_id]

    def _forget_sleeping(self, order: Order) -> None:
        number, account = order.number, order.account
        self.stops.drop(order.terms.rises, order.trigger or 0, order.arrival, number)
        self._hold(order, -1)
        if order.deadline_us is not None:
            self.deadlines.remove((order.deadline_us, number))
        del self.orders[number]
        del self.accounts[account][number]
        if not self.accounts[account]:
            del self.accounts[account]
        if order.terms.client_order_id is not None:
            del self.client_ids[account, order.terms.client_order_id]

    _EVOLVE: ClassVar[dict[type[Event], Callable[["Book", Any], None]]] = {
        OrderAccepted: _accept,
        OrderListAccepted: _accept_list,
        OrderReduced: _reduce,
        OrderAmended: _amend,
        StopsTriggered: _wake,
        StopEntered: _enter,
        OrdersCancelled: _cancel,
    }

    def dump(self) -> dict[str, Any]:
        """All that decides what comes next, for JSON: what the state hash covers.

        Orders as ``Row``, in the order of their queues, sleeping ones as they arrived.
        """
        return {
            "version": self.version,
            "orders": self.order_count,
            "arrivals": self.arrival_count,
            "trades": self.trade_count,
            "last_price": self.last_price,
            "bids": queues(self.bids),
            "asks": queues(self.asks),
            "asleep": asleep(self.orders.values()),
            "woken": list(self.stops.woken),
            "lists": sorted([n, it.number] for n, it in self.others.items() if n < it.number),
        }

    def load(self, dumped: Mapping[str, Any]) -> None:
        """Become what was dumped; only an empty aggregate can. O(orders)."""
        self.version, self.last_price = dumped["version"], dumped["last_price"]
        self.order_count, self.trade_count = dumped["orders"], dumped["trades"]
        self.arrival_count = dumped["arrivals"]
        names: dict[str, str] = {}  # an account -> the one object that stands for it
        for _, queue in (*dumped["bids"], *dumped["asks"]):
            for it in msgspec.convert(queue, list[Row]):
                order = unlinked(it, names.setdefault(it.account, it.account))
                self._count_odd(order, 1)
                self._rest(order, it.number, order.account, it.shown)
        for it in msgspec.convert(dumped["asleep"], list[Row]):
            self._sleep(unlinked(it, names.setdefault(it.account, it.account)))
        self._wake(StopsTriggered(tuple(dumped["woken"])))
        for number, other in dumped["lists"]:
            self._join(self.orders[number], self.orders[other])

    def check(self) -> None:
        """Laws B1 and B2 in full: O(orders).

        Raises:
            InvariantViolation: the book contradicts itself.
        """
        bid, ask = self.bids.best, self.asks.best
        hold_law("B1", bid is None or ask is None or bid.price < ask.price, f"{self.id} crossed")
        standing = [order for ladder in (self.bids, self.asks) for order in walk(ladder)]
        sleeping = [order for order in self.orders.values() if order.level is None]
        places = sorted(place[1:] for it in (self.stops.rising, self.stops.falling) for place in it)
        waiting = [o for o in sleeping if o.number not in self.stops.woken]
        hold_law(
            "B2",
            places == sorted((o.arrival, o.number) for o in waiting)
            and len(waiting) + len(self.stops.woken) == len(sleeping) == self.stops.count,
            f"{self.id} orders by trigger",
        )
        seen = standing + sleeping
        hold_law("B2", {o.number: o for o in seen} == self.orders, f"{self.id} index and queues")
        hold_law("B2", len(seen) == len(self.orders), f"{self.id}: an order stands twice")
        owned = {(o.account, o.number) for o in seen}
        indexed = {(a, n) for a, orders in self.accounts.items() for n in orders}
        hold_law("B2", owned == indexed, f"{self.id} orders by account")
        named = {(o.account, o.terms.client_order_id): o for o in seen if o.terms.client_order_id}
        hold_law("B2", named == self.client_ids, f"{self.id} orders by client id")
        odd = sum(o.odd is not None or o.group != o.account for o in standing)
        hold_law("B2", odd == self.odd_count, f"{self.id} counts {self.odd_count} odd orders")
        timed = sorted((o.deadline_us, o.number) for o in seen if o.deadline_us is not None)
        hold_law("B2", timed == list(self.deadlines), f"{self.id} orders by deadline")
        pairs = [(self.orders[n], it) for n, it in self.others.items() if n < it.number]
        linked = all(
            self.others.get(it.number) is o and it.number in self.orders for o, it in pairs
        )
        hold_law("B2", linked and 2 * len(pairs) == len(self.others), f"{self.id} lists")
        value = sum(o.price * o.leaves for o in seen if o.side is Side.BUY)
        value -= sum(shared(o, it) for o, it in pairs if o.side is Side.BUY)
        quantity = sum(o.leaves for o in seen if o.side is Side.SELL)
        quantity -= sum(shared(o, it) for o, it in pairs if o.side is Side.SELL)
        budget = sum(o.terms.budget or 0 for o in sleeping)
        needs = (value, quantity, budget)
        totals = (self.held_value, self.held_quantity, self.held_budget)
        hold_law("F1", needs == totals, f"{self.id} needs {needs}, counts {totals}")
