"""What is refused, in which words, and what is looked at first."""

from typing import Any

import msgspec
import pytest

from exchange.kernel.instruments import MarketState
from exchange.kernel.orders import OrderTerms, OrderType, SelfTrade, TimeInForce
from exchange.kernel.rejects import Refusal, RejectCode
from exchange.orders.commands import (
    AnyCommand,
    CancelOrder,
    CancelOrders,
    ChangeMarketState,
    Deposit,
    ExpireOrders,
    OpenAccount,
    PlaceOrder,
    ReduceOrder,
    RegisterAsset,
    RegisterUser,
    Request,
    Role,
    SetTradeGroup,
    TransferFunds,
)
from exchange.orders.records import CommandRecorded
from exchange.orders.rulebook import DAY_US
from exchange.venue.answers import answer
from exchange.venue.intake import Malformed, admit
from tests.build import BUY, OPERATOR, SELL, SYMBOL, Desk, desk, limit, listing, market

IOC, FOK = TimeInForce.IOC, TimeInForce.FOK
GTD, DAY = TimeInForce.GTD, TimeInForce.DAY
HUGE = 10**30

CODES = RejectCode


@pytest.fixture
def at() -> Desk:
    """A market of tick 5 and lot 10; B sells 100 at 60, A bids 100 for 20 each at 50.

    A may have two open orders, has 8,000 USD and 500 BTC to spend, and a second account.
    """
    opened = desk(
        "AB", funds=0, tick=5, lot=10, price_min=10, price_max=1_000, quantity_min=20,
        quantity_max=1_000, notional_min=400, notional_max=100_000, open_orders_max=2,
    )  # fmt: skip
    opened.done(
        OpenAccount("A", "A2"),
        Deposit("A", "USD", 13_000, "a-usd"),
        Deposit("A", "BTC", 500, "a-btc"),
        Deposit("B", "BTC", 500, "b-btc"),
        PlaceOrder("A", SYMBOL, limit(BUY, 50, 100, client_order_id="mine")),
        PlaceOrder("B", SYMBOL, limit(SELL, 60, 100)),
    )
    return opened


def refusal(at: Desk, command: AnyCommand, actor: str | None = None) -> Refusal | None:
    """Why the command is refused; a refused one leaves its record and nothing else."""
    before, count = at.money(), len(at.envelopes)
    found = at.do(command, actor).refusal
    if found is not None:
        (record,) = at.envelopes[count:]
        assert isinstance(record.event, CommandRecorded)
        assert (command, found) == (record.event.command, record.event.refusal)
        assert before == at.money()
    return found


def words(it: object) -> str | None:
    """How a test is told apart from the next: by its refusal."""
    return str(it) if isinstance(it, Refusal) else None


def until(deadline_us: int, *, price: int = 50, quantity: int = 20, **more: Any) -> OrderTerms:  # noqa: ANN401 - fields
    """A purchase with a deadline; the clock of the example shows 0."""
    return limit(BUY, price, quantity, time_in_force=GTD, deadline_us=deadline_us, **more)


def place(terms: OrderTerms, account: str = "A", symbol: str = SYMBOL) -> PlaceOrder:
    return PlaceOrder(account, symbol, terms)


def halt(at: Desk) -> None:
    at.done(ChangeMarketState(SYMBOL, MarketState.HALTED, "news"))


def fill_up(at: Desk) -> None:
    """A has all the open orders that it may have."""
    at.done(place(limit(BUY, 40, 10 * 2)))


def test_the_example_takes_a_good_order(at: Desk) -> None:
    assert refusal(at, place(limit(BUY, 50, 20))) is None


