"""Rules, tiers, roles and stops change while the venue trades; a second set of books follows.

All that the machine of trading asks after each step is asked here too: books, holds and fees
exact, money conserved, each step's effects as the auditor works them out, an equal replay.
"""

from collections import Counter
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule, run_state_machine_as_test
from msgspec.structs import replace

from exchange.kernel.instruments import Instrument, MarketState
from exchange.kernel.orders import EndReason, OrderTerms, SelfTrade, TimeInForce
from exchange.kernel.rejects import RejectCode
from exchange.kernel.roles import Role
from exchange.matching.events import OrdersCancelled
from exchange.orders.commands import (
    AmendOrder,
    AnyCommand,
    CancelOrder,
    ChangeMarketState,
    PlaceOrder,
    PlaceOrderList,
    ReduceOrder,
    RegisterUser,
    Request,
    SetTradeGroup,
    TransferFunds,
)
from exchange.orders.governing import (
    BlacklistUser,
    ChangeInstrument,
    GrantRole,
    KillAccount,
    KillVenue,
    ReinstateUser,
    ReleaseAccount,
    ReleaseVenue,
    RevokeRole,
    SetAccountTier,
    SetFeeTier,
    SuspendUser,
)
from exchange.orders.rulebook import CHANGEABLE
from exchange.settlement.events import TradesSettled
from exchange.venue.answers import Ack, answer
from tests.bookkeeper import Bookkeeper, Fees, Verdict, find
from tests.build import OPERATOR
from tests.effort import FULL, Effort, Meetings, runs
from tests.venue.flow import (
    LOT,
    LOWEST,
    MARKETS,
    OWNERS,
    TICK,
    accounts,
    amends,
    changes,
    comers,
    limits,
    mode_in,
    odd_limits,
    order_lists,
    quotes,
    sleepers,
    symbols,
    takers,
    transfers,
)
from tests.venue.test_venue_machine import VenueMachine

USERS = ("ann", "bob", "cid")
TIERS = ("gold", "silver")
PULLING = (SuspendUser, KillAccount, KillVenue, ChangeMarketState)
GRANTABLE = (Role.OPERATOR, Role.AUDITOR, Role.ADMIN)

users = st.sampled_from(USERS)
rates = st.sampled_from([-1_000_000, -250_001, -40_000, -1, 0, 1, 3_333, 250_001, 1_000_000])
takers_pay = st.sampled_from([-1, 0, 1, 3_333, 250_001, 1_000_000])
yes_or_no = st.booleans()
mostly = st.sampled_from([True] * 5 + [False])


class Keeper(Bookkeeper):
    """The second set of books, with what stops whom."""

    def __init__(self, rules: list[Instrument]) -> None:
        super().__init__(rules)
        self.suspended: set[str] = set()
        self.blacklist: dict[tuple[str, str], int] = {}  # (user, reference) -> until
        self.killed: set[str] = set()  # accounts
        self.venue_killed = False

    def stopped(self, account: str) -> RejectCode | None:
        """What stops the owner's new flow."""
        owner = OWNERS[account]
        if owner in self.suspended:
            return RejectCode.USER_SUSPENDED
        if any(user == owner and at > self.at_us for (user, _), at in self.blacklist.items()):
            return RejectCode.USER_BLACKLISTED
        return None

    def entering(self, account: str) -> RejectCode | None:
        """What stops an order or an amend."""
        if account in self.killed or self.venue_killed:
            return self.stopped(account) or RejectCode.KILL_SWITCH
        return self.stopped(account)

    def _early_refusal(
        self, account: str, symbol: str, legs: tuple[OrderTerms, ...]
    ) -> RejectCode | None:
        return self.entering(account) or super()._early_refusal(account, symbol, legs)

    def unfit(self, symbol: str, terms: OrderTerms) -> RejectCode | None:
        return wrong(terms, self.rules[symbol])

    def amend(self, command: AmendOrder) -> tuple[Verdict, list[Fees]]:
        """The same of an amend."""
        refusal = self.entering(command.account)
        return super().amend(command) if refusal is None else (Verdict(refusal), [])

    def reduce(self, account: str, symbol: str, number: int, quantity: int) -> RejectCode | None:
        """All of an order may go, however much; a part of one that is in no list, in lots."""
        found = find(self.markets[symbol], number, account)
        trades = self.states[symbol] is MarketState.CONTINUOUS
        part = found is not None and found.other is None and quantity < found.leaves
        if trades and part and quantity % self.rules[symbol].lot:
            return RejectCode.OFF_LOT
        return super().reduce(account, symbol, number, quantity)

    def transfer(self, payer: str, payee: str, asset: str, amount: int) -> RejectCode | None:
        """A suspended user moves no money; a kill switch lets it pass."""
        return self.stopped(payer) or super().transfer(payer, payee, asset, amount)

    def pull(self, pulled: set[str]) -> None:
        """All orders of these accounts are gone, and so are whole lists."""
        for account in pulled:
            self.cancel_all(account, None, None)


