"""A small world with two markets that share their quote asset, and what its people ask for.

Prices are few and quantities small, so that orders meet, and meet their own accounts.
"""

from typing import Any

from hypothesis import strategies as st
from msgspec.structs import replace

from exchange.kernel.orders import OrderTerms, OrderType, SelfTrade, Side, TimeInForce
from exchange.kernel.rejects import RejectCode
from exchange.orders.commands import (
    AmendOrder,
    AnyCommand,
    CancelOrder,
    Deposit,
    OpenAccount,
    PlaceOrder,
    PlaceOrderList,
    ReduceOrder,
    RegisterAsset,
    RegisterUser,
    TransferFunds,
)
from exchange.orders.validate import LIMITED
from tests.build import BUY, limit, listing, market

BTC, ETH = "BTC-USD", "ETH-USD"
MARKETS = (BTC, ETH)
ASSETS = ("BTC", "ETH", "USD")
OWNERS = {"A": "ann", "A2": "ann", "B": "bob", "C": "cid"}
LOT = {BTC: 1, ETH: 10}
TICK = {BTC: 1, ETH: 5}
LOWEST = {BTC: 3, ETH: 500}
FUNDS = {"BTC": 40_000, "ETH": 400, "USD": 30_000}

GENESIS: tuple[AnyCommand, ...] = (
    RegisterAsset("BTC", 3),
    RegisterAsset("ETH", 0),
    RegisterAsset("USD", 4),
    listing(
        symbol=BTC, price_decimals=2, price_min=2, open_orders_max=9, maker_ppm=1,
        self_trade_allowed=True, day_end_us=12,
    ),
    listing(
        symbol=ETH, base="ETH", price_decimals=4, tick=5, lot=10, price_min=5, quantity_min=10,
        quantity_max=1_000, notional_min=300, notional_max=10**9, open_orders_max=8,
        maker_ppm=3_333, taker_ppm=250_001, day_end_us=30,
    ),
    *(RegisterUser(user) for user in ("ann", "bob", "cid")),
    *(OpenAccount(user, account) for account, user in OWNERS.items()),
    *(
        Deposit(account, asset, amount, f"first-{account}-{asset}")
        for account in OWNERS
        for asset, amount in FUNDS.items()
    ),
)  # fmt: skip

accounts = st.sampled_from(["A", "A", "A2", "B", "B", "C"])
symbols = st.sampled_from(MARKETS)
sides = st.sampled_from(Side)
times = st.sampled_from([TimeInForce.GTC] * 6 + [TimeInForce.IOC, TimeInForce.FOK])
modes = st.sampled_from([SelfTrade.EXPIRE_TAKER] * 2 + list(SelfTrade))
all_modes = st.sampled_from(
    [SelfTrade.EXPIRE_TAKER] * 2 + [SelfTrade.EXPIRE_MAKER, SelfTrade.EXPIRE_BOTH, *SelfTrade]
)
OTHER_WAY = {
    OrderType.STOP: OrderType.TAKE_PROFIT,
    OrderType.STOP_LIMIT: OrderType.TAKE_PROFIT_LIMIT,
    OrderType.TAKE_PROFIT: OrderType.STOP,
    OrderType.TAKE_PROFIT_LIMIT: OrderType.STOP_LIMIT,
}
SLEEPING = list(OTHER_WAY)
times_asleep = st.sampled_from([TimeInForce.IOC, TimeInForce.FOK] * 2 + list(TimeInForce))
lasting_odd = st.sampled_from([TimeInForce.GTC, TimeInForce.GTD, TimeInForce.DAY])
names = st.none() | st.sampled_from([f"c{number}" for number in range(30)])
steps = st.integers(0, 5)  # of price, in ticks from the lowest
lots = st.integers(1, 8)


@st.composite
def limits(draw: st.DrawFn, side: Side | None = None, symbol: str | None = None) -> PlaceOrder:
    """A limit order anywhere in the narrow range."""
    symbol = symbol or draw(symbols)
    terms = limit(
        side or draw(sides),
        LOWEST[symbol] + draw(steps) * TICK[symbol],
        draw(lots) * LOT[symbol],
        time_in_force=draw(times),
        client_order_id=draw(names),
        self_trade=mode_in(symbol, draw(modes)),
    )
    return PlaceOrder(draw(accounts), symbol, terms)


