"""Logs whose seals are right, but in which a law is broken: verify says which, and by what."""

import random
import typing
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import msgspec
import pytest

from exchange.audit import money
from exchange.audit.effects import DUE, DUE_AT
from exchange.audit.verify import verify
from exchange.kernel.events import Envelope, Event
from exchange.kernel.instruments import Asset, MarketState
from exchange.kernel.journal import Entry, EntryKind
from exchange.kernel.orders import EndReason, Fill, OrderType, Side, TimeInForce
from exchange.kernel.rejects import Refusal, RejectCode
from exchange.matching.events import OrderAccepted, OrderReduced, OrdersCancelled
from exchange.orders.commands import (
    AnyCommand,
    CancelOrder,
    ChangeMarketState,
    Deposit,
    OpenAccount,
    PlaceOrder,
    ReduceOrder,
    RegisterAsset,
    RegisterUser,
    Role,
    TransferFunds,
)
from exchange.orders.events import AssetRegistered, InstrumentListed, MarketStateChanged
from exchange.orders.records import CommandRecorded
from exchange.settlement.events import FeesClosed, TradesSettled
from exchange.store.errors import UnreadableEvent
from exchange.store.mapper import Catalogue
from exchange.users.events import AccountOpened, UserRegistered
from exchange.venue.catalogue import EVENTS
from exchange.wallet.events import EntriesPosted
from tests.audit.forging import (
    Change,
    Forgery,
    also,
    amounts,
    drop,
    edit,
    entries,
    fills,
    nth,
    on,
    put,
    story,
    trades,
    twice,
)
from tests.audit.logs import append, busy_desk, commands_of, log_of
from tests.build import BUY, SELL, SYMBOL, Desk, limit, listing, market

Path = tuple[int, ...]
"""Indexes into nested lists."""

CATALOGUE = Catalogue(EVENTS)
WORDS = [
    member.value
    for words in (Side, OrderType, TimeInForce, EndReason, MarketState, EntryKind)
    for member in words
]

BOOK, SETTLEMENT = f"book:{SYMBOL}", f"settlement:{SYMBOL}"
IOC, FOK = TimeInForce.IOC, TimeInForce.FOK
CONTINUOUS, HALTED, CLOSED = MarketState.CONTINUOUS, MarketState.HALTED, MarketState.CLOSED


def place(account: str, *terms: Any, **more: Any) -> PlaceOrder:  # noqa: ANN401 - a limit's
    return PlaceOrder(account, SYMBOL, limit(*terms, **more))


REST = place("B", BUY, 96, 6)
TAKE = place("D", BUY, 106, 3)
"""Of A 3 at 106."""
SWEEP = place("D", BUY, 108, 16)
"""Of A 6 and B 4 at 106, of C 6 at 108."""
PART = place("D", BUY, 106, 12)
"""Of A 6 and B 4 at 106; 2 rest."""
STOP = place("B", BUY, 106, 8)
"""Of A 6 at 106; then B would meet itself."""
NOW = place("D", BUY, 108, 20, time_in_force=IOC)
"""Of A 6 and B 4 at 106, of C 8 at 108; 2 expire."""
CANCEL = CancelOrder("A", SYMBOL, 1)
REDUCE = ReduceOrder("C", SYMBOL, 4, 3)
DEPOSIT = Deposit("A", "USD", 70, "bank-1")
TRANSFER = TransferFunds("A", "A2", "USD", 30)
HALT = ChangeMarketState(SYMBOL, HALTED, "rumours")
CLOSE = ChangeMarketState(SYMBOL, CLOSED, "the end")


class Case(NamedTuple):
    """The law that the forged command breaks."""

    law: str
    forgery: Callable[[], Forgery]


def case(law: str, command: AnyCommand, *changes: Change, **desks: Callable[[], Desk]) -> Case:
    return Case(law, lambda: Forgery(command, *changes, **desks))


def asked(**fields: object) -> Change:
    """The record says that something else was asked for."""
    return edit(
        CommandRecorded,
        lambda record: msgspec.structs.replace(
            record, command=msgspec.structs.replace(record.command, **fields)
        ),
    )


def terms(*given: Any, **more: Any) -> Change:  # noqa: ANN401 - a limit's
    """The order has other terms, in the record and in the book."""

    def change(forged: list[Any]) -> list[Any]:
        changed = limit(*given, **more)
        return put(OrderAccepted, terms=changed)(asked(terms=changed)(forged))

    return change


