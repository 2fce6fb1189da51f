"""A second set of books: what the rules make of each command, and what everybody then owns.

It knows the events and the ledger of the venue as little as an auditor does: it counts orders
with the naive matcher and money from fills alone.
"""

from collections import Counter
from copy import deepcopy
from itertools import pairwise
from typing import NamedTuple

from msgspec.structs import replace

from exchange.kernel.instruments import Instrument, MarketState
from exchange.kernel.orders import EndReason, OrderTerms, OrderType, Side
from exchange.kernel.rejects import RejectCode
from exchange.orders.commands import AmendOrder
from tests.oracle import Entry, Oracle, Resting, Verdict


class Fees(NamedTuple):
    """What both sides of one fill pay, each in the asset that it receives."""

    buyer: int
    seller: int
    rebate: int = 0  # what the maker gets of the taker's


class Bookkeeper:
    """Orders must be well formed: which are not is another's judgement."""

    def __init__(self, rules: list[Instrument]) -> None:
        self.rules = {it.symbol: it for it in rules}
        self.markets = {it.symbol: Oracle(it.lot, it.value_unit) for it in rules}
        self.states = {it.symbol: MarketState.CONTINUOUS for it in rules}
        self.owned: Counter[tuple[str, str]] = Counter()  # (account, asset), held or not
        self.fees: Counter[str] = Counter()  # asset
        self.deposits: Counter[str] = Counter()  # asset
        self.references: set[str] = set()
        self.at_us = 0
        self.groups: dict[str, str] = {}  # account -> trade group
        self.tiers: dict[str, str] = {}  # account -> fee tier
        self.schedule: dict[tuple[str, str], tuple[int, int]] = {}  # (symbol, tier) -> ppm
        self.received: dict[tuple[str, int], list[int]] = {}  # (symbol, order) -> received × ppm

    def place(self, account: str, symbol: str, terms: OrderTerms) -> tuple[Verdict, list[Fees]]:
        """What becomes of the order, and the fees of its fills in order."""
        verdict = self._judge(account, symbol, terms)
        if verdict.refusal is not None:
            return verdict, []
        if terms.trigger is not None:
            bound, group = self._bound(symbol, terms), self.groups.get(account)
            return self.markets[symbol].sleep(account, terms, bound, group), []
        self.markets[symbol].admit(account, terms, verdict, self.at_us, self.groups.get(account))
        number = self.markets[symbol].order_count
        return verdict, self._settled(symbol, account, number, terms.side, verdict)

    def amend(self, command: AmendOrder) -> tuple[Verdict, list[Fees]]:
        """What becomes of a change that is well formed, and the fees of its fills in order."""
        account, symbol, number = command.account, command.symbol, command.number or 0
        market = self.markets[symbol]
        if self.states[symbol] is not MarketState.CONTINUOUS:
            return Verdict(RejectCode.MARKET_STATE), []
        found = [it for it in market.resting if (it.account, it.number) == (account, number)]
        if not found:
            return Verdict(RejectCode.NOT_FOUND), []
        order = found[0]
        if order.deadline_us is not None and order.deadline_us <= self.at_us:
            market.cancel(account, number)
            return Verdict(ended=EndReason.DEADLINE), []
        changed = self._changed(order, command)
        refusal = self._unamendable(order, changed, command)
        if refusal is not None:
            return Verdict(refusal), []
        verdict = market.amend(account, number, self.at_us, changed)
        return verdict, self._settled(symbol, account, number, order.side, verdict)

    @staticmethod
    def _changed(order: Resting, command: AmendOrder) -> OrderTerms:
        total = command.quantity or order.quantity
        return replace(
            order.terms,
            price=command.price or order.price,
            quantity=total,
            display=command.display or (min(order.display, total) if order.display else None),
            deadline_us=command.deadline_us or order.deadline_us,
        )

    def _unamendable(
        self, order: Resting, changed: OrderTerms, command: AmendOrder
    ) -> RejectCode | None:
        """Why the change is refused, in the order of checks."""
        market, rules = self.markets[command.symbol], self.rules[command.symbol]
        left = (changed.quantity or 0) - (order.quantity - order.leaves)
        if left <= 0:
            return None
        if command.deadline_us is not None and command.deadline_us <= self.at_us:
            return RejectCode.DEADLINE_PASSED
        trial = deepcopy(market).amend(order.account, order.number, self.at_us, changed)
        asset = rules.quote if order.side is Side.BUY else rules.base
        held = self._needs(rules, order.side, order.price, order.leaves, asset)
        needs = self._needs(rules, order.side, changed.price or 0, left, asset)
        if trial.refusal is None and needs - held > self.free(order.account, asset):
            return RejectCode.INSUFFICIENT_FUNDS
        return trial.refusal

    def run_stops(self, symbol: str, verdict: Verdict) -> tuple[list[Entry], list[Fees]]:
        """What prints wake and what comes of it, and the fees of all those fills in order."""
        if not verdict.fills:
            return [], []
        market = self.markets[symbol]
        sleeping = {it.number: it for it in market.resting if it.trigger is not None}
        entries = market.run_stops(verdict.fills, self.at_us)
        fees: list[Fees] = []
        for number, entered in entries:
            order = sleeping[number]
            fees += self._settled(symbol, order.account, number, order.side, entered)
        return entries, fees

    def _bound(self, symbol: str, terms: OrderTerms) -> int | None:
        """The most that a purchase at market by quantity pays once it is triggered."""
        if terms.price is not None or terms.budget is not None or terms.side is Side.SELL:
            return None
        slippage = 1_000_000 + self.rules[symbol].stop_slippage_ppm
        return -(-(terms.trigger or 0) * slippage // 1_000_000)

    def _settled(
        self, symbol: str, account: str, number: int, side: Side, verdict: Verdict
    ) -> list[Fees]:
        """The fees of an incoming order's fills, in order, and what they move."""
        settled = []
        for fill in verdict.fills:
            taker = (account, number, self.rates(symbol, account)[1])
            maker = (fill.account, fill.maker, self.rates(symbol, fill.account)[0])
            buyer, seller = (taker, maker) if side is Side.BUY else (maker, taker)
            settled.append(self._settle(symbol, fill.price, fill.quantity, buyer, seller))
        return settled

    def cancel(self, account: str, symbol: str, number: int) -> RejectCode | None:
        """Why the cancel is refused."""
        if self.states[symbol] is MarketState.CLOSED:
            return RejectCode.MARKET_STATE
        return self.markets[symbol].cancel(account, number)

    def reduce(self, account: str, symbol: str, number: int, quantity: int) -> RejectCode | None:
        """Why the reduce is refused; ``quantity`` is whole lots."""
        if self.states[symbol] is not MarketState.CONTINUOUS:
            return RejectCode.MARKET_STATE
        return self.markets[symbol].reduce(account, number, quantity)

    def cancel_all(self, account: str, symbol: str | None, side: Side | None) -> None:
        """Take the account's orders out."""
        for name, market in self.markets.items():
            if symbol in (None, name):
                market.resting = [
                    it
                    for it in market.resting
                    if it.account != account or side not in (None, it.side)
                ]

    def sweep(self, symbol: str) -> None:
        """Take out orders whose deadline has come."""
        market = self.markets[symbol]
        market.resting = [
            it for it in market.resting if it.deadline_us is None or it.deadline_us > self.at_us
        ]

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

    def switch(self, symbol: str, state: MarketState) -> None:
        """Change the state of a market; one that closes loses all its orders."""
        self.states[symbol] = state
        if state is MarketState.CLOSED:
            self.markets[symbol].resting.clear()

    def held(self, account: str, asset: str) -> int:
        """What the account's open orders need: law F1."""
        return sum(
            self._needs(self.rules[symbol], order.side, order.price, order.leaves, asset)
            + (order.terms.budget or 0) * (asset == self.rules[symbol].quote)
            for symbol, market in self.markets.items()
            for order in market.resting
            if order.account == account
        )

    def free(self, account: str, asset: str) -> int:
        """What the account can spend."""
        return self.owned[account, asset] - self.held(account, asset)

    def open_orders(self, symbol: str, account: str) -> list[Resting]:
        """The account's open orders."""
        return [it for it in self.markets[symbol].resting if it.account == account]

    def _judge(self, account: str, symbol: str, terms: OrderTerms) -> Verdict:
        """State, client order id, open orders, liquidity, funds: in this order."""
        mine, rules = self.open_orders(symbol, account), self.rules[symbol]
        if self.states[symbol] is not MarketState.CONTINUOUS:
            return Verdict(RejectCode.MARKET_STATE)
        if terms.deadline_us is not None and terms.deadline_us <= self.at_us:
            return Verdict(RejectCode.DEADLINE_PASSED)
        named = {it.client_order_id for it in mine} - {None}
        if terms.client_order_id in named:
            return Verdict(RejectCode.DUPLICATE_CLIENT_ORDER_ID)
        sleeps = terms.trigger is not None
        may_rest = sleeps or (terms.type is OrderType.LIMIT and terms.time_in_force.rests)
        if may_rest and len(mine) >= rules.open_orders_max:
            return Verdict(RejectCode.OPEN_ORDERS_MAX)
        group, market = self.groups.get(account), self.markets[symbol]
        if sleeps:
            verdict = deepcopy(market).sleep(account, terms, self._bound(symbol, terms), group)
        else:
            verdict = market.judge(account, terms, self.at_us, group)
        if verdict.refusal is None and self._is_poor(account, rules, terms, verdict):
            return Verdict(RejectCode.INSUFFICIENT_FUNDS)
        return verdict

    def _is_poor(self, account: str, rules: Instrument, terms: OrderTerms, it: Verdict) -> bool:
        """A limit order needs all that it asks for, a market order just its fills."""
        asset = rules.quote if terms.side is Side.BUY else rules.base
        wanted = [(fill.price, fill.quantity) for fill in it.fills]
        if terms.trigger is not None:
            price = terms.price or self._bound(rules.symbol, terms) or 0
            if terms.budget is not None:
                return terms.budget > self.free(account, asset)
            wanted = [(price, terms.quantity or 0)]
        elif terms.price is not None:
            wanted = [(terms.price, terms.quantity or 0)]
        needs = sum(self._needs(rules, terms.side, *each, asset) for each in wanted)
        return needs > self.free(account, asset)

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

    def rates(self, symbol: str, account: str) -> tuple[int, int]:
        """What the account pays as maker and as taker, in ppm."""
        rules = self.rules[symbol]
        own = self.schedule.get((symbol, self.tiers.get(account, "")))
        return (rules.maker_ppm, rules.taker_ppm) if own is None else own

    def _fee(self, symbol: str, order: int, rate_ppm: int, *, received: int) -> int:
        """What the fee on all that the order received, rounded up, grows by with this fill."""
        sums = self.received.setdefault((symbol, order), [0])
        sums.append(sums[-1] + received * max(0, rate_ppm))
        before, after = [-(-each // 1_000_000) for each in sums[-2:]]
        assert all(earlier <= later for earlier, later in pairwise(sums))
        return after - before

    @staticmethod
    def _needs(rules: Instrument, side: Side, price: int, quantity: int, asset: str) -> int:
        """Units of ``asset`` that so much of an order must hold."""
        if side is Side.BUY:
            return price * quantity * rules.value_unit if asset == rules.quote else 0
        return quantity * rules.base_unit if asset == rules.base else 0