@pytest.mark.parametrize(
    ("terms", "expected"),
    [
        (limit(BUY, 0, 20), Refusal(CODES.PRICE_BOUNDS, "price", 0, 10)),
        (limit(BUY, -50, 20), Refusal(CODES.PRICE_BOUNDS, "price", -50, 10)),
        (limit(BUY, 5, 100), Refusal(CODES.PRICE_BOUNDS, "price", 5, 10)),
        (limit(BUY, 1_005, 20), Refusal(CODES.PRICE_BOUNDS, "price", 1_005, 1_000)),
        (limit(BUY, HUGE, 20), Refusal(CODES.PRICE_BOUNDS, "price", HUGE, 1_000)),
        (limit(SELL, -HUGE, 20), Refusal(CODES.PRICE_BOUNDS, "price", -HUGE, 10)),
        (limit(BUY, 52, 20), Refusal(CODES.OFF_TICK, "price", 52, 5)),
        (limit(BUY, 50, 0), Refusal(CODES.QUANTITY_BOUNDS, "quantity", 0, 20)),
        (limit(BUY, 50, -20), Refusal(CODES.QUANTITY_BOUNDS, "quantity", -20, 20)),
        (limit(BUY, 50, 10), Refusal(CODES.QUANTITY_BOUNDS, "quantity", 10, 20)),
        (limit(BUY, 50, 1_010), Refusal(CODES.QUANTITY_BOUNDS, "quantity", 1_010, 1_000)),
        (limit(BUY, 50, HUGE), Refusal(CODES.QUANTITY_BOUNDS, "quantity", HUGE, 1_000)),
        (market(BUY, 0), Refusal(CODES.QUANTITY_BOUNDS, "quantity", 0, 20)),
        (market(SELL, -HUGE), Refusal(CODES.QUANTITY_BOUNDS, "quantity", -HUGE, 20)),
        (market(BUY, HUGE), Refusal(CODES.QUANTITY_BOUNDS, "quantity", HUGE, 1_000)),
        (limit(BUY, 50, 25), Refusal(CODES.OFF_LOT, "quantity", 25, 10)),
        (market(BUY, 25), Refusal(CODES.OFF_LOT, "quantity", 25, 10)),
        (limit(BUY, 50, 200, display=0), Refusal(CODES.QUANTITY_BOUNDS, "display", 0, 2)),
        (limit(BUY, 50, 210, display=-10), Refusal(CODES.QUANTITY_BOUNDS, "display", -10, 3)),
        (limit(BUY, 50, 1_000, display=5), Refusal(CODES.QUANTITY_BOUNDS, "display", 5, 10)),
        (limit(BUY, 50, 20, display=30), Refusal(CODES.QUANTITY_BOUNDS, "display", 30, 20)),
        (limit(BUY, 50, 20, display=HUGE), Refusal(CODES.QUANTITY_BOUNDS, "display", HUGE, 20)),
        (limit(BUY, 50, 100, display=25), Refusal(CODES.OFF_LOT, "display", 25, 10)),
        (limit(BUY, 15, 20), Refusal(CODES.NOTIONAL_MIN, "notional", 300, 400)),
        (market(BUY, budget=399), Refusal(CODES.NOTIONAL_MIN, "notional", 399, 400)),
        (market(BUY, budget=0), Refusal(CODES.NOTIONAL_MIN, "notional", 0, 400)),
        (market(SELL, budget=-500), Refusal(CODES.NOTIONAL_MIN, "notional", -500, 400)),
        (limit(SELL, 1_000, 110), Refusal(CODES.NOTIONAL_MAX, "notional", 110_000, 100_000)),
        (market(SELL, budget=HUGE), Refusal(CODES.NOTIONAL_MAX, "notional", HUGE, 100_000)),
        (until(0), Refusal(CODES.DEADLINE_PASSED, "deadline_us", 0, 0)),
        (until(-HUGE), Refusal(CODES.DEADLINE_PASSED, "deadline_us", -HUGE, 0)),
        (until(2**62 + 1), Refusal(CODES.DEADLINE_BOUNDS, "deadline_us", 2**62 + 1, 2**62)),
        (limit(BUY, 60, 20, post_only=True), Refusal(CODES.WOULD_TRADE, "price", 60, 60)),
        (limit(BUY, 90, 20, post_only=True), Refusal(CODES.WOULD_TRADE, "price", 90, 60)),
        (limit(SELL, 50, 20, post_only=True), Refusal(CODES.WOULD_TRADE, "price", 50, 50)),
        (
            limit(BUY, 60, 110, time_in_force=FOK),
            Refusal(CODES.NOT_FILLABLE, "quantity", 110, 100),
        ),
        (market(SELL, 20, time_in_force=FOK), Refusal(CODES.NOT_FILLABLE, "quantity", 20, 0)),
        (limit(BUY, 55, 150), Refusal(CODES.INSUFFICIENT_FUNDS, "funds", 8_250, 8_000)),
        (limit(SELL, 70, 510), Refusal(CODES.INSUFFICIENT_FUNDS, "funds", 510, 500)),
        (
            limit(BUY, 50, 20, client_order_id="mine"),
            Refusal(CODES.DUPLICATE_CLIENT_ORDER_ID, "client_order_id", "mine"),
        ),
    ],
    ids=words,
)
def test_an_order_is_refused_with_what_was_compared(
    at: Desk, terms: OrderTerms, expected: Refusal
) -> None:
    assert expected == refusal(at, place(terms))


def test_an_order_beyond_the_open_ones_is_refused_with_their_number(at: Desk) -> None:
    fill_up(at)
    expected = Refusal(CODES.OPEN_ORDERS_MAX, "open_orders", 2, 2)
    assert expected == refusal(at, place(limit(BUY, 50, 20)))