def leg(side: str, **fields: object) -> Change:
    """Other values in a leg of the first trade."""
    return trades(nth(0, **{side: lambda old: msgspec.structs.replace(old, **fields)}))


def named(entry_id: str) -> Callable[[list[Any]], list[Any]]:
    """The first entry under another business id."""
    return nth(0, entry_id=entry_id)


def before(*commands: AnyCommand) -> Callable[[], Desk]:
    """A desk where nothing but this was done."""

    def opened() -> Desk:
        fresh = Desk()
        fresh.done(*commands)
        return fresh

    return opened


EXTRA = Fill(3, "C", 108, 1, last=False)

MONEY = {
    "a line is a unit too large": case("L2", REST, entries(nth(0, lines=amounts(0, 1)))),
    "an entry has one line": case("L2", DEPOSIT, entries(nth(0, lines=lambda old: old[1:]))),
    "a line says nothing": case(
        "L2", DEPOSIT, entries(nth(0, lines=lambda old: (*old, ("venue:fees", "USD", 0))))
    ),
    "an order holds more than its account has": case(
        "L4", place("B", BUY, 96, 20), here=lambda: story(funds=1_500), there=story
    ),
    "a transfer moves more than its account has": case(
        "L4", TransferFunds("A", "A2", "USD", 9_999), here=lambda: story(funds=1_500), there=story
    ),
    "a deposit credits more than came in": case(
        "L5", DEPOSIT, entries(nth(0, lines=amounts(-1, 1)))
    ),
    "a deposit is not credited": case("L5", DEPOSIT, drop(EntriesPosted)),
    "a deposit credits somebody else": case(
        "L5",
        DEPOSIT,
        entries(nth(0, lines=lambda old: (old[0], ("acct:B:available", "USD", 70)))),
    ),
    "a transfer moves less than asked": case("L5", TRANSFER, entries(nth(0, lines=amounts(1, -1)))),
    "a transfer comes back": case(
        "L5",
        TRANSFER,
        entries(lambda old: [*old, Entry("transfer:2", EntryKind.TRANSFER, old[0].lines)]),
    ),
    "a refused order holds": case(
        "L7", REST, put(CommandRecorded, refusal=Refusal(RejectCode.WOULD_TRADE))
    ),
    "a hold is too small": case("F1", REST, entries(nth(0, lines=amounts(1, -1)))),
    "a hold is too large": case("F1", REST, entries(nth(0, lines=amounts(-1, 1)))),
    "another account's money is held": case(
        "F1",
        REST,
        entries(nth(0, lines=lambda old: (("acct:C:available", "USD", -576), old[1]))),
    ),
    "nothing is held": case("F1", REST, drop(EntriesPosted)),
    "nothing is held for what trades": case("F1", SWEEP, entries(lambda old: old[1:])),
    "a cancel releases nothing": case("F1", CANCEL, drop(EntriesPosted)),
    "a cancel releases too little": case("F1", CANCEL, entries(nth(0, lines=amounts(1, -1)))),
    "a reduce releases too much": case("F1", REDUCE, entries(nth(0, lines=amounts(-1, 1)))),
    "what expires stays held": case("F1", NOW, entries(lambda old: old[:-1])),
    "a closing market keeps a hold": case("F1", CLOSE, entries(lambda old: old[:-1])),
}

IDS = {
    "an order's number is skipped": case("L6", REST, put(OrderAccepted, number=8)),
    "an order's number comes again": case("L6", REST, put(OrderAccepted, number=6)),
    "a trade's number is skipped": case("L6", TAKE, put(OrderAccepted, trade=3)),
    "a trade's number comes again": case("L6", TAKE, put(OrderAccepted, trade=1)),
    "an order without fills has a trade": case("L6", REST, put(OrderAccepted, trade=2)),
    "a hold's id comes again": case("L6", REST, entries(named("hold:BTC-USD:5"))),
    "a hold's id is skipped": case("L6", REST, entries(named("hold:BTC-USD:8"))),
    "a trade entry's id comes again": case("L6", TAKE, entries(nth(1, entry_id="trade:BTC-USD:1"))),
    "a trade entry's id is skipped": case("L6", TAKE, entries(nth(1, entry_id="trade:BTC-USD:3"))),
    "a release is of another step": case("L6", CANCEL, entries(named("release:BTC-USD:1:3"))),
    "a release is of another order": case("L6", CANCEL, entries(named("release:BTC-USD:3:7"))),
    "a deposit's reference comes again": case(
        "L6", DEPOSIT, here=lambda: story(DEPOSIT), there=story
    ),
    "a deposit's reference is another's": case("L6", DEPOSIT, entries(named("deposit:bank-2"))),
    "a transfer's number is skipped": case("L6", TRANSFER, entries(named("transfer:2"))),
    "a transfer's number comes again": case(
        "L6",
        TRANSFER,
        put(EntriesPosted, cause_version=4),
        here=lambda: story(TRANSFER),
        there=story,
    ),
    "an entry is posted twice": case("L6", DEPOSIT, entries(lambda old: old * 2)),
}

