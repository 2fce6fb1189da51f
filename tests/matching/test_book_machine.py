"""The book against the naive matcher, event for event, whatever comes in."""

import sys
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any
from unittest import mock

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    rule,
    run_state_machine_as_test,
)

from exchange.kernel.ids import group_key
from exchange.kernel.orders import EndReason, Fill, OrderTerms, SelfTrade, Side, TimeInForce
from exchange.kernel.rejects import RejectCode
from exchange.matching import plan as planning
from exchange.matching.accept import accept, plan
from exchange.matching.amend import amend
from exchange.matching.book import Book
from exchange.matching.events import BookEvent, OrderReduced, OrdersCancelled
from exchange.matching.ladder import Order
from tests.build import BUY, SELL, limit, market, rows
from tests.effort import Effort, runs
from tests.oracle import Oracle, Verdict

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
        self._lot, self._value_unit = lot, value_unit

    def place(
        self, account: str, terms: OrderTerms, at: int = 0, group: str | None = None
    ) -> Verdict:
        """What became of the order."""
        planned = plan(
            self.book, account, terms, self._value_unit, self._lot, at, group_key(account, group)
        )
        if planned.stopped is EndReason.WOULD_TRADE:
            return Verdict(RejectCode.WOULD_TRADE)
        if terms.time_in_force is TimeInForce.FOK and planned.filled != terms.quantity:
            return Verdict(RejectCode.NOT_FILLABLE)
        first = self.book.trade_count + 1
        event = accept(self.book, account, terms, planned, group, terms.deadline_us)
        self.record(event)
        assert event.number == self.book.order_count
        assert event.trade == (first if event.fills else 0)
        return Verdict(None, event.fills, event.leaves, event.ended, event.met)

    def amend(self, number: int, terms: OrderTerms, at: int) -> Verdict:
        """What became of a change of an open order; ``terms`` have its new total."""
        order = self.book.orders[number]
        left = (terms.quantity or 0) - (order.quantity - order.leaves)
        if left <= 0:
            self.record(OrdersCancelled((number,), EndReason.CANCELLED))
            return Verdict(None, ended=EndReason.CANCELLED)
        rules: Any = SimpleNamespace(value_unit=self._value_unit, lot=self._lot)
        event = amend(self.book, order, terms, left, rules, at)
        if event.ended is EndReason.WOULD_TRADE:
            return Verdict(RejectCode.WOULD_TRADE)
        self.record(event)
        return Verdict(None, event.fills, event.leaves, event.ended, event.met)

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
        order = self.engine.book.orders.get(self.number(which))
        if order is None:
            return
        total = order.quantity if lots is None else lots * self.lot
        display = min(total, order.display or total) if part is None else part * self.lot
        terms = msgspec.structs.replace(
            order.terms,
            price=order.price if step is None else self.lowest + step,
            quantity=total,
            display=None if part is None and order.display is None else display,
            deadline_us=order.deadline_us if minutes is None else self.at + minutes,
        )
        account, number = order.account, order.number
        verdict = self.oracle.amend(account, number, self.at, terms)
        assert verdict == self.engine.amend(number, terms, self.at)
        self.effort.trades += len(verdict.fills)
        self.compare(changed=verdict.refusal is None)

    @rule(account=accounts, which=st.integers(0, 40))
    def cancel(self, account: str, which: int) -> None:
        number = self.number(which)
        found = self.engine.book.orders.get(number)
        mine = found is not None and found.account == account
        if mine:
            self.engine.record(OrdersCancelled((number,), EndReason.CANCELLED))
        assert mine is (self.oracle.cancel(account, number) is None)
        self.compare(changed=mine)

    @rule(which=st.integers(0, 40), lots=lots)
    def reduce(self, which: int, lots: int) -> None:
        number, quantity = self.number(which), lots * self.lot
        found = self.engine.book.orders.get(number)
        if found is not None:
            over = quantity >= found.leaves
            assert self.oracle.reduce(found.account, number, quantity) is None
            cancelled = OrdersCancelled((number,), EndReason.CANCELLED)
            self.engine.record(cancelled if over else OrderReduced(number, quantity))
        self.compare(changed=found is not None)

    def number(self, which: int) -> int:
        """An open order's number mostly, else one that is finished or not there yet."""
        numbers = sorted(it.number for it in self.oracle.resting)
        return numbers[which] if which < len(numbers) else which

    def place(self, account: str, terms: OrderTerms) -> None:
        """Both come to the same verdict; now and then as one of two accounts of a group."""
        group = "G" if account in "AB" and self.at % 3 == 0 else None
        verdict = self.oracle.place(account, terms, self.at, group)
        assert verdict == self.engine.place(account, terms, self.at, group)
        self.effort.trades += len(verdict.fills)
        self.effort.self_trades += verdict.ended is EndReason.SELF_TRADE
        self.effort.self_trades += any(it.reason is EndReason.SELF_TRADE for it in verdict.met)
        self.compare(changed=verdict.refusal is None)

    def compare(self, *, changed: bool) -> None:
        """The queues are the same, and the book agrees with itself."""
        self.effort.steps += 1
        self.effort.changed += changed
        book = self.engine.book
        book.check()
        assert self.oracle.rows() == rows(book)
        shown = {o.number: o.shown for o in book.orders.values()}
        assert {o.number: o.shown for o in self.oracle.resting} == shown
        assert (self.oracle.order_count, self.oracle.trade_count) == (
            book.order_count,
            book.trade_count,
        )

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


