"""A venue of two markets in which everything happens, and the views that follow its log."""

import random
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import chain
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import strategies as st

from exchange.audit.reconcile.compare import Reconciliation, reconcile
from exchange.kernel.instruments import MarketState
from exchange.kernel.orders import OrderTerms, OrderType, SelfTrade, Side, TimeInForce
from exchange.orders.commands import (
    AmendOrder,
    AnyCommand,
    CancelOrder,
    CancelOrders,
    ChangeMarketState,
    Deposit,
    ExpireOrders,
    PlaceOrder,
    PlaceOrderList,
    ReduceOrder,
    Request,
    Role,
    SetTradeGroup,
    account_of,
)
from exchange.orders.money_commands import (
    ApproveClaim,
    ApproveWithdrawal,
    BustTrade,
    CancelWithdrawal,
    CompleteWithdrawal,
    DropClaim,
    FundInsurance,
    PayOutFees,
    RejectWithdrawal,
    RequestWithdrawal,
    ReverseDeposit,
    SendWithdrawal,
    SetWithdrawalTerms,
)
from exchange.projections.follower import STEP_EVENTS, Follower
from exchange.projections.reader import Reader
from exchange.store.log import EventLog
from exchange.venue.catalogue import EVENTS
from exchange.venue.replay import by_command
from tests.audit.logs import Batch, log_of, url_of
from tests.build import BUY, Desk, limit, market
from tests.venue.flow import (
    GENESIS,
    LOT,
    LOWEST,
    MARKETS,
    TICK,
    accounts,
    amends,
    changes,
    deposits,
    limits,
    lots,
    odd_limits,
    quotes,
    sides,
    sleepers,
    steps,
    symbols,
    takers,
    transfers,
)

Step = AnyCommand | int | tuple[str, AnyCommand]
"""A command, how many microseconds pass, or what an operator does who is named."""


@st.composite
def lists(draw: st.DrawFn) -> PlaceOrderList:
    """A limit order that waits, and a stop: one cancels the other."""
    symbol, side, more = draw(symbols), draw(sides), draw(lots)
    away, trigger = draw(st.integers(0, 2)), draw(steps)
    buys, tick = side is BUY, TICK[symbol]
    price = LOWEST[symbol] + (away if buys else 5 - away) * tick
    first = limit(side, price, more * LOT[symbol])
    second = OrderTerms(
        side, OrderType.STOP, None, more * LOT[symbol],
        trigger=LOWEST[symbol] + trigger * tick,
    )  # fmt: skip
    return PlaceOrderList(draw(accounts), symbol, first, second)


@st.composite
def mass_cancels(draw: st.DrawFn) -> CancelOrders:
    """Of an account, of one market or side of it."""
    return CancelOrders(draw(accounts), draw(st.none() | symbols), draw(st.none() | sides))


@st.composite
def groups(draw: st.DrawFn) -> SetTradeGroup:
    """Accounts join and leave trade groups."""
    return SetTradeGroup(draw(accounts), draw(st.none() | st.sampled_from("GH")))


@st.composite
def money(draw: st.DrawFn) -> Step:
    """A step of a withdrawal, a correction or what the venue itself pays; often refused."""
    number, operator = draw(st.integers(0, 40)), draw(st.sampled_from(["op1", "op2"]))
    return operator, draw(st.sampled_from(MONEY))(draw(accounts), draw(symbols), number)


passing = st.sampled_from([1, 2, 5, 60_000_000, 900_000_000])
happenings: st.SearchStrategy[Step] = st.one_of(
    limits(), limits(), quotes(), takers(), odd_limits(), sleepers(), lists(), changes(), amends(),
    deposits() | transfers(), money(), mass_cancels() | groups(), passing,
    symbols.map(ExpireOrders),
)  # fmt: skip


def played(happenings: Sequence[Step], *, closing_time: bool = False) -> Desk:
    """A desk after all that."""
    desk = Desk()
    desk.done(*GENESIS, SetWithdrawalTerms("USD", 3, 1, 30_000, 60))
    for it in happenings:
        if isinstance(it, int):
            desk.at_us += it
        elif isinstance(it, tuple):
            desk.decide(operated(desk, *it))
        else:
            desk.do(meant(desk, it))
    if closing_time:
        for symbol in MARKETS:
            desk.do(ChangeMarketState(symbol, MarketState.CLOSED, "the end"))
    return desk