@pytest.mark.parametrize(
    "terms",
    [limit(BUY, 55, 20, time_in_force=IOC), market(BUY, 20), market(SELL, 20)],
    ids=["ioc", "market", "market that meets an own order"],
)
def test_an_order_that_never_rests_counts_as_no_open_one(at: Desk, terms: OrderTerms) -> None:
    at.done(Deposit("A", "USD", 10_000, "more"))
    fill_up(at)
    assert refusal(at, place(terms)) is None


def test_a_market_order_needs_the_price_of_its_fills_and_no_more(at: Desk) -> None:
    """B's 100 at 60 are all there is."""
    at.done(TransferFunds("A", "A2", "USD", 2_001))
    expected = Refusal(CODES.INSUFFICIENT_FUNDS, "funds", 6_000, 5_999)
    assert expected == refusal(at, place(market(BUY, 500)))
    at.done(TransferFunds("A2", "A", "USD", 1))
    assert refusal(at, place(market(BUY, 500))) is None


def test_an_order_may_take_the_last_unit_and_no_more(at: Desk) -> None:
    """A has 8,000 USD and 500 BTC."""
    at.done(TransferFunds("A", "A2", "USD", 1), TransferFunds("A", "A2", "BTC", 1))
    for side, price, quantity, free in ((BUY, 50, 160, 7_999), (SELL, 80, 500, 499)):
        needs = free + 1
        expected = Refusal(CODES.INSUFFICIENT_FUNDS, "funds", needs, free)
        assert expected == refusal(at, place(limit(side, price, quantity)))
    at.done(TransferFunds("A2", "A", "USD", 1), TransferFunds("A2", "A", "BTC", 1))
    assert refusal(at, place(limit(BUY, 50, 160))) is None
    at.done(CancelOrder("A", SYMBOL, 3), place(limit(SELL, 80, 500)))
    assert (8_000, 0) == (at.free("A", "USD"), at.free("A", "BTC"))


@pytest.mark.parametrize(
    ("terms", "field"),
    [
        (OrderTerms(BUY, OrderType.LIMIT, None, 20), "price"),
        (OrderTerms(BUY, OrderType.LIMIT, 50, None), "quantity"),
        (OrderTerms(BUY, OrderType.LIMIT, 50, None, budget=500), "quantity"),
        (OrderTerms(BUY, OrderType.LIMIT, 50, 20, budget=500), "budget"),
        (limit(BUY, 50, 20, post_only=True, time_in_force=IOC), "post_only"),
        (limit(BUY, 50, 20, post_only=True, time_in_force=FOK), "post_only"),
        (limit(BUY, 50, 20, display=10, time_in_force=IOC), "display"),
        (limit(BUY, 50, 20, display=10, time_in_force=FOK), "display"),
        (limit(BUY, 50, 20, time_in_force=GTD), "deadline_us"),
        (limit(BUY, 50, 20, deadline_us=9), "deadline_us"),
        (limit(BUY, 50, 20, deadline_us=9, time_in_force=DAY), "deadline_us"),
        (limit(BUY, 50, 20, deadline_us=9, time_in_force=IOC), "deadline_us"),
        (limit(BUY, 50, 20, self_trade=SelfTrade.NONE), "self_trade"),
        (OrderTerms(BUY, OrderType.MARKET, 50, 20), "price"),
        (market(BUY, 20, post_only=True), "post_only"),
        (market(BUY, 20, display=10), "display"),
        (market(BUY, 20, deadline_us=9), "deadline_us"),
        (market(BUY, 20, self_trade=SelfTrade.NONE), "self_trade"),
        (market(BUY), "quantity"),
        (market(BUY, 20, budget=500), "quantity"),
        (market(BUY, budget=500, time_in_force=FOK), "budget"),
    ],
)
def test_fields_that_do_not_go_together_are_named(at: Desk, terms: OrderTerms, field: str) -> None:
    assert Refusal(CODES.FIELD_COMBINATION, field) == refusal(at, place(terms))


@pytest.mark.parametrize(
    "name", ["", " ", "a b", "a\nb", "a\x00", "\x7f", "\uff11", "é", "a/b", "x" * 65]
)
def test_a_client_order_id_outside_its_pattern_is_refused(at: Desk, name: str) -> None:
    terms = limit(BUY, 50, 20, client_order_id=name)
    assert Refusal(CODES.INVALID_ID, "client_order_id") == refusal(at, place(terms))