# What must not matter.

flow = st.lists(
    st.tuples(accounts, sides, st.none() | steps, lots, times, st.booleans()), max_size=40
)
Flow = list[tuple[str, Side, int | None, int, TimeInForce, bool]]


def orders(
    flow: Flow, *, mirrored: bool = False, price_factor: int = 1, quantity_factor: int = 1
) -> Iterator[tuple[str, OrderTerms]]:
    """The orders of the flow, seen from the other side or in other units."""
    for account, drawn_side, step, drawn_lots, time, may_post in flow:
        side = drawn_side if not mirrored else BUY if drawn_side is SELL else SELL
        quantity = drawn_lots * quantity_factor
        if step is None:
            yield account, market(side, quantity, time_in_force=time)
        else:
            price = (100 - step if mirrored else 100 + step) * price_factor
            post_only = may_post and time is TimeInForce.GTC
            yield account, limit(side, price, quantity, time_in_force=time, post_only=post_only)


@given(flow)
def test_bids_and_asks_are_mirror_images(flow: Flow) -> None:
    """Sides swapped and prices mirrored around 100, the same orders meet."""
    straight, mirrored = Engine(), Engine()
    for (account, terms), (_, image) in zip(orders(flow), orders(flow, mirrored=True), strict=True):
        verdict, reflected = straight.place(account, terms), mirrored.place(account, image)
        fills = tuple(
            Fill(it.maker, it.account, 200 - it.price, it.quantity, it.last)
            for it in reflected.fills
        )
        assert verdict == reflected._replace(fills=fills)


@given(flow, st.integers(1, 10**9), st.integers(1, 10**9), st.data())
def test_units_do_not_matter(
    flow: Flow, price_factor: int, quantity_factor: int, data: st.DataObject
) -> None:
    """Prices, quantities, lots and budgets scaled, the same orders meet for the same parts."""
    plain, scaled = Engine(), Engine(lot=quantity_factor)
    others = orders(flow, price_factor=price_factor, quantity_factor=quantity_factor)
    for (account, terms), (_, large) in zip(orders(flow), others, strict=True):
        verdict, scale = plain.place(account, terms), scaled.place(account, large)
        assert verdict == shrunk(scale, price_factor, quantity_factor)
        budget, side = data.draw(st.integers(1, 800)), data.draw(sides)
        spent = plain.place("C", market(side, budget=budget))
        budget *= price_factor * quantity_factor
        scale = scaled.place("C", market(side, budget=budget))
        assert spent == shrunk(scale, price_factor, quantity_factor)


def shrunk(verdict: Verdict, price_factor: int, quantity_factor: int) -> Verdict:
    """The verdict in the units of before."""
    fills = tuple(
        Fill(
            it.maker, it.account, it.price // price_factor, it.quantity // quantity_factor, it.last
        )
        for it in verdict.fills
    )
    return verdict._replace(fills=fills, leaves=verdict.leaves // quantity_factor)


# Memory.


class ForgetfulBook(Book):
    """A book with the mistake that the next test is there for: a queue's new first order
    goes on knowing the one that left. The order is right, and nothing is ever freed.
    """

    __slots__ = ()

    def _remove(self, order: Order) -> None:
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
