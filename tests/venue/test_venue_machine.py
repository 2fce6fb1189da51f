"""The whole venue against a second set of books, law by law after every command."""

import dataclasses
from itertools import pairwise, product
from typing import ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    rule,
    run_state_machine_as_test,
)
from msgspec.structs import replace

from exchange.audit.effects import follow
from exchange.kernel.accounts import EXTERNAL, FEES
from exchange.kernel.events import Envelope, Event
from exchange.kernel.instruments import MarketState
from exchange.kernel.orders import EndReason, SelfTrade, Side, TimeInForce
from exchange.kernel.rejects import RejectCode
from exchange.matching.events import (
    OrderAccepted,
    OrderAmended,
    OrderListAccepted,
    OrdersCancelled,
    StopEntered,
)
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
    SetTradeGroup,
    TransferFunds,
)
from exchange.settlement.events import Settled, TradesSettled
from exchange.store.mapper import Catalogue
from exchange.venue.answers import Ack, answer
from exchange.venue.catalogue import EVENTS
from exchange.venue.laws import check_all
from exchange.venue.replay import by_command, replay
from exchange.venue.state import VenueState
from exchange.wallet.events import EntriesPosted
from tests.bookkeeper import DAY_US, Bookkeeper, Fees, Verdict, asleep, find, queued, told
from tests.build import BUY, SELL, limit, rows, sleeping
from tests.effort import FULL, MODES, Effort, Meetings, Seen, pairs, runs, seen, touched
from tests.oracle import Order
from tests.twin import TwinDesk
from tests.venue.flow import (
    ASSETS,
    FUNDS,
    GENESIS,
    LOT,
    LOWEST,
    MARKETS,
    OWNERS,
    TICK,
    accounts,
    amends,
    changes,
    comers,
    deposits,
    flawed,
    legs_of,
    limits,
    lots,
    nonsense,
    odd_limits,
    order_lists,
    patient,
    quotes,
    sides,
    sleepers,
    suited,
    surprises,
    symbols,
    takers,
    transfers,
)

CATALOGUE = Catalogue(EVENTS)
whiches = st.integers(0, 11)  # of the orders that stand
whoses = st.integers(0, 2)  # a standing order's own, its group's, or anybody's
LIQUIDITY = {RejectCode.WOULD_TRADE, RejectCode.NOT_FILLABLE}