class RulesMachine(VenueMachine):
    """The operator runs the venue, under rules that change, with staff that comes and goes."""

    books = Keeper
    effort = Effort()
    meetings = Meetings()
    tally: ClassVar[Counter[str]] = Counter()  # of answers, and of other things to be seen
    keeper: Keeper

    @initialize()
    def open(self) -> None:
        """The venue as in the other machine, an open house at first."""
        super().open()
        self.roles: set[tuple[str, Role]] = set()
        self.do(RegisterUser(OPERATOR), None)
        for tier, ppm in {"gold": (-40_000, 250_001), "silver": (3_333, 1)}.items():
            for symbol in MARKETS:
                self.set_tier(symbol, tier, *ppm, keep=True)
        self.join_tier("A", "gold")
        self.join_tier("B", "silver")

    refuse = None  # type: ignore[assignment]  # what is foolish under rules that stand still

    def do(self, command: AnyCommand, code: RejectCode | None, actor: str | None = None) -> Ack:
        """As in the other machine; it counts what was seen of each kind."""
        self.tally[f"{type(command).__name__} {code.value if code else 'done'}"] += 1
        ack = super().do(command, code, actor)
        for event in self.desk.effects:
            match event:
                case TradesSettled():
                    self.tally["rebates"] += sum(it.rebate > 0 for it in event.trades)
                case OrdersCancelled(reason=EndReason.LIST) if isinstance(command, PULLING):
                    self.tally["lists pulled"] += len(event.numbers)
        return ack

    @rule(first=limits(), takers=st.lists(limits(), min_size=1, max_size=3))
    def rest_and_take(self, first: PlaceOrder, takers: list[PlaceOrder]) -> None:
        """An order that rests, and others that take from it: most of the trades."""
        self.place(replace(first, terms=replace(first.terms, time_in_force=TimeInForce.GTC)))
        for it in takers:
            terms = replace(it.terms, side=first.terms.side.other, price=first.terms.price)
            self.place(replace(it, symbol=first.symbol, terms=fitting(terms, first.symbol)))

    # Rules and fees.

    @rule(symbol=symbols, data=st.data())
    def change_rules(self, symbol: str, data: st.DataObject) -> None:
        """Now and then to what makes no market."""
        lowest, tick, lot = LOWEST[symbol], TICK[symbol], LOT[symbol]
        values: dict[str, list[Any]] = {
            "tick": [*[tick] * 4, 2 * tick, 3, 0],
            "lot": [*[lot] * 3, 1, 2 * lot, 3, 0],
            "price_min": [1, 1, 1, 1, lowest + tick],
            "price_max": [*[10**6] * 4, lowest + 4 * tick, 0],
            "quantity_min": [1, 1, 1, 2 * lot],
            "quantity_max": [*[10**9] * 3, 7 * lot],
            "notional_min": [*[0] * 4, lowest * 2 * lot, -1],
            "open_orders_max": [9, 12, 15, 4, 0],
            "maker_ppm": [1, 3_333, 0, -250_001, -1_000_001],
            "taker_ppm": [2_000, 250_001, 1, -1],
            "self_trade_allowed": [False, True],
            "stop_slippage_ppm": [50_000, 0, 400_000],
            "day_end_us": [0, 10**6],
        }  # fmt: skip
        names = data.draw(
            st.lists(st.sampled_from(sorted(values)), min_size=1, max_size=3, unique=True)
        )
        self.rewrite(symbol, {name: data.draw(st.sampled_from(values[name])) for name in names})

    @rule(
        symbol=symbols, wide=st.sampled_from(["tick", "lot"]), data=st.data(),
        standing=st.permutations([*OWNERS]),
    )  # fmt: skip
    def widen(self, symbol: str, wide: str, standing: list[str], data: st.DataObject) -> None:
        """Every other price or quantity is off for the time of some commands; what rests stays.

        Takers get less than a lot of some, and ask the next ones for the rest of it.
        """
        lot, before = LOT[symbol], getattr(self.keeper.rules[symbol], wide)
        there = replace(data.draw(limits(None, symbol)).terms, time_in_force=TimeInForce.GTC)
        for command in data.draw(st.tuples(sleepers(None, symbol), order_lists(symbol))):
            self.place(command)
        for n, account in enumerate(standing[1:]):
            terms = replace(there, quantity=(1 + 2 * (n % 2)) * lot, client_order_id=None)
            self.place(PlaceOrder(account, symbol, terms))
        self.rewrite(symbol, {wide: 2 * {"tick": TICK, "lot": LOT}[wide][symbol]})
        for size in (2, 4):
            self.place(data.draw(order_lists(symbol)))
            self.amend(data.draw(amends(symbol)))
            self.change(data.draw(changes(symbol)))
            taker = data.draw(comers(symbol) | takers(symbol)).terms
            if taker.price is not None:
                taker = replace(taker, price=there.price, quantity=size * lot)
            terms = replace(taker, side=there.side.other, display=None)
            self.place(PlaceOrder(standing[0], symbol, terms))
        self.rewrite(symbol, {wide: before})

    def rewrite(self, symbol: str, changes: dict[str, Any]) -> None:
        """The rules of the market change, if it is still one then."""
        rules = self.keeper.rules[symbol]
        changed = replace(rules, **changes)
        code = RejectCode.FIELD_COMBINATION if changed == rules else _no_market(changed)
        self.do(ChangeInstrument(symbol, "said the machine", **changes), code)
        if code is None:
            self.keeper.rules[symbol] = changed
            self.keeper.markets[symbol].lot = changed.lot
        assert self.keeper.rules[symbol] == self.desk.state.rooms[symbol].market.instrument

    @rule(symbol=symbols, tier=st.sampled_from(TIERS), maker=rates, taker=takers_pay, keep=mostly)
    def set_tier(self, symbol: str, tier: str, maker: int, taker: int, *, keep: bool) -> None:
        schedule, key = self.keeper.schedule, (symbol, tier)
        if keep:
            code = RejectCode.INVALID_INSTRUMENT if taker < 0 else None
            self.do(SetFeeTier(symbol, tier, maker, taker), code)
        else:
            code = None if key in schedule else RejectCode.UNKNOWN_TIER
            self.do(SetFeeTier(symbol, tier, None, None), code)
        if code is None:
            schedule.pop(key, None)
            if keep:
                schedule[key] = (maker, taker)

    @rule(account=accounts, tier=st.none() | st.sampled_from((*TIERS, *TIERS, "lead")))
    def join_tier(self, account: str, tier: str | None) -> None:
        known = {name for _, name in self.keeper.schedule}
        code = None if tier is None or tier in known else RejectCode.UNKNOWN_TIER
        self.do(SetAccountTier(account, tier), code)
        if code is None:
            self.keeper.tiers.pop(account, None)
            if tier is not None:
                self.keeper.tiers[account] = tier

    # Stops.

    @rule(user=users, cancel=yes_or_no, back=mostly, flow=st.data())
    def suspend(self, user: str, *, cancel: bool, back: bool, flow: st.DataObject) -> None:
        self.keeper.suspended.add(user)
        if cancel:
            self.keeper.pull({account for account, owner in OWNERS.items() if owner == user})
        self.do(SuspendUser(user, "case-1", cancel), None)
        self.trade(flow)
        if back:
            self.reinstate(user)

    @rule(user=users)
    def reinstate_somebody(self, user: str) -> None:
        if user in self.keeper.suspended:
            self.reinstate(user)

    def reinstate(self, user: str) -> None:
        code = None if user in self.keeper.suspended else RejectCode.NOT_IN_FORCE
        self.do(ReinstateUser(user, "case-1"), code)
        self.keeper.suspended.discard(user)

    @rule(user=users, reference=st.sampled_from("xy"), us=st.none() | st.integers(-1, 2))
    def blacklist(self, user: str, reference: str, us: int | None) -> None:
        entries, key = self.keeper.blacklist, (user, reference)
        if us is None:
            code = None if key in entries else RejectCode.NOT_IN_FORCE
        else:
            code = RejectCode.DEADLINE_PASSED if us <= 0 else None
        until = None if us is None else self.desk.at_us + us
        self.do(BlacklistUser(user, reference, until), code)
        if code is None:
            entries.pop(key, None)
            if until is not None:
                entries[key] = until

    @rule(account=accounts, cancel=yes_or_no, back=mostly, flow=st.data())
    def kill(self, account: str, *, cancel: bool, back: bool, flow: st.DataObject) -> None:
        self.keeper.killed.add(account)
        if cancel:
            self.keeper.pull({account})
        self.do(KillAccount(account, "runs wild", cancel), None)
        self.trade(flow)
        if back:
            self.release(account)

    @rule(account=accounts)
    def release_somebody(self, account: str) -> None:
        if account in self.keeper.killed:
            self.release(account)

    def release(self, account: str) -> None:
        code = None if account in self.keeper.killed else RejectCode.NOT_IN_FORCE
        self.do(ReleaseAccount(account, "calm again"), code)
        self.keeper.killed.discard(account)

    @rule(cancel=yes_or_no, flow=st.data(), seldom=st.sampled_from([False] * 5 + [True]))
    def kill_venue(self, *, cancel: bool, seldom: bool, flow: st.DataObject) -> None:
        """For the time of some commands."""
        if seldom:
            self.keeper.venue_killed = True
            if cancel:
                self.keeper.pull(set(OWNERS))
            self.do(KillVenue("fire", cancel), None)
        self.trade(flow)
        if seldom:
            self.keeper.venue_killed = False
            self.do(ReleaseVenue("out"), None)

    @rule(symbol=symbols, flow=st.data(), seldom=st.sampled_from([False] * 5 + [True]))
    def halt_and_cancel(self, symbol: str, *, seldom: bool, flow: st.DataObject) -> None:
        """The kill switch of a market."""
        if seldom:
            self.keeper.states[symbol] = MarketState.HALTED
            self.keeper.markets[symbol].orders.clear()
            halt = ChangeMarketState(symbol, MarketState.HALTED, "fire", cancel_orders=True)
            self.do(halt, None)
            self.trade(flow)
            self.switch(symbol, MarketState.CONTINUOUS)

    def trade(self, flow: st.DataObject) -> None:
        """A list and three commands more of traders, whom something may stop."""
        self.place(flow.draw(order_lists()))
        for command in flow.draw(
            st.lists(
                limits()
                | takers()
                | quotes()
                | odd_limits()
                | sleepers()
                | order_lists()
                | amends()
                | changes()
                | transfers(),
                min_size=3,
                max_size=3,
            )
        ):
            match command:
                case PlaceOrder() | PlaceOrderList():
                    self.place(command)
                case AmendOrder():
                    self.amend(command)
                case CancelOrder() | ReduceOrder():
                    self.change(command)
                case TransferFunds():
                    self.fund(command)

    # Roles.

    @rule(user=st.sampled_from((*USERS, OPERATOR)), role=st.sampled_from(list(Role)), on=yes_or_no)
    def appoint(self, user: str, role: Role, *, on: bool) -> None:
        """By the operator, who has had all it needs since the first admin."""
        if not self.roles:
            for needed in (Role.OPERATOR, Role.ADMIN):
                self.do(GrantRole(OPERATOR, needed), None)
                self.roles.add((OPERATOR, needed))
        key = (user, role)
        command: AnyCommand = GrantRole(user, role) if on else RevokeRole(user, role)
        code = None
        if on and role not in GRANTABLE:
            code = RejectCode.FIELD_COMBINATION
        elif on and key in self.roles:
            code = RejectCode.ALREADY_EXISTS
        elif not on and key not in self.roles:
            code = RejectCode.NOT_IN_FORCE
        elif not on and user == OPERATOR and role is not Role.AUDITOR:
            return  # else nobody would run the venue
        self.do(command, code)
        if code is None and on:
            self.roles.add(key)
        elif code is None:
            self.roles.discard(key)

    @rule(
        actor=st.sampled_from((*USERS, "nobody", OPERATOR, OPERATOR)),
        role=st.sampled_from([Role.OPERATOR, Role.ADMIN, Role.TRADER, Role.AUDITOR]),
        account=accounts,
        which=st.integers(0, 3),
    )
    def come_as(self, actor: str, role: Role, account: str, which: int) -> None:
        """Somebody gives a command of staff, or cancels for somebody; most have no right to."""
        command, may = (
            (SetTradeGroup(account, self.keeper.groups.get(account)), {Role.OPERATOR}),
            (SetAccountTier(account, None), {Role.ADMIN}),
            (CancelOrder(account, MARKETS[0], 10**9), {Role.OPERATOR, Role.TRADER}),
            (SuspendUser("nobody", "x"), {Role.OPERATOR}),
        )[which]
        code = None
        appointed = not self.roles or (actor, role) in self.roles
        if role not in may or not (appointed or role is Role.TRADER):
            code = RejectCode.NOT_PERMITTED
        elif isinstance(command, CancelOrder):
            foreign = role is Role.TRADER and OWNERS[account] != actor
            code = RejectCode.UNKNOWN_ACCOUNT if foreign else RejectCode.NOT_FOUND
        elif isinstance(command, SuspendUser):
            code = RejectCode.UNKNOWN_USER
        self.tally[f"{role.value} {code}"] += 1
        found = self.request_as(Request(command, actor, role))
        assert code == (found.refusal and found.refusal.code), (command, actor, role, found)
        if code is None and isinstance(command, SetAccountTier):
            self.keeper.tiers.pop(account, None)

    def request_as(self, request: Request) -> Ack:
        """Its answer, every law kept."""
        self.effort.steps += 1
        envelopes = self.desk.decide(request)
        self.audited(envelopes)
        self.audit(envelopes)
        ack = answer(envelopes)
        self.answers.append(ack)
        self.money = self.desk.money()
        self.effort.changed += ack.refusal is None
        return ack


