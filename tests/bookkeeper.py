"""A second set of books: what the rules make of each command, and what everybody then owns.

It knows the events and the ledger of the venue as little as an auditor does: it counts orders
with the naive matcher and money from fills alone.
"""

from collections import Counter
from copy import deepcopy
from itertools import chain, pairwise
from typing import Any, NamedTuple

from msgspec.structs import replace

from exchange.kernel.instruments import Instrument, MarketState
from exchange.kernel.orders import Fill, OrderTerms, OrderType, Side, TimeInForce
from exchange.kernel.rejects import RejectCode
from exchange.matching.events import OrderAccepted, OrderAmended, StopEntered
from exchange.orders.commands import AmendOrder
from tests.oracle import Oracle, Order

DAY_US = 24 * 60 * 60 * 10**6


class Fees(NamedTuple):
    """What both sides of one fill pay, each in the asset that it receives."""

    buyer: int
    seller: int
    rebate: int = 0  # what the maker gets of the taker's


class Verdict(NamedTuple):
    """Why a command is refused; or what became of all who came in, as ``told``, the woken last."""

    refusal: RejectCode | None = None
    entered: tuple[tuple[Any, ...], ...] = ()

    @property
    def fills(self) -> tuple[Fill, ...]:
        """Those of the command's own order."""
        return self.entered[0][1] if self.entered else ()


