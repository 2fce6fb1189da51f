"""Who may give which command: the page, the code, and what the venue does, are one."""

import typing
from pathlib import Path

import pytest

from exchange.kernel.instruments import MarketState
from exchange.kernel.orders import OrderTerms, OrderType
from exchange.kernel.rejects import Refusal, RejectCode
from exchange.kernel.roles import Role
from exchange.orders.command import givers
from exchange.orders.commands import (
    AmendOrder,
    AnyCommand,
    CancelOrder,
    CancelOrders,
    ChangeMarketState,
    Deposit,
    ExpireOrders,
    OpenAccount,
    PlaceOrder,
    PlaceOrderList,
    ReduceOrder,
    RegisterAsset,
    RegisterUser,
    Request,
    RunStops,
    SetTradeGroup,
    TransferFunds,
    kind,
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
from tests.build import BUY, OPERATOR, SELL, SYMBOL, Desk, desk, limit, listing

PAGE = Path(__file__).parents[2] / "docs" / "roles.md"
ROLES = tuple(Role)
TRADER, ADMIN, SYSTEM = Role.TRADER, Role.ADMIN, Role.SYSTEM
STAFF = (Role.OPERATOR, Role.AUDITOR, ADMIN)
HOLDERS = {TRADER: "A", **{role: f"the-{role.value}" for role in (*STAFF, SYSTEM)}}
"""Role -> who holds it."""

REFERENCE = "case-1"
STOP = OrderTerms(SELL, OrderType.STOP, None, 1, trigger=30)
GOOD: tuple[AnyCommand, ...] = (
    PlaceOrder("A", SYMBOL, limit(BUY, 50, 1)),
    CancelOrder("A", SYMBOL, 1),
    ReduceOrder("A", SYMBOL, 1, 1),
    AmendOrder("A", SYMBOL, 1, price=41),
    CancelOrders("A"),
    TransferFunds("A", "A2", "USD", 1),
    Deposit("A", "USD", 1, "more"),
    RegisterUser("new"),
    OpenAccount("A", "A3"),
    SetTradeGroup("A", "G"),
    RegisterAsset("ETH", 2),
    listing(symbol="BTC-2"),
    ChangeMarketState(SYMBOL, MarketState.HALTED, "news"),
    ChangeInstrument(SYMBOL, "news", tick=2),
    SetFeeTier(SYMBOL, "gold", 1, 1),
    SetAccountTier("A", "silver"),
    GrantRole("A", ADMIN),
    RevokeRole("the-auditor", Role.AUDITOR),
    SuspendUser("A", REFERENCE),
    ReinstateUser("C", REFERENCE),
    BlacklistUser("A", REFERENCE, 10**6),
    KillAccount("A", "runs wild"),
    ReleaseAccount("D", "calm"),
    KillVenue("fire"),
    ReleaseVenue("no fire"),
    PlaceOrderList("A", SYMBOL, limit(SELL, 90, 1), STOP),
    SetWithdrawalTerms("USD", 1, 1, 10, 10),
    RequestWithdrawal("A", "BTC", 5, "bank"),
    ApproveWithdrawal(1),
    RejectWithdrawal(1, "unknown bank"),
    CancelWithdrawal("A", 1),
    SendWithdrawal(2, "wire-2"),
    CompleteWithdrawal(3),
    ReverseDeposit("B-USD", "bounced"),
    BustTrade(SYMBOL, 1, "typo"),
    ApproveClaim(1),
    DropClaim(1),
    PayOutFees("BTC", 1, "out-1"),
    FundInsurance("USD", 1, "in-1"),
    ExpireOrders(SYMBOL),
    RunStops(SYMBOL),
)
"""One of each kind that nothing but the giver's right speaks against."""

by_kind = pytest.mark.parametrize("command", GOOD, ids=kind)
by_role = pytest.mark.parametrize("role", ROLES, ids=lambda role: role.value)


def house(command: AnyCommand, *, is_open: bool) -> Desk:
    """A is a trader with an order and withdrawals on each step, C is suspended, D killed.

    A has bought from B, of whom a deposit is claimed; each role of staff has a holder.
    """
    opened = desk()
    opened.done(
        OpenAccount("A", "A2"),
        PlaceOrder("A", SYMBOL, limit(BUY, 40, 5)),
        SetFeeTier(SYMBOL, "silver", 1, 1),
        SuspendUser("C", REFERENCE),
        KillAccount("D", "wild"),
        SetWithdrawalTerms("BTC", 0, 1, 10, 10),
        *(RequestWithdrawal("A", "BTC", 5, "bank") for _ in range(3)),
        *(ApproveWithdrawal(number) for number in (2, 3)),
        SendWithdrawal(3, "wire-3"),
        PlaceOrder("B", SYMBOL, limit(SELL, 60, 1)),
        PlaceOrder("A", SYMBOL, limit(BUY, 60, 1)),
        ReverseDeposit("B-BTC", "bounced", claim=True),
        *(RegisterUser(HOLDERS[role]) for role in STAFF),
        *(GrantRole(HOLDERS[role], role) for role in STAFF if role is not ADMIN),
    )
    if isinstance(command, ReleaseVenue):
        opened.done(KillVenue("fire"))
    if not is_open:
        opened.done(GrantRole(HOLDERS[ADMIN], ADMIN))
    return opened


def refusal(at: Desk, command: AnyCommand, actor: str, role: Role) -> Refusal | None:
    before = at.money()
    found = answer(at.decide(Request(command, actor, role))).refusal
    assert found is None or before == at.money()
    return found


def not_permitted(role: Role) -> Refusal:
    return Refusal(RejectCode.NOT_PERMITTED, "role", role.value)


def test_every_kind_is_tried() -> None:
    assert set(typing.get_args(AnyCommand)) == {type(command) for command in GOOD}


def test_the_page_says_who_may_give_what() -> None:
    said = {}
    for line in PAGE.read_text().splitlines():
        name, *cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == len(ROLES) and {"", "all", "own"} >= set(cells):
            said[name] = dict(zip(ROLES, cells, strict=True))
    assert {
        kind(command): {
            role: "" if role not in givers(type(command)) else "own" if role is TRADER else "all"
            for role in ROLES
        }
        for command in GOOD
    } == said


@by_kind
@by_role
def test_who_holds_the_role_may_give_what_the_role_may(command: AnyCommand, role: Role) -> None:
    at = house(command, is_open=False)
    expected = None if role in givers(type(command)) else not_permitted(role)
    assert expected == refusal(at, command, HOLDERS[role], role)


@by_kind
@pytest.mark.parametrize("role", STAFF, ids=lambda role: role.value)
@pytest.mark.parametrize("actor", ["A", "nobody", OPERATOR])
def test_who_does_not_hold_the_role_may_give_nothing(
    command: AnyCommand, role: Role, actor: str
) -> None:
    at = house(command, is_open=False)
    assert not_permitted(role) == refusal(at, command, actor, role)


@by_kind
@by_role
def test_in_an_open_house_anybody_may_act_as_staff(command: AnyCommand, role: Role) -> None:
    at = house(command, is_open=True)
    actor = "A" if role is TRADER else "nobody"
    expected = None if role in givers(type(command)) else not_permitted(role)
    assert expected == refusal(at, command, actor, role)


def test_a_role_of_staff_is_no_right_to_trade_for_oneself_as_another() -> None:
    at = house(KillVenue(""), is_open=False)
    foreign = Refusal(RejectCode.UNKNOWN_ACCOUNT, "account", "A")
    for actor in ("the-operator", "the-admin", "B"):
        assert foreign == refusal(at, GOOD[0], actor, TRADER)


def test_a_revoked_role_is_gone_with_the_next_command() -> None:
    at = house(KillVenue(""), is_open=False)
    deposit = Deposit("A", "USD", 1, "1")
    assert refusal(at, deposit, "the-operator", Role.OPERATOR) is None
    revoke = RevokeRole("the-operator", Role.OPERATOR)
    assert refusal(at, revoke, "the-admin", ADMIN) is None
    again = Deposit("A", "USD", 1, "2")
    assert not_permitted(Role.OPERATOR) == refusal(at, again, "the-operator", Role.OPERATOR)


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (GrantRole("nobody", ADMIN), Refusal(RejectCode.UNKNOWN_USER, "user", "nobody")),
        (GrantRole("A", TRADER), Refusal(RejectCode.FIELD_COMBINATION, "role", "trader")),
        (GrantRole("A", SYSTEM), Refusal(RejectCode.FIELD_COMBINATION, "role", "system")),
        (
            GrantRole("the-auditor", Role.AUDITOR),
            Refusal(RejectCode.ALREADY_EXISTS, "role", "auditor"),
        ),
        (RevokeRole("nobody", ADMIN), Refusal(RejectCode.UNKNOWN_USER, "user", "nobody")),
        (RevokeRole("A", ADMIN), Refusal(RejectCode.NOT_IN_FORCE, "role", "admin")),
        (RevokeRole("A", TRADER), Refusal(RejectCode.NOT_IN_FORCE, "role", "trader")),
        (RevokeRole("the-admin", ADMIN), Refusal(RejectCode.LAST_ADMIN, "user", "the-admin")),
    ],
    ids=str,
)
def test_a_role_that_can_not_change_hands_says_why(command: AnyCommand, expected: Refusal) -> None:
    at = house(command, is_open=False)
    assert expected == refusal(at, command, "the-admin", ADMIN)


def test_an_admin_may_go_when_there_is_another() -> None:
    at = house(KillVenue(""), is_open=False)
    assert refusal(at, GrantRole("A", ADMIN), "the-admin", ADMIN) is None
    assert refusal(at, RevokeRole("the-admin", ADMIN), "the-admin", ADMIN) is None
    assert not_permitted(ADMIN) == refusal(at, GrantRole("B", ADMIN), "the-admin", ADMIN)
    last = Refusal(RejectCode.LAST_ADMIN, "user", "A")
    assert last == refusal(at, RevokeRole("A", ADMIN), "A", ADMIN)
