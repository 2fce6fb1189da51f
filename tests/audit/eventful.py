"""A busy seeded venue where everything happens: its log, and its state behind every command."""

import random
from collections.abc import Callable
from typing import NamedTuple

from exchange.kernel.events import Envelope
from exchange.kernel.instruments import MarketState
from exchange.kernel.orders import OrderTerms, OrderType, SelfTrade, TimeInForce
from exchange.matching.ladder import Order
from exchange.orders.commands import (
    AmendOrder,
    AnyCommand,
    CancelOrder,
    CancelOrders,
    ChangeMarketState,
    Deposit,
    PlaceOrder,
    PlaceOrderList,
    ReduceOrder,
    SetTradeGroup,
)
from exchange.orders.money_commands import BustTrade, RequestWithdrawal, SetWithdrawalTerms
from exchange.venue.due import due_work
from tests.build import BUY, SELL, SYMBOL, Desk, desk, limit, market

ACCOUNTS = "ABCD"
LOT = 5
PRICES = range(20, 32)
FUNDS = 40_000


class Done(NamedTuple):
    """A command with its effects, and the state's hash behind it."""

    command: list[Envelope]
    state_hash: str


def eventful(seed: int, steps: int) -> list[Done]:
    """What ``steps`` commands of every kind have done, the venue's own work among them."""
    chance = random.Random(seed)  # noqa: S311 - a repeatable history, no secret
    busy = desk(funds=FUNDS, lot=LOT, quantity_min=LOT, open_orders_max=12, stop_slippage_ppm=10**5)
    busy.done(SetWithdrawalTerms("USD", 1, 1, 10**6, 10**6))
    done = [Done(busy.envelopes[:], busy.state.state_hash())]
    for step in range(steps):
        busy.at_us += chance.randrange(3)
        kind = chance.choices(tuple(KINDS), tuple(KINDS.values()))[0]
        _do(busy, done, kind(chance, busy, chance.choice(ACCOUNTS), step))
        state = busy.state.rooms[SYMBOL].market.state
        if state is not MarketState.CONTINUOUS and chance.randrange(6) == 0:
            _do(busy, done, ChangeMarketState(SYMBOL, MarketState.CONTINUOUS, "said chance"))
    return done


def _do(busy: Desk, done: list[Done], command: AnyCommand) -> None:
    """The command, and ahead of it what is due, as the sequencer would."""
    work = due_work(busy.state, busy.at_us)
    if work is not None:
        done.append(Done(busy.decide(work), busy.state.state_hash()))
    decided = busy.decide(busy.request(command))
    done.append(Done(decided, busy.state.state_hash()))


def _limit(chance: random.Random, busy: Desk, account: str, step: int) -> AnyCommand:
    lasting = chance.choice([TimeInForce.GTC] * 5 + list(TimeInForce))
    quantity = chance.randrange(1, 9) * LOT
    display = LOT if lasting.rests and quantity > LOT and chance.randrange(4) == 0 else None
    terms = limit(
        chance.choice((BUY, SELL)), chance.choice(PRICES), quantity,
        time_in_force=lasting,
        post_only=lasting.rests and chance.randrange(6) == 0,
        self_trade=_mode(chance),
        client_order_id=f"c{step}" if chance.randrange(2) else None,
        display=display,
        deadline_us=busy.at_us + chance.randrange(9) if lasting is TimeInForce.GTD else None,
    )  # fmt: skip
    return PlaceOrder(account, SYMBOL, terms)


def _mode(chance: random.Random) -> SelfTrade:
    modes = [it for it in SelfTrade if it is not SelfTrade.NONE]
    return chance.choice([*[SelfTrade.EXPIRE_TAKER] * 4, *modes])


def _market(chance: random.Random, _: Desk, account: str, __: int) -> AnyCommand:
    side, mode = chance.choice((BUY, SELL)), _mode(chance)
    if chance.randrange(2):
        terms = market(side, budget=chance.randrange(1, 1_500), self_trade=mode)
    else:
        in_force = chance.choice((TimeInForce.GTC, TimeInForce.FOK))
        quantity = chance.randrange(1, 9) * LOT
        terms = market(side, quantity, time_in_force=in_force, self_trade=mode)
    return PlaceOrder(account, SYMBOL, terms)