BOOKS = {
    "orders cross and don't trade": case(
        "B1",
        SWEEP,
        put(OrderAccepted, fills=(), trade=0, leaves=16, ended=None),
        drop(TradesSettled),
        entries(lambda old: old[:1]),
    ),
    "a maker is unknown": case("B2", TAKE, fills(nth(0, maker=77))),
    "a maker is gone": case("B2", TAKE, fills(nth(0, maker=6))),
    "an unknown order is cancelled": case("B2", CANCEL, asked(number=77)),
    "another's order is cancelled": case("B2", CANCEL, asked(number=3)),
    "an order is cancelled again": case("B2", CANCEL, here=lambda: story(CANCEL), there=story),
    "a maker gives more than it has": case("B3", SWEEP, fills(nth(0, quantity=7))),
    "a maker is not used up": case("B3", SWEEP, fills(nth(0, quantity=5, last=False))),
    "a maker that is used up stays": case("B3", SWEEP, fills(nth(0, last=False))),
    "an order takes more than it asked": case("B3", TAKE, fills(nth(0, quantity=4))),
    "an order goes on when it is filled": case(
        "B3", place("D", BUY, 108, 10), fills(lambda old: [*old, EXTRA])
    ),
    "less rests than is left": case("B3", REST, put(OrderAccepted, leaves=5)),
    "a filled order rests": case("B3", TAKE, put(OrderAccepted, ended=None)),
    "an order is filled, but not whole": case(
        "B3", PART, put(OrderAccepted, ended=EndReason.FILLED, leaves=0)
    ),
    "a trade prints beside its maker's price": case("B4", TAKE, fills(nth(0, price=107))),
    "a trade prints beyond the limit": case("B4", PART, fills(lambda old: [*old, EXTRA])),
    "who came later trades first": case("B5", SWEEP, fills(lambda old: [old[1], old[0], *old[2:]])),
    "who is first is passed over, and all else agrees": case(
        "B5", TAKE, there=lambda: story(CANCEL)
    ),
    "a worse price trades first": case("B5", SWEEP, fills(lambda old: [old[2], *old[:2]])),
    "an order of the wrong side trades": case("B5", TAKE, fills(nth(0, maker=4))),
    "the last in the queue is passed over": case(
        "B5", NOW, fills(lambda old: old[:2]), put(OrderAccepted, ended=EndReason.IMMEDIATE)
    ),
    "an order meets its own account": case(
        "B6", STOP, fills(lambda old: [*old, Fill(2, "B", 106, 2, last=False)])
    ),
    "IOC rests": case(
        "B6",
        place("D", BUY, 104, 5, time_in_force=IOC),
        put(OrderAccepted, ended=None, leaves=5),
        entries(lambda old: old[:1]),
    ),
    "FOK is filled in part": case("B6", NOW, terms(BUY, 108, 20, time_in_force=FOK)),
    "post-only takes": case("B6", TAKE, terms(BUY, 106, 3, post_only=True)),
    "post-only takes and rests": case("B6", PART, terms(BUY, 106, 12, post_only=True)),
    "an order ends for another reason": case(
        "B6", STOP, put(OrderAccepted, ended=EndReason.IMMEDIATE)
    ),
    "a market order ends for another reason": case(
        "B6",
        PlaceOrder("D", SYMBOL, market(BUY, 20)),
        put(OrderAccepted, ended=EndReason.BUDGET_SPENT),
    ),
    "a budget buys a lot too many": case(
        "B3", PlaceOrder("D", SYMBOL, market(BUY, budget=320)), fills(nth(0, quantity=4))
    ),
    "an order enters a halted market": case(
        "B8", REST, put(CommandRecorded, rulebook_version=2), here=lambda: story(HALT), there=story
    ),
    "an order is reduced in a halted market": case(
        "B8",
        REDUCE,
        put(CommandRecorded, rulebook_version=2),
        here=lambda: story(HALT),
        there=story,
    ),
    "an order is cancelled in a closed market": case(
        "B8",
        CANCEL,
        put(CommandRecorded, rulebook_version=2),
        here=lambda: story(CLOSE),
        there=story,
    ),
}