# The order of checks: each order breaks two rules, and hears of the one that is looked at first.


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        pytest.param(
            place(limit(BUY, 50, 20), "nobody", "XRP-USD"),
            Refusal(CODES.UNKNOWN_ACCOUNT, "account", "nobody"),
            id="account before market",
        ),
        pytest.param(
            place(limit(BUY, 0, 20), symbol="XRP-USD"),
            Refusal(CODES.UNKNOWN_MARKET, "symbol", "XRP-USD"),
            id="market before terms",
        ),
        pytest.param(
            place(limit(BUY, 0, 20, post_only=True, time_in_force=IOC)),
            Refusal(CODES.FIELD_COMBINATION, "post_only"),
            id="field combinations before price bounds",
        ),
        pytest.param(
            place(limit(BUY, 1_003, 20)),
            Refusal(CODES.PRICE_BOUNDS, "price", 1_003, 1_000),
            id="price bounds before tick",
        ),
        pytest.param(
            place(limit(BUY, 52, 10)),
            Refusal(CODES.OFF_TICK, "price", 52, 5),
            id="tick before quantity bounds",
        ),
        pytest.param(
            place(limit(BUY, 50, 15)),
            Refusal(CODES.QUANTITY_BOUNDS, "quantity", 15, 20),
            id="quantity bounds before lot",
        ),
        pytest.param(
            place(limit(BUY, 50, 20, display=0, time_in_force=IOC)),
            Refusal(CODES.FIELD_COMBINATION, "display"),
            id="field combinations before display",
        ),
        pytest.param(
            place(limit(BUY, 0, 20, self_trade=SelfTrade.NONE)),
            Refusal(CODES.FIELD_COMBINATION, "self_trade"),
            id="self-trade mode before price bounds",
        ),
        pytest.param(
            place(limit(BUY, 50, 25, display=0)),
            Refusal(CODES.OFF_LOT, "quantity", 25, 10),
            id="quantity before display",
        ),
        pytest.param(
            place(limit(BUY, 10, 20, display=25)),
            Refusal(CODES.QUANTITY_BOUNDS, "display", 25, 20),
            id="display before its lot and least notional",
        ),
        pytest.param(
            place(until(0, price=10)),
            Refusal(CODES.NOTIONAL_MIN, "notional", 200, 400),
            id="notional before deadline",
        ),
        pytest.param(
            place(until(0, client_order_id="mine")),
            Refusal(CODES.DEADLINE_PASSED, "deadline_us", 0, 0),
            id="deadline before client order id",
        ),
        pytest.param(
            place(until(0, client_order_id="a b")),
            Refusal(CODES.DEADLINE_PASSED, "deadline_us", 0, 0),
            id="deadline before form of client order id",
        ),
        pytest.param(
            place(until(0, price=60, post_only=True)),
            Refusal(CODES.DEADLINE_PASSED, "deadline_us", 0, 0),
            id="deadline before post-only",
        ),
        pytest.param(
            place(until(0, quantity=1_000)),
            Refusal(CODES.DEADLINE_PASSED, "deadline_us", 0, 0),
            id="deadline before funds",
        ),
        pytest.param(
            place(limit(BUY, 10, 25)),
            Refusal(CODES.OFF_LOT, "quantity", 25, 10),
            id="lot before least notional",
        ),
        pytest.param(
            place(limit(SELL, 1_000, 105)),
            Refusal(CODES.OFF_LOT, "quantity", 105, 10),
            id="lot before greatest notional",
        ),
        pytest.param(
            place(limit(BUY, 10, 20, client_order_id="a b")),
            Refusal(CODES.NOTIONAL_MIN, "notional", 200, 400),
            id="least notional before client order id",
        ),
        pytest.param(
            place(limit(SELL, 1_000, 110, client_order_id="mine")),
            Refusal(CODES.NOTIONAL_MAX, "notional", 110_000, 100_000),
            id="greatest notional before client order id",
        ),
        pytest.param(
            place(limit(BUY, 60, 110, client_order_id="mine", time_in_force=FOK)),
            Refusal(CODES.DUPLICATE_CLIENT_ORDER_ID, "client_order_id", "mine"),
            id="client order id before fok",
        ),
        pytest.param(
            place(limit(BUY, 60, 20, client_order_id="mine", post_only=True)),
            Refusal(CODES.DUPLICATE_CLIENT_ORDER_ID, "client_order_id", "mine"),
            id="client order id before post-only",
        ),
        pytest.param(
            place(limit(BUY, 60, 1_000, post_only=True)),
            Refusal(CODES.WOULD_TRADE, "price", 60, 60),
            id="post-only before funds",
        ),
        pytest.param(
            place(limit(BUY, 60, 1_000, time_in_force=FOK)),
            Refusal(CODES.NOT_FILLABLE, "quantity", 1_000, 100),
            id="fok before funds",
        ),
        pytest.param(
            CancelOrder("nobody", "XRP-USD", 1),
            Refusal(CODES.UNKNOWN_ACCOUNT, "account", "nobody"),
            id="cancel: account before market",
        ),
        pytest.param(
            CancelOrder("A", "XRP-USD"),
            Refusal(CODES.UNKNOWN_MARKET, "symbol", "XRP-USD"),
            id="cancel: market before field combinations",
        ),
        pytest.param(
            CancelOrders("nobody", "XRP-USD"),
            Refusal(CODES.UNKNOWN_ACCOUNT, "account", "nobody"),
            id="mass cancel: account before market",
        ),
        pytest.param(
            SetTradeGroup("nobody", "a b"),
            Refusal(CODES.UNKNOWN_ACCOUNT, "account", "nobody"),
            id="trade group: account before group",
        ),
        pytest.param(
            ReduceOrder("A", SYMBOL, 0, 404),
            Refusal(CODES.QUANTITY_BOUNDS, "quantity", 0, 10),
            id="reduce: quantity before order",
        ),
        pytest.param(
            ReduceOrder("A", SYMBOL, 0),
            Refusal(CODES.FIELD_COMBINATION, "number"),
            id="reduce: field combinations before quantity",
        ),
        pytest.param(
            ReduceOrder("A", SYMBOL, 15, 404),
            Refusal(CODES.NOT_FOUND, "order"),
            id="reduce: order before lot",
        ),
        pytest.param(
            TransferFunds("nobody", "no one", "XRP", 0),
            Refusal(CODES.UNKNOWN_ACCOUNT, "account", "nobody"),
            id="transfer: payer before target",
        ),
        pytest.param(
            TransferFunds("A", "B", "XRP", 0),
            Refusal(CODES.UNKNOWN_ACCOUNT, "target", "B"),
            id="transfer: target before asset",
        ),
        pytest.param(
            TransferFunds("A", "A2", "XRP", 0),
            Refusal(CODES.UNKNOWN_ASSET, "asset", "XRP"),
            id="transfer: asset before amount",
        ),
        pytest.param(
            Deposit("nobody", "XRP", 0, "a b"),
            Refusal(CODES.UNKNOWN_ACCOUNT, "account", "nobody"),
            id="deposit: account before asset",
        ),
        pytest.param(
            Deposit("A", "XRP", 0, "a b"),
            Refusal(CODES.UNKNOWN_ASSET, "asset", "XRP"),
            id="deposit: asset before amount",
        ),
        pytest.param(
            Deposit("A", "USD", 0, "a-usd"),
            Refusal(CODES.AMOUNT_BOUNDS, "amount", 0, 1),
            id="deposit: amount before reference",
        ),
    ],
)
def test_the_earlier_check_is_heard(at: Desk, command: AnyCommand, expected: Refusal) -> None:
    assert expected == refusal(at, command)


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(place(limit(BUY, 0, 20, post_only=True, time_in_force=IOC)), id="place"),
        pytest.param(place(market(BUY)), id="market"),
        pytest.param(ReduceOrder("A", SYMBOL, 0), id="reduce"),
    ],
)
def test_the_market_state_is_heard_before_the_fields(at: Desk, command: AnyCommand) -> None:
    halt(at)
    assert Refusal(CODES.MARKET_STATE, "state", "halted") == refusal(at, command)


