"""A small world with two markets that share their quote asset, and what its people ask for.

Prices are few and quantities small, so that orders meet, and meet their own accounts.
"""

from typing import Any

from hypothesis import strategies as st

from exchange.kernel.orders import OrderTerms, OrderType, SelfTrade, Side, TimeInForce
from exchange.kernel.rejects import RejectCode
from exchange.orders.commands import (
    AmendOrder,
    AnyCommand,
    CancelOrder,
    Deposit,
    OpenAccount,
    PlaceOrder,
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
        self_trade_allowed=True,
    ),
    listing(
        symbol=ETH, base="ETH", price_decimals=4, tick=5, lot=10, price_min=5, quantity_min=10,
        quantity_max=1_000, notional_min=300, notional_max=10**9, open_orders_max=6,
        maker_ppm=3_333, taker_ppm=250_001,
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
modes = st.sampled_from([SelfTrade.EXPIRE_TAKER] * 4 + list(SelfTrade))
SLEEPING = [it for it in OrderType if it not in {OrderType.LIMIT, OrderType.MARKET}]
times_asleep = [TimeInForce.GTC] * 4 + [TimeInForce.GTD, TimeInForce.IOC, TimeInForce.FOK]
names = st.none() | st.sampled_from([f"c{number}" for number in range(30)])
steps = st.integers(0, 5)  # of price, in ticks from the lowest
lots = st.integers(1, 8)


@st.composite
def limits(draw: st.DrawFn, side: Side | None = None) -> PlaceOrder:
    """A limit order anywhere in the narrow range."""
    symbol = draw(symbols)
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
def odd_limits(draw: st.DrawFn) -> PlaceOrder:
    """An iceberg, an order with a deadline (counted from now on), or both."""
    place = draw(limits())
    terms, lot = place.terms, LOT[place.symbol]
    changes: dict[str, Any] = {"time_in_force": TimeInForce.GTC}
    if draw(st.booleans()):
        changes["display"] = min(draw(st.integers(1, 3)) * lot, terms.quantity or lot)
    if draw(st.booleans()):
        changes |= {"time_in_force": TimeInForce.GTD, "deadline_us": draw(st.integers(1, 12))}
    return flawed(place, **changes)


@st.composite
def quotes(draw: st.DrawFn) -> PlaceOrder:
    """A post-only order, mostly on its own half of the range."""
    symbol, side, step = draw(symbols), draw(sides), draw(st.integers(-1, 2))
    price = LOWEST[symbol] + (2 - step if side is BUY else 3 + step) * TICK[symbol]
    terms = limit(side, price, draw(lots) * LOT[symbol], post_only=True)
    return PlaceOrder(draw(accounts), symbol, terms)


@st.composite
def sleepers(draw: st.DrawFn) -> PlaceOrder:
    """A stop or take-profit of any kind, now and then with a deadline (from now on)."""
    symbol, side, kind = draw(symbols), draw(sides), draw(st.sampled_from(SLEEPING))
    trigger = LOWEST[symbol] + draw(steps) * TICK[symbol]
    quantity: int | None = draw(lots) * LOT[symbol]
    limited, budget, lasting = kind in LIMITED, None, draw(st.sampled_from(list(times_asleep)))
    if not limited and side is BUY and draw(st.booleans()):
        quantity, budget = None, trigger * 8 * LOT[symbol] + draw(st.integers(0, 9))
    if not limited and lasting in {TimeInForce.IOC, TimeInForce.FOK}:
        lasting = TimeInForce.GTC
    terms = OrderTerms(
        side,
        kind,
        LOWEST[symbol] + draw(steps) * TICK[symbol] if limited else None,
        quantity,
        lasting,
        limited and lasting is TimeInForce.GTC and draw(st.booleans()),
        mode_in(symbol, draw(modes)),
        budget,
        draw(names),
        deadline_us=draw(st.integers(1, 20)) if lasting is TimeInForce.GTD else None,
        trigger=trigger,
    )
    return PlaceOrder(draw(accounts), symbol, terms)


@st.composite
def takers(draw: st.DrawFn) -> PlaceOrder:
    """A market order by quantity or budget."""
    symbol, side, more = draw(symbols), draw(sides), draw(lots)
    mode = mode_in(symbol, draw(modes))
    terms = market(side, more * LOT[symbol], time_in_force=draw(times), self_trade=mode)
    if draw(st.booleans()):
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
def changes(draw: st.DrawFn) -> CancelOrder | ReduceOrder:
    """A cancel or reduce; its number counts the open orders of the account from 0."""
    symbol, account, which = draw(symbols), draw(accounts), draw(st.integers(0, 7))
    if draw(st.booleans()):
        return CancelOrder(account, symbol, which)
    return ReduceOrder(account, symbol, draw(lots) * LOT[symbol], which)


@st.composite
def amends(draw: st.DrawFn) -> AmendOrder:
    """A change of an open order, which is counted as in ``changes``; deadlines from now on."""
    symbol = draw(symbols)
    quantity = draw(st.none() | lots)
    price, display = draw(st.none() | steps), draw(st.none() | st.just(1))
    if quantity is display is None:
        price = price or 0
    return AmendOrder(
        draw(accounts),
        symbol,
        draw(st.integers(0, 7)),
        price=None if price is None else LOWEST[symbol] + price * TICK[symbol],
        quantity=None if quantity is None else quantity * LOT[symbol],
        display=None if display is None else display * LOT[symbol],
        deadline_us=draw(st.none() | st.none() | st.integers(0, 9)),
    )


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
