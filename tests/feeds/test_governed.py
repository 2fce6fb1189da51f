"""The whole recorded flow under an operator who changes rules, fees and people all the time."""

import asyncio
import random
from collections import Counter
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest

from exchange.audit.verify import verify
from exchange.cli.look import open_log
from exchange.feeds.flow import Flow, read_flow
from exchange.feeds.run import OPERATOR, Listing, run_flow
from exchange.kernel.accounts import EXTERNAL, FEES
from exchange.kernel.events import Event
from exchange.kernel.instruments import FeeRates, MarketState
from exchange.kernel.roles import Role
from exchange.orders.commands import AnyCommand, ChangeMarketState, RegisterUser, Request
from exchange.orders.events import FeeTierSet, InstrumentChanged, InstrumentListed
from exchange.orders.governing import (
    BlacklistUser,
    ChangeInstrument,
    GrantRole,
    KillAccount,
    KillVenue,
    ReinstateUser,
    ReleaseAccount,
    ReleaseVenue,
    SetAccountTier,
    SetFeeTier,
    SuspendUser,
)
from exchange.settlement.events import Leg, Settled, TradesSettled
from exchange.store.log import EventLog
from exchange.store.urls import StoreUrl
from exchange.users.events import AccountTierSet
from exchange.venue.answers import Ack
from exchange.venue.batch import Bounds
from exchange.venue.laws import check_all
from exchange.venue.replay import replay
from exchange.venue.sequencer import Venue, serving
from exchange.venue.state import VenueState
from tests.command import url

pytestmark = pytest.mark.slow

SYMBOL = Listing().symbol
EVERY = 150
"""Commands of the flow between two of the operator's."""

TIERS = ("gold", "silver", "lead")
RATES = ((-500, 1_500), (-2_500, 900), (0, 0), (333, 2_000), (1_000, 1_000_000), (-1_000_000, 7))


def governing(accounts: list[str], chance: random.Random) -> Iterator[AnyCommand]:
    """Fees and rules change without end; whoever is stopped is let go by the next command."""
    for tier in TIERS:
        yield SetFeeTier(SYMBOL, tier, *chance.choice(RATES))
    for account, joined in zip(accounts, cycle((*TIERS, None)), strict=False):
        yield SetAccountTier(account, joined)
    while True:
        name, tier = chance.choice(accounts), chance.choice(TIERS)
        yield SetFeeTier(SYMBOL, tier, *chance.choice(RATES))
        for account in chance.sample(accounts, 10):
            yield SetAccountTier(account, chance.choice((*TIERS, None)))
        yield ChangeInstrument(
            SYMBOL, "for the test", lot=chance.choice((1, 1, 2)), tick=chance.choice((1, 1, 100)),
            maker_ppm=chance.choice((-700, 0, 1_000)), taker_ppm=chance.randrange(3_000),
        )  # fmt: skip
        yield SuspendUser(name, "case", cancel_orders=chance.random() < 0.3)
        yield ReinstateUser(name, "case")
        yield KillAccount(name, "wild", cancel_orders=chance.random() < 0.3)
        yield ReleaseAccount(name, "calm")
        yield BlacklistUser(name, "list", 10**17)
        yield BlacklistUser(name, "list", None)
        yield KillVenue("fire")
        yield ReleaseVenue("out")
        yield ChangeMarketState(SYMBOL, MarketState.HALTED, "news")
        yield ChangeMarketState(SYMBOL, MarketState.CONTINUOUS, "old news")


def govern(venue: Venue, flow: Flow, asked: list["asyncio.Future[Ack]"]) -> None:
    """Let the operator's commands stand between those of the flow."""
    submit, count = venue.submit, 0
    accounts = sorted({line.account for line in flow.commands})
    commands = governing(accounts, random.Random(7))  # noqa: S311 - a script, the same each time

    def both(request: Request, at_us: int | None = None) -> "asyncio.Future[Ack]":
        nonlocal count
        if request.role is Role.TRADER:
            count += 1
            if count % EVERY == 0:
                command = next(commands)
                asked.append(submit(Request(command, OPERATOR, command.ROLE), at_us))
        return submit(request, at_us)

    venue.submit = both  # type: ignore[method-assign]  # the flow does not know of the operator