def test_the_account_is_heard_before_the_market_state(at: Desk) -> None:
    halt(at)
    expected = Refusal(CODES.UNKNOWN_ACCOUNT, "account", "nobody")
    assert expected == refusal(at, place(limit(BUY, 50, 20), "nobody"))


@pytest.mark.parametrize(
    ("terms", "code"),
    [
        pytest.param(
            limit(BUY, 50, 20, client_order_id="a b"), CODES.INVALID_ID, id="form of client id"
        ),
        pytest.param(
            limit(BUY, 50, 20, client_order_id="mine"),
            CODES.DUPLICATE_CLIENT_ORDER_ID,
            id="client order id before open orders",
        ),
        pytest.param(until(0), CODES.DEADLINE_PASSED, id="deadline before open orders"),
        pytest.param(until(9), CODES.OPEN_ORDERS_MAX, id="an order with a deadline"),
        pytest.param(
            limit(BUY, 60, 20, post_only=True),
            CODES.OPEN_ORDERS_MAX,
            id="open orders before post-only",
        ),
        pytest.param(limit(BUY, 50, 1_000), CODES.OPEN_ORDERS_MAX, id="open orders before funds"),
    ],
)
def test_the_number_of_open_orders_has_its_place(
    at: Desk, terms: OrderTerms, code: RejectCode
) -> None:
    fill_up(at)
    found = refusal(at, place(terms))
    assert found is not None
    assert code is found.code


