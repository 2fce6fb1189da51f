"""Whom suspensions, blacklists and kill switches stop, and what passes."""

import pytest

from exchange.kernel.instruments import MarketState
from exchange.kernel.orders import EndReason, OrderTerms, OrderType
from exchange.kernel.rejects import Refusal, RejectCode
from exchange.matching.events import OrdersCancelled
from exchange.orders.commands import (
    AmendOrder,
    AnyCommand,
    CancelOrder,
    CancelOrders,
    ChangeMarketState,
    Deposit,
    OpenAccount,
    PlaceOrder,
    ReduceOrder,
    Request,
    Role,
    RunStops,
    TransferFunds,
)
from exchange.orders.governing import (
    BlacklistUser,
    KillAccount,
    KillVenue,
    ReinstateUser,
    ReleaseAccount,
    ReleaseVenue,
    SuspendUser,
)
from exchange.venue.answers import answer
from exchange.venue.due import next_piece
from tests.build import BUY, OPERATOR, SELL, SYMBOL, Desk, desk, limit, listing

OTHER = "BTC-2"
ENTER = (PlaceOrder("A", SYMBOL, limit(BUY, 50, 1)), AmendOrder("A", SYMBOL, 1, price=41))
LEAVE = (
    ReduceOrder("A", SYMBOL, 1, 1),
    CancelOrder("A", SYMBOL, 1),
    CancelOrders("A"),
)
MOVE = TransferFunds("A", "A2", "USD", 1)

SUSPENDED = Refusal(RejectCode.USER_SUSPENDED, "user", "A")
KILLED = Refusal(RejectCode.KILL_SWITCH, "account", "A")
ALL_KILLED = Refusal(RejectCode.KILL_SWITCH, "venue")


@pytest.fixture
def at() -> Desk:
    """A has bids in two markets and a stop, its other account one; B offers above."""
    opened = desk("AB")
    opened.done(
        listing(symbol=OTHER),
        OpenAccount("A", "A2"),
        Deposit("A2", "USD", 10**6, "a2"),
        PlaceOrder("A", SYMBOL, limit(BUY, 40, 5)),
        PlaceOrder("A2", SYMBOL, limit(BUY, 41, 5)),
        PlaceOrder("A", OTHER, limit(BUY, 40, 5)),
        PlaceOrder("B", SYMBOL, limit(SELL, 60, 5)),
        PlaceOrder("A", SYMBOL, OrderTerms(BUY, OrderType.STOP, None, 2, trigger=70)),
    )
    return opened


def by_operator(at: Desk, command: AnyCommand) -> Refusal | None:
    return answer(at.decide(Request(command, OPERATOR, Role.OPERATOR))).refusal


def outcomes(at: Desk, *commands: AnyCommand) -> list[Refusal | None]:
    return [at.do(command).refusal for command in commands]


def ended(at: Desk) -> list[tuple[tuple[int, ...], EndReason]]:
    """What the last command took out of which book, in order."""
    return [(it.numbers, it.reason) for it in at.effects if isinstance(it, OrdersCancelled)]


def held(at: Desk) -> int:
    return sum(at.held(account, "USD") for account in ("A", "A2"))


def test_a_suspended_user_can_leave_and_nothing_else(at: Desk) -> None:
    at.done(SuspendUser("A", "case-7"))
    assert [SUSPENDED] * 3 == outcomes(at, *ENTER, MOVE)
    assert [SUSPENDED] == outcomes(at, PlaceOrder("A2", SYMBOL, limit(BUY, 1, 1)))
    assert [None] * 3 == outcomes(at, *LEAVE)
    at.done(PlaceOrder("B", SYMBOL, limit(SELL, 41, 5)))  # its other account's order has stayed
    assert 10**6 - 205 == at.free("A2", "USD")
    at.done(ReinstateUser("A", "case-7"), PlaceOrder("A", SYMBOL, limit(BUY, 50, 1)), MOVE)


def test_an_operator_may_wind_down_what_a_suspended_user_has(at: Desk) -> None:
    at.done(SuspendUser("A", "case-7"))
    assert [None] * 3 == [by_operator(at, it) for it in (*ENTER, LEAVE[1])]