class Bookkeeper:
    """Orders must be well formed: which are not is another's judgement, ``unfit``."""

    def __init__(self, rules: list[Instrument]) -> None:
        self.rules = {it.symbol: it for it in rules}
        self.markets = {it.symbol: Oracle(it.lot, it.value_unit) for it in rules}
        self.states = {it.symbol: MarketState.CONTINUOUS for it in rules}
        self.order_counts: Counter[str] = Counter()  # symbol
        self.owned: Counter[tuple[str, str]] = Counter()  # (account, asset), held or not
        self.fees: Counter[str] = Counter()  # asset
        self.deposits: Counter[str] = Counter()  # asset
        self.references: set[str] = set()
        self.at_us = 0
        self.groups: dict[str, str] = {}  # account -> trade group
        self.tiers: dict[str, str] = {}  # account -> fee tier
        self.schedule: dict[tuple[str, str], tuple[int, int]] = {}  # (symbol, tier) -> ppm
        self.received: dict[tuple[str, int], list[int]] = {}  # (symbol, order) -> received × ppm

    def place(self, account: str, symbol: str, *legs: OrderTerms) -> tuple[Verdict, list[Fees]]:
        """What becomes of an order, or of the two of a list; the fees of all fills in order."""
        refusal = self._early_refusal(account, symbol, legs)
        if refusal is not None:
            return Verdict(refusal), []
        made = self.incoming(account, symbol, *legs)
        needs = max(self._needs(symbol, order) for order in made)
        entering = sorted(made, key=lambda order: order.trigger is None)  # as they are judged
        trial = self.trial(symbol)
        trial.enter(*entering)
        refusals = [order.ended for order in entering if isinstance(order.ended, RejectCode)]
        if legs[0].type is OrderType.MARKET:
            parts = [(fill.price, fill.quantity) for fill in made[0].fills]
            needs = sum(self._worth(symbol, legs[0].side, *part) for part in parts)
        if not refusals and needs > self.free(account, self._asset(symbol, legs[0].side)):
            refusals = [RejectCode.INSUFFICIENT_FUNDS]
        if refusals:
            return Verdict(refusals[0]), []
        self.markets[symbol] = trial
        self.order_counts[symbol] += len(legs)
        return self._followed(symbol, made)

    def incoming(self, account: str, symbol: str, *legs: OrderTerms) -> list[Order]:
        """The next orders of a market."""
        numbered = enumerate(legs, self.order_counts[symbol] + 1)
        made = [self._order(number, account, symbol, terms) for number, terms in numbered]
        if len(made) > 1:
            made[0].other, made[1].other = made[1], made[0]
        return made

    def trial(self, symbol: str) -> Oracle:
        """A copy of a market, to see what would happen."""
        market = deepcopy(self.markets[symbol])
        market.at = self.at_us
        return market

    def amend(self, command: AmendOrder) -> tuple[Verdict, list[Fees]]:
        """What becomes of a change that is well formed, and the fees likewise."""
        account, symbol, market = command.account, command.symbol, self.trial(command.symbol)
        order = find(market, command.number, account)
        if self.states[symbol] is not MarketState.CONTINUOUS:
            return Verdict(RejectCode.MARKET_STATE), []
        if order is None:
            return Verdict(RejectCode.NOT_FOUND), []
        terms, due, alone = _changed(order, command), order.is_due(self.at_us), not order.other
        left = order.leaves + (terms.quantity or 0) - (order.terms.quantity or 0)
        if due or (alone and left <= 0 and terms.budget is None):
            return Verdict(self.cancel(account, symbol, order.number)), []
        if not alone:
            return Verdict(RejectCode.IN_LIST), []
        changed = self._order(order.number, account, symbol, terms)
        changed.group, changed.leaves = order.group, left
        more = self._needs(symbol, changed) - self._needs(symbol, order)
        market.amend(order, changed)
        late = command.deadline_us is not None and command.deadline_us <= self.at_us
        poor = more > self.free(account, self._asset(symbol, terms.side))
        unfit = self.unfit(symbol, terms)
        refusal = (
            unfit if unfit is not None
            else RejectCode.DEADLINE_PASSED if late
            else changed.ended if isinstance(changed.ended, RejectCode)
            else RejectCode.INSUFFICIENT_FUNDS if poor
            else None
        )  # fmt: skip
        if refusal is not None:
            return Verdict(refusal), []
        self.markets[symbol] = market
        return self._followed(symbol, [changed])

    def cancel(self, account: str, symbol: str, number: int) -> RejectCode | None:
        """Why the cancel is refused."""
        if self.states[symbol] is MarketState.CLOSED:
            return RejectCode.MARKET_STATE
        order = find(self.markets[symbol], number, account)
        if order is None:
            return RejectCode.NOT_FOUND
        self.markets[symbol].end(order)
        return None

    def reduce(self, account: str, symbol: str, number: int, quantity: int) -> RejectCode | None:
        """Why the reduce is refused; ``quantity`` is whole lots."""
        if self.states[symbol] is not MarketState.CONTINUOUS:
            return RejectCode.MARKET_STATE
        order = find(self.markets[symbol], number, account)
        if order is None or order.leaves <= quantity:
            return self.cancel(account, symbol, number)
        if order.other is not None:
            return RejectCode.IN_LIST
        reduced = less(order, quantity)
        self.markets[symbol].amend(order, reduced)
        return None

    def cancel_all(self, account: str, symbol: str | None, side: Side | None) -> None:
        """Take the account's orders out."""
        for name, market in self.markets.items():
            if symbol in (None, name):
                mine = [it for it in market.orders if it.account == account]
                market.end(*[it for it in mine if side in (None, it.terms.side)])

    def sweep(self, symbol: str) -> None:
        """Take out orders whose deadline has come."""
        market = self.markets[symbol]
        market.end(*[it for it in market.orders if it.is_due(self.at_us)])

    def switch(self, symbol: str, state: MarketState) -> None:
        """Change the state of a market; one that closes loses all its orders."""
        self.states[symbol] = state
        if state is MarketState.CLOSED:
            self.markets[symbol].orders.clear()

    def deposit(self, account: str, asset: str, amount: int, reference: str) -> RejectCode | None:
        """Why the deposit is refused."""
        if reference in self.references:
            return RejectCode.DUPLICATE_REFERENCE
        self.references.add(reference)
        self.owned[account, asset] += amount
        self.deposits[asset] += amount
        return None

    def transfer(self, payer: str, payee: str, asset: str, amount: int) -> RejectCode | None:
        """Why the transfer between accounts of one user is refused."""
        if amount > self.free(payer, asset):
            return RejectCode.INSUFFICIENT_FUNDS
        self.owned[payer, asset] -= amount
        self.owned[payee, asset] += amount
        return None

    def held(self, account: str, asset: str) -> int:
        """What the account's open orders need, the two of a list no more than one: law F1."""
        needs: dict[tuple[str, int], int] = {}  # (symbol, order or the first of a list) -> units
        for symbol in self.markets:
            for order in self.open_orders(symbol, account):
                if asset == self._asset(symbol, order.terms.side):
                    number = min(order.number, order.other.number if order.other else order.number)
                    before = needs.get((symbol, number), 0)
                    needs[symbol, number] = max(before, self._needs(symbol, order))
        return sum(needs.values())

    def free(self, account: str, asset: str) -> int:
        """What the account can spend."""
        return self.owned[account, asset] - self.held(account, asset)

    def open_orders(self, symbol: str, account: str) -> list[Order]:
        """The account's open orders."""
        return [it for it in self.markets[symbol].orders if it.account == account]

    def unfit(self, symbol: str, terms: OrderTerms) -> RejectCode | None:  # noqa: ARG002 - for others to say
        """What the market's rules have against such terms, new or amended."""
        return None

    def rates(self, symbol: str, account: str) -> tuple[int, int]:
        """What the account pays as maker and as taker, in ppm."""
        rules = self.rules[symbol]
        own = self.schedule.get((symbol, self.tiers.get(account, "")))
        return (rules.maker_ppm, rules.taker_ppm) if own is None else own

    def _early_refusal(
        self, account: str, symbol: str, legs: tuple[OrderTerms, ...]
    ) -> RejectCode | None:
        """State, terms, deadline, client order id, open orders: in this order."""
        mine = self.open_orders(symbol, account)
        named = [it.client_order_id for it in (*[open_.terms for open_ in mine], *legs)]
        used = [it for it in named if it is not None]
        if self.states[symbol] is not MarketState.CONTINUOUS:
            return RejectCode.MARKET_STATE
        unfit = [code for code in (self.unfit(symbol, it) for it in legs) if code is not None]
        if unfit:
            return unfit[0]
        if any(it.deadline_us is not None and it.deadline_us <= self.at_us for it in legs):
            return RejectCode.DEADLINE_PASSED
        if len(used) > len(set(used)):
            return RejectCode.DUPLICATE_CLIENT_ORDER_ID
        waits = legs[0].type is OrderType.LIMIT and legs[0].time_in_force.rests
        may_wait = waits or len(legs) > 1 or legs[0].trigger is not None
        if may_wait and len(mine) + len(legs) > self.rules[symbol].open_orders_max:
            return RejectCode.OPEN_ORDERS_MAX
        return None

    def _order(self, number: int, account: str, symbol: str, terms: OrderTerms) -> Order:
        """An order; one for the day has its deadline, a purchase at market its bound."""
        rules, price = self.rules[symbol], terms.price or 0
        if terms.time_in_force is TimeInForce.DAY and terms.deadline_us is None:
            past_us = (self.at_us - rules.day_end_us) % DAY_US
            terms = replace(terms, deadline_us=self.at_us + DAY_US - past_us)
        if terms.trigger and terms.side is Side.BUY and not price and terms.budget is None:
            price = -(-terms.trigger * (1_000_000 + rules.stop_slippage_ppm) // 1_000_000)
        group = self.groups.get(account, account)
        return Order(number, account, group, terms, price, terms.quantity or 0, terms.trigger)

    def _followed(self, symbol: str, came: list[Order]) -> tuple[Verdict, list[Fees]]:
        """Those who came in, whom their prints wake, and the fees of all fills in order."""
        entered, fees, prints = list[tuple[Any, ...]](), list[Fees](), came[0].fills
        for order in chain(came, self.markets[symbol].run_stops(prints)):
            entered.append(told(order))  # at once: those who come later may meet it
            fees += self._settled(symbol, order)
            order.fills, order.met = [], []  # nobody asks again
        return Verdict(None, tuple(entered)), fees

    def _settled(self, symbol: str, order: Order) -> list[Fees]:
        """The fees of an incoming order's fills, in order, and what they move."""
        settled = []
        for fill in order.fills:
            taker = (order.account, order.number, self.rates(symbol, order.account)[1])
            maker = (fill.account, fill.maker, self.rates(symbol, fill.account)[0])
            buyer, seller = (taker, maker) if order.terms.side is Side.BUY else (maker, taker)
            settled.append(self._settle(symbol, fill.price, fill.quantity, buyer, seller))
        return settled

    def _settle(
        self,
        symbol: str,
        price: int,
        quantity: int,
        buyer: tuple[str, int, int],
        seller: tuple[str, int, int],
    ) -> Fees:
        """Move what was traded; a side is its account, order and rate."""
        rules = self.rules[symbol]
        base, quote = quantity * rules.base_unit, price * quantity * rules.value_unit
        fees = Fees(
            self._fee(symbol, *buyer[1:], received=base),
            self._fee(symbol, *seller[1:], received=quote),
        )
        if seller[2] < 0:
            fees = self._share(fees, seller, rules.base, base, fees.buyer)
        elif buyer[2] < 0:
            fees = self._share(fees, buyer, rules.quote, quote, fees.seller)
        self.owned[buyer[0], rules.quote] -= quote
        self.owned[buyer[0], rules.base] += base - fees.buyer
        self.owned[seller[0], rules.base] -= base
        self.owned[seller[0], rules.quote] += quote - fees.seller
        self.fees[rules.base] += fees.buyer
        self.fees[rules.quote] += fees.seller
        return fees

    def _share(
        self, fees: Fees, maker: tuple[str, int, int], asset: str, traded: int, fee: int
    ) -> Fees:
        """Give the maker its rebate out of the taker's ``fee`` in what the taker received."""
        rebate = min(traded * -maker[2] // 1_000_000, fee)
        self.owned[maker[0], asset] += rebate
        self.fees[asset] -= rebate
        return fees._replace(rebate=rebate)

    def _fee(self, symbol: str, order: int, rate_ppm: int, *, received: int) -> int:
        """What the fee on all that the order received, rounded up, grows by with this fill."""
        sums = self.received.setdefault((symbol, order), [0])
        sums.append(sums[-1] + received * max(0, rate_ppm))
        before, after = [-(-each // 1_000_000) for each in sums[-2:]]
        assert all(earlier <= later for earlier, later in pairwise(sums))
        return after - before

    def _asset(self, symbol: str, side: Side) -> str:
        """What an order of ``side`` must hold."""
        return self.rules[symbol].quote if side is Side.BUY else self.rules[symbol].base

    def _needs(self, symbol: str, order: Order) -> int:
        """How much of it."""
        if order.terms.budget is not None:
            return order.terms.budget
        return self._worth(symbol, order.terms.side, order.price, order.leaves)

    def _worth(self, symbol: str, side: Side, price: int, quantity: int) -> int:
        """What so much costs a buyer or a seller."""
        rules = self.rules[symbol]
        return quantity * (price * rules.value_unit if side is Side.BUY else rules.base_unit)


def find(market: Oracle, number: int | None, account: str | None = None) -> Order | None:
    """An open order, if it is the account's; without one, whoever's."""
    found = [it for it in market.orders if it.number == number and account in (None, it.account)]
    return found[0] if found else None


def less(order: Order, quantity: int) -> Order:
    """The order reduced."""
    terms = replace(order.terms, quantity=(order.terms.quantity or 0) - quantity)
    return Order(
        order.number, order.account, order.group, terms, order.price, order.leaves - quantity,
        order.trigger,
    )  # fmt: skip


def _changed(order: Order, command: AmendOrder) -> OrderTerms:
    """What it asks for after the change; what stands in a queue is a limit order."""
    asked, timed = order.terms, command.deadline_us is not None
    total = command.quantity or asked.quantity
    shown = min(asked.display, total or 0) if asked.display else None
    return replace(
        asked,
        type=asked.type if order.trigger else OrderType.LIMIT,
        price=command.price or asked.price,
        quantity=total,
        time_in_force=TimeInForce.GTD if timed else asked.time_in_force,
        display=command.display or shown,
        deadline_us=command.deadline_us or asked.deadline_us,
        trigger=(command.trigger or order.trigger) if order.trigger else None,
    )


# What both sides of a comparison are told in.


def told(it: Order | OrderAccepted | OrderAmended | StopEntered) -> tuple[Any, ...]:
    """What became of one that came in."""
    return it.number, tuple(it.fills), it.leaves, it.ended and it.ended.name, tuple(it.met)


def queued(market: Oracle) -> list[tuple[int, int, str, str | None, int, int]]:
    """Asks, then bids: price, number, account, client order id, quantity, leaves."""
    lines = [*market.queue(Side.BUY), *market.queue(Side.SELL)]
    return [
        (it.price, it.number, it.account, it.terms.client_order_id, it.terms.quantity or 0,
         it.leaves)
        for it in lines
    ]  # fmt: skip


def asleep(market: Oracle) -> list[list[Any]]:
    """As they arrived: number, account, client order id, trigger, price, quantity, leaves."""
    return [
        [it.number, it.account, it.terms.client_order_id, it.trigger, it.price,
         it.terms.quantity or 0, it.leaves]
        for it in market.orders
        if it.trigger is not None
    ]  # fmt: skip
