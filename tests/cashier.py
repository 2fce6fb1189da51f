"""A second set of books for money that leaves, and for mistakes that are taken back.

Written from the rules, not from the code: sums of who owns what, and a list of steps for each
withdrawal.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

from exchange.kernel.instruments import Instrument
from exchange.kernel.orders import BUY, Side
from exchange.kernel.rejects import RejectCode
from tests.bookkeeper import Bookkeeper, Fees
from tests.oracle import Order
from tests.venue.flow import OWNERS

FEES, CUSTODY = "the fees", "custody"


class Terms(NamedTuple):
    """Of an asset's withdrawals, in its units."""

    fee: int
    least: int
    most: int
    four_eyes_above: int


class Trade(NamedTuple):
    """Who gave what to whom, fees not yet off; ``taker`` is the side that came in."""

    buyer: str
    seller: str
    base: int
    quote: int
    fees: Fees
    taker: Side


@dataclass
class Withdrawal:
    """One that is open, with the steps that it took."""

    account: str
    asset: str
    amount: int
    fee: int
    needs: int
    steps: list[tuple[str, str]] = field(default_factory=list)  # step, actor

    def actors(self, step: str) -> list[str]:
        return [actor for name, actor in self.steps if name == step]

    @property
    def approved(self) -> bool:
        return len(self.actors("approved")) == self.needs

    @property
    def sent(self) -> bool:
        return bool(self.actors("sent"))


class Claim(NamedTuple):
    """What waits for a second person."""

    what: str
    proposer: str


