"""Logs with right seals in which rules, tiers, roles, stops or switches were not kept."""

from collections.abc import Callable

import msgspec
import pytest

from exchange.audit.verify import verify
from exchange.kernel.instruments import MarketState
from exchange.kernel.orders import EndReason
from exchange.kernel.roles import Role
from exchange.matching.events import OrdersCancelled
from exchange.orders.commands import (
    AmendOrder,
    AnyCommand,
    ChangeMarketState,
    ReduceOrder,
    RegisterUser,
    RunStops,
)
from exchange.orders.events import FeeTierSet, InstrumentChanged, VenueKilled, VenueReleased
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
from exchange.orders.records import CommandRecorded
from exchange.users.events import (
    AccountKilled,
    AccountReleased,
    AccountTierSet,
    RoleGranted,
    RoleRevoked,
    UserBlacklisted,
    UserReinstated,
    UserSuspended,
)
from exchange.wallet.events import EntriesPosted
from tests.audit.forging import (
    Change,
    Forgery,
    also,
    amounts,
    drop,
    edit,
    entries,
    nth,
    on,
    put,
    story,
    trades,
    twice,
)
from tests.audit.test_laws_found import (
    CANCEL,
    DEPOSIT,
    REST,
    SWEEP,
    TAKE,
    TRANSFER,
    Case,
    asked,
    bound_parts,
    case,
    changed,
    leg,
)
from tests.build import OPERATOR, SYMBOL, Desk

ADMIN, AUDITOR = Role.ADMIN, Role.AUDITOR
CHANGE = ChangeInstrument(SYMBOL, "as it says", tick=2, maker_ppm=-100)
TIER = SetFeeTier(SYMBOL, "gold", -100, 900)
OFF = SetFeeTier(SYMBOL, "gold", None, None)
JOIN = SetAccountTier("A", "gold")
GRANT = GrantRole("A", AUDITOR)
REVOKE = RevokeRole("A", ADMIN)
SUSPEND = SuspendUser("A", "case-1", cancel_orders=True)
REINSTATE = ReinstateUser("A", "case-1")
LIST = BlacklistUser("A", "x", 10)
KILL = KillAccount("A", "wild", cancel_orders=True)
RELEASE = ReleaseAccount("A", "calm")
KILL_ALL = KillVenue("fire", cancel_orders=True)
RELEASE_ALL = ReleaseVenue("out")
HALT = ChangeMarketState(SYMBOL, MarketState.HALTED, "news", cancel_orders=True)

STAFF: tuple[AnyCommand, ...] = (
    RegisterUser(OPERATOR),
    *(GrantRole(OPERATOR, role) for role in (Role.OPERATOR, ADMIN)),
)
AS_MAKER = (SetFeeTier(SYMBOL, "gold", -900_000, 0), SetAccountTier("A", "gold"))
"""A's rebate would be 2.7 of the 3 that a taker gets: it is all of the fee of 1."""


def told(*more: AnyCommand) -> Callable[[], Desk]:
    return lambda: story(*more)


def tried(law: str, command: AnyCommand, *before: AnyCommand, there: Callable[[], Desk]) -> Case:
    """Done where it was lawful, written where something before it forbids it."""
    return case(law, command, here=told(*before), there=there)


def rebate(units: int) -> Change:
    return trades(nth(0, rebate=units))


def acting(actor: str, role: Role) -> Change:
    return put(CommandRecorded, actor=actor, role=role)


def rules(**changes: object) -> Change:
    """Other rules in the event."""
    return edit(
        InstrumentChanged,
        lambda it: msgspec.structs.replace(
            it, instrument=msgspec.structs.replace(it.instrument, **changes)
        ),
    )


def rulebook(version: int) -> Change:
    return put(CommandRecorded, rulebook_version=version)