def operated(desk: Desk, operator: str, command: AnyCommand) -> Request:
    """What the operator does, or the owner of the account that it names.

    A withdrawal is one of the open ones, while there are any.
    """
    waiting = sorted(desk.state.withdrawals.open)
    if waiting and "withdrawal" in command.__struct_fields__:
        number = waiting[getattr(command, "withdrawal", 0) % len(waiting)]
        command = msgspec.structs.replace(command, withdrawal=number)
    if isinstance(command, SendWithdrawal):
        command = SendWithdrawal(command.withdrawal, f"wire-{command.withdrawal}")
    account, key = account_of(command), f"key-{len(desk.envelopes)}"
    if account is None:
        return Request(command, operator, Role.OPERATOR, key)
    return Request(command, desk.state.owners[account], Role.TRADER, key)


def meant(desk: Desk, command: AnyCommand) -> AnyCommand:
    """The command with its relative numbers and times made real."""
    if isinstance(command, CancelOrder | ReduceOrder | AmendOrder):
        book = desk.book(command.symbol)
        own = list(book.accounts.get(command.account, {})) or list(book.orders) or [1]
        command = msgspec.structs.replace(command, number=own[(command.number or 0) % len(own)])
    if isinstance(command, AmendOrder) and command.deadline_us is not None:
        return msgspec.structs.replace(command, deadline_us=desk.at_us + command.deadline_us)
    if isinstance(command, PlaceOrder) and command.terms.deadline_us is not None:
        until = desk.at_us + command.terms.deadline_us
        terms = msgspec.structs.replace(command.terms, deadline_us=until)
        return PlaceOrder(command.account, command.symbol, terms)
    return command


def random_happenings(seed: int, count: int) -> list[Step]:
    """A history of every kind of order, repeatable by its seed."""
    chance = random.Random(seed)  # noqa: S311 - a repeatable history, no secret
    return [_happening(chance) for _ in range(count)]


def _happening(chance: random.Random) -> Step:
    if chance.randrange(20) == 0:
        return chance.choice([1, 20_000_000, 400_000_000])
    symbol, account = chance.choice(MARKETS), chance.choice(["A", "A", "A2", "B", "B", "C"])
    if chance.randrange(8) == 0:
        make_money = chance.choice(MONEY)
        return chance.choice(["op1", "op2"]), make_money(account, symbol, chance.randrange(40))
    make = chance.choices(MAKERS, WEIGHTS)[0]
    side, quantity = chance.choice(list(Side)), chance.randrange(1, 9) * LOT[symbol]
    price = LOWEST[symbol] + chance.randrange(6) * TICK[symbol]
    return make(account, symbol, side, price, quantity, chance.randrange(40))


def _limit(account: str, symbol: str, side: Side, price: int, quantity: int, n: int) -> Step:
    mode = [SelfTrade.EXPIRE_TAKER, SelfTrade.DECREMENT, SelfTrade.EXPIRE_BOTH][n % 3]
    return PlaceOrder(account, symbol, limit(side, price, quantity, self_trade=mode))


def _iceberg(account: str, symbol: str, side: Side, price: int, quantity: int, _: int) -> Step:
    return PlaceOrder(account, symbol, limit(side, price, quantity, display=LOT[symbol]))


def _timed(account: str, symbol: str, side: Side, price: int, quantity: int, n: int) -> Step:
    terms = limit(side, price, quantity, time_in_force=TimeInForce.GTD, deadline_us=n + 1)
    return PlaceOrder(account, symbol, terms)


def _stop(account: str, symbol: str, side: Side, price: int, quantity: int, _: int) -> Step:
    terms = OrderTerms(side, OrderType.STOP, None, quantity, trigger=price)
    return PlaceOrder(account, symbol, terms)


def _market(account: str, symbol: str, side: Side, price: int, quantity: int, n: int) -> Step:
    if n % 2:
        return PlaceOrder(account, symbol, market(side, quantity))
    return PlaceOrder(account, symbol, market(side, budget=price * quantity))


def _amend(account: str, symbol: str, _: Side, price: int, quantity: int, n: int) -> Step:
    return AmendOrder(account, symbol, n, price=price, quantity=quantity)


def _reduce(account: str, symbol: str, _: Side, __: int, ___: int, n: int) -> Step:
    return ReduceOrder(account, symbol, LOT[symbol], n)


