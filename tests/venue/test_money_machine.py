"""Money leaves, comes back and is claimed beside live trading; a second set of books agrees."""

from collections import Counter
from typing import ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    rule,
    run_state_machine_as_test,
)

from exchange.audit.effects import follow
from exchange.kernel.accounts import EXTERNAL, FEES, INSURANCE, SUSPENSE, withdrawal
from exchange.kernel.orders import SelfTrade
from exchange.kernel.rejects import RejectCode
from exchange.orders.commands import (
    AnyCommand,
    CancelOrder,
    Deposit,
    PlaceOrder,
    PlaceOrderList,
    ReduceOrder,
    Request,
    Role,
    TransferFunds,
    kind,
)
from exchange.orders.governing import SetAccountTier, SetFeeTier
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
from exchange.venue.answers import answer
from exchange.venue.laws import check_all
from exchange.venue.replay import by_command, replay
from exchange.venue.state import VenueState
from exchange.wallet.events import WithdrawalSent
from tests.build import BUY, SELL, limit
from tests.cashier import Cashier, Terms
from tests.effort import FULL, Effort, runs
from tests.twin import TwinDesk
from tests.venue.flow import (
    ASSETS,
    GENESIS,
    MARKETS,
    OWNERS,
    accounts,
    changes,
    deposits,
    flawed,
    legs_of,
    limits,
    order_lists,
    patient,
    sleepers,
    takers,
    transfers,
)
from tests.venue.test_venue_machine import stored_again

TERMS = {"BTC": Terms(3, 10, 39_000, 9_000), "USD": Terms(0, 1, 29_000, 10_000)}
"""Ether can't be withdrawn until somebody says how."""

PEOPLE = ("op1", "op2", "op3")
people = st.sampled_from([*PEOPLE, *PEOPLE, "ann"])
"""One of the operators has accounts of her own."""
assets = st.sampled_from(ASSETS)
parts = st.sampled_from([50, 300, 700, 1_000, 1_001])  # of what is there, in thousandths
choices = st.integers(0, 10**6)
seldom = st.sampled_from([False] * 9 + [True])
TIER = "maker", -250_000, 250_001
"""Some get a share of what takers pay."""


