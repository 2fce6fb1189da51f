"""The book against the naive matcher, event for event, whatever comes in."""

import sys
from types import SimpleNamespace
from typing import Any
from unittest import mock

from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    rule,
    run_state_machine_as_test,
)
from msgspec.structs import replace

from exchange.kernel.ids import group_key
from exchange.kernel.orders import EndReason, OrderTerms, SelfTrade, Side, TimeInForce
from exchange.kernel.rejects import RejectCode
from exchange.matching import plan as planning
from exchange.matching.accept import accept, plan
from exchange.matching.amend import amend
from exchange.matching.book import Book
from exchange.matching.events import (
    BookEvent,
    OrderAccepted,
    OrderAmended,
    OrderReduced,
    OrdersCancelled,
)
from exchange.matching.ladder import Order as Node
from tests.bookkeeper import find, less, queued, told
from tests.build import BUY, SELL, limit, market, rows
from tests.effort import Effort, runs
from tests.oracle import Oracle, Order

STREAM = "book:BTC-USD"

accounts = st.sampled_from("ABC")
sides = st.sampled_from(Side)
steps = st.integers(0, 10)  # of price, from the market's lowest one
lots = st.integers(1, 8)
times = st.sampled_from([TimeInForce.GTC] * 5 + [TimeInForce.IOC, TimeInForce.FOK])
modes = st.sampled_from([SelfTrade.EXPIRE_TAKER] * 3 + list(SelfTrade))


class Engine:
    """A book with the judgements that come before it: what a venue makes of it."""

    def __init__(self, lot: int = 1, value_unit: int = 1, book: Book | None = None) -> None:
        self.book = book or Book(STREAM)
        self.events: list[BookEvent] = []
        self._rules: Any = SimpleNamespace(value_unit=value_unit, lot=lot)

    def place(
        self, account: str, terms: OrderTerms, at: int = 0, group: str | None = None
    ) -> OrderAccepted | RejectCode:
        """What became of the order."""
        book, rules = self.book, self._rules
        key = group_key(account, group)
        planned = plan(book, account, terms, rules.value_unit, rules.lot, at, key)
        if planned.stopped is EndReason.WOULD_TRADE:
            return RejectCode.WOULD_TRADE
        if terms.time_in_force is TimeInForce.FOK and planned.filled != terms.quantity:
            return RejectCode.NOT_FILLABLE
        event = accept(book, account, terms, planned, group, terms.deadline_us)
        assert event.trade == (book.trade_count + 1 if event.fills else 0)
        self.record(event)
        return event

    def amend(self, number: int, terms: OrderTerms, at: int) -> OrderAmended | RejectCode:
        """What became of a change of an open order; ``terms`` have its new total."""
        order = self.book.orders[number]
        left = (terms.quantity or 0) - (order.quantity - order.leaves)
        event = amend(self.book, order, terms, left, self._rules, at)
        if event.ended is EndReason.WOULD_TRADE:
            return RejectCode.WOULD_TRADE
        self.record(event)
        return event

    def record(self, event: BookEvent) -> None:
        """Let the book follow the event."""
        self.book.evolve(event)
        self.events.append(event)