SETTLED = {
    "a fill is settled with another quantity": case("S1", SWEEP, trades(nth(1, quantity=3))),
    "a fill is settled at another price": case("S1", SWEEP, trades(nth(1, price=107))),
    "a fill is settled at another value": case("S1", SWEEP, trades(nth(1, quote=425))),
    "a fill is settled twice": case("S1", SWEEP, trades(lambda old: [*old, old[0]])),
    "all fills are settled twice": case("S1", SWEEP, twice(TradesSettled)),
    "a fill is not settled": case("S1", SWEEP, trades(lambda old: old[:2])),
    "no fill is settled": case("S1", SWEEP, drop(TradesSettled)),
    "trades are settled that nobody made": case("S1", REST, also(SETTLEMENT, TradesSettled(()))),
    "a trade is not posted": case("S1", SWEEP, entries(lambda old: [*old[:1], *old[2:]])),
    "a trade is posted with other money": case(
        "S1", TAKE, entries(nth(1, lines=amounts(0, 0, 0, -1, 1)))
    ),
    "no trade is posted": case("S1", SWEEP, entries(lambda old: old[:1])),
    "a buyer pays too much": case("S1", TAKE, leg("buy", fee=2)),
    "a seller pays nothing": case(
        "S1", SWEEP, leg("sell", fee=0), here=lambda: story(maker_ppm=9_999)
    ),
    "each fill's fee is rounded up": case(
        "S1", SWEEP, leg("sell", fee=1), here=lambda: story(maker_ppm=500)
    ),
    "a seller pays another rate": case("S1", TAKE, leg("sell", rate_ppm=1)),
    "all pay the rates of another market": case("S1", SWEEP, there=lambda: story(taker_ppm=2_500)),
    "a leg goes to another account": case("S1", TAKE, leg("sell", account="C")),
    "a leg ends an open order": case("S1", TAKE, leg("sell", last=True)),
    "a cancelled order's fees stay open": case("S2", CANCEL, drop(FeesClosed)),
    "fees are closed that nobody owes": case("S2", REDUCE, also(SETTLEMENT, FeesClosed((3,)))),
    "another order's fees are closed": case("S2", CANCEL, put(FeesClosed, orders=(2,))),
    "trades are settled out of order": case(
        "S3", SWEEP, trades(lambda old: [old[1], old[0], old[2]])
    ),
    "trades are posted out of order": case(
        "S3", SWEEP, entries(lambda old: [*old[:2], old[3], old[2]])
    ),
}

