"""What a state that was loaded from its encoding must still know, case by case.

The machines of this folder decide every command in such a state too; here is what they come to
seldom.
"""

import json
from collections.abc import Callable
from typing import Any

import pytest

from exchange.kernel.instruments import MarketState
from exchange.kernel.laws import InvariantViolation
from exchange.kernel.orders import TimeInForce
from exchange.kernel.rejects import RejectCode
from exchange.orders.commands import (
    ChangeMarketState,
    Deposit,
    PlaceOrder,
    RegisterAsset,
    SetTradeGroup,
)
from exchange.orders.governing import BlacklistUser, SetAccountTier, SetFeeTier
from exchange.venue.due import next_piece
from exchange.venue.laws import check_all
from exchange.venue.state import VenueState
from tests.build import BUY, SELL, SYMBOL, desk, limit, listing
from tests.twin import loaded

GTD = TimeInForce.GTD
Change = Callable[[list[Any]], list[Any]]


def test_markets_stay_in_the_order_of_their_listing() -> None:
    """What is due in both is done in the first one first."""
    at = desk("AB")
    at.done(listing(symbol="AAA-USD"))
    for symbol in ("AAA-USD", SYMBOL):
        terms = limit(BUY, 10, 1, time_in_force=GTD, deadline_us=5)
        at.done(PlaceOrder("A", symbol, terms))
    assert [SYMBOL, "AAA-USD"] == list(loaded(at.state).rooms)
    assert next_piece(at.state, 9) == next_piece(loaded(at.state), 9)


def test_references_stay_in_the_order_in_which_they_were_given() -> None:
    """A refusal names the first that counts."""
    at = desk("AB")
    at.done(BlacklistUser("A", "z-list", 100), BlacklistUser("A", "a-list", 200))
    assert ["z-list", "a-list"] == list(loaded(at.state).user("A").blacklist)
    refusal = at.do(PlaceOrder("A", SYMBOL, limit(BUY, 1, 1))).refusal
    assert refusal is not None
    assert (RejectCode.USER_BLACKLISTED, "reference") == (refusal.code, refusal.field)


def test_a_group_of_an_accounts_name_stays_a_group() -> None:
    at = desk("AB")
    at.done(SetTradeGroup("A", "A"), PlaceOrder("A", SYMBOL, limit(BUY, 1, 1)))
    at.done(SetTradeGroup("A", None), PlaceOrder("A", SYMBOL, limit(BUY, 1, 1)))
    book = loaded(at.state).rooms[SYMBOL].book
    assert [":A", "A"] == [book.orders[number].group for number in (1, 2)]
    assert (1, at.book().odd_count) == (book.odd_count, 1)
    book.check()


def test_rates_of_tiers_are_found_again() -> None:
    at = desk("AB")
    at.done(SetFeeTier(SYMBOL, "gold", -5, 10), SetAccountTier("A", "gold"))
    assert at.state.rooms[SYMBOL].rates == loaded(at.state).rooms[SYMBOL].rates != {}
    check_all(loaded(at.state))


def test_integers_of_any_size_and_texts_of_any_script_survive() -> None:
    at = desk("AB")
    at.done(RegisterAsset("BIG", 18))
    for number in range(3):
        at.done(Deposit("A", "BIG", 10**38, f"big-{number}"))
    at.done(ChangeMarketState(SYMBOL, MarketState.HALTED, "Überprüfung – 検査"))
    again = loaded(at.state)
    assert 3 * 10**38 == again.ledger.balance("acct:A:available", "BIG")
    assert at.state.encoded() == again.encoded()


def test_what_was_refused_and_the_venues_own_work_are_remembered() -> None:
    at = desk("AB")
    at.at_us = 50
    at.place("A", limit(SELL, 10, 0))
    again = loaded(at.state)
    assert (50, False) == (again.at_us, again.at_work)
    at.done(PlaceOrder("A", SYMBOL, limit(BUY, 10, 1, time_in_force=GTD, deadline_us=60)))
    at.at_us = 70
    work = next_piece(at.state, 70)
    assert work is not None
    at.decide(work)
    assert (70, True) == (loaded(at.state).at_us, loaded(at.state).at_work)


def test_an_untouched_state_loads() -> None:
    assert VenueState().encoded() == loaded(VenueState()).encoded()


def test_asking_for_what_is_not_there_leaves_no_trace() -> None:
    """Empty aggregates are made by looking; they are no part of the state."""
    at = desk("AB")
    before = at.state.encoded()
    at.state.user("nobody")
    at.state.records("nobody")
    assert before == at.state.encoded() == loaded(at.state).encoded()


@pytest.mark.parametrize(
    ("change", "law"),
    [(lambda it: [3, *it[1:]], "R1"), (lambda it: [*it[:4], {"nowhere": {}}], "R3")],
)
def test_what_is_no_state_of_ours_is_refused(change: Change, law: str) -> None:
    encoded = json.dumps(change(json.loads(desk("A").state.encoded()))).encode()
    with pytest.raises(InvariantViolation, match=f"^{law}"):
        VenueState().load(encoded)
