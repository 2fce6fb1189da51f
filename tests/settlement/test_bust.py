"""A busted trade: everybody gives back what came, net of fees, and gets back what went."""

import pytest

from exchange.kernel.accounts import available
from exchange.kernel.instruments import MarketState
from exchange.kernel.journal import EntryKind
from exchange.kernel.orders import SelfTrade
from exchange.kernel.rejects import Refusal, RejectCode
from exchange.orders.commands import ChangeMarketState, OpenAccount, TransferFunds
from exchange.orders.money_commands import ApproveClaim, BustTrade, DropClaim, PayOutFees
from exchange.settlement.events import TradesSettled
from exchange.wallet.events import Bust, ClaimProposed, Corrected, EntriesPosted
from tests.build import BUY, SELL, SYMBOL, Desk, desk, limit
from tests.money import Books

WHY = "clearly erroneous"


def bust(trade: int, *, claim: bool = False) -> BustTrade:
    return BustTrade(SYMBOL, trade, WHY, claim)


def traded(funds: int = 2_000, **rules: int) -> Desk:
    """A sells 10 at 100, B takes them with a limit of 110."""
    at = desk("AB", funds=funds, **rules)
    at.place("A", limit(SELL, 100, 10))
    at.place("B", limit(BUY, 110, 10))
    return at


def refused(at: Desk, command: BustTrade | ApproveClaim, by: str = "op1") -> Refusal | None:
    """Why it is refused, and that nothing but its record is left of it."""
    before = at.money()
    found = at.by(by, command).refusal
    assert found is None or before == at.money()
    return found


WHOLE = Books("""
    after     | A BTC | A USD | B BTC | B USD | fees BTC | fees USD
    nothing   | 2,000 | 2,000 | 2,000 | 2,000 |        0 |        0
    the trade | 1,990 | 2,999 | 2,009 | 1,000 |        1 |        1
    the bust  | 2,000 | 2,000 | 2,000 | 2,000 |        0 |        0
""")
"""The seller pays 1,000 ppm of 1,000 USD, the buyer 2,000 ppm of 10 BTC, rounded up."""


def test_a_bust_puts_every_balance_back_fees_included() -> None:
    WHOLE.check(desk("AB", funds=2_000), "nothing")
    at = traded()
    WHOLE.check(at, "the trade")
    at.done(bust(1))
    WHOLE.check(at, "the bust")
    assert Corrected(Bust(SYMBOL, 1), WHY, None) == at.effect(Corrected)


def test_the_entry_names_the_trade_and_has_a_line_a_balance() -> None:
    at = traded()
    at.done(bust(1))
    (entry,) = at.effect(EntriesPosted).entries
    assert (EntryKind.BUST, "bust:BTC-USD:1") == (entry.kind, entry.entry_id)
    assert {
        (available("B"), "USD", 1_000),
        (available("A"), "USD", -999),
        ("venue:fees", "USD", -1),
        (available("A"), "BTC", 10),
        (available("B"), "BTC", -9),
        ("venue:fees", "BTC", -1),
    } == set(entry.lines)


FREE = Books("""
    after     | A BTC | A USD | B BTC | B USD | fees BTC | fees USD
    the trade | 1,990 | 3,000 | 2,010 | 1,000 |        0 |        0
    the bust  | 2,000 | 2,000 | 2,000 | 2,000 |        0 |        0
""")


def test_a_trade_without_fees_is_taken_back_without_them() -> None:
    at = traded(maker_ppm=0, taker_ppm=0)
    FREE.check(at, "the trade")
    at.done(bust(1))
    FREE.check(at, "the bust")


ONE_OF_THREE = Books("""
    after          | A BTC  | A USD  | B BTC  | B USD  | fees BTC | fees USD
    three trades   |  9,970 | 12,997 | 10,029 |  7,000 |        1 |        3
    the second out |  9,980 | 11,998 | 10,019 |  8,000 |        1 |        2
    the first too  |  9,990 | 10,999 | 10,010 |  9,000 |        0 |        1
""")
"""One purchase meets three sales of 10 at 100: its fee of 1 BTC fell due with its first fill."""


def test_each_trade_of_an_order_gives_back_the_fee_that_fell_due_with_it() -> None:
    at = desk("AB", funds=10_000)
    for _ in range(3):
        at.place("A", limit(SELL, 100, 10))
    at.place("B", limit(BUY, 100, 30))
    ONE_OF_THREE.check(at, "three trades")
    at.done(bust(2))
    ONE_OF_THREE.check(at, "the second out")
    at.done(bust(1))
    ONE_OF_THREE.check(at, "the first too")