RULES = {
    "time goes back": case("R3", REST, put(CommandRecorded, at_us=-1)),
    "nobody has the stream": case("R3", REST, also("weather:today", UserRegistered())),
    "the record asks for another price": case("R7", REST, asked(terms=limit(BUY, 95, 6))),
    "the order is of another account": case("R7", REST, put(OrderAccepted, account="C")),
    "the order has no answer": case("R7", REST, drop(OrderAccepted)),
    "another book answers": case("R7", REST, on("book:ETH-USD", OrderAccepted)),
    "another order is cancelled": case("R7", CANCEL, put(OrdersCancelled, numbers=(3,))),
    "no order is cancelled": case("R7", CANCEL, drop(OrdersCancelled)),
    "an order ends for no such reason": case(
        "R7", CANCEL, put(OrdersCancelled, reason=EndReason.MARKET_CLOSED)
    ),
    "a reduce takes less": case("R7", REDUCE, put(OrderReduced, quantity=2)),
    "entries name another cause": case("R7", DEPOSIT, put(EntriesPosted, cause_version=1)),
    "an order is reduced by a deposit": case("R7", DEPOSIT, also(BOOK, OrderReduced(3, 1))),
    "effects follow from no command": case("R7", REST, drop(CommandRecorded)),
    "a record stands with another account": case("R7", REST, on("orders:C", CommandRecorded)),
    "another rulebook was in force": case("R7", REST, put(CommandRecorded, rulebook_version=0)),
    "a trader orders for another": case("R7", REST, put(CommandRecorded, actor="C")),
    "a trader deposits": case("R7", DEPOSIT, put(CommandRecorded, role=Role.TRADER)),
    "a price is off tick": case(
        "R7", place("B", BUY, 95, 6), here=lambda: story(tick=2), there=story
    ),
    "a quantity is off lot": case(
        "R7", place("B", BUY, 96, 5), here=lambda: story(lot=2), there=story
    ),
    "a price is out of bounds": case(
        "R7", place("B", SELL, 110, 5), here=lambda: story(price_max=109), there=story
    ),
    "a quantity is out of bounds": case(
        "R7", place("B", BUY, 96, 3), here=lambda: story(quantity_min=4), there=story
    ),
    "a value is too small": case(
        "R7", place("B", BUY, 10, 4), here=lambda: story(notional_min=400), there=story
    ),
    "a value is too large": case(
        "R7", place("B", BUY, 96, 99), here=lambda: story(notional_max=2_000), there=story
    ),
    "an account has too many orders": case(
        "R7", place("A", BUY, 96, 6), here=lambda: story(open_orders_max=2), there=story
    ),
    "an order's name is taken": case("R7", REST, terms(BUY, 96, 6, client_order_id="mine")),
    "terms don't go together": case("R7", REST, terms(BUY, 96, 6, budget=10)),
    "an order is reduced by nothing": case("R7", REDUCE, asked(quantity=0)),
    "nothing is deposited": case("R7", DEPOSIT, asked(amount=0)),
    "an unknown asset is deposited": case("R7", DEPOSIT, asked(asset="DOGE")),
    "a deposit goes to nobody": case("R7", DEPOSIT, asked(account="nobody")),
    "a transfer goes to another user": case("R7", TRANSFER, asked(target="B")),
    "an order is placed in no market": case(
        "R7", REST, asked(symbol="ETH-USD"), put(CommandRecorded, rulebook_version=0)
    ),
    "a user registers again": case("R7", RegisterUser("A"), there=Desk),
    "an account is opened again": case(
        "R7", OpenAccount("A", "A"), there=before(RegisterUser("A"))
    ),
    "an account belongs to nobody": case(
        "R7", OpenAccount("Z", "Z1"), there=before(RegisterUser("Z"))
    ),
    "an asset is registered again": case("R7", RegisterAsset("USD", 0), there=Desk),
    "a market is listed again": case(
        "R7",
        listing(),
        put(CommandRecorded, rulebook_version=1),
        there=before(RegisterAsset("BTC", 0), RegisterAsset("USD", 0)),
    ),
    "a market changes to what it is": case(
        "B8",
        ChangeMarketState(SYMBOL, CONTINUOUS, ""),
        put(CommandRecorded, rulebook_version=1),
        there=lambda: story(HALT),
    ),
    "another user is registered": case("R7", RegisterUser("F"), on("user:G", UserRegistered)),
    "another account is opened": case(
        "R7", OpenAccount("A", "A3"), put(AccountOpened, account="A4")
    ),
    "another asset is registered": case(
        "R7", RegisterAsset("DOGE", 8), put(AssetRegistered, asset=Asset("DOGE", 9))
    ),
    "a market gets other rules": case(
        "R7",
        listing(symbol="B2"),
        edit(
            InstrumentListed,
            lambda it: InstrumentListed(
                msgspec.structs.replace(it.instrument, taker_ppm=0), it.state
            ),
        ),
    ),
    "a market gets another state": case("R7", HALT, put(MarketStateChanged, state=CLOSED)),
    "a closed market keeps its orders": case(
        "R7", CLOSE, drop(OrdersCancelled), drop(FeesClosed), drop(EntriesPosted)
    ),
}

CASES = MONEY | IDS | BOOKS | SETTLED | RULES


@pytest.mark.parametrize("what", CASES)
def test_the_law_and_the_command_that_breaks_it_are_named(what: str) -> None:
    """The finding stands at the command's record, or at the first event where there is none."""
    law, forgery = CASES[what]
    with forgery().log() as (log, position):
        verdict, _ = verify(log)
    assert [(law, position, 3)] == [(it.law, it.position, it.batch) for it in verdict.findings]
    assert 3 == verdict.batches