RULES = {
    "another rule changes too": case("R7", CHANGE, rules(taker_ppm=0)),
    "the named rule changes otherwise": case("R7", CHANGE, rules(tick=3)),
    "the units change": case("R7", CHANGE, rules(value_unit=2)),
    "nothing changes though it was asked for": case("R7", CHANGE, drop(InstrumentChanged)),
    "a change is made twice": case("R7", CHANGE, twice(InstrumentChanged)),
    "the rules change by themselves": case(
        "R7",
        DEPOSIT,
        also(f"market:{SYMBOL}", FeeTierSet("gold", 0, 0)),
    ),
    "the reason is another": case("R7", CHANGE, put(InstrumentChanged, reason="another")),
    "a change that makes no market": case("R7", CHANGE, asked(tick=0), rules(tick=0)),
    "a change to what it is": case(
        "R7", ChangeInstrument(SYMBOL, "", tick=2), rulebook(2),
        here=told(ChangeInstrument(SYMBOL, "", tick=2)), there=story,
    ),
    "a closed market's rules change": case(
        "B8", CHANGE, rulebook(2),
        here=told(ChangeMarketState(SYMBOL, MarketState.CLOSED, "")), there=story,
    ),
    "an order is judged by yesterday's tick": case(
        "R7", REST, rulebook(2), here=told(ChangeInstrument(SYMBOL, "", tick=5)), there=story
    ),
    "an amend is judged by yesterday's lot": case(
        "R7", AmendOrder("C", SYMBOL, 3, quantity=7), rulebook(2),
        here=told(ChangeInstrument(SYMBOL, "", lot=2)), there=story,
    ),
    "a reduce is judged by yesterday's lot": case(
        "R7", ReduceOrder("C", SYMBOL, 3, 3), rulebook(2),
        here=told(ChangeInstrument(SYMBOL, "", lot=2)), there=story,
    ),
    "an order names yesterday's rulebook": case(
        "R7", REST, rulebook(1), here=told(ChangeInstrument(SYMBOL, "", tick=2))
    ),
    "a halt takes no orders out": case("R7", HALT, drop(OrdersCancelled)),
    "a halt that was not to takes orders out": case(
        "R7", HALT, asked(cancel_orders=False)
    ),
    "a halt ends orders for another reason": case(
        "R7", HALT, put(OrdersCancelled, reason=EndReason.CANCELLED)
    ),
}  # fmt: skip

FEES = {
    "a tier's maker pays another rate": case("R7", TIER, put(FeeTierSet, maker_ppm=-101)),
    "a tier's taker pays another rate": case("R7", TIER, put(FeeTierSet, taker_ppm=0)),
    "another tier is set": case("R7", TIER, put(FeeTierSet, tier="lead")),
    "a tier stays": case("R7", OFF, drop(FeeTierSet), here=told(TIER)),
    "an unknown tier is taken away": case("R7", OFF, rulebook(1), there=told(TIER)),
    "a tier pays takers": case("R7", TIER, asked(taker_ppm=-1), put(FeeTierSet, taker_ppm=-1)),
    "one rate alone is set": case(
        "R7", TIER, asked(maker_ppm=None), put(FeeTierSet, maker_ppm=None)
    ),
    "an account comes into another tier": case(
        "R7", JOIN, put(AccountTierSet, tier="lead"), here=told(TIER)
    ),
    "another account comes into the tier": case(
        "R7", JOIN, on("user:B", AccountTierSet), here=told(TIER)
    ),
    "an account comes into a tier that nobody knows": tried("R7", JOIN, there=told(TIER)),
    "a fill is charged at yesterday's rate": case(
        "S1", TAKE, rulebook(2), here=told(ChangeInstrument(SYMBOL, "", maker_ppm=5_000)),
        there=story,
    ),
    "a tier's fill is charged at the market's rate": case(
        "S1", TAKE, rulebook(2), here=told(*AS_MAKER), there=story
    ),
    "an account without a tier is charged at one": case(
        "S1", TAKE, rulebook(1), here=story, there=told(*AS_MAKER)
    ),
    "a rebate is too small": case("S1", TAKE, rebate(0), here=told(*AS_MAKER)),
    "a rebate is more than the fee": case("S1", TAKE, rebate(2), here=told(*AS_MAKER)),
    "a rebate is paid to one who pays": case("S1", TAKE, rebate(1)),
    "a rebate stays with the venue": case(
        "S1", TAKE, entries(nth(1, lines=lambda old: old[:-2])), here=told(*AS_MAKER)
    ),
    "a rebate goes to the taker": case(
        "S1",
        TAKE,
        entries(
            nth(1, lines=lambda old: (
                *old[:-1], ("acct:D:available", *old[-1][1:]),
            ))
        ),
        here=told(*AS_MAKER),
    ),
    "a rebate is charged as a fee too": case(
        "S1", TAKE, leg("sell", fee=1), here=told(*AS_MAKER)
    ),
}  # fmt: skip