class BookMachine(RuleBasedStateMachine):
    """Each step asks both matchers the same."""

    effort = Effort()

    @initialize(
        lot=st.sampled_from([1, 10]),
        value_unit=st.sampled_from([1, 7]),
        lowest=st.sampled_from([1, 10**6]),
        fills_max=st.sampled_from([3, 10_000, 10_000]),
    )
    def open(self, lot: int, value_unit: int, lowest: int, fills_max: int) -> None:
        """A new market; sometimes one that allows so few fills that it matters."""
        self.lot, self.value_unit, self.lowest = lot, value_unit, lowest
        self.engine, self.at = Engine(lot, value_unit), 0
        self.oracle = Oracle(lot, value_unit, fills_max)
        self.patch = mock.patch.object(planning, "FILLS_MAX", fills_max)
        self.patch.start()

    @rule(account=accounts, side=sides, step=steps, lots=lots, time=times, mode=modes)
    def limit_order(
        self, account: str, side: Side, step: int, lots: int, time: TimeInForce, mode: SelfTrade
    ) -> None:
        price, quantity = self.lowest + step, lots * self.lot
        terms = limit(side, price, quantity, time_in_force=time, self_trade=mode)
        self.place(account, terms)

    @rule(account=accounts, side=sides, step=steps, lots=lots, mode=modes, minutes=lots)
    def order_with_a_deadline(
        self, account: str, side: Side, step: int, lots: int, mode: SelfTrade, minutes: int
    ) -> None:
        terms = limit(
            side, self.lowest + step, lots * self.lot, self_trade=mode,
            time_in_force=TimeInForce.GTD, deadline_us=self.at + minutes,
        )  # fmt: skip
        self.place(account, terms)

    @rule(account=accounts, side=sides, step=steps, lots=st.integers(2, 20), mode=modes, part=lots)
    def iceberg(
        self, account: str, side: Side, step: int, lots: int, mode: SelfTrade, part: int
    ) -> None:
        display = min(part, lots) * self.lot
        price, quantity = self.lowest + step, lots * self.lot
        self.place(account, limit(side, price, quantity, display=display, self_trade=mode))

    @rule(minutes=st.integers(1, 4))
    def time_passes(self, minutes: int) -> None:
        self.at += minutes
        self.oracle.at = self.at

    @rule(account=accounts, side=sides, gap=st.integers(-1, 4), lots=lots)
    def post_only_order(self, account: str, side: Side, gap: int, lots: int) -> None:
        price = self.lowest + (5 - gap if side is BUY else 5 + gap)
        self.place(account, limit(side, price, lots * self.lot, post_only=True))

    @rule(account=accounts, side=sides, lots=st.integers(1, 20), time=times, mode=modes)
    def market_order(
        self, account: str, side: Side, lots: int, time: TimeInForce, mode: SelfTrade
    ) -> None:
        terms = market(side, lots * self.lot, time_in_force=time, self_trade=mode)
        self.place(account, terms)

    @rule(account=accounts, side=sides, lots=lots, step=steps, more=st.integers(0, 9), mode=modes)
    def budget_order(
        self, account: str, side: Side, lots: int, step: int, more: int, mode: SelfTrade
    ) -> None:
        budget = lots * (self.lowest + step) * self.lot * self.value_unit + more
        self.place(account, market(side, budget=budget, self_trade=mode))

    @rule(
        which=st.integers(0, 40), step=st.none() | steps, lots=st.none() | lots,
        part=st.none() | st.integers(1, 3), minutes=st.none() | lots,
    )  # fmt: skip
    def amend(
        self,
        which: int,
        step: int | None,
        lots: int | None,
        part: int | None,
        minutes: int | None,
    ) -> None:
        order = find(self.oracle, self.number(which))
        if order is None:
            return
        asked = order.terms
        total = asked.quantity or 0 if lots is None else lots * self.lot
        display = min(total, (asked.display or total) if part is None else part * self.lot)
        terms = replace(
            asked,
            price=asked.price if step is None else self.lowest + step,
            quantity=total,
            display=None if part is None and asked.display is None else display,
            deadline_us=asked.deadline_us if minutes is None else self.at + minutes,
        )
        left = order.leaves + total - (asked.quantity or 0)
        if left <= 0:
            self.cancel_one(order.number)
            return
        new = Order(order.number, order.account, order.group, terms, terms.price or 0, left, None)
        self.oracle.amend(order, new)
        self.follow(new, self.engine.amend(order.number, terms, self.at))

    @rule(account=accounts, which=st.integers(0, 40))
    def cancel(self, account: str, which: int) -> None:
        self.cancel_one(self.number(which), account)

    @rule(which=st.integers(0, 40), lots=lots)
    def reduce(self, which: int, lots: int) -> None:
        number, quantity = self.number(which), lots * self.lot
        order = find(self.oracle, number)
        if order is None or quantity >= order.leaves:
            self.cancel_one(number)
            return
        self.oracle.amend(order, less(order, quantity))
        self.engine.record(OrderReduced(number, quantity))
        self.compare(changed=True)

    def cancel_one(self, number: int, account: str | None = None) -> None:
        """Both let an order go, if it is there and the account's."""
        order = find(self.oracle, number)
        assert (order is None) is (number not in self.engine.book.orders)
        mine = order is not None and account in (None, order.account)
        if order is not None and mine:
            self.oracle.end(order)
            self.engine.record(OrdersCancelled((number,), EndReason.CANCELLED))
        self.compare(changed=mine)

    def number(self, which: int) -> int:
        """An open order's number mostly, else one that is finished or not there yet."""
        numbers = sorted(it.number for it in self.oracle.orders)
        return numbers[which] if which < len(numbers) else which

    def place(self, account: str, terms: OrderTerms) -> None:
        """Both come to the same; now and then as one of two accounts of a group."""
        group = "G" if account in "AB" and self.at % 3 == 0 else None
        number, whole = self.engine.book.order_count + 1, terms.quantity or 0
        order = Order(number, account, group or account, terms, terms.price or 0, whole, None)
        self.oracle.enter(order)
        self.follow(order, self.engine.place(account, terms, self.at, group))

    def follow(self, order: Order, event: OrderAccepted | OrderAmended | RejectCode) -> None:
        """Of an order that came in, both have the same to tell."""
        if isinstance(event, RejectCode):
            assert order.ended is event
        else:
            assert told(order) == told(event)
        self.effort.trades += len(order.fills)
        reasons = {order.ended, *(it.reason for it in order.met)}
        self.effort.self_trades += EndReason.SELF_TRADE in reasons
        self.compare(changed=not isinstance(event, RejectCode))

    def compare(self, *, changed: bool) -> None:
        """The queues are the same, and the book agrees with itself."""
        self.effort.steps += 1
        self.effort.changed += changed
        book = self.engine.book
        book.check()
        assert queued(self.oracle) == rows(book)
        shown = {o.number: o.shown for o in book.orders.values()}
        assert {o.number: o.shown for o in self.oracle.orders} == shown
        assert len(self.oracle.prints) == book.trade_count
        assert self.oracle.prints[-1:] == [book.last_price] * bool(book.trade_count)

    def teardown(self) -> None:
        """The events alone make the same book again."""
        if hasattr(self, "engine"):
            self.patch.stop()
            rebuilt = Book(STREAM)
            for event in self.engine.events:
                rebuilt.evolve(event)
            rebuilt.check()
            assert rebuilt.dump() == self.engine.book.dump()
            assert len(self.engine.events) == rebuilt.version