def mode_in(symbol: str, mode: SelfTrade) -> SelfTrade:
    """Only one of the markets lets an account trade with itself."""
    return SelfTrade.DECREMENT if mode is SelfTrade.NONE and symbol != BTC else mode


@st.composite
def odd_limits(draw: st.DrawFn, side: Side | None = None, symbol: str | None = None) -> PlaceOrder:
    """An iceberg, an order for a time (counted from now on), for the day, to post; or several."""
    place = draw(limits(side, symbol))
    terms, lot = place.terms, LOT[place.symbol]
    lasting = draw(lasting_odd)
    return flawed(
        place,
        time_in_force=lasting,
        post_only=draw(st.booleans()),
        display=draw(
            st.none() | st.just(min(draw(st.integers(1, 3)) * lot, terms.quantity or lot))
        ),
        deadline_us=draw(st.integers(1, 12)) if lasting is TimeInForce.GTD else None,
    )


@st.composite
def quotes(draw: st.DrawFn) -> PlaceOrder:
    """A post-only order, mostly on its own half of the range."""
    symbol, side, step = draw(symbols), draw(sides), draw(st.integers(-1, 2))
    price = LOWEST[symbol] + (2 - step if side is BUY else 3 + step) * TICK[symbol]
    terms = limit(side, price, draw(lots) * LOT[symbol], post_only=True)
    return PlaceOrder(draw(accounts), symbol, terms)


@st.composite
def sleepers(draw: st.DrawFn, side: Side | None = None, symbol: str | None = None) -> PlaceOrder:
    """A stop or take-profit of any kind, now and then with a deadline (from now on)."""
    symbol, side, kind = (
        symbol or draw(symbols),
        side or draw(sides),
        draw(st.sampled_from(SLEEPING)),
    )
    trigger = LOWEST[symbol] + draw(steps) * TICK[symbol]
    quantity: int | None = draw(lots) * LOT[symbol]
    limited, budget, lasting = kind in LIMITED, None, draw(times_asleep)
    if not limited and side is BUY and draw(st.integers(0, 3)):
        quantity, budget = None, trigger * 8 * LOT[symbol] + draw(st.integers(0, 9))
    if not limited and not lasting.rests:
        lasting = TimeInForce.GTC
    rests = limited and lasting.rests
    terms = OrderTerms(
        side,
        kind,
        LOWEST[symbol] + draw(steps) * TICK[symbol] if limited else None,
        quantity,
        lasting,
        rests and draw(st.booleans()),
        mode_in(symbol, draw(modes)),
        budget,
        draw(names),
        display=LOT[symbol] if rests and draw(st.booleans()) else None,
        deadline_us=draw(st.integers(1, 20)) if lasting is TimeInForce.GTD else None,
        trigger=trigger,
    )
    return PlaceOrder(draw(accounts), symbol, terms)


@st.composite
def order_lists(draw: st.DrawFn, symbol: str | None = None) -> PlaceOrderList:
    """A sleeper with another one, or with a limit order that is mostly out of others' reach."""
    first = draw(sleepers(None, symbol))
    symbol, side = first.symbol, first.terms.side
    second = draw(odd_limits(side, symbol) | odd_limits(side, symbol) | sleepers(side, symbol))
    price = LOWEST[symbol] + (draw(st.integers(0, 2)) + 3 * (side is not BUY)) * TICK[symbol]
    away = {"price": price} if second.terms.type is OrderType.LIMIT else {}
    quantity = draw(lots) * LOT[symbol]
    display = LOT[symbol] if second.terms.display else None
    legs = [
        flawed(first, quantity=quantity, budget=None).terms,
        flawed(second, quantity=quantity, budget=None, display=display, **away).terms,
    ]
    return PlaceOrderList(first.account, symbol, *draw(st.permutations(legs)))


@st.composite
def comers(draw: st.DrawFn, symbol: str | None = None) -> PlaceOrder:
    """An order of any kind that comes in, in any mode; somebody may be there to be met."""
    symbol = symbol or draw(symbols)
    place = draw(limits(None, symbol) | odd_limits(None, symbol) | takers(symbol) | takers(symbol))
    lasting = draw(st.sampled_from([None, TimeInForce.IOC, TimeInForce.FOK]))
    if lasting is not None and place.terms.budget is None:
        plain = {"post_only": False, "display": None, "deadline_us": None}
        place = flawed(place, time_in_force=lasting, **plain)
    return flawed(place, self_trade=mode_in(symbol, draw(all_modes)))