@pytest.mark.parametrize(
    "command",
    [
        REST, TAKE, SWEEP, PART, STOP, NOW, CANCEL, REDUCE, DEPOSIT, TRANSFER, HALT, CLOSE,
        PlaceOrder("D", SYMBOL, market(BUY, 20)),
        PlaceOrder("D", SYMBOL, market(BUY, budget=320)),
        ReduceOrder("C", SYMBOL, 8, 3),
        CancelOrder("B", SYMBOL, None, "mine"),
        RegisterUser("F"), OpenAccount("A", "A3"), RegisterAsset("DOGE", 8), listing(symbol="B2"),
    ],
)  # fmt: skip
def test_without_a_change_nothing_is_found(command: AnyCommand) -> None:
    """So what is found above is what was changed."""
    with Forgery(command).log() as (log, _):
        verdict, _ = verify(log)
    assert [] == verdict.findings


def test_an_order_that_used_up_its_fills_is_sound(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bound is lowered for both, the matcher and its auditor."""
    for module in ("matching.plan", "audit.matched"):
        monkeypatch.setattr(f"exchange.{module}.FILLS_MAX", 2)
    forgery = Forgery(SWEEP)
    assert EndReason.FILLS_MAX in [getattr(event, "ended", None) for _, event in forgery.forged]
    with forgery.log() as (log, _):
        assert [] == verify(log)[0].findings


def test_every_kind_of_command_has_its_due_effects() -> None:
    """A new kind can't slip through; a place stands apart."""
    assert {*DUE, *DUE_AT, *money.MONEY, PlaceOrder} == set(typing.get_args(AnyCommand))


def test_a_gap_in_a_stream_is_named() -> None:
    forgery = Forgery(REST)
    with log_of(forgery.story) as log:
        record, accepted, posted = forgery.numbered()
        later = Envelope(posted.originator_id, posted.originator_version + 1, posted.event)
        position = append(log, [record, accepted, later])
        verdict, _ = verify(log)
    assert [("R3", position + 2)] == [(it.law, it.position) for it in verdict.findings]
    assert "ledger goes from version" in verdict.findings[0].detail


@pytest.mark.parametrize(
    ("seed", "all_of_it"), [(1, False), (2, False), pytest.param(3, True, marks=pytest.mark.slow)]
)
def test_no_part_of_an_effect_can_be_another(seed: int, *, all_of_it: bool) -> None:
    """Whatever field of whatever effect is changed, and whatever was asked for."""
    commands, chance = commands_of(busy_desk(seed, 60)), random.Random(seed)  # noqa: S311
    tried = 0
    for number, command in enumerate(commands):
        for index, envelope in enumerate(command):
            paths = list(bound_parts(envelope.event))
            for path in paths if all_of_it else paths and [chance.choice(paths)]:
                other = changed(envelope.event, path)
                if other is None:
                    continue
                false = Envelope(envelope.originator_id, envelope.originator_version, other)
                story = [it for before in commands[:number] for it in before]
                with log_of(story, [*command[:index], false, *command[index + 1 :]]) as log:
                    verdict, _ = verify(log)
                assert verdict.findings, (envelope, other)
                tried += 1
    assert tried > 100


FREE = ((ReduceOrder, (0, 3)), (ChangeMarketState, (0, 4)))
"""What may be otherwise without a trace: any quantity from what is open upwards cancels, and
whether a halt cancels does not show where nothing is open, or the market closes."""


def bound_parts(event: Event) -> Iterator[Path]:
    """Where the event has what follows from the log; of a record that is the command alone."""
    if not isinstance(event, CommandRecorded):
        yield from leaves(plain(event))
    elif event.refusal is None:
        for path in leaves(plain(event)[:1]):
            if not any(isinstance(event.command, it) and path == at for it, at in FREE):
                yield path


def leaves(data: list[Any]) -> Iterator[Path]:
    """Every value that is none of null."""
    for index, part in enumerate(data):
        if isinstance(part, list):
            yield from ((index, *path) for path in leaves(part))
        elif part is not None:
            yield (index,)


def changed(event: Event, path: Path) -> Event | None:
    """The event with another value there; null where nothing else can stand."""
    data = part = plain(event)
    for index in path[:-1]:
        part = part[index]
    old = part[path[-1]]
    if isinstance(old, bool):
        others: list[Any] = [not old]
    else:
        others = [old + 1] if isinstance(old, int) else [f"{old}1", *WORDS]
    for other in others:
        part[path[-1]] = other
        try:
            again = CATALOGUE.decode(event.TOPIC, msgspec.json.encode(data))
        except UnreadableEvent:
            continue
        if again != event:
            return again
    return None


def plain(event: Event) -> list[Any]:
    """The event as it is stored."""
    stored: list[Any] = msgspec.json.decode(CATALOGUE.encode(event))
    return stored
