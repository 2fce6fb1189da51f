"""What must not matter to a market: which side is which, and the units of prices and quantities.

One desk is asked for a sequence of commands, another one for their images; whatever the first
records in its book, the second records the image of.
"""

from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from exchange.kernel.events import Event
from exchange.kernel.orders import OrderTerms, Side
from exchange.matching.events import EVENTS, OrderAccepted, OrderAmended, OrderListAccepted
from exchange.orders.commands import (
    AmendOrder,
    AnyCommand,
    CancelOrder,
    CancelOrders,
    ExpireOrders,
    PlaceOrder,
    PlaceOrderList,
    ReduceOrder,
    SetTradeGroup,
)
from tests.build import LISTING, RICH, Desk, desk
from tests.effort import FULL
from tests.venue.flow import (
    BTC,
    accounts,
    amends,
    changes,
    comers,
    legs_of,
    limits,
    odd_limits,
    order_lists,
    patient,
    sides,
    sleepers,
    suited,
)

PRICES = {"price", "trigger", "bound"}
QUANTITIES = {"quantity", "leaves", "display"}
UP = 97
"""The small world trades from 3 to 8; lifted by this, twice a price is in nobody's reach."""

Asked = AnyCommand | int  # a command, or how many microseconds pass
Flow = list[Asked]

asked: st.SearchStrategy[Asked] = st.one_of(
    limits(None, BTC), odd_limits(None, BTC), comers(BTC), comers(BTC), comers(BTC),
    sleepers(None, BTC), sleepers(None, BTC), order_lists(BTC), amends(BTC), amends(BTC),
    changes(BTC), changes(BTC), st.builds(CancelOrders, accounts, st.just(BTC), sides),
    st.builds(SetTradeGroup, accounts, st.none() | st.sampled_from("GH")), st.integers(1, 4),
)  # fmt: skip
flows = st.lists(asked, min_size=30, max_size=60)


class View(NamedTuple):
    """How one market is seen as another."""

    price: Callable[[int], int]
    quantity: int = 1  # factor
    value: int = 1  # factor
    mirrored: bool = False

    def of(self, it: Any, name: str = "") -> Any:  # noqa: ANN401, PLR0911 - a line a kind of field
        """The image of a field's value, or of a command or event with all its fields."""
        match it:
            case tuple():
                return tuple(self.of(part) for part in it)
            case msgspec.Struct():
                return replace(it, **{n: self.of(getattr(it, n), n) for n in it.__struct_fields__})
            case Side() if self.mirrored:
                return it.other
            case int() if name in PRICES:
                return it and self.price(it)  # 0: there is none
            case int() if name in QUANTITIES:
                return it * self.quantity
            case int() if name == "budget":
                return it * self.value
        return it


LIFTED = View(lambda price: price + UP)