def test_orders_and_what_their_later_fills_pay_stay_as_they_are() -> None:
    """The maker's fee of 1 USD is paid; what it accrued counts on though the trade is gone."""
    at = desk("AB", funds=10_000, maker_ppm=1_000)
    at.place("A", limit(SELL, 100, 10))
    at.place("B", limit(BUY, 100, 4))
    before = at.book().dump()
    at.done(bust(1))
    assert before == at.book().dump()
    at.place("B", limit(BUY, 100, 6))
    (trade,) = at.effect(TradesSettled).trades
    assert 0 == trade.sell.fee


def test_a_market_that_is_closed_is_no_hindrance() -> None:
    at = traded()
    at.done(ChangeMarketState(SYMBOL, MarketState.CLOSED, "the end"), bust(1))
    WHOLE.check(at, "the bust")


@pytest.mark.parametrize("trade", [0, -1, 2, 10**30])
def test_a_trade_that_was_never_made_is_not_found(trade: int) -> None:
    expected = Refusal(RejectCode.NOT_FOUND, "trade", trade, 1)
    assert expected == refused(traded(), bust(trade))


def test_a_trade_is_busted_once() -> None:
    at = traded()
    at.done(bust(1))
    again = Refusal(RejectCode.ALREADY_CORRECTED, "correction", "bust:BTC-USD:1")
    for claim in (False, True):
        assert again == refused(at, bust(1, claim=claim))


def test_a_market_that_is_none_has_no_trades() -> None:
    found = refused(traded(), BustTrade("ETH-USD", 1, WHY))
    assert Refusal(RejectCode.UNKNOWN_MARKET, "symbol", "ETH-USD") == found


def test_a_reason_must_be_a_text() -> None:
    found = refused(traded(), BustTrade(SYMBOL, 1, "a\x00b"))
    assert Refusal(RejectCode.INVALID_ID, "reason") == found


def test_what_an_order_holds_is_not_taken() -> None:
    """A has 2,999 USD, of which a purchase now holds 2,500."""
    at = traded()
    at.place("A", limit(BUY, 25, 100))
    short = Refusal(RejectCode.INSUFFICIENT_FUNDS, "acct:A:available:USD", 999, 499)
    assert short == refused(at, bust(1))


def test_a_trader_may_not() -> None:
    found = traded().do(bust(1), "A").refusal
    assert Refusal(RejectCode.NOT_PERMITTED, "role", "trader") == found


# With a claim.

SHORT = Books("""
    after       | A BTC | A USD | B BTC | B USD | fees BTC | fees USD | suspense BTC | suspense USD
    the trade   | 1,990 | 2,999 | 2,009 | 1,000 |        1 |        1 |            0 |            0
    A spends    | 1,990 |   400 | 2,009 | 1,000 |        1 |        1 |            0 |            0
    the bust    | 2,000 |     0 | 2,000 | 2,000 |        0 |        0 |            0 |         -599
""")
"""A gives back 400 of the 999 USD that it got; 599 are owed to the venue. B gets all of its own."""


def short_of_money() -> Desk:
    """A has sent most of what it got to another account."""
    at = traded()
    SHORT.check(at, "the trade")
    at.done(OpenAccount("A", "A2"), TransferFunds("A", "A2", "USD", 2_599))
    SHORT.check(at, "A spends")
    return at


def test_what_is_short_goes_to_suspense_when_a_second_person_approves() -> None:
    at = short_of_money()
    short = Refusal(RejectCode.INSUFFICIENT_FUNDS, "acct:A:available:USD", 999, 400)
    assert short == refused(at, bust(1))
    assert 1 == at.by("op1", bust(1, claim=True)).number
    SHORT.check(at, "A spends")
    assert ClaimProposed(1, Bust(SYMBOL, 1), WHY, "op1") == at.effect(ClaimProposed)
    assert at.by("op2", ApproveClaim(1)).refusal is None
    SHORT.check(at, "the bust")
    assert Corrected(Bust(SYMBOL, 1), WHY, 1) == at.effect(Corrected)


def test_who_proposes_a_claim_does_not_approve_it() -> None:
    at = short_of_money()
    at.by("op1", bust(1, claim=True))
    second = Refusal(RejectCode.SECOND_PERSON_REQUIRED, "actor", "op1")
    assert second == refused(at, ApproveClaim(1))