def _stop(chance: random.Random, busy: Desk, account: str, _: int) -> AnyCommand:
    return PlaceOrder(account, SYMBOL, _sleeping(chance, busy, chance.choice((BUY, SELL)) is BUY))


def _sleeping(chance: random.Random, busy: Desk, buys: bool) -> OrderTerms:  # noqa: FBT001 - a side
    side, kind = BUY if buys else SELL, chance.choice(
        [it for it in OrderType if it not in {OrderType.LIMIT, OrderType.MARKET}]
    )  # fmt: skip
    limited = kind in {OrderType.STOP_LIMIT, OrderType.TAKE_PROFIT_LIMIT}
    lasting = chance.choice([TimeInForce.GTC] * 3 + ([TimeInForce.FOK] if limited else []))
    last = busy.book().last_price or 26
    rises = (kind in {OrderType.STOP, OrderType.STOP_LIMIT}) is buys
    trigger = max(1, last + chance.randrange(1, 4) * (1 if rises else -1))
    price = chance.choice(PRICES) if limited else None
    quantity = chance.randrange(1, 6) * LOT
    return OrderTerms(
        side, kind, price, quantity, lasting, self_trade=_mode(chance), trigger=trigger
    )


def _list(chance: random.Random, busy: Desk, account: str, _: int) -> AnyCommand:
    buys = chance.choice((True, False))
    stop = _sleeping(chance, busy, buys)
    price = PRICES[0] if buys else PRICES[-1]
    other = limit(stop.side, price, stop.quantity or 0)
    return PlaceOrderList(account, SYMBOL, *chance.sample((stop, other), 2))


def _change(chance: random.Random, busy: Desk, account: str, step: int) -> AnyCommand:
    orders = [*busy.book().orders.values()]
    if not orders:
        return CancelOrder(account, SYMBOL, step)
    order = chance.choice(orders)
    owner = order.account if chance.randrange(8) else account
    match chance.randrange(4):
        case 0:
            return CancelOrder(owner, SYMBOL, order.number)
        case 1:
            return ReduceOrder(owner, SYMBOL, chance.randrange(1, 5) * LOT, order.number)
        case _:
            return _amend(chance, busy, owner, order)


def _amend(chance: random.Random, busy: Desk, owner: str, order: Order) -> AnyCommand:
    asleep = order.level is None
    return AmendOrder(
        owner, SYMBOL, order.number,
        price=chance.choice((None, None if asleep else chance.choice(PRICES))),
        quantity=chance.choice((None, chance.randrange(1, 9) * LOT)),
        deadline_us=chance.choice((None, None, busy.at_us + chance.randrange(9))),
        trigger=chance.choice(PRICES) if asleep and chance.randrange(2) else None,
    )  # fmt: skip


def _rest(chance: random.Random, busy: Desk, account: str, step: int) -> AnyCommand:
    match chance.randrange(6):
        case 0:
            return CancelOrders(account, SYMBOL, chance.choice((None, BUY, SELL)))
        case 1:
            return SetTradeGroup(account, chance.choice((None, "G")))
        case 2:
            state = chance.choice((MarketState.HALTED, MarketState.POST_ONLY))
            return ChangeMarketState(SYMBOL, state, "said chance")
        case 3:
            trades = busy.book().trade_count
            return BustTrade(SYMBOL, chance.randrange(trades + 1), "said chance")
        case 4:
            return RequestWithdrawal(account, "USD", 1 + chance.randrange(50), "bank")
        case _:
            return Deposit(account, "USD", 1 + chance.randrange(200), f"d{step}")


KINDS: dict[Callable[[random.Random, Desk, str, int], AnyCommand], int] = {
    _limit: 50, _market: 14, _stop: 10, _list: 5, _change: 18, _rest: 5,
}  # fmt: skip
"""What is asked for -> how often."""