ROLES = {
    "a role is granted by one who may not": case(
        "R7", GRANT, acting("B", ADMIN), here=told(*STAFF)
    ),
    "an operator changes the rules": case(
        "R7", CHANGE, acting(OPERATOR, Role.OPERATOR), here=told(*STAFF)
    ),
    "a trader suspends": case("R7", SUSPEND, acting("B", Role.TRADER)),
    "an auditor deposits": case(
        "R7", DEPOSIT, acting("A", AUDITOR), here=told(GRANT)
    ),
    "nobody deposits as an operator": case(
        "R7", DEPOSIT, acting("nobody", Role.OPERATOR), here=told(*STAFF)
    ),
    "an admin deposits": case("R7", DEPOSIT, acting(OPERATOR, ADMIN), here=told(*STAFF)),
    "somebody acts for an account as an operator": case(
        "R7", CANCEL, acting("B", Role.OPERATOR), here=told(*STAFF)
    ),
    "an admin orders for an account": case(
        "R7", REST, acting(OPERATOR, ADMIN), here=told(*STAFF)
    ),
    "a revoked operator goes on": case(
        "R7", DEPOSIT, here=told(*STAFF, RevokeRole(OPERATOR, Role.OPERATOR)), there=told(*STAFF)
    ),
    "the venue deposits": case("R7", DEPOSIT, acting("venue", Role.SYSTEM)),
    "another role is granted": case("R7", GRANT, put(RoleGranted, role=ADMIN)),
    "a role is granted to another": case("R7", GRANT, on("user:B", RoleGranted)),
    "a role is granted to nobody": case("R7", GRANT, asked(user="nobody")),
    "a role is granted again": tried("R7", GRANT, GRANT, there=story),
    "the venue's own role is granted": case(
        "R7", GRANT, asked(role=Role.SYSTEM), put(RoleGranted, role=Role.SYSTEM)
    ),
    "a role comes by itself": case("R7", DEPOSIT, also("user:B", RoleGranted(ADMIN))),
    "the last admin goes": case(
        "R7", RevokeRole("A", AUDITOR), asked(role=ADMIN), put(RoleRevoked, role=ADMIN),
        acting("A", ADMIN), here=told(GRANT, GrantRole("A", ADMIN)), there=told(GRANT),
    ),
    "a role is revoked that nobody has": case(
        "R7", RevokeRole("A", AUDITOR), here=story, there=told(GRANT)
    ),
}  # fmt: skip