def test_the_role_is_heard_first(at: Desk) -> None:
    expected = Refusal(CODES.NOT_PERMITTED, "role", "trader")
    assert expected == refusal(at, Deposit("nobody", "XRP", 0, ""), "A")


# Who may not.


@pytest.mark.parametrize(
    "command",
    [
        place(limit(BUY, 50, 20)),
        CancelOrder("A", SYMBOL, 1),
        CancelOrder("A", SYMBOL, 404),
        CancelOrders("A"),
        CancelOrders("A", SYMBOL, BUY),
        CancelOrders("A", "XRP-USD"),
        ReduceOrder("A", SYMBOL, 10, 1),
        TransferFunds("A", "A2", "USD", 1),
        TransferFunds("A", "B", "USD", 1),
    ],
)
def test_a_foreign_account_is_as_if_unknown(at: Desk, command: AnyCommand) -> None:
    """The answers differ in the name that was asked for and in nothing else."""
    unknown = msgspec.structs.replace(command, account="Z")
    foreign, missing = refusal(at, command, "B"), refusal(at, unknown, "B")
    assert Refusal(CODES.UNKNOWN_ACCOUNT, "account", "A") == foreign
    assert Refusal(CODES.UNKNOWN_ACCOUNT, "account", "Z") == missing


@pytest.mark.parametrize("number", [1, 404], ids=["another's", "unknown"])
def test_a_foreign_order_is_as_if_unknown(at: Desk, number: int) -> None:
    expected = Refusal(CODES.NOT_FOUND, "order")
    assert expected == refusal(at, CancelOrder("B", SYMBOL, number))
    assert expected == refusal(at, ReduceOrder("B", SYMBOL, 10, number))


def test_a_client_order_id_names_an_order_of_its_own_account_only(at: Desk) -> None:
    by_name = CancelOrder("B", SYMBOL, client_order_id="mine")
    assert Refusal(CODES.NOT_FOUND, "order") == refusal(at, by_name)
    assert refusal(at, place(limit(SELL, 70, 20, client_order_id="mine"), "B")) is None


@pytest.mark.parametrize(
    "command",
    [
        RegisterUser("eve"),
        OpenAccount("A", "A3"),
        RegisterAsset("XRP", 6),
        listing(symbol="X-USD"),
        ChangeMarketState(SYMBOL, MarketState.HALTED, "mine"),
        Deposit("A", "USD", 1, "free-money"),
        SetTradeGroup("A", "desk"),
        ExpireOrders(SYMBOL),
    ],
    ids=lambda it: type(it).__name__,
)
def test_a_trader_may_not_do_what_operators_do(at: Desk, command: AnyCommand) -> None:
    assert Refusal(CODES.NOT_PERMITTED, "role", "trader") == refusal(at, command, "A")


def test_a_sweep_is_given_by_the_venue_alone(at: Desk) -> None:
    sweep = ExpireOrders(SYMBOL)
    ack = answer(at.decide(Request(sweep, OPERATOR, Role.OPERATOR)))
    assert Refusal(CODES.NOT_PERMITTED, "role", "operator") == ack.refusal
    with pytest.raises(Malformed):
        admit(Request(sweep, OPERATOR, Role.SYSTEM))