class Images:
    """Two desks, of which the second is asked for the images of what the first is asked for."""

    def __init__(self, first: Desk, second: Desk, view: View) -> None:
        self.first, self.second, self.view = first, second, view
        self.counts: Counter[type[Event]] = Counter()

    def ask(self, it: Asked) -> None:
        """Both do it; whatever the first records in its book, the second records the image of."""
        if isinstance(it, int):
            self.first.at_us += it
            self.second.at_us += it
            if it % 2:
                return  # what has come due stands there until it is met
        command = self.lifted(it)
        acks = [self.first.do(command), self.second.do(self.view.of(command))]
        codes = [ack.refusal and ack.refusal.code for ack in acks]
        assert codes[0] == codes[1], command
        events = [self.plain(event) for event in self.first.effects if isinstance(event, EVENTS)]
        others = [self.plain(event) for event in self.second.effects if isinstance(event, EVENTS)]
        assert [self.view.of(event) for event in events] == others
        self.counts.update(type(event) for event in events)

    def lifted(self, it: Asked) -> AnyCommand:
        """The command for the first desk; times count from now on, numbers are those of orders."""
        if isinstance(it, int):
            return ExpireOrders(BTC)
        if isinstance(it, PlaceOrder | PlaceOrderList):
            legs = [LIFTED.of(self.dated(terms)) for terms in legs_of(it)]
            return type(it)(it.account, BTC, *legs)
        if isinstance(it, CancelOrder | ReduceOrder | AmendOrder):
            orders = [order for _, order in sorted(self.first.book().orders.items())]
            for order in orders[-1 - (it.number or 0) % (len(orders) or 1) :][:1]:
                it = replace(it, account=order.account, number=order.number)
                if isinstance(it, AmendOrder):
                    it = suited(it, order.terms, sleeps=order.level is None)
        return LIFTED.of(it)  # type: ignore[no-any-return]  # still a command

    def dated(self, terms: OrderTerms) -> OrderTerms:
        """The terms with a deadline from now on; one by budget has a quantity in a mirror."""
        last, until = self.first.book().last_price, terms.deadline_us
        if self.view.mirrored and terms.budget is not None:
            terms = replace(terms, budget=None, quantity=3)
        terms = patient(terms, [] if last is None else [last - UP])
        return terms if until is None else replace(terms, deadline_us=self.first.at_us + until)

    def plain(self, event: Event) -> Event:
        """The event; in a mirror without the bound of a purchase at market, as no sale has one."""
        if not self.view.mirrored:
            return event
        match event:
            case OrderAccepted():
                return replace(event, bound=None)
            case OrderListAccepted(orders=(first, second)):
                return OrderListAccepted((replace(first, bound=None), replace(second, bound=None)))
            case OrderAmended() if event.trigger is not None:
                at_market = self.first.book().orders[event.number].terms.price is None
                return replace(event, price=0) if at_market else event
        return event


def images(first: Desk, second: Desk, view: View, flow: Flow) -> Counter[type[Event]]:
    """Ask for all of it; how many events of each kind that was."""
    pair = Images(first, second, view)
    for it in flow:
        pair.ask(it)
    return pair.counts


def enough(counts: Counter[type[Event]]) -> None:
    """The flows did something of everything; few of them need not."""
    print(counts)  # noqa: T201 - pytest shows it on demand
    assert {*counts} <= {*EVENTS}
    assert not FULL or min(counts[kind] for kind in EVENTS) >= LEAST, counts


LEAST = 40
"""Events of each kind in all flows of a test."""

drawing = settings(
    max_examples=150 if FULL else 15,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def test_bids_and_asks_are_mirror_images() -> None:
    """Sides swapped and prices mirrored, the same orders meet.

    What a purchase at market may pay once it is woken is bounded, and a sale is not: here the
    bound is so wide that nothing is beyond it. Budgets buy more where prices are low: there are
    none.
    """
    counts: Counter[type[Event]] = Counter()

    @drawing
    @given(flows)
    def run(flow: Flow) -> None:
        first, second = [market(stop_slippage_ppm=1_000_000) for _ in range(2)]
        counts.update(images(first, second, View(lambda it: 2 * UP + 11 - it, mirrored=True), flow))

    run()
    enough(counts)


def test_units_do_not_matter() -> None:
    """Prices, quantities and budgets in other units, the same orders meet for the same parts.

    The bound of a purchase at market is rounded up in price units: here it is a whole number of
    them in either.
    """
    counts: Counter[type[Event]] = Counter()
    factors = st.integers(1, 10**6)

    @drawing
    @given(flows, factors, factors, st.sampled_from([0, 1_000_000]))
    def run(flow: Flow, price: int, quantity: int, slippage_ppm: int) -> None:
        value = price * quantity
        units = {
            **dict.fromkeys(("tick", "price_min", "price_max"), price),
            **dict.fromkeys(("lot", "quantity_min", "quantity_max"), quantity),
            "notional_max": value,
        }
        first = market(stop_slippage_ppm=slippage_ppm)
        second = market(
            funds=RICH * value, stop_slippage_ppm=slippage_ppm,
            **{name: LISTING[name] * factor for name, factor in units.items()},
        )  # fmt: skip
        view = View(lambda it: it * price, quantity, value)
        counts.update(images(first, second, view, flow))

    run()
    enough(counts)


def market(**rules: int) -> Desk:
    """A desk for the accounts of the small world."""
    return desk(["A", "A2", "B", "C"], self_trade_allowed=True, day_end_us=12, **rules)  # type: ignore[arg-type]  # names