STOPS = {
    "a suspended user orders": tried("R7", REST, SuspendUser("B", "c"), there=story),
    "a suspended user transfers": tried("R7", TRANSFER, SuspendUser("A", "c"), there=story),
    "a suspended user amends": tried(
        "R7", AmendOrder("C", SYMBOL, 3, price=109), SuspendUser("C", "c"), there=story
    ),
    "a blacklisted user orders": tried("R7", REST, BlacklistUser("B", "x", 10), there=story),
    "a killed account orders": tried("B8", REST, KillAccount("B", "wild"), there=story),
    "a killed account amends": tried(
        "B8", AmendOrder("C", SYMBOL, 3, price=109), KillAccount("C", "wild"), there=story
    ),
    "an operator orders for a killed account": case(
        "B8", REST, acting(OPERATOR, Role.OPERATOR), here=told(KillAccount("B", "")), there=story
    ),
    "an order enters a killed venue": tried("B8", REST, KillVenue("fire"), there=story),
    "woken orders enter a killed venue": tried(
        "R7", RunStops(SYMBOL), KillVenue("fire"), there=story
    ),
    "woken orders enter a halted market": case(
        "R7", RunStops(SYMBOL), rulebook(2), here=told(HALT), there=story
    ),
    "another user is suspended": case("R7", SUSPEND, on("user:B", UserSuspended)),
    "a suspension has another reference": case("R7", SUSPEND, put(UserSuspended, reference="y")),
    "a suspension leaves the orders": case("R7", SUSPEND, asked(cancel_orders=False)),
    "a suspension takes one order out": case("R7", SUSPEND, put(OrdersCancelled, numbers=(1,))),
    "a suspension takes another's order out": case(
        "R7", SUSPEND, put(OrdersCancelled, numbers=(1, 3))
    ),
    "a suspension keeps the holds": case("F1", SUSPEND, drop(EntriesPosted)),
    "a suspension frees too little": case("F1", SUSPEND, entries(nth(0, lines=amounts(1, -1)))),
    "one who is not suspended is reinstated": tried("R7", REINSTATE, there=told(SUSPEND)),
    "another is reinstated": case(
        "R7", REINSTATE, on("user:B", UserReinstated), here=told(SUSPEND)
    ),
    "a reference counts longer": case("R7", LIST, put(UserBlacklisted, until_us=11)),
    "a reference counts from the past": case(
        "R7", LIST, asked(until_us=0), put(UserBlacklisted, until_us=0)
    ),
    "a reference that is not there is taken off": tried(
        "R7", BlacklistUser("A", "x", None), there=told(LIST)
    ),
    "another account is killed": case("R7", KILL, put(AccountKilled, account="A2")),
    "a kill leaves the orders": case("R7", KILL, asked(cancel_orders=False)),
    "a kill says another reason": case("R7", KILL, put(AccountKilled, reason="none")),
    "a kill ends orders for another reason": case(
        "R7", KILL, put(OrdersCancelled, reason=EndReason.SUSPENDED)
    ),
    "an account is released that was not killed": tried("R7", RELEASE, there=told(KILL)),
    "another account is released": case(
        "R7", RELEASE, put(AccountReleased, account="A2"), here=told(KILL, KillAccount("A2", ""))
    ),
    "nobody's account is killed": case("R7", KILL, asked(account="nobody")),
    "the venue is not killed": case("R7", KILL_ALL, drop(VenueKilled)),
    "a kill of the venue leaves an order": case(
        "R7", KILL_ALL, put(OrdersCancelled, numbers=(1, 2, 3, 4))
    ),
    "the venue is released that was not killed": tried("R7", RELEASE_ALL, there=told(KILL_ALL)),
    "the venue is released for another reason": case(
        "R7", RELEASE_ALL, put(VenueReleased, reason="none"), here=told(KILL_ALL)
    ),
    "the switch moves by itself": case("R7", DEPOSIT, also("switch", VenueKilled("fire"))),
}  # fmt: skip

CASES = RULES | FEES | ROLES | STOPS


@pytest.mark.parametrize("what", CASES)
def test_the_law_and_the_command_that_breaks_it_are_named(what: str) -> None:
    law, forgery = CASES[what]
    with forgery().log() as (log, position):
        verdict, _ = verify(log)
    assert [(law, position)] == [(it.law, it.position) for it in verdict.findings]


SOUND: dict[AnyCommand, tuple[AnyCommand, ...]] = {
    CHANGE: (), TIER: (), OFF: (TIER,), JOIN: (TIER,), TAKE: AS_MAKER, SWEEP: AS_MAKER,
    GRANT: STAFF, REVOKE: (*STAFF, GrantRole("A", ADMIN)), SUSPEND: STAFF, REINSTATE: (SUSPEND,),
    LIST: (), KILL: (), RELEASE: (KILL,), KILL_ALL: (), RELEASE_ALL: (KILL_ALL,), HALT: (),
    CANCEL: (SuspendUser("A", "c"), KillAccount("A", ""), KillVenue("")),
    TRANSFER: (KillAccount("A", ""), KillVenue("")),
    REST: (ChangeInstrument(SYMBOL, "", tick=2), SuspendUser("A", "c")),
}  # fmt: skip


@pytest.mark.parametrize("command", SOUND, ids=str)
def test_without_a_change_nothing_is_found(command: AnyCommand) -> None:
    with Forgery(command, here=told(*SOUND[command])).log() as (log, _):
        assert [] == verify(log)[0].findings


@pytest.mark.parametrize("command", SOUND, ids=str)
def test_no_part_of_an_effect_can_be_another(command: AnyCommand) -> None:
    """Whatever field of whatever effect is changed, and whatever was asked for."""
    lawful = Forgery(command, here=told(*SOUND[command]))
    tried = 0
    for index, (stream, event) in enumerate(lawful.forged):
        for path in bound_parts(event):
            other = changed(event, path)
            if other is None:
                continue
            forgery = Forgery(command, here=told(*SOUND[command]))
            forgery.forged[index] = (stream, other)
            with forgery.log() as (log, _):
                assert verify(log)[0].findings, (event, other)
            tried += 1
    assert tried