# The other commands, in their words.


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (CancelOrder("A", "XRP-USD", 1), Refusal(CODES.UNKNOWN_MARKET, "symbol", "XRP-USD")),
        (CancelOrder("A", SYMBOL), Refusal(CODES.FIELD_COMBINATION, "number")),
        (CancelOrder("A", SYMBOL, 1, "mine"), Refusal(CODES.FIELD_COMBINATION, "number")),
        (CancelOrder("A", SYMBOL, 0), Refusal(CODES.NOT_FOUND, "order")),
        (CancelOrder("A", SYMBOL, -1), Refusal(CODES.NOT_FOUND, "order")),
        (CancelOrder("A", SYMBOL, HUGE), Refusal(CODES.NOT_FOUND, "order")),
        (CancelOrder("A", SYMBOL, client_order_id=""), Refusal(CODES.NOT_FOUND, "order")),
        (CancelOrders("A", "XRP-USD"), Refusal(CODES.UNKNOWN_MARKET, "symbol", "XRP-USD")),
        (ExpireOrders("XRP-USD"), Refusal(CODES.UNKNOWN_MARKET, "symbol", "XRP-USD")),
        (ReduceOrder("A", SYMBOL, 0, 1), Refusal(CODES.QUANTITY_BOUNDS, "quantity", 0, 10)),
        (ReduceOrder("A", SYMBOL, -HUGE, 1), Refusal(CODES.QUANTITY_BOUNDS, "quantity", -HUGE, 10)),
        (ReduceOrder("A", SYMBOL, 15, 1), Refusal(CODES.OFF_LOT, "quantity", 15, 10)),
        (TransferFunds("A", "A", "USD", 1), Refusal(CODES.FIELD_COMBINATION, "target", "A")),
        (TransferFunds("A", "B", "USD", 1), Refusal(CODES.UNKNOWN_ACCOUNT, "target", "B")),
        (TransferFunds("A", "Z", "USD", 1), Refusal(CODES.UNKNOWN_ACCOUNT, "target", "Z")),
        (TransferFunds("A", "A2", "XRP", 1), Refusal(CODES.UNKNOWN_ASSET, "asset", "XRP")),
        (TransferFunds("A", "A2", "USD", 0), Refusal(CODES.AMOUNT_BOUNDS, "amount", 0, 1)),
        (TransferFunds("A", "A2", "USD", -5), Refusal(CODES.AMOUNT_BOUNDS, "amount", -5, 1)),
        (
            TransferFunds("A", "A2", "USD", 8_001),
            Refusal(CODES.INSUFFICIENT_FUNDS, "amount", 8_001, 8_000),
        ),
        (
            TransferFunds("A", "A2", "USD", HUGE),
            Refusal(CODES.INSUFFICIENT_FUNDS, "amount", HUGE, 8_000),
        ),
        (Deposit("Z", "USD", 1, "d"), Refusal(CODES.UNKNOWN_ACCOUNT, "account", "Z")),
        (Deposit("A", "XRP", 1, "d"), Refusal(CODES.UNKNOWN_ASSET, "asset", "XRP")),
        (Deposit("A", "USD", 0, "d"), Refusal(CODES.AMOUNT_BOUNDS, "amount", 0, 1)),
        (Deposit("A", "USD", -1, "d"), Refusal(CODES.AMOUNT_BOUNDS, "amount", -1, 1)),
        (Deposit("A", "USD", 1, "a b"), Refusal(CODES.INVALID_ID, "reference")),
        (
            Deposit("B", "BTC", 7, "a-usd"),
            Refusal(CODES.DUPLICATE_REFERENCE, "reference", "a-usd"),
        ),
        (SetTradeGroup("Z", "desk"), Refusal(CODES.UNKNOWN_ACCOUNT, "account", "Z")),
        (SetTradeGroup("A", "a b"), Refusal(CODES.INVALID_ID, "group")),
        (RegisterUser("A"), Refusal(CODES.ALREADY_EXISTS, "user", "A")),
        (RegisterUser("a:b"), Refusal(CODES.INVALID_ID, "user")),
        (OpenAccount("Z", "Z"), Refusal(CODES.UNKNOWN_USER, "user", "Z")),
        (OpenAccount("B", "A2"), Refusal(CODES.ALREADY_EXISTS, "account", "A2")),
        (OpenAccount("B", ""), Refusal(CODES.INVALID_ID, "account")),
        (RegisterAsset("USD", 2), Refusal(CODES.ALREADY_EXISTS, "code", "USD")),
        (RegisterAsset("U/D", 2), Refusal(CODES.INVALID_ID, "code")),
        (RegisterAsset("XRP", 19), Refusal(CODES.AMOUNT_BOUNDS, "decimals", 19, 18)),
        (RegisterAsset("XRP", -1), Refusal(CODES.AMOUNT_BOUNDS, "decimals", -1, 18)),
        (listing(), Refusal(CODES.ALREADY_EXISTS, "symbol", SYMBOL)),
        (listing(symbol="X-USD", base="X"), Refusal(CODES.UNKNOWN_ASSET, "base", "X")),
        (listing(symbol="X-USD", quote="X"), Refusal(CODES.UNKNOWN_ASSET, "quote", "X")),
        (
            ChangeMarketState("X-USD", MarketState.HALTED, "news"),
            Refusal(CODES.UNKNOWN_MARKET, "symbol", "X-USD"),
        ),
        (
            ChangeMarketState(SYMBOL, MarketState.CONTINUOUS, "news"),
            Refusal(CODES.MARKET_STATE, "state", "continuous"),
        ),
        (
            ChangeMarketState(SYMBOL, MarketState.HALTED, "\x07"),
            Refusal(CODES.INVALID_ID, "reason"),
        ),
        (
            ChangeMarketState(SYMBOL, MarketState.HALTED, "x" * 201),
            Refusal(CODES.INVALID_ID, "reason"),
        ),
    ],
    ids=words,
)
def test_a_command_is_refused_with_what_was_compared(
    at: Desk, command: AnyCommand, expected: Refusal
) -> None:
    assert expected == refusal(at, command)