class MoneyMachine(RuleBasedStateMachine):
    """Each step is one command, and all that must be true after it."""

    effort = Effort()
    done: ClassVar[Counter[str]] = Counter()  # kinds of commands that were not refused

    @initialize()
    def open(self) -> None:
        """Two markets, three users, four accounts with funds, terms for two assets of three."""
        self.desk = TwinDesk()
        self.desk.done(
            *GENESIS,
            *(SetWithdrawalTerms(asset, *terms) for asset, terms in TERMS.items()),
            *(SetFeeTier(symbol, *TIER) for symbol in MARKETS),
            *(SetAccountTier(account, TIER[0]) for account in "AB"),
        )
        rooms = self.desk.state.rooms
        self.cashier = Cashier([rooms[symbol].market.instrument for symbol in MARKETS])
        for it in GENESIS:
            if isinstance(it, Deposit):
                self.cashier.deposit(it.account, it.asset, it.amount, it.reference)
        self.cashier.terms = dict(TERMS)
        self.cashier.schedule = {(symbol, TIER[0]): TIER[1:] for symbol in MARKETS}
        self.cashier.tiers = dict.fromkeys("AB", TIER[0])
        self.auditor = VenueState()
        for command in by_command(self.desk.envelopes):
            follow(self.auditor, command, self.desk.past)
        self.answers = [answer(command) for command in by_command(self.desk.envelopes)]
        self.money = self.desk.money()
        self.sent: dict[str, int] = {}  # references of payments -> withdrawal

    @rule(buy=limits(BUY), sell=limits(SELL), take=takers())
    def trade(self, buy: PlaceOrder, sell: PlaceOrder, take: PlaceOrder) -> None:
        """Enough flow that there is always something to bust and something held."""
        for command in (buy, sell, take):
            self.place(command)

    @rule(command=limits(), free=st.booleans())
    def trade_with_oneself(self, command: PlaceOrder, *, free: bool) -> None:
        """One of the markets lets an account be on both sides."""
        for side in (BUY, SELL):
            mode = SelfTrade.NONE if command.symbol == MARKETS[0] and free else SelfTrade.DECREMENT
            self.place(flawed(command, side=side, self_trade=mode, client_order_id=None))

    @rule(command=sleepers() | order_lists(), taker=limits() | takers())
    def lie_in_wait(self, command: PlaceOrder | PlaceOrderList, taker: PlaceOrder) -> None:
        """What sleeps holds too, a list no more than its dearer order; prints may wake it."""
        self.place(command)
        self.place(taker)

    @rule(command=changes())
    def change(self, command: CancelOrder | ReduceOrder) -> None:
        """One of the account's own orders, where it has any."""
        account, symbol = command.account, command.symbol
        orders = [it.number for it in self.cashier.open_orders(symbol, account)]
        if orders:
            number = orders[(command.number or 0) % len(orders)]
            refusal = self.cashier.cancel(account, symbol, number)
            self.do(CancelOrder(account, symbol, number), refusal)

    @rule(command=deposits() | transfers())
    def fund(self, command: Deposit | TransferFunds) -> None:
        account, asset, amount = command.account, command.asset, command.amount
        if isinstance(command, Deposit):
            refusal = self.cashier.deposit(account, asset, amount, command.reference)
        else:
            refusal = self.cashier.transfer(account, command.target, asset, amount)
        self.do(command, refusal)

    @rule(asset=assets, fee=st.integers(0, 9), limit=st.integers(0, 20_000), seldom=seldom)
    def set_terms(self, asset: str, fee: int, limit: int, *, seldom: bool) -> None:
        """What was asked for before keeps its fee and its number of approvals."""
        if seldom:
            terms = self.cashier.terms[asset] = Terms(fee, 1, 30_000, limit)
            self.do(SetWithdrawalTerms(asset, *terms), None)

    @rule(account=accounts, asset=st.sampled_from(["BTC", "USD", "USD", "ETH"]), part=parts,
          by=st.sampled_from([None, None, *PEOPLE]))  # fmt: skip
    def ask(self, account: str, asset: str, part: int, by: str | None) -> None:
        """For some of what is free, or a little more than that; by the owner or an operator."""
        fee = self.cashier.terms[asset].fee if asset in self.cashier.terms else 0
        amount = max(1, self.cashier.free(account, asset) * part // 1_000 - fee)
        refusal = self.cashier.request(account, asset, amount, by or OWNERS[account])
        self.do(RequestWithdrawal(account, asset, amount, "bank-1"), refusal, by)

    @rule(which=choices, by=people)
    def approve(self, which: int, by: str) -> None:
        number = self.withdrawal(which)
        self.do(ApproveWithdrawal(number), self.cashier.approve(number, by), by)

    @rule(which=choices, by=people, again=seldom)
    def send(self, which: int, by: str, *, again: bool) -> None:
        """Whatever was or was not done before; now and then under a used reference."""
        number, reference = self.withdrawal(which), f"p{len(self.answers)}"
        if again and self.sent:
            reference = min(self.sent)
        refusal = self.cashier.send(number, reference, by)
        self.do(SendWithdrawal(number, reference), refusal, by)
        if refusal is None:
            self.check_path(number)
            self.sent[reference] = number

    @rule(which=choices, by=st.permutations(PEOPLE))
    def all_the_way(self, which: int, by: tuple[str, ...]) -> None:
        """Each step in turn, by different people: some are too late, or one too many."""
        number = self.withdrawal(which)
        for actor in by[:2]:
            self.do(ApproveWithdrawal(number), self.cashier.approve(number, actor), actor)
        self.send(which, by[2], again=False)
        self.do(CompleteWithdrawal(number), self.cashier.complete(number), by[0])

    @rule(which=choices, by=people)
    def complete(self, which: int, by: str) -> None:
        number = self.withdrawal(which)
        self.do(CompleteWithdrawal(number), self.cashier.complete(number), by)

    @rule(which=choices, by=people)
    def reject(self, which: int, by: str) -> None:
        number = self.withdrawal(which)
        self.do(RejectWithdrawal(number, "not today"), self.cashier.reject(number, by), by)

    @rule(which=choices, account=st.none() | accounts)
    def cancel(self, which: int, account: str | None) -> None:
        """Mostly by whose it is."""
        number = self.withdrawal(which)
        if account is None and number in self.cashier.withdrawals:
            account = self.cashier.withdrawals[number].account
        account = account or "A"
        refusal = self.cashier.take_back(account, number)
        self.do(CancelWithdrawal(account, number), refusal)

    @rule(which=choices, claim=st.booleans(), by=people)
    def reverse(self, which: int, by: str, *, claim: bool) -> None:
        """Any deposit, an unknown one now and then."""
        known = [*self.cashier.credited, "reversal:nobody's"]
        what = known[which % len(known)]
        refusal = self.cashier.correct(what, by, claim=claim)
        reference = what.removeprefix("reversal:")
        self.do(ReverseDeposit(reference, "sent in error", claim), refusal, by)

    @rule(sell=limits(SELL), account=accounts, which=choices, claim=st.booleans(), by=people)
    def trade_and_bust(
        self, sell: PlaceOrder, account: str, which: int, by: str, *, claim: bool
    ) -> None:
        """Some trade, not always the one that was just made."""
        terms = limit(BUY, sell.terms.price or 0, sell.terms.quantity or 0)
        self.place(sell)
        self.place(PlaceOrder(account, sell.symbol, terms))
        self.bust(which, by, claim=claim)

    def bust(self, which: int, by: str, *, claim: bool) -> None:
        """Any trade, one that was never made now and then."""
        known = [*self.cashier.trades, f"bust:{MARKETS[0]}:0", f"bust:{MARKETS[1]}:999999"]
        what = known[which % len(known)]
        _, symbol, number = what.split(":")
        refusal = self.cashier.correct(what, by, claim=claim)
        if refusal is None and self.cashier.trades[what].fees.rebate:
            self.done["rebate taken back"] += not claim
        self.do(BustTrade(symbol, int(number), "clearly erroneous", claim), refusal, by)

    @rule(which=choices, by=people, drop=seldom)
    def decide_claim(self, which: int, by: str, *, drop: bool) -> None:
        if not self.cashier.claims:
            (self.bust if which % 2 else self.reverse)(which, by, claim=True)
        number = which % (self.cashier.proposed + 2)
        if self.cashier.claims and which % 10:
            number = sorted(self.cashier.claims)[which % len(self.cashier.claims)]
        if drop:
            self.do(DropClaim(number), self.cashier.drop_claim(number), by)
        else:
            self.do(ApproveClaim(number), self.cashier.approve_claim(number, by), by)

    @rule(asset=assets, part=parts, number=st.integers(0, 30))
    def pay_out(self, asset: str, part: int, number: int) -> None:
        amount = max(1, self.cashier.fees[asset] * part // 1_000)
        refusal = self.cashier.pay_out(asset, amount, f"x{number}")
        self.do(PayOutFees(asset, amount, f"x{number}"), refusal)

    @rule(asset=assets, amount=st.integers(1, 5_000), number=st.integers(0, 30))
    def insure(self, asset: str, amount: int, number: int) -> None:
        refusal = self.cashier.fund(asset, amount, f"x{number}")
        self.do(FundInsurance(asset, amount, f"x{number}"), refusal)

    def withdrawal(self, which: int) -> int:
        """One that is open, mostly, asked for if need be; else any number, also of none."""
        if not self.cashier.withdrawals:
            self.ask(sorted(OWNERS)[which % len(OWNERS)], ("BTC", "USD")[which % 2], 300, None)
        numbers = sorted(self.cashier.withdrawals)
        if numbers and which % 10:
            return numbers[which % len(numbers)]
        return which % (self.cashier.asked + 2)

    def check_path(self, number: int) -> None:
        """What is sent was asked for, and approved by as many others as its terms called for."""
        steps = self.cashier.withdrawals[number].steps
        names = [step for step, _ in steps]
        needs = self.cashier.withdrawals[number].needs
        assert ["requested", *["approved"] * needs, "sent"] == names
        persons = [actor for step, actor in steps if step != "sent"]
        assert len(persons) == len(set(persons))
        assert OWNERS[self.cashier.withdrawals[number].account] not in persons[1:]

    def place(self, command: PlaceOrder | PlaceOrderList) -> None:
        """The order comes out as the naive matcher says; what sleeps is turned so that it can."""
        account, symbol = command.account, command.symbol
        prints = self.cashier.markets[symbol].prints
        legs = [patient(terms, prints) for terms in legs_of(command)]
        verdict, fees = self.cashier.place(account, symbol, *legs)
        self.do(type(command)(account, symbol, *legs), verdict.refusal)
        self.effort.trades += len(fees)

    def do(self, command: AnyCommand, code: RejectCode | None, by: str | None = None) -> None:
        """The answer is the expected one, and every law is kept."""
        self.effort.steps += 1
        request = self.desk.request(command)
        if by is not None:
            request = Request(command, by, Role.OPERATOR)
        envelopes = self.desk.decide(request)
        ack = answer(envelopes)
        assert code == (ack.refusal and ack.refusal.code), (command, ack, code)
        self.answers.append(ack)
        money = self.desk.money()
        if code is not None:
            assert self.money == money
        else:
            self.done[kind(command)] += 1
        self.effort.changed += self.money != money
        self.money = money
        follow(self.auditor, envelopes, self.desk.past)
        self.audit()

    def audit(self) -> None:
        """The venue keeps its own laws, and its books are ours."""
        state, cashier = self.desk.state, self.cashier
        check_all(state)
        balance = state.ledger.balance
        for asset in ASSETS:
            for account in OWNERS:
                assert cashier.held(account, asset) == self.desk.held(account, asset)
                assert cashier.free(account, asset) == self.desk.free(account, asset)
                aside = cashier.withdrawing(account, asset)
                assert aside == balance(withdrawal(account), asset)
            assert -cashier.deposits[asset] == balance(EXTERNAL, asset)
            assert cashier.fees[asset] == balance(FEES, asset)
            assert cashier.insurance[asset] == balance(INSURANCE, asset)
            assert cashier.suspense[asset] == balance(SUSPENSE, asset)

    def teardown(self) -> None:
        """The log alone tells the same story, and nothing in it was sent twice."""
        if not hasattr(self, "desk"):
            return
        self.desk.compare()
        stored = [stored_again(envelope) for envelope in self.desk.envelopes]
        state = VenueState()
        replay(state, stored)
        assert self.desk.state.state_hash() == state.state_hash() == self.auditor.state_hash()
        assert self.desk.state.dump() == state.dump()
        assert self.answers == [answer(command) for command in by_command(stored)]
        sent = [it.event for it in stored if isinstance(it.event, WithdrawalSent)]
        assert self.sent == {it.reference: it.number for it in sent}
        assert len(sent) == len(self.sent) == len({it.number for it in sent})


ENOUGH = {
    "request_withdrawal": 200,
    "send_withdrawal": 100,
    "complete_withdrawal": 100,
    "cancel_withdrawal": 20,
    "reject_withdrawal": 20,
    "reverse_deposit": 60,
    "bust_trade": 60,
    "rebate taken back": 10,
    "approve_claim": 40,
    "pay_out_fees": 20,
}
"""How often each was done, where all is run: a step that is always refused proves little."""


def test_money_that_leaves_or_comes_back_is_accounted_for() -> None:
    run_state_machine_as_test(MoneyMachine, settings=runs(120, 100))
    MoneyMachine.effort.assert_enough(steps=5_000, trades=400)
    print(MoneyMachine.done)  # noqa: T201 - pytest shows it on demand
    if FULL:
        assert [] == [name for name in ENOUGH if MoneyMachine.done[name] < ENOUGH[name]]