@st.composite
def surprises(draw: st.DrawFn) -> tuple[PlaceOrder, PlaceOrder]:
    """An order that sleeps, in any mode, and one that may wake it."""
    symbol = draw(symbols)
    mode = mode_in(symbol, draw(all_modes))
    return flawed(draw(sleepers(None, symbol)), self_trade=mode), draw(comers(symbol))


@st.composite
def takers(draw: st.DrawFn, symbol: str | None = None) -> PlaceOrder:
    """A market order by quantity or budget."""
    symbol, side, more = symbol or draw(symbols), draw(sides), draw(lots)
    mode = mode_in(symbol, draw(modes))
    terms = market(side, more * LOT[symbol], time_in_force=draw(times), self_trade=mode)
    if draw(st.integers(0, 2)):
        value = more * LOT[symbol] * (LOWEST[symbol] + draw(steps) * TICK[symbol])
        terms = market(side, budget=value + draw(st.integers(0, 9)), self_trade=mode)
    return PlaceOrder(draw(accounts), symbol, terms)


@st.composite
def deposits(draw: st.DrawFn) -> Deposit:
    """More money, now and then with a reference that was there before."""
    asset, number = draw(st.sampled_from(ASSETS)), draw(st.integers(0, 40))
    amount = FUNDS[asset] // 10 + draw(st.integers(0, 99))
    return Deposit(draw(accounts), asset, amount, f"d{number}")


@st.composite
def transfers(draw: st.DrawFn) -> TransferFunds:
    """Money between the two accounts of one user."""
    payer, payee = draw(st.permutations(["A", "A2"]))
    amount = draw(st.integers(1, 50_000))
    return TransferFunds(payer, payee, draw(st.sampled_from(ASSETS)), amount)


@st.composite
def changes(draw: st.DrawFn, symbol: str | None = None) -> CancelOrder | ReduceOrder:
    """A cancel or reduce; its number counts the open orders from 0."""
    symbol, account, which = symbol or draw(symbols), draw(accounts), draw(st.integers(0, 7))
    if not draw(st.integers(0, 3)):
        return CancelOrder(account, symbol, which)
    return ReduceOrder(account, symbol, draw(lots) * LOT[symbol], which)


@st.composite
def amends(draw: st.DrawFn, symbol: str | None = None) -> AmendOrder:
    """A change of an open order, which is counted as in ``changes``; deadlines from now on."""
    symbol = symbol or draw(symbols)
    lot, tick, lowest = LOT[symbol], TICK[symbol], LOWEST[symbol]
    return AmendOrder(
        draw(accounts),
        symbol,
        draw(st.integers(0, 7)),
        price=draw(st.none() | steps.map(lambda step: lowest + step * tick)),
        quantity=draw(st.none() | lots.map(lambda count: count * lot)),
        display=draw(st.none() | st.just(lot)),
        deadline_us=draw(st.none() | st.none() | st.integers(0, 9)),
        trigger=draw(st.none() | steps.map(lambda step: lowest + step * tick)),
    )


def patient(terms: OrderTerms, prints: list[int]) -> OrderTerms:
    """The terms of one that the last print does not wake, unless that was at its trigger."""
    if terms.trigger is None or not prints:
        return terms
    below = prints[-1] < terms.trigger
    return terms if terms.rises is below else replace(terms, type=OTHER_WAY[terms.type])


def suited(command: AmendOrder, terms: OrderTerms, *, sleeps: bool) -> AmendOrder:
    """The change as far as such an order can take it; of its price or trigger, if of nothing."""
    limited, rests = terms.price is not None, terms.time_in_force.rests
    lowest = LOWEST[command.symbol]
    fitting = {
        "price": command.price if limited else None,
        "quantity": command.quantity if terms.budget is None else None,
        "display": command.display if limited and rests else None,
        "deadline_us": command.deadline_us if rests else None,
        "trigger": command.trigger if sleeps else None,
    }
    if not any(fitting.values()):
        fitting["trigger" if sleeps else "price"] = lowest
    return replace(command, **fitting)


def legs_of(command: PlaceOrder | PlaceOrderList) -> tuple[OrderTerms, ...]:
    """The orders that it asks for."""
    return (command.terms,) if isinstance(command, PlaceOrder) else (command.first, command.second)


