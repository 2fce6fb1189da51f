"""Logs to verify: of a desk's commands, of a busy seeded venue, of recorded flow."""

import asyncio
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from exchange.audit.verify import Verdict, verify
from exchange.feeds.flow import read_flow
from exchange.feeds.run import Listing, run_flow
from exchange.kernel.events import Envelope
from exchange.kernel.instruments import MarketState
from exchange.kernel.orders import TimeInForce
from exchange.orders.commands import (
    AnyCommand,
    CancelOrder,
    ChangeMarketState,
    Deposit,
    PlaceOrder,
    ReduceOrder,
    TransferFunds,
)
from exchange.store.log import EventLog
from exchange.store.urls import StoreUrl
from exchange.store.writer import LogWriter
from exchange.venue.batch import Bounds
from exchange.venue.catalogue import EVENTS
from exchange.venue.replay import by_command
from exchange.venue.sequencer import serving
from tests.build import BUY, SELL, SYMBOL, Desk, desk, limit, market

Batch = Sequence[Envelope]


def url_of(path: Path) -> StoreUrl:
    return StoreUrl.parse(f"sqlite:///{path}")


@contextmanager
def log_of(*batches: Batch, path: Path | None = None) -> Iterator[LogWriter]:
    """A log, in memory or at ``path``, that holds these batches behind its first epoch."""
    url = StoreUrl.parse("memory:") if path is None else url_of(path)
    log = LogWriter(url, EVENTS, at_us=0)
    try:
        for batch in filter(None, batches):
            append(log, batch)
        yield log
    finally:
        log.close()


def append(log: LogWriter, batch: Batch) -> int:
    """Seal the envelopes as one batch at the next positions; the position of the first."""
    first = log.position + 1
    log.append(
        [
            Envelope(it.originator_id, it.originator_version, it.event, position)
            for position, it in enumerate(batch, first)
        ]
    )
    return first


def verdict_on(path: Path, **how: Any) -> Verdict:  # noqa: ANN401 - verify's own arguments
    """What a reader finds in the store at ``path``."""
    log = EventLog(url_of(path), EVENTS)
    try:
        return verify(log, **how)[0]
    finally:
        log.close()


def commands_of(desk: Desk) -> list[list[Envelope]]:
    """Each command's record and effects."""
    return list(by_command(desk.envelopes))


def run_sample(flow_file: Path, path: Path, bounds: Bounds, limit: int | None = None) -> None:
    """Run recorded flow, up to seq ``limit``, on the store at ``path``."""
    flow = read_flow(flow_file)

    async def work() -> None:
        async with serving(url_of(path), bounds) as venue:
            await run_flow(venue, flow, Listing(), limit=limit)

    asyncio.run(work())


def busy_desk(seed: int, steps: int, accounts: str = "ABCD") -> Desk:
    """A desk after ``steps`` commands of every kind, foolish ones among them.

    Prices are few and quantities small, so that orders meet, also those of one account; the
    market is halted at times, and closed at the end.
    """
    chance = random.Random(seed)  # noqa: S311 - a repeatable history, no secret
    busy = desk(accounts, funds=3_000, tick=2, lot=5, quantity_min=5, open_orders_max=9)
    state = MarketState.CONTINUOUS
    for step in range(steps):
        kind = chance.choices(KINDS, WEIGHTS)[0]
        busy.do(kind(chance, busy, chance.choice(accounts), step))
        if state is MarketState.HALTED or chance.randrange(40) == 0:
            halt = state is MarketState.CONTINUOUS
            state = MarketState.HALTED if halt else MarketState.CONTINUOUS
            busy.do(ChangeMarketState(SYMBOL, state, "said chance"))
    busy.do(ChangeMarketState(SYMBOL, MarketState.CLOSED, "the end"))
    return busy


def _limit(chance: random.Random, _: Desk, account: str, step: int) -> AnyCommand:
    side, price = chance.choice((BUY, SELL)), chance.randrange(20, 32) // 2 * 2
    quantity = chance.randrange(0, 9) * 5
    name = chance.choice((None, f"c{step}", f"c{chance.randrange(9)}"))
    in_force = chance.choice((*[TimeInForce.GTC] * 5, TimeInForce.IOC, TimeInForce.FOK))
    post_only = in_force is TimeInForce.GTC and chance.randrange(6) == 0
    terms = limit(
        side, price, quantity,
        time_in_force=in_force, post_only=post_only, client_order_id=name,
    )  # fmt: skip
    return PlaceOrder(account, SYMBOL, terms)


def _market(chance: random.Random, _: Desk, account: str, __: int) -> AnyCommand:
    side = chance.choice((BUY, SELL))
    if chance.randrange(2):
        return PlaceOrder(account, SYMBOL, market(side, budget=chance.randrange(1, 1_500)))
    in_force = chance.choice((TimeInForce.GTC, TimeInForce.FOK))
    terms = market(side, chance.randrange(1, 9) * 5, time_in_force=in_force)
    return PlaceOrder(account, SYMBOL, terms)


def _change(chance: random.Random, busy: Desk, account: str, step: int) -> AnyCommand:
    orders = [*busy.book().orders.values()]
    if not orders:
        return CancelOrder(account, SYMBOL, step)
    order = chance.choice(orders)
    owner = order.account if chance.randrange(8) else account
    if chance.randrange(2):
        return ReduceOrder(owner, SYMBOL, chance.randrange(0, 5) * 5, order.number)
    name = order.terms.client_order_id
    number = order.number if name is None else None
    return CancelOrder(owner, SYMBOL, number, name)


def _money(chance: random.Random, _: Desk, account: str, step: int) -> AnyCommand:
    asset = chance.choice(("BTC", "USD"))
    if chance.randrange(3):
        return Deposit(account, asset, chance.randrange(200), f"d{chance.randrange(step + 9)}")
    return TransferFunds(account, chance.choice("ABCD"), asset, chance.randrange(50))


KINDS: tuple[Callable[[random.Random, Desk, str, int], AnyCommand], ...] = (
    _limit, _market, _change, _money,
)  # fmt: skip
WEIGHTS = (60, 15, 20, 5)