def test_the_book_does_what_the_naive_matcher_does() -> None:
    run_state_machine_as_test(BookMachine, settings=runs(250, 150))
    BookMachine.effort.assert_enough(steps=20_000, trades=3_000, self_trades=500)


# Memory.


class ForgetfulBook(Book):
    """A book with the mistake that the next test is there for: a queue's new first order
    goes on knowing the one that left. The order is right, and nothing is ever freed.
    """

    __slots__ = ()

    def _remove(self, order: Node) -> None:
        was_first = order.level is not None and order.level.head is order
        gone, after = order.prev, order.next
        if was_first:
            order.prev = None
        super()._remove(order)
        if was_first and after is not None:
            order.prev, order.next, after.prev = gone, after, order


def blocks_left_behind(book: Book, commands: int) -> int:
    """Blocks of memory that ``commands`` orders leave, when as many leave as come.

    Six queues of five sales each: the first is bought, cancelled or reduced away in turn.
    """
    engine, oldest = Engine(book=book), 1
    before = 0
    for step in range(commands):
        account, price = "ABC"[step % 3], 100 + step % 6
        engine.place(account, limit(SELL, price, 2, client_order_id=f"c{step}"))
        if step >= 30:
            if step % 2:
                engine.record(OrdersCancelled((oldest,), EndReason.CANCELLED))
            else:
                queue = book.orders[oldest].price
                engine.place("D", limit(BUY, queue, 1, time_in_force=TimeInForce.IOC))
                engine.place("D", limit(BUY, queue, 1, time_in_force=TimeInForce.IOC))
            oldest = min(book.orders)
        engine.events.clear()
        if step == 1_000:
            before = sys.getallocatedblocks()
    assert len(book.orders) <= 31
    return sys.getallocatedblocks() - before


def test_finished_orders_are_not_kept_in_memory() -> None:
    """The collector does not see the orders of a book: a link that is not cut is a leak."""
    assert 1_000 > blocks_left_behind(Book(STREAM), 50_000)


def test_the_test_of_memory_would_notice_a_link_that_is_not_cut() -> None:
    assert 1_000 < blocks_left_behind(ForgetfulBook(STREAM), 5_000)