def test_a_claim_is_approved_once() -> None:
    at = short_of_money()
    at.by("op1", bust(1, claim=True))
    at.by("op2", ApproveClaim(1))
    gone = Refusal(RejectCode.NOT_FOUND, "claim", 1)
    assert [gone, gone] == [refused(at, ApproveClaim(1), by) for by in ("op2", "op3")]


def test_one_claim_waits_for_a_trade_at_a_time() -> None:
    at = short_of_money()
    at.by("op1", bust(1, claim=True))
    twice = Refusal(RejectCode.ALREADY_EXISTS, "claim", "bust:BTC-USD:1")
    assert twice == refused(at, bust(1, claim=True), "op2")
    assert at.by("op2", DropClaim(1)).refusal is None
    assert 2 == at.by("op2", bust(1, claim=True)).number


def test_a_claim_ends_with_the_bust_of_its_trade() -> None:
    """The money has come meanwhile: no second person is needed, and none comes too late."""
    at = short_of_money()
    at.by("op1", bust(1, claim=True))
    at.done(TransferFunds("A2", "A", "USD", 2_599), bust(1))
    WHOLE.check(at, "the bust")
    assert Refusal(RejectCode.NOT_FOUND, "claim", 1) == refused(at, ApproveClaim(1), "op2")


def test_a_claim_takes_what_is_there_when_it_is_approved() -> None:
    at = short_of_money()
    at.by("op1", bust(1, claim=True))
    at.done(TransferFunds("A2", "A", "USD", 2_599))
    at.by("op2", ApproveClaim(1))
    WHOLE.check(at, "the bust")


PAID_OUT = Books("""
    after    | A BTC | A USD | B BTC | B USD | fees BTC | fees USD | suspense BTC | suspense USD
    the bust | 2,000 | 2,000 | 2,000 | 2,000 |        0 |        0 |           -1 |            0
""")


def test_fees_that_have_left_the_venue_are_claimed_from_itself() -> None:
    at = traded()
    at.done(PayOutFees("BTC", 1, "to-the-owner"))
    short = Refusal(RejectCode.INSUFFICIENT_FUNDS, "venue:fees:BTC", 1, 0)
    assert short == refused(at, bust(1))
    at.by("op1", bust(1, claim=True))
    at.by("op2", ApproveClaim(1))
    PAID_OUT.check(at, "the bust")


# An account that has traded with itself.


def alone(**rules: int) -> Desk:
    at = desk("A", funds=2_000, self_trade_allowed=True, **rules)
    for side in (SELL, BUY):
        at.place("A", limit(side, 100, 10, self_trade=SelfTrade.NONE))
    return at


def test_an_account_on_both_sides_gets_both_fees_back() -> None:
    at = alone()
    assert (1_999, 1_999) == (at.free("A", "BTC"), at.free("A", "USD"))
    at.done(bust(1))
    assert (2_000, 2_000) == (at.free("A", "BTC"), at.free("A", "USD"))


def test_an_account_on_both_sides_without_fees_has_nothing_to_move() -> None:
    """The trade is marked all the same, once."""
    at = alone(maker_ppm=0, taker_ppm=0)
    at.done(bust(1))
    assert [Corrected(Bust(SYMBOL, 1), WHY, None)] == at.effects
    assert RejectCode.ALREADY_CORRECTED is getattr(refused(at, bust(1)), "code", None)


def test_every_trade_is_found_however_much_lies_between() -> None:
    """Sweeps, single fills, and runs of cancels that close fees without a trade."""
    at = desk("AB", funds=10**9, open_orders_max=10_000)
    for step in range(60):
        for _ in range(step % 5):
            at.place("A", limit(SELL, 100, 3))
        at.place("B", limit(BUY, 100, 3 * (step % 5) + 1))
        at.place("A", limit(SELL, 100, 1 + step % 2))
        if step % 7 == 0:
            for number in list(at.book().orders):
                at.cancel("A", number)
                at.cancel("B", number)
    made = at.state.rooms[SYMBOL].settlement.trade_count
    assert made > 100
    before = [at.free(account, asset) for account in "AB" for asset in ("BTC", "USD")]
    at.done(*[bust(number) for number in range(1, made + 1)])
    assert before != [at.free(account, asset) for account in "AB" for asset in ("BTC", "USD")]
    for number in list(at.book().orders):
        at.cancel("A", number)
        at.cancel("B", number)
    assert [10**9] * 4 == [at.free(account, asset) for account in "AB" for asset in ("BTC", "USD")]