class VenueMachine(RuleBasedStateMachine):
    """Each step is one command, and all that must be true after it."""

    books: ClassVar[type[Bookkeeper]] = Bookkeeper
    effort = Effort()
    meetings = Meetings()
    woken = 0  # orders that prints have woken

    @initialize()
    def open(self) -> None:
        """Two markets, three users, four accounts with funds."""
        self.desk = TwinDesk()
        self.desk.done(*GENESIS)
        rooms = self.desk.state.rooms
        self.keeper = self.books([rooms[symbol].market.instrument for symbol in MARKETS])
        for it in GENESIS:
            if isinstance(it, Deposit):
                self.keeper.deposit(it.account, it.asset, it.amount, it.reference)
        self.auditor = VenueState()
        for command in by_command(self.desk.envelopes):
            self.audited(command)
        self.answers = [answer(command) for command in by_command(self.desk.envelopes)]
        self.money = self.desk.money()
        self.entry_ids: set[str] = set()
        self.look()
        for account, asset in product(OWNERS, ASSETS):
            self.fund(Deposit(account, asset, 3 * FUNDS[asset], f"more-{account}-{asset}"))
        for account in "AB":
            self.join(account, "G")

    @rule(command=limits(BUY) | odd_limits(BUY))
    def buy(self, command: PlaceOrder) -> None:
        self.place(command)

    @rule(command=limits(SELL) | odd_limits(SELL))
    def sell(self, command: PlaceOrder) -> None:
        self.place(command)

    @rule(command=takers() | limits())
    def take(self, command: PlaceOrder) -> None:
        self.place(command)

    @rule(command=quotes() | limits())
    def quote(self, command: PlaceOrder) -> None:
        self.place(command)

    @rule(commands=st.lists(comers(), min_size=1, max_size=3), which=whiches, whose=whoses)
    def meet(self, commands: list[PlaceOrder], which: int, whose: int) -> None:
        """Come to the price of one that stands: from its account, its group, or anybody."""
        for n, command in enumerate(commands):
            self.place(self.aimed(command, which + n, (whose + n) % 3))

    @rule(orders=st.lists(surprises(), min_size=1, max_size=3), which=whiches, whose=whoses)
    def meet_and_wake(
        self, orders: list[tuple[PlaceOrder, PlaceOrder]], which: int, whose: int
    ) -> None:
        """The same, where one sleeps until somebody comes there."""
        for n, (first, second) in enumerate(orders):
            self.place(self.aimed(first, which, n % 3))
            self.place(self.aimed(second, which, whose))

    def aimed(self, command: PlaceOrder, which: int, whose: int) -> PlaceOrder:
        """The order on the other side of one that stands, where they would trade."""
        there, terms = self.standing(command.symbol, which), command.terms
        if there is None:
            return command
        mates = [it for it in OWNERS if self.keeper.groups.get(it) == there.group]
        account = [there.account, [*mates, command.account][0], command.account][whose]
        side = BUY if there.terms.side is SELL else SELL
        if terms.trigger is not None:
            side = terms.side if terms.budget is not None else side
            terms = replace(terms, trigger=there.price)
        price = None if terms.price is None else there.price
        return PlaceOrder(account, command.symbol, replace(terms, price=price, side=side))

    def standing(self, symbol: str, which: int) -> Order | None:
        """One of the orders that anybody can meet: first in its queue, of a list, or any."""
        market = self.keeper.markets[symbol]
        queues = [market.queue(BUY), market.queue(SELL)]
        everybody = [it for queue in queues for it in queue]
        first = [queue[0] for queue in queues if queue]
        listed = [it for it in everybody if it.other is not None]
        found = [first, listed, everybody][which % 3] or everybody
        return found[which % len(found)] if found else None

    @rule(
        commands=st.lists(sleepers(), min_size=1, max_size=3), change=st.none() | changes(),
        amend=st.none() | amends(), clears=st.sampled_from([True, False, False]),
    )  # fmt: skip
    def lie_in_wait(
        self,
        commands: list[PlaceOrder],
        change: CancelOrder | ReduceOrder | None,
        amend: AmendOrder | None,
        *,
        clears: bool,
    ) -> None:
        """Some sleep; one of them, or another, is changed at once, or many are cancelled."""
        for command in commands:
            self.place(command)
        if amend is not None:
            self.amend(amend)
        if change is not None:
            self.change(change)
        if clears:
            self.cancel_all(commands[0].account, None, None)

    @rule(
        command=order_lists(), taker=limits() | takers(), mode=st.sampled_from([*MODES]),
        which=whiches, whose=whoses,
    )  # fmt: skip
    def leave_a_choice(
        self,
        command: PlaceOrderList,
        taker: PlaceOrder,
        mode: SelfTrade,
        which: int,
        whose: int,
    ) -> None:
        """A list, and somebody who may take one of its orders or another list's."""
        self.place(command)
        taker = self.aimed(flawed(taker, self_trade=mode), 3 * which + 1, whose)
        self.place(taker)

    @rule(us=st.sampled_from([1, 1, 2, 2, 3, DAY_US]), symbol=symbols, sweep=st.booleans())
    def time_passes(self, us: int, symbol: str, *, sweep: bool) -> None:
        """Orders whose deadline has come are swept, or left for whoever meets them."""
        self.desk.at_us += us
        self.keeper.at_us += us
        if sweep:
            self.keeper.sweep(symbol)
            self.do(ExpireOrders(symbol), None)

    @rule(account=accounts, group=st.none() | st.sampled_from("GH"))
    def join(self, account: str, group: str | None) -> None:
        """Resting orders keep the group that they came with."""
        self.keeper.groups.pop(account, None)
        if group is not None:
            self.keeper.groups[account] = group
        self.do(SetTradeGroup(account, group), None)

    @rule(account=accounts, symbol=st.none() | symbols, side=st.none() | sides)
    def cancel_all(self, account: str, symbol: str | None, side: Side | None) -> None:
        self.keeper.cancel_all(account, symbol, side)
        self.do(CancelOrders(account, symbol, side), None)

    @rule(command=changes())
    def change(self, command: CancelOrder | ReduceOrder) -> None:
        account, number = self.chosen(command)
        symbol = command.symbol
        if isinstance(command, CancelOrder):
            refusal = self.keeper.cancel(account, symbol, number)
            self.do(CancelOrder(account, symbol, number), refusal)
        else:
            refusal = self.keeper.reduce(account, symbol, number, command.quantity)
            self.do(ReduceOrder(account, symbol, command.quantity, number), refusal)

    @rule(command=amends())
    def amend(self, command: AmendOrder) -> None:
        account, number = self.chosen(command)
        until = command.deadline_us
        if until is not None:
            command = replace(command, deadline_us=self.desk.at_us + until)
        order = find(self.keeper.markets[command.symbol], number)
        if order is not None:
            command = suited(command, order.terms, sleeps=order.trigger is not None)
        self.change_to(replace(command, account=account, number=number))

    @rule(symbol=symbols, own=st.permutations([*MODES]), size=lots, which=whiches)
    def amend_to_meet(self, symbol: str, own: list[SelfTrade], size: int, which: int) -> None:
        """Orders that wait out of reach come to the price of one of their own, in some modes."""
        for n, mode in enumerate(own[:3]):
            there = self.standing(symbol, which + n)
            if there is None:
                return
            buys = there.terms.side is SELL
            price = LOWEST[symbol] + (-1 if buys else 9) * TICK[symbol]
            terms = limit(BUY if buys else SELL, price, size * LOT[symbol], self_trade=mode)
            number = self.keeper.order_counts[symbol] + 1
            self.place(PlaceOrder(there.account, symbol, terms))
            if number == self.keeper.order_counts[symbol]:
                self.change_to(AmendOrder(there.account, symbol, number, price=there.price))

    @rule(move=deposits() | transfers())
    def fund(self, move: Deposit | TransferFunds) -> None:
        account, asset, amount = move.account, move.asset, move.amount
        if isinstance(move, Deposit):
            refusal = self.keeper.deposit(account, asset, amount, move.reference)
        else:
            refusal = self.keeper.transfer(account, move.target, asset, amount)
        self.do(move, refusal)

    @rule(foolish=nonsense())
    def refuse(self, foolish: tuple[AnyCommand, str, RejectCode]) -> None:
        command, actor, code = foolish
        self.do(command, code, actor)

    @rule(
        place=sleepers() | odd_limits() | comers() | order_lists(), change=changes(),
        amend=amends(), halts=st.booleans(),
    )  # fmt: skip
    def halt(
        self,
        place: PlaceOrder | PlaceOrderList,
        change: CancelOrder | ReduceOrder,
        amend: AmendOrder,
        *,
        halts: bool,
    ) -> None:
        """For the time of some commands both markets take cancels only."""
        if halts:
            for symbol in MARKETS:
                self.switch(symbol, MarketState.HALTED)
        self.place(place)
        self.change(change)
        self.amend(amend)
        if halts:
            self.cancel_all(change.account, place.symbol, None)
            for symbol in MARKETS:
                self.switch(symbol, MarketState.CONTINUOUS)

    def chosen(self, command: CancelOrder | ReduceOrder | AmendOrder) -> tuple[str, int]:
        """Whose order a change is for: its number counts the open ones, the newest first.

        Now and then the change comes from another account, or there is no such order.
        """
        which, open_ = command.number or 0, self.keeper.markets[command.symbol].orders
        if not open_:
            return command.account, 10**9
        order = open_[-1 - which % len(open_)]
        return command.account if which % 8 == 0 else order.account, order.number

    def change_to(self, command: AmendOrder) -> None:
        """The change comes out as the naive matcher says."""
        verdict, fees = self.keeper.amend(command)
        self.follow(verdict, fees, self.do(command, verdict.refusal))

    def place(self, command: PlaceOrder | PlaceOrderList) -> None:
        """Deadlines count from now on; what sleeps is turned so that it can."""
        prints = self.keeper.markets[command.symbol].prints
        legs = [patient(terms, prints) for terms in legs_of(command)]
        for n, terms in enumerate(legs):
            if terms.deadline_us is not None:
                legs[n] = replace(terms, deadline_us=self.desk.at_us + terms.deadline_us)
        command = type(command)(command.account, command.symbol, *legs)
        verdict, fees = self.keeper.place(command.account, command.symbol, *legs)
        self.follow(verdict, fees, self.do(command, verdict.refusal))

    def follow(self, verdict: Verdict, fees: list[Fees], ack: Ack) -> None:
        """Who came in comes out as the naive matcher says, the fees as the accountant."""
        if ack.refusal is not None:
            return
        entered: list[OrderAccepted | OrderAmended | StopEntered] = []
        settled: list[Settled] = []
        for event in self.desk.effects:
            match event:
                case OrderAccepted() | OrderAmended() | StopEntered():
                    entered.append(event)
                case OrderListAccepted():
                    entered += event.orders
                case TradesSettled():
                    settled += event.trades
        assert list(verdict.entered) == [told(it) for it in entered]
        assert fees == [Fees(it.buy.fee, it.sell.fee, it.rebate) for it in settled]
        assert ack.fills == verdict.fills
        type(self).woken += sum(isinstance(it, StopEntered) for it in entered)
        self.effort.trades += len(settled)
        for it in entered:
            reasons = {it.ended, *(met.reason for met in it.met)}
            self.effort.self_trades += EndReason.SELF_TRADE in reasons

    def switch(self, symbol: str, state: MarketState) -> None:
        """Change the state of a market."""
        self.keeper.switch(symbol, state)
        self.do(ChangeMarketState(symbol, state, "said the machine"), None)

    def do(self, command: AnyCommand, code: RejectCode | None, actor: str | None = None) -> Ack:
        """The answer, which is the expected one, with every law kept."""
        self.effort.steps += 1
        envelopes = self.desk.decide(self.desk.request(command, actor))
        ack = answer(envelopes)
        assert code == (ack.refusal and ack.refusal.code), (command, ack)
        assert ack.position == len(self.desk.envelopes)
        self.answers.append(ack)
        money = self.desk.money()
        if ack.refusal is not None:
            assert 1 == len(envelopes)
            assert self.money == money
        self.effort.changed += self.money != money
        self.money = money
        self.audited(envelopes)
        self.audit(envelopes)
        self.count(command, code, envelopes)
        self.look()
        return ack

    def audited(self, envelopes: list[Envelope]) -> None:
        """The effects are what an auditor works out from the record, in the state before."""
        follow(self.auditor, envelopes)

    def audit(self, envelopes: list[Envelope]) -> None:
        """The venue keeps its own laws, and its books are ours."""
        state, keeper = self.desk.state, self.keeper
        check_all(state)
        for symbol in MARKETS:
            market, book = keeper.markets[symbol], state.rooms[symbol].book
            assert queued(market) == rows(book)
            assert asleep(market) == sleeping(book)
        for asset in ASSETS:
            for account in OWNERS:
                assert keeper.held(account, asset) == self.desk.held(account, asset)
                assert keeper.free(account, asset) == self.desk.free(account, asset)
            assert keeper.fees[asset] == state.ledger.balance(FEES, asset)
            assert -keeper.deposits[asset] == state.ledger.balance(EXTERNAL, asset)
        for envelope in envelopes:
            if isinstance(envelope.event, EntriesPosted):
                names = {entry.entry_id for entry in envelope.event.entries}
                assert len(envelope.event.entries) == len(names)
                assert not names & self.entry_ids
                self.entry_ids |= names

    def look(self) -> None:
        """Keep in mind how the next command finds the orders."""
        markets = self.keeper.markets
        self.seen: dict[str, dict[int, Seen]] = {
            symbol: {it.number: seen(it) for it in markets[symbol].orders} for symbol in MARKETS
        }
        self.order_counts = dict(self.keeper.order_counts)

    def count(self, command: AnyCommand, code: RejectCode | None, did: list[Envelope]) -> None:
        """Count which features met, market by market; of lists, look who has ended whom."""
        for symbol, known in self.seen.items():
            events = [it.event for it in did if it.originator_id == f"book:{symbol}"]
            for before, event in pairwise(events):
                if isinstance(event, OrdersCancelled) and event.reason is EndReason.LIST:
                    assert {known[it].other for it in event.numbers} <= {*touched(before)}
            happened, orders = list[Event | Order](events), dict(known)
            if getattr(command, "symbol", None) == symbol:
                asked = self.asked(command)
                orders |= {order.number: seen(order) for order in asked}
                happened += [] if code is None else [self.let_in(it, code, symbol) for it in asked]
            numbers = {number for it in happened for number in touched(it)}
            numbers |= self.in_the_way(events, symbol)
            halted = self.keeper.states[symbol] is not MarketState.CONTINUOUS
            touching = {number: orders[number] for number in numbers}
            self.meetings.counts.update(pairs(command, code, happened, touching, halted=halted))

    def asked(self, command: AnyCommand) -> list[Order]:
        """The orders that a command asks for, or the open one that it names."""
        if isinstance(command, PlaceOrder | PlaceOrderList):
            symbol = command.symbol
            made = self.keeper.incoming(command.account, symbol, *legs_of(command))
            for number, order in enumerate(made, self.order_counts.get(symbol, 0) + 1):
                order.number = number
            return made
        if isinstance(command, AmendOrder | CancelOrder | ReduceOrder):
            named = find(self.keeper.markets[command.symbol], command.number)
            return [] if named is None else [dataclasses.replace(named, fills=[], met=[])]
        return []

    def let_in(self, order: Order, code: RejectCode, symbol: str) -> Order:
        """A refused order; where others stand in its way, with all that it would have met."""
        if code in LIQUIDITY and order.trigger is None and order.number not in self.seen[symbol]:
            order.other, lasting = None, TimeInForce.IOC
            order.terms = replace(order.terms, post_only=False, time_in_force=lasting)
            self.keeper.trial(symbol).enter(order)
        return order

    def in_the_way(self, events: list[Event], symbol: str) -> set[int]:
        """The number of whoever of its own has ended an order by nothing but standing there."""
        match events:
            case [OrderAccepted(ended=EndReason.SELF_TRADE, terms=terms)]:
                if terms.self_trade is SelfTrade.EXPIRE_TAKER:
                    queue = self.keeper.markets[symbol].queue(terms.side, terms.price or 0)
                    return {queue[0].number}
        return set()

    def teardown(self) -> None:
        """A market closes, all its orders with it; then the log alone tells the same story."""
        if not hasattr(self, "desk"):
            return
        self.desk.compare()
        for symbol in MARKETS:
            self.switch(symbol, MarketState.CLOSED)
        stored = [stored_again(envelope) for envelope in self.desk.envelopes]
        state = VenueState()
        replay(state, stored)
        assert self.desk.state.state_hash() == state.state_hash()
        assert self.desk.state.dump() == state.dump()
        assert self.answers == [answer(command) for command in by_command(stored)]


def stored_again(envelope: Envelope) -> Envelope:
    """The envelope as a store gives it back."""
    event = CATALOGUE.decode(envelope.event.TOPIC, CATALOGUE.encode(envelope.event))
    return Envelope(envelope.originator_id, envelope.originator_version, event, envelope.position)


def test_every_law_holds_whatever_is_asked_of_the_venue() -> None:
    run_state_machine_as_test(VenueMachine, settings=runs(200, 150))
    VenueMachine.effort.assert_enough(steps=30_000, trades=1_000, self_trades=200)
    assert VenueMachine.woken >= (100 if FULL else 1)
    VenueMachine.meetings.assert_enough(50)