@pytest.mark.parametrize(
    ("changes", "field", "value"),
    [
        ({"quote": "BTC"}, "base", 0),
        ({"price_decimals": -1}, "price_decimals", -1),
        ({"quantity_decimals": -1}, "quantity_decimals", -1),
        ({"tick": 0}, "tick", 0),
        ({"lot": -1}, "lot", -1),
        ({"price_min": 0}, "price_min", 0),
        ({"price_min": 10, "price_max": 9}, "price_max", 9),
        ({"quantity_min": 0}, "quantity_min", 0),
        ({"quantity_min": 10, "quantity_max": 9}, "quantity_max", 9),
        ({"notional_min": -1}, "notional_min", -1),
        ({"notional_max": 0}, "notional_max", 0),
        ({"notional_min": 10, "notional_max": 9}, "notional_max", 9),
        ({"open_orders_max": 0}, "open_orders_max", 0),
        ({"maker_ppm": -1_000_001}, "maker_ppm", -1_000_001),
        ({"taker_ppm": -1}, "taker_ppm", -1),
        ({"taker_ppm": 1_000_001}, "taker_ppm", 1_000_001),
        ({"day_end_us": -1}, "day_end_us", -1),
        ({"day_end_us": DAY_US}, "day_end_us", DAY_US),
        ({"state": MarketState.CLOSED}, "state", 0),
    ],
)
def test_a_listing_that_makes_no_market_names_the_field(
    at: Desk, changes: dict[str, Any], field: str, value: int
) -> None:
    expected = Refusal(CODES.INVALID_INSTRUMENT, field, value)
    assert expected == refusal(at, listing(symbol="X-USD", **changes))


@pytest.mark.parametrize(
    ("decimals", "expected"),
    [
        ((1, 0), Refusal(CODES.INVALID_INSTRUMENT, "price_decimals", 1, 0)),
        ((0, 1), Refusal(CODES.INVALID_INSTRUMENT, "price_decimals", 1, 0)),
    ],
)
def test_a_price_unit_times_a_quantity_unit_is_whole_quote_units(
    at: Desk, decimals: tuple[int, int], expected: Refusal
) -> None:
    price, quantity = decimals
    command = listing(symbol="X-USD", price_decimals=price, quantity_decimals=quantity)
    assert expected == refusal(at, command)


# What never gets as far as a check.

BAD_NAMES = ["", "a b", "a:b", "a\nb", "a\x00", "\ud800", "é", "\uff11", "x" * 33]


@pytest.mark.parametrize("name", BAD_NAMES)
def test_a_name_outside_its_pattern_leaves_no_record(at: Desk, name: str) -> None:
    count = len(at.envelopes)
    for command in (
        place(limit(BUY, 50, 20), name),
        place(limit(BUY, 50, 20), symbol=name),
        CancelOrder(name, SYMBOL, 1),
        CancelOrders("A", name),
    ):
        with pytest.raises(Malformed):
            at.do(command, OPERATOR)
    assert count == len(at.envelopes)


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(place(limit(BUY, 50, 20, client_order_id="\ud800")), id="lone surrogate"),
        pytest.param(ChangeMarketState(SYMBOL, MarketState.HALTED, "\udfff"), id="in a reason"),
        pytest.param(place(limit(BUY, 10**5_000, 20)), id="a price of 5,000 digits"),
        pytest.param(
            ChangeMarketState(SYMBOL, MarketState.HALTED, "x" * 70_000), id="more than 64 KiB"
        ),
    ],
)
def test_what_cannot_be_stored_leaves_no_record(at: Desk, command: AnyCommand) -> None:
    count = len(at.envelopes)
    with pytest.raises(Malformed):
        at.do(command)
    assert count == len(at.envelopes)


@pytest.mark.parametrize("price", ["1.5", "1e400", "NaN", "Infinity", '"50"', "true", "1e-3"])
def test_a_stored_order_has_no_price_but_an_integer(price: str) -> None:
    text = f'["place","A","BTC-USD",["buy","limit",{price},20]]'
    with pytest.raises(msgspec.DecodeError):
        msgspec.json.decode(text, type=AnyCommand)
    msgspec.json.decode(text.replace(price, str(HUGE)), type=AnyCommand)


def test_a_market_order_by_quantity_is_refused_above_the_greatest_notional(at: Desk) -> None:
    """Only the least notional spares it."""
    at.done(
        Deposit("A", "USD", 10**6, "rich"),
        Deposit("B", "BTC", 10**4, "rich-too"),
        place(limit(SELL, 990, 100), "B"),
        OpenAccount("B", "B2"),
        TransferFunds("B", "B2", "BTC", 5_000),
        place(limit(SELL, 995, 100), "B2"),
    )
    found = refusal(at, place(market(BUY, 300)))  # 6,000 + 99,000 + 99,500 of 100,000
    assert found is not None
    assert CODES.NOTIONAL_MAX is found.code