def _list(account: str, symbol: str, _: Side, __: int, quantity: int, ___: int) -> Step:
    high, low = LOWEST[symbol] + 5 * TICK[symbol], LOWEST[symbol]
    stop = OrderTerms(Side.SELL, OrderType.STOP, None, quantity, trigger=low)
    return PlaceOrderList(account, symbol, limit(Side.SELL, high, quantity), stop)


WHY = "said chance"
MONEY: tuple[Callable[[str, str, int], AnyCommand], ...] = (
    lambda account, _, n: RequestWithdrawal(account, "USD", 10 * n + 1, "bank"),
    lambda account, _, n: RequestWithdrawal(account, "USD", 10 * n + 1, "bank"),
    lambda _, __, n: ApproveWithdrawal(n),
    lambda _, __, n: ApproveWithdrawal(n),
    lambda _, __, n: ApproveWithdrawal(n),
    lambda _, __, n: SendWithdrawal(n, f"wire-{n}"),
    lambda _, __, n: SendWithdrawal(n, f"wire-{n}"),
    lambda _, __, n: CompleteWithdrawal(n),
    lambda _, __, n: CompleteWithdrawal(n),
    lambda _, __, n: RejectWithdrawal(n, WHY),
    lambda account, _, n: CancelWithdrawal(account, n),
    lambda _, symbol, n: BustTrade(symbol, n, WHY, claim=n % 3 == 0),
    lambda _, symbol, n: BustTrade(symbol, n, WHY),
    lambda _, __, n: ReverseDeposit(f"d{n}", WHY, claim=n % 3 == 0),
    lambda account, _, n: Deposit(account, "USD", 100 + n, f"d{n}"),
    lambda _, __, n: ApproveClaim(n // 8),
    lambda _, __, n: DropClaim(n),
    lambda _, __, n: PayOutFees("USD", n + 1, f"fees-{n}"),
    lambda _, __, n: FundInsurance("USD", n + 1, f"fund-{n}"),
)
"""What moves money by hand, of an account, a market and a number."""

MAKERS: tuple[Callable[[str, str, Side, int, int, int], Step], ...] = (
    _limit, _iceberg, _timed, _stop, _market, _amend, _reduce, _list,
)  # fmt: skip
WEIGHTS = (50, 8, 8, 8, 8, 8, 4, 6)


def batches(desk: Desk, sizes: Sequence[int] = (3,)) -> Sequence[Batch]:
    """The desk's commands in batches of these sizes, in turn."""
    commands = list(by_command(desk.envelopes))
    found, at, turn = [], 0, 0
    while at < len(commands):
        size = max(1, sizes[turn % len(sizes)])
        found.append(list(chain(*commands[at : at + size])))
        at, turn = at + size, turn + 1
    return found


def write_log(desk: Desk, path: Path, sizes: Sequence[int] = (3,)) -> None:
    """Store what the desk has recorded."""
    with log_of(*batches(desk, sizes), path=path):
        pass


@contextmanager
def opened(path: Path) -> Iterator[EventLog]:
    """The log, to read."""
    log = EventLog(url_of(path), EVENTS)
    try:
        yield log
    finally:
        log.close()


def views_of(path: Path) -> Path:
    """Where the views of a store are."""
    return path.with_name(path.name + ".views")


def follow(path: Path, max_events: int = STEP_EVENTS, **how: Any) -> int:  # noqa: ANN401 - as Follower
    """Follow to the end of the log; the position there."""
    with opened(path) as log, Follower(log, views_of(path), **how) as follower:
        return follower.catch_up(max_events=max_events)


def content(views: Path) -> dict[str, list[Any]]:
    """Every row of every table."""
    with closing(sqlite3.connect(f"file:{views}?mode=ro", uri=True)) as connection:
        tables = connection.execute("SELECT name FROM sqlite_schema WHERE type='table'").fetchall()
        return {
            table: sorted(connection.execute(f"SELECT * FROM {table}"), key=repr)  # noqa: S608
            for (table,) in tables
        }


def rows_of(views: Path, table: str) -> list[dict[str, Any]]:
    """A table's rows, column by name."""
    with closing(sqlite3.connect(f"file:{views}?mode=ro", uri=True)) as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute(f"SELECT * FROM {table}")]  # noqa: S608


def reconciled(path: Path) -> Reconciliation:
    """What a reconciliation of the store and its views finds."""
    with opened(path) as log:
        reader = Reader(views_of(path))
        try:
            return reconcile(log, reader)
        finally:
            reader.close()