def fitting(terms: OrderTerms, symbol: str) -> OrderTerms:
    """The terms in whole lots of another market, and in a mode that it allows."""
    lots = -(-(terms.quantity or 0) // LOT[symbol]) * LOT[symbol]
    return replace(terms, quantity=lots, self_trade=mode_in(symbol, terms.self_trade))


def wrong(terms: OrderTerms, rules: Instrument) -> RejectCode | None:  # noqa: C901, PLR0911, PLR0912 - the list
    """What the market's rules of the moment have against an order that is well formed."""
    if terms.self_trade is SelfTrade.NONE and not rules.self_trade_allowed:
        return RejectCode.FIELD_COMBINATION
    if terms.price is not None:
        if not rules.price_min <= terms.price <= rules.price_max:
            return RejectCode.PRICE_BOUNDS
        if terms.price % rules.tick:
            return RejectCode.OFF_TICK
    if terms.quantity is not None:
        if not rules.quantity_min <= terms.quantity <= rules.quantity_max:
            return RejectCode.QUANTITY_BOUNDS
        if terms.quantity % rules.lot:
            return RejectCode.OFF_LOT
        if terms.display is not None and terms.display > terms.quantity:
            return RejectCode.QUANTITY_BOUNDS
        if terms.display is not None and terms.display % rules.lot:
            return RejectCode.OFF_LOT
    if terms.trigger is not None:
        if not rules.price_min <= terms.trigger <= rules.price_max:
            return RejectCode.PRICE_BOUNDS
        if terms.trigger % rules.tick:
            return RejectCode.OFF_TICK
    value = terms.budget
    if terms.price is not None and terms.quantity is not None:
        value = terms.price * terms.quantity * rules.value_unit
    if value is not None and value < max(1, rules.notional_min):
        return RejectCode.NOTIONAL_MIN
    return None


def _no_market(rules: Instrument) -> RejectCode | None:
    """Whether what was drawn makes no market."""
    fine = (
        rules.tick > 0
        and rules.lot > 0
        and rules.price_min <= rules.price_max
        and rules.quantity_min <= rules.quantity_max
        and rules.notional_min >= 0
        and rules.open_orders_max > 0
        and rules.maker_ppm >= -1_000_000
        and rules.taker_ppm >= 0
    )
    return None if fine else RejectCode.INVALID_INSTRUMENT


def test_every_law_holds_while_rules_tiers_roles_and_stops_change() -> None:
    run_state_machine_as_test(RulesMachine, settings=runs(200, 120))
    RulesMachine.effort.assert_enough(steps=15_000, trades=600, self_trades=200)
    tally = RulesMachine.tally
    print(sorted(tally.items()))  # noqa: T201 - pytest shows it on demand
    for what in (
        "ChangeInstrument done", "SetFeeTier done", "SetAccountTier done", "rebates",
        "SuspendUser done", "KillAccount done", "GrantRole done", "lists pulled",
    ):  # fmt: skip
        assert tally[what] >= (20 if FULL else 0), what
    for what in (
        "USER_SUSPENDED", "USER_BLACKLISTED", "KILL_SWITCH", "OFF_LOT", "OFF_TICK",
        "PlaceOrderList USER_SUSPENDED", "PlaceOrderList KILL_SWITCH", "PlaceOrderList OFF_TICK",
        "PlaceOrderList OFF_LOT", "AmendOrder KILL_SWITCH", "AmendOrder OFF_TICK",
    ):  # fmt: skip
        met = sum(count for name, count in tally.items() if name.endswith(what))
        assert met >= (10 if FULL else 0), what
    RulesMachine.meetings.assert_enough(5)


def test_what_can_change_is_all_but_the_units() -> None:
    fixed = {"symbol", "base", "quote", "price_decimals", "quantity_decimals", "value_unit"}
    assert {*CHANGEABLE, *fixed, "base_unit"} == set(Instrument.__struct_fields__)
