"""The whole venue against a second set of books, law by law after every command."""

import msgspec
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    rule,
    run_state_machine_as_test,
)

from exchange.audit.effects import follow
from exchange.kernel.accounts import EXTERNAL, FEES
from exchange.kernel.events import Envelope
from exchange.kernel.instruments import MarketState
from exchange.kernel.orders import EndReason, Side
from exchange.kernel.rejects import RejectCode
from exchange.matching.events import OrderAccepted, StopEntered
from exchange.orders.commands import (
    AmendOrder,
    AnyCommand,
    CancelOrder,
    CancelOrders,
    ChangeMarketState,
    Deposit,
    ExpireOrders,
    PlaceOrder,
    ReduceOrder,
    SetTradeGroup,
    TransferFunds,
)
from exchange.settlement.events import TradesSettled
from exchange.store.mapper import Catalogue
from exchange.venue.answers import Ack, answer
from exchange.venue.catalogue import EVENTS
from exchange.venue.laws import check_all
from exchange.venue.replay import by_command, replay
from exchange.venue.state import VenueState
from exchange.wallet.events import EntriesPosted
from tests.bookkeeper import Bookkeeper, Fees
from tests.build import BUY, SELL, Desk, rows
from tests.effort import FULL, Effort, runs
from tests.oracle import Entry, Verdict
from tests.venue.flow import (
    ASSETS,
    GENESIS,
    MARKETS,
    OWNERS,
    accounts,
    amends,
    changes,
    deposits,
    limits,
    nonsense,
    odd_limits,
    quotes,
    sides,
    sleepers,
    takers,
    transfers,
)

CATALOGUE = Catalogue(EVENTS)