def test_a_suspension_takes_the_orders_out_when_told_to(at: Desk) -> None:
    """All of the user's accounts, by market, then by number; what sleeps too."""
    at.done(SuspendUser("A", "case-7", cancel_orders=True))
    assert [((1,), EndReason.SUSPENDED), ((1, 2, 4), EndReason.SUSPENDED)] == ended(at)
    assert 0 == held(at)
    assert 1 == len(at.book().orders)


def test_an_account_that_is_opened_for_a_suspended_user_is_stopped_too(at: Desk) -> None:
    at.done(SuspendUser("A", "case-7"), OpenAccount("A", "A3"))
    assert [SUSPENDED] == outcomes(at, PlaceOrder("A3", SYMBOL, limit(BUY, 50, 1)))


def test_a_stranger_does_not_hear_of_a_suspension(at: Desk) -> None:
    at.done(SuspendUser("A", "case-7"))
    unknown = Refusal(RejectCode.UNKNOWN_ACCOUNT, "account", "A")
    assert unknown == at.do(ENTER[0], "B").refusal


def test_a_blacklisted_user_is_stopped_until_that_very_moment(at: Desk) -> None:
    at.done(BlacklistUser("A", "list-3", 100))
    listed = Refusal(RejectCode.USER_BLACKLISTED, "reference", "list-3", 100)
    at.at_us = 99
    assert [listed] * 3 == outcomes(at, *ENTER, MOVE)
    assert [None] == outcomes(at, LEAVE[0])
    at.at_us = 100
    assert [None] * 3 == outcomes(at, *ENTER, MOVE)


def test_references_count_one_by_one(at: Desk) -> None:
    """The same one again says the last word; one that is off does not free from another."""
    at.done(BlacklistUser("A", "x", 50), BlacklistUser("A", "y", 80), BlacklistUser("A", "x", 20))
    at.at_us = 20
    expected = Refusal(RejectCode.USER_BLACKLISTED, "reference", "y", 80)
    assert [expected] == outcomes(at, ENTER[0])
    at.done(BlacklistUser("A", "y", None), ENTER[0])


def test_a_killed_account_enters_nothing_whoever_acts(at: Desk) -> None:
    at.done(KillAccount("A", "runs wild"))
    assert [KILLED] * 2 == outcomes(at, *ENTER)
    assert [KILLED] * 2 == [by_operator(at, it) for it in ENTER]
    assert [None] * 4 == outcomes(at, MOVE, *LEAVE)
    at.done(PlaceOrder("A2", SYMBOL, limit(BUY, 30, 1)))  # the user's other account goes on
    at.done(ReleaseAccount("A", "calm"), ENTER[0])


def test_a_kill_takes_the_accounts_orders_out_when_told_to(at: Desk) -> None:
    at.done(KillAccount("A", "runs wild", cancel_orders=True))
    assert [((1,), EndReason.KILL_SWITCH), ((1, 4), EndReason.KILL_SWITCH)] == ended(at)
    assert 205 == held(at)  # that of the other account


def test_a_killed_venue_enters_nothing(at: Desk) -> None:
    at.done(KillVenue("fire"))
    assert [ALL_KILLED] * 2 == outcomes(at, *ENTER)
    assert [ALL_KILLED] == outcomes(at, PlaceOrder("B", OTHER, limit(SELL, 90, 1)))
    assert [None] * 4 == outcomes(at, MOVE, *LEAVE)
    at.done(ReleaseVenue("out"), ENTER[0])


def test_a_killed_venue_takes_every_order_out_when_told_to(at: Desk) -> None:
    at.done(KillVenue("fire", cancel_orders=True))
    assert [((1,), EndReason.KILL_SWITCH), ((1, 2, 3, 4), EndReason.KILL_SWITCH)] == ended(at)
    assert (0, 0) == (held(at), at.held("B", "BTC"))