async def run(store: str, flow: Flow) -> tuple[Counter[str], dict[str, Any]]:
    """What the operator did, by kind; the state in the end."""
    asked: list[asyncio.Future[Ack]] = []
    async with serving(StoreUrl.parse(store), Bounds(queue=10**6)) as venue:
        appointed = (
            RegisterUser(OPERATOR),
            GrantRole(OPERATOR, Role.OPERATOR),
            GrantRole(OPERATOR, Role.ADMIN),
        )
        for command in appointed:
            ack = await venue.submit(Request(command, OPERATOR, command.ROLE), 0)
            assert ack.refusal is None
        govern(venue, flow, asked)
        await run_flow(venue, flow, Listing())
        done = Counter("refused" if it.result().refusal else "done" for it in asked)
        check_all(venue.state)
        return done, {"hash": venue.state.state_hash(), "faults": venue.faults}


@pytest.fixture(scope="module")
def log(all_minutes: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EventLog]:
    path = tmp_path_factory.mktemp("governed") / "venue.db"
    done, end = asyncio.run(run(url(path), read_flow(all_minutes)))
    assert done["done"] >= 1_000 > 10 * done["refused"]
    assert 0 == end["faults"]
    opened = open_log(url(path))
    state = VenueState()
    replay(state, opened.read())
    assert end["hash"] == state.state_hash()
    yield opened
    opened.close()


def test_the_auditor_finds_nothing(log: EventLog) -> None:
    assert [] == verify(log)[0].findings


def test_every_unit_is_where_the_accountant_says(log: EventLog) -> None:
    """Fees by each order's own sum at the rates of the moment, rebates out of them; to the unit."""
    accountant = Accountant()
    for envelope in log.read():
        accountant.follow(envelope.event)
    state = VenueState()
    replay(state, log.read())
    ledger = state.ledger
    for asset in ("BTC", "USD"):
        assert accountant.earned[asset] == ledger.balance(FEES, asset)
        assert 0 == sum(units for _, code, units in ledger.balances() if code == asset)
        assert 0 > ledger.balance(EXTERNAL, asset)
    print(accountant.seen)  # noqa: T201 - pytest shows it on demand
    assert accountant.seen["trades"] >= 150
    assert accountant.seen["rebates"] >= 20
    assert accountant.seen["orders at two rates"] >= 1


class Accountant:
    """Reads rates and trades off the log, and checks each fee and rebate."""

    def __init__(self) -> None:
        self.standard = FeeRates(0, 0)
        self.schedule: dict[str, FeeRates] = {}
        self.tiers: dict[str, str | None] = {}
        self.sums: Counter[int] = Counter()  # order -> received × ppm
        self.paid: Counter[int] = Counter()  # order -> fees
        self.rates: dict[int, set[int]] = {}  # order -> its rates as a maker
        self.earned: Counter[str] = Counter()
        self.seen: Counter[str] = Counter()

    def follow(self, event: Event) -> None:
        match event:
            case InstrumentListed(instrument=rules) | InstrumentChanged(instrument=rules):
                self.standard = FeeRates(rules.maker_ppm, rules.taker_ppm)
            case FeeTierSet(tier, maker_ppm, taker_ppm):
                self.schedule[tier] = FeeRates(maker_ppm or 0, taker_ppm or 0)
            case AccountTierSet(account, tier):
                self.tiers[account] = tier
            case TradesSettled(trades):
                for trade in trades:
                    self.check(trade)

    def check(self, trade: Settled) -> None:
        """The maker is whose order came first."""
        buys = trade.buy.order < trade.sell.order
        maker, taker = (trade.buy, trade.sell) if buys else (trade.sell, trade.buy)
        assert (self.rate(maker).maker_ppm, self.rate(taker).taker_ppm) == (
            maker.rate_ppm, taker.rate_ppm,
        )  # fmt: skip
        self.charge(trade.buy, trade.base, "BTC")
        self.charge(trade.sell, trade.quote, "USD")
        received = trade.quote if buys else trade.base
        share = max(0, received * -maker.rate_ppm // 1_000_000)
        assert min(share, taker.fee) == trade.rebate
        self.earned["USD" if buys else "BTC"] -= trade.rebate
        self.rates.setdefault(maker.order, set()).add(maker.rate_ppm)
        self.seen["trades"] += 1
        self.seen["rebates"] += trade.rebate > 0
        self.seen["orders at two rates"] = sum(len(rates) > 1 for rates in self.rates.values())

    def rate(self, leg: Leg) -> FeeRates:
        return self.schedule.get(self.tiers.get(leg.account) or "", self.standard)

    def charge(self, leg: Leg, received: int, asset: str) -> None:
        self.sums[leg.order] += received * max(0, leg.rate_ppm)
        self.paid[leg.order] += leg.fee
        assert self.paid[leg.order] == -(-self.sums[leg.order] // 1_000_000)
        self.earned[asset] += leg.fee