class VenueMachine(RuleBasedStateMachine):
    """Each step is one command, and all that must be true after it."""

    effort = Effort()
    entered = 0  # orders that prints have woken

    @initialize()
    def open(self) -> None:
        """Two markets, three users, four accounts with funds."""
        self.desk = Desk()
        self.desk.done(*GENESIS)
        rooms = self.desk.state.rooms
        self.keeper = Bookkeeper([rooms[symbol].market.instrument for symbol in MARKETS])
        for it in GENESIS:
            if isinstance(it, Deposit):
                self.keeper.deposit(it.account, it.asset, it.amount, it.reference)
        self.auditor = VenueState()
        for command in by_command(self.desk.envelopes):
            self.audited(command)
        self.answers = [answer(command) for command in by_command(self.desk.envelopes)]
        self.money = self.desk.money()
        self.entry_ids: set[str] = set()

    @rule(command=limits(BUY))
    def buy(self, command: PlaceOrder) -> None:
        self.place(command)

    @rule(command=limits(SELL))
    def sell(self, command: PlaceOrder) -> None:
        self.place(command)

    @rule(command=takers() | limits())
    def take(self, command: PlaceOrder) -> None:
        self.place(command)

    @rule(command=quotes() | limits())
    def quote(self, command: PlaceOrder) -> None:
        self.place(command)

    @rule(command=odd_limits() | limits())
    def place_an_odd_one(self, command: PlaceOrder) -> None:
        self.place(command)

    @rule(commands=st.lists(sleepers(), min_size=1, max_size=3))
    def lie_in_wait(self, commands: list[PlaceOrder]) -> None:
        for command in commands:
            self.place(command)

    @rule(us=st.integers(1, 3), symbol=st.sampled_from(MARKETS), sweep=st.booleans())
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

    @rule(account=accounts, symbol=st.none() | st.sampled_from(MARKETS), side=st.none() | sides)
    def cancel_all(self, account: str, symbol: str | None, side: Side | None) -> None:
        self.keeper.cancel_all(account, symbol, side)
        self.do(CancelOrders(account, symbol, side), None)

    @rule(command=changes())
    def change(self, command: CancelOrder | ReduceOrder) -> None:
        """One of the account's own orders, or another's when it has too few."""
        orders = [it.number for it in self.keeper.open_orders(command.symbol, command.account)]
        others = sorted(it.number for it in self.keeper.markets[command.symbol].resting)
        which = command.number or 0
        number = (orders or others or [1])[which % len(orders or others or [1])]
        account, symbol = command.account, command.symbol
        if isinstance(command, CancelOrder):
            refusal = self.keeper.cancel(account, symbol, number)
            self.do(CancelOrder(account, symbol, number), refusal)
        else:
            refusal = self.keeper.reduce(account, symbol, number, command.quantity)
            self.do(ReduceOrder(account, symbol, command.quantity, number), refusal)

    @rule(command=amends())
    def amend(self, command: AmendOrder) -> None:
        """One of the account's own standing orders, or another's, as in ``change``."""
        standing = [it for it in self.keeper.markets[command.symbol].resting if it.trigger is None]
        orders = [it.number for it in standing if it.account == command.account]
        others = sorted(it.number for it in standing)
        chosen = orders or others or [10**9]
        until = command.deadline_us
        command = msgspec.structs.replace(
            command,
            number=chosen[(command.number or 0) % len(chosen)],
            deadline_us=None if until is None else self.desk.at_us + until,
        )
        verdict, fees = self.keeper.amend(command)
        ack = self.do(command, verdict.refusal)
        assert verdict.fills == ack.fills
        self.follow_prints(command.symbol, verdict, fees)
        self.effort.trades += len(ack.fills)
        self.audit([])

    @rule(command=deposits() | transfers())
    def fund(self, command: Deposit | TransferFunds) -> None:
        account, asset, amount = command.account, command.asset, command.amount
        if isinstance(command, Deposit):
            refusal = self.keeper.deposit(account, asset, amount, command.reference)
        else:
            refusal = self.keeper.transfer(account, command.target, asset, amount)
        self.do(command, refusal)

    @rule(foolish=nonsense())
    def refuse(self, foolish: tuple[AnyCommand, str, RejectCode]) -> None:
        command, actor, code = foolish
        self.do(command, code, actor)

    @rule(place=limits(), change=changes(), seldom=st.sampled_from([False] * 7 + [True]))
    def halt(self, place: PlaceOrder, change: CancelOrder | ReduceOrder, *, seldom: bool) -> None:
        """For the time of two commands a market takes cancels only."""
        if seldom:
            self.switch(place.symbol, MarketState.HALTED)
        self.place(place)
        self.change(change)
        if seldom:
            self.switch(place.symbol, MarketState.CONTINUOUS)

    def place(self, command: PlaceOrder) -> None:
        """The order comes out as the naive matcher says, its fees as the accountant."""
        terms = command.terms
        if terms.deadline_us is not None and terms.deadline_us < 10**6:
            terms = msgspec.structs.replace(terms, deadline_us=self.desk.at_us + terms.deadline_us)
            command = PlaceOrder(command.account, command.symbol, terms)
        verdict, fees = self.keeper.place(command.account, command.symbol, terms)
        ack = self.do(command, verdict.refusal)
        if ack.refusal is not None:
            return
        accepted = self.desk.effect(OrderAccepted)
        told = (accepted.fills, accepted.leaves, accepted.ended, accepted.met)
        assert verdict[1:] == told
        assert verdict.fills == ack.fills
        self.follow_prints(command.symbol, verdict, fees)
        self.effort.trades += len(ack.fills)
        reasons = {verdict.ended, *(it.reason for it in verdict.met)}
        self.effort.self_trades += EndReason.SELF_TRADE in reasons
        self.audit([])

    def follow_prints(self, symbol: str, verdict: Verdict, fees: list[Fees]) -> None:
        """What the prints wake comes out as the naive matcher says, its fees too."""
        entries, more = self.keeper.run_stops(symbol, verdict)
        entered = [it for it in self.desk.effects if isinstance(it, StopEntered)]
        assert entries == [
            Entry(it.number, Verdict(None, it.fills, it.leaves, it.ended, it.met)) for it in entered
        ]
        settled = [
            trade
            for it in self.desk.effects
            if isinstance(it, TradesSettled)
            for trade in it.trades
        ]
        assert fees + more == [Fees(it.buy.fee, it.sell.fee, it.rebate) for it in settled]
        VenueMachine.entered += len(entries)
        self.effort.trades += sum(len(it.fills) for it in entered)

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
        if not isinstance(command, PlaceOrder | AmendOrder) or ack.refusal is not None:
            self.audit(envelopes)  # else when the second set of books has followed the prints
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
            assert market.rows() == rows(book)
            sleeping = sorted((it.rank, it) for it in market.resting if it.trigger is not None)
            assert [
                [it.number, it.account, it.client_order_id, it.trigger, it.price, it.quantity,
                 it.leaves]
                for _, it in sleeping
            ] == book.dump()["asleep"]  # fmt: skip
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

    def teardown(self) -> None:
        """A market closes, all its orders with it; then the log alone tells the same story."""
        if not hasattr(self, "desk"):
            return
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
    VenueMachine.effort.assert_enough(steps=20_000, trades=1_000, self_trades=200)
    assert VenueMachine.entered >= (100 if FULL else 1)