def test_woken_stops_wait_while_the_venue_is_killed(
    at: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three stops that one print wakes, of which a command lets in one."""
    monkeypatch.setattr("exchange.venue.stops.STOPS_MAX", 1)
    at.done(
        CancelOrders("A"),
        *[PlaceOrder("A", SYMBOL, OrderTerms(BUY, OrderType.STOP, None, 1, trigger=60))] * 3,
        PlaceOrder("A2", SYMBOL, limit(BUY, 60, 1)),
    )
    assert next_piece(at.state, at.state.at_us) is not None
    at.done(KillVenue("fire"))
    assert next_piece(at.state, at.state.at_us) is None
    assert [ALL_KILLED] == outcomes(at, RunStops(SYMBOL))
    at.done(ReleaseVenue("out"))
    assert next_piece(at.state, at.state.at_us) is not None
    at.done(RunStops(SYMBOL))


def test_a_halt_takes_the_markets_orders_out_when_told_to(at: Desk) -> None:
    at.done(ChangeMarketState(SYMBOL, MarketState.HALTED, "news", cancel_orders=True))
    assert [((1, 2, 3, 4), EndReason.KILL_SWITCH)] == ended(at)
    assert 200 == held(at)  # that of the other market


def test_what_stops_twice_is_told_in_a_fixed_order(at: Desk) -> None:
    """Suspension, blacklist, account, venue; lifted one by one from the first."""
    listed = Refusal(RejectCode.USER_BLACKLISTED, "reference", "list-3", 10**6)
    at.done(
        KillVenue("fire"), KillAccount("A", "wild"),
        BlacklistUser("A", "list-3", 10**6), SuspendUser("A", "case"),
    )  # fmt: skip
    lifts: list[tuple[AnyCommand, Refusal | None]] = [
        (ReinstateUser("A", "case"), listed),
        (BlacklistUser("A", "list-3", None), KILLED),
        (ReleaseAccount("A", "calm"), ALL_KILLED),
        (ReleaseVenue("out"), None),
    ]
    told = [SUSPENDED, *(after for _, after in lifts)]
    found = outcomes(at, ENTER[0])
    for lift, _ in lifts:
        at.done(lift)
        found += outcomes(at, ENTER[0])
    assert told == found


def test_once_more_is_no_refusal(at: Desk) -> None:
    """So a second person can add what the first forgot."""
    at.done(KillVenue("fire"), KillAccount("A", "wild"), SuspendUser("A", "case"))
    at.done(
        SuspendUser("A", "other"), KillAccount("A", "more"), KillVenue("all", cancel_orders=True)
    )
    assert 0 == held(at)


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (SuspendUser("nobody", "x"), Refusal(RejectCode.UNKNOWN_USER, "user", "nobody")),
        (SuspendUser("A", "a b"), Refusal(RejectCode.INVALID_ID, "reference")),
        (ReinstateUser("A", "x"), Refusal(RejectCode.NOT_IN_FORCE, "suspension")),
        (BlacklistUser("A", "", 9), Refusal(RejectCode.INVALID_ID, "reference")),
        (BlacklistUser("A", "x", 0), Refusal(RejectCode.DEADLINE_PASSED, "until_us", 0, 0)),
        (BlacklistUser("A", "x", None), Refusal(RejectCode.NOT_IN_FORCE, "reference", "x")),
        (KillAccount("nobody", ""), Refusal(RejectCode.UNKNOWN_ACCOUNT, "account", "nobody")),
        (KillAccount("A", "\n"), Refusal(RejectCode.INVALID_ID, "reason")),
        (ReleaseAccount("A", ""), Refusal(RejectCode.NOT_IN_FORCE, "kill_switch")),
        (KillVenue("\x00"), Refusal(RejectCode.INVALID_ID, "reason")),
        (ReleaseVenue(""), Refusal(RejectCode.NOT_IN_FORCE, "kill_switch")),
    ],
    ids=str,
)
def test_a_command_that_can_not_be_is_refused(
    at: Desk, command: AnyCommand, expected: Refusal
) -> None:
    before = at.money()
    assert [expected] == outcomes(at, command)
    assert before == at.money()