def flawed(place: PlaceOrder, **flaw: Any) -> PlaceOrder:  # noqa: ANN401 - fields of the terms
    """The order with other terms."""
    terms = {name: getattr(place.terms, name) for name in OrderTerms.__struct_fields__} | flaw
    return PlaceOrder(place.account, place.symbol, OrderTerms(**terms))


FLAWS: tuple[tuple[RejectCode, dict[str, Any]], ...] = (
    (RejectCode.FIELD_COMBINATION, {"price": None}),
    (RejectCode.FIELD_COMBINATION, {"quantity": None}),
    (RejectCode.FIELD_COMBINATION, {"budget": 5_000}),
    (RejectCode.FIELD_COMBINATION, {"deadline_us": 10**18}),
    (RejectCode.FIELD_COMBINATION, {"time_in_force": TimeInForce.GTD}),
    (RejectCode.FIELD_COMBINATION, {"time_in_force": TimeInForce.IOC, "display": 10}),
    (RejectCode.QUANTITY_BOUNDS, {"time_in_force": TimeInForce.GTC, "display": 0}),
    (RejectCode.QUANTITY_BOUNDS, {"time_in_force": TimeInForce.GTC, "display": 10**9}),
    (RejectCode.FIELD_COMBINATION, {"post_only": True, "time_in_force": TimeInForce.IOC}),
    (RejectCode.PRICE_BOUNDS, {"price": 0}),
    (RejectCode.PRICE_BOUNDS, {"price": -5}),
    (RejectCode.PRICE_BOUNDS, {"price": 10**30}),
    (RejectCode.QUANTITY_BOUNDS, {"quantity": 0}),
    (RejectCode.QUANTITY_BOUNDS, {"quantity": -10}),
    (RejectCode.QUANTITY_BOUNDS, {"quantity": 10**30}),
    (RejectCode.INVALID_ID, {"client_order_id": ""}),
    (RejectCode.INVALID_ID, {"client_order_id": "a b"}),
    (RejectCode.INVALID_ID, {"client_order_id": "c\x00"}),
    (RejectCode.INVALID_ID, {"client_order_id": "x" * 65}),
)
"""What is wrong with a limit order whatever the market's state, if it is open."""


@st.composite
def nonsense(draw: st.DrawFn) -> tuple[AnyCommand, str, RejectCode]:
    """A command that nobody may do at any time in an open market, its actor, and why not."""
    place = draw(limits())
    account, owner = place.account, OWNERS[place.account]
    stranger = next(user for user in ("bob", "cid") if user != owner)
    code, flaw = draw(st.sampled_from(FLAWS))
    asset = draw(st.sampled_from(ASSETS))
    ways: list[tuple[AnyCommand, str, RejectCode]] = [
        (flawed(place, **flaw), owner, code),
        (place, stranger, RejectCode.UNKNOWN_ACCOUNT),
        (
            PlaceOrder("nobody", place.symbol, place.terms),
            owner,
            RejectCode.UNKNOWN_ACCOUNT,
        ),
        (PlaceOrder(account, "XRP-USD", place.terms), owner, RejectCode.UNKNOWN_MARKET),
        (CancelOrder(account, "XRP-USD", 1), owner, RejectCode.UNKNOWN_MARKET),
        (CancelOrder(account, place.symbol, 10**30), owner, RejectCode.NOT_FOUND),
        (CancelOrder(account, place.symbol), owner, RejectCode.FIELD_COMBINATION),
        (CancelOrder(account, place.symbol, 1), stranger, RejectCode.UNKNOWN_ACCOUNT),
        (TransferFunds(account, "nobody", asset, 1), owner, RejectCode.UNKNOWN_ACCOUNT),
        (TransferFunds(account, account, asset, 1), owner, RejectCode.FIELD_COMBINATION),
        (TransferFunds("A", "A2", asset, 0), "ann", RejectCode.AMOUNT_BOUNDS),
        (TransferFunds("A", "A2", asset, 10**30), "ann", RejectCode.INSUFFICIENT_FUNDS),
        (TransferFunds("A", "A2", "XRP", 1), "ann", RejectCode.UNKNOWN_ASSET),
        (Deposit(account, asset, 1, "mine"), owner, RejectCode.NOT_PERMITTED),
    ]
    return draw(st.sampled_from(ways))