class Cashier(Bookkeeper):
    """``deposits`` is what custody holds, whatever moved it."""

    def __init__(self, rules: list[Instrument]) -> None:
        super().__init__(rules)
        self.terms: dict[str, Terms] = {}
        self.withdrawals: dict[int, Withdrawal] = {}
        self.asked = 0
        self.payments: set[str] = set()  # references of all that was ever sent
        self.outside: set[str] = set()  # references of payouts and fundings
        self.insurance: Counter[str] = Counter()
        self.suspense: Counter[str] = Counter()
        self.credited: dict[str, tuple[str, str, int]] = {}  # reference -> deposit
        self.trade_counts: Counter[str] = Counter()  # symbol
        self.trades: dict[str, Trade] = {}  # "bust:BTC-USD:5" -> the trade
        self.claims: dict[int, Claim] = {}
        self.proposed = 0
        self.done: set[str] = set()

    def deposit(self, account: str, asset: str, amount: int, reference: str) -> RejectCode | None:
        refusal = super().deposit(account, asset, amount, reference)
        if refusal is None:
            self.credited[f"reversal:{reference}"] = account, asset, amount
        return refusal

    def _settled(self, symbol: str, order: Order) -> list[Fees]:
        fees, rules = super()._settled(symbol, order), self.rules[symbol]
        for fill, paid in zip(order.fills, fees, strict=True):
            buyer, seller = order.account, fill.account
            if order.terms.side is not BUY:
                buyer, seller = seller, buyer
            self.trade_counts[symbol] += 1
            self.trades[f"bust:{symbol}:{self.trade_counts[symbol]}"] = Trade(
                buyer, seller, fill.quantity * rules.base_unit,
                fill.price * fill.quantity * rules.value_unit, paid, order.terms.side,
            )  # fmt: skip
        return fees

    def withdrawing(self, account: str, asset: str) -> int:
        """What is set aside for the account's open withdrawals: law F2."""
        mine = [
            it for it in self.withdrawals.values() if (it.account, it.asset) == (account, asset)
        ]
        return sum(it.amount + it.fee for it in mine)

    def request(self, account: str, asset: str, amount: int, actor: str) -> RejectCode | None:
        terms = self.terms.get(asset)
        if terms is None:
            return RejectCode.WITHDRAWAL_TERMS
        if not terms.least <= amount <= terms.most:
            return RejectCode.AMOUNT_BOUNDS
        if amount + terms.fee > self.free(account, asset):
            return RejectCode.INSUFFICIENT_FUNDS
        self.asked += 1
        needs = 1 if amount <= terms.four_eyes_above else 2
        self.withdrawals[self.asked] = Withdrawal(
            account, asset, amount, terms.fee, needs, [("requested", actor)]
        )
        self.owned[account, asset] -= amount + terms.fee
        return None

    def approve(self, number: int, actor: str) -> RejectCode | None:
        found = self.withdrawals.get(number)
        if found is None:
            return RejectCode.NOT_FOUND
        if found.approved or found.sent:
            return RejectCode.WITHDRAWAL_STATE
        barred = [OWNERS[found.account], *found.actors("requested"), *found.actors("approved")]
        if actor in barred:
            return RejectCode.SECOND_PERSON_REQUIRED
        found.steps.append(("approved", actor))
        return None

    def send(self, number: int, reference: str, actor: str) -> RejectCode | None:
        found = self.withdrawals.get(number)
        if found is None:
            return RejectCode.NOT_FOUND
        if not found.approved or found.sent:
            return RejectCode.WITHDRAWAL_STATE
        if reference in self.payments:
            return RejectCode.DUPLICATE_REFERENCE
        if found.amount > self.left_in_custody(found.asset):
            return RejectCode.INSUFFICIENT_FUNDS
        self.payments.add(reference)
        found.steps.append(("sent", actor))
        return None

    def complete(self, number: int) -> RejectCode | None:
        found = self.withdrawals.get(number)
        if found is None:
            return RejectCode.NOT_FOUND
        if not found.sent:
            return RejectCode.WITHDRAWAL_STATE
        del self.withdrawals[number]
        self.deposits[found.asset] -= found.amount
        self.fees[found.asset] += found.fee
        return None

    def reject(self, number: int, actor: str) -> RejectCode | None:
        found = self.withdrawals.get(number)
        if found is None:
            return RejectCode.NOT_FOUND
        if found.sent and actor in [OWNERS[found.account], *found.actors("sent")]:
            return RejectCode.SECOND_PERSON_REQUIRED
        self._release(number)
        return None

    def take_back(self, account: str, number: int) -> RejectCode | None:
        """Cancel a request."""
        found = self.withdrawals.get(number)
        if found is None or found.account != account:
            return RejectCode.NOT_FOUND
        if found.sent:
            return RejectCode.WITHDRAWAL_STATE
        self._release(number)
        return None

    def _release(self, number: int) -> None:
        ended = self.withdrawals.pop(number)
        self.owned[ended.account, ended.asset] += ended.amount + ended.fee

    def left_in_custody(self, asset: str) -> int:
        """What custody holds and was not told to pay."""
        sent = [it.amount for it in self.withdrawals.values() if it.sent and it.asset == asset]
        return self.deposits[asset] - sum(sent)

    def correct(self, what: str, actor: str, *, claim: bool) -> RejectCode | None:
        """Take a trade or a deposit back, or propose to."""
        refusal = self._uncorrectable(what)
        if refusal is not None:
            return refusal
        if not claim:
            if any(self._short(who, asset, n) for who, asset, n in self._moves(what)):
                return RejectCode.INSUFFICIENT_FUNDS
            self._move(what)
            return None
        if what in [it.what for it in self.claims.values()]:
            return RejectCode.ALREADY_EXISTS
        self.proposed += 1
        self.claims[self.proposed] = Claim(what, actor)
        return None

    def approve_claim(self, number: int, actor: str) -> RejectCode | None:
        claim = self.claims.get(number)
        if claim is None:
            return RejectCode.NOT_FOUND
        if actor == claim.proposer:
            return RejectCode.SECOND_PERSON_REQUIRED
        refusal = self._uncorrectable(claim.what)
        if refusal is None:
            self._move(claim.what)
        return refusal

    def drop_claim(self, number: int) -> RejectCode | None:
        return RejectCode.NOT_FOUND if self.claims.pop(number, None) is None else None

    def _uncorrectable(self, what: str) -> RejectCode | None:
        if what in self.done:
            return RejectCode.ALREADY_CORRECTED
        if what not in self.trades and what not in self.credited:
            return RejectCode.NOT_FOUND
        if what in self.credited and self.credited[what][2] > self.left_in_custody(
            self.credited[what][1]
        ):
            return RejectCode.INSUFFICIENT_FUNDS
        return None

    def _moves(self, what: str) -> list[tuple[str, str, int]]:
        """Who gets or gives (below zero) how much; a trade's seller gives the quote, and so on."""
        if what in self.credited:
            account, asset, amount = self.credited[what]
            return [(account, asset, -amount), (CUSTODY, asset, -amount)]
        rules, trade = self.rules[what.split(":")[1]], self.trades[what]
        moves: Counter[tuple[str, str]] = Counter()
        moves[trade.buyer, rules.quote] += trade.quote
        moves[trade.buyer, rules.base] -= trade.base - trade.fees.buyer
        moves[trade.seller, rules.base] += trade.base
        moves[trade.seller, rules.quote] -= trade.quote - trade.fees.seller
        moves[FEES, rules.base] -= trade.fees.buyer
        moves[FEES, rules.quote] -= trade.fees.seller
        maker, asset = trade.seller, rules.base
        if trade.taker is not BUY:
            maker, asset = trade.buyer, rules.quote
        moves[maker, asset] -= trade.fees.rebate
        moves[FEES, asset] += trade.fees.rebate
        return [(who, asset, units) for (who, asset), units in moves.items()]

    def _short(self, who: str, asset: str, units: int) -> int:
        """What is not there of what is to be given."""
        if units >= 0 or who == CUSTODY:
            return 0
        has = self.fees[asset] if who == FEES else self.free(who, asset)
        return max(0, -units - has)

    def _move(self, what: str) -> None:
        moves = [(*it, self._short(*it)) for it in self._moves(what)]
        for who, asset, units, short in moves:
            self.suspense[asset] -= short
            if who == FEES:
                self.fees[asset] += units + short
            elif who == CUSTODY:
                self.deposits[asset] += units
            else:
                self.owned[who, asset] += units + short
        self.done.add(what)
        self.claims = {number: it for number, it in self.claims.items() if it.what != what}

    def pay_out(self, asset: str, amount: int, reference: str) -> RejectCode | None:
        if f"payout:{reference}" in self.outside:
            return RejectCode.DUPLICATE_REFERENCE
        if amount > min(self.fees[asset], self.left_in_custody(asset)):
            return RejectCode.INSUFFICIENT_FUNDS
        self.outside.add(f"payout:{reference}")
        self.fees[asset] -= amount
        self.deposits[asset] -= amount
        return None

    def fund(self, asset: str, amount: int, reference: str) -> RejectCode | None:
        if f"insurance:{reference}" in self.outside:
            return RejectCode.DUPLICATE_REFERENCE
        self.outside.add(f"insurance:{reference}")
        self.insurance[asset] += amount
        self.deposits[asset] += amount
        return None
