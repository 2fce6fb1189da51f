"""The ledger keeps its laws whatever money does, and every statement adds up."""

from typing import Any

import msgspec
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from exchange.kernel.accounts import EXTERNAL, FEES, available, held, withdrawal
from exchange.kernel.journal import Entry, EntryKind, Line, check_entry
from exchange.kernel.laws import InvariantViolation
from exchange.wallet.entries import deposit, hold, move, release, transfer
from exchange.wallet.events import EntriesPosted
from exchange.wallet.ledger import Ledger
from tests.effort import Effort, runs

STREAM = "ledger"
BILLION_ETHER = 10**9 * 10**18
ASSETS = ("BTC", "USD")

names = st.sampled_from("ABC")
assets = st.sampled_from(ASSETS)
amounts = st.integers(1, 10) | st.integers(1, BILLION_ETHER)
parts = st.integers(1, 1_000)  # of what is there, in thousandths


class LedgerMachine(RuleBasedStateMachine):
    """Money comes in, is held, released, traded and moved; nobody spends what he has not."""

    effort = Effort()

    def __init__(self) -> None:
        super().__init__()
        self.ledger = Ledger(STREAM)
        self.events: list[EntriesPosted] = []

    @initialize(amount=amounts)
    def opened(self, amount: int) -> None:
        """Everybody has something, half of it held."""
        for name in "ABC":
            for asset in ASSETS:
                self.deposited(name, asset, 2 * amount)
                self.held(name, asset, 500)

    @rule(name=names, asset=assets, amount=amounts)
    def deposited(self, name: str, asset: str, amount: int) -> None:
        self.post(deposit(f"d{len(self.events)}", name, asset, amount))

    @rule(name=names, asset=assets, part=parts)
    def held(self, name: str, asset: str, part: int) -> None:
        amount = self.part_of(available(name), asset, part)
        if amount:
            self.post(hold(f"X:{len(self.events)}", name, asset, amount))

    @rule(name=names, asset=assets, part=parts)
    def released(self, name: str, asset: str, part: int) -> None:
        amount = self.part_of(held(name), asset, part)
        if amount:
            self.post(release(f"X:{len(self.events)}", len(self.events), name, asset, amount))

    @rule(payer=names, payee=names, asset=assets, part=parts)
    def transferred(self, payer: str, payee: str, asset: str, part: int) -> None:
        amount = self.part_of(available(payer), asset, part)
        if amount and payer != payee:
            self.post(transfer(self.ledger.transfer_count + 1, payer, payee, asset, amount))

    @rule(buyer=names, seller=names, paid=parts, sold=parts, fee=parts)
    def traded(self, buyer: str, seller: str, paid: int, sold: int, fee: int) -> None:
        """The buyer pays USD from what it holds, the seller BTC; fees come off what they get."""
        quote = self.part_of(held(buyer), "USD", paid)
        base = self.part_of(held(seller), "BTC", sold)
        if not quote or not base:
            return
        quote_fee, base_fee = quote * fee // 1_000, base * fee // 1_000
        lines = (
            (held(buyer), "USD", -quote),
            (available(seller), "USD", quote - quote_fee),
            (FEES, "USD", quote_fee),
            (held(seller), "BTC", -base),
            (available(buyer), "BTC", base - base_fee),
            (FEES, "BTC", base_fee),
        )
        name = f"trade:X:{len(self.events)}"
        self.post(Entry(name, EntryKind.TRADE, tuple(it for it in lines if it[2])))

    @rule(first=st.integers(0, 30), more=st.integers(0, 30), asset=assets)
    def statement(self, first: int, more: int, asset: str) -> None:
        """Opening balance and all lines of the period make the closing balance (L3)."""
        last = min(first + more, len(self.events))
        opening = rebuilt(self.events[:first])
        closing = rebuilt(self.events[:last])
        lines = [
            line
            for event in self.events[first:last]
            for entry in event.entries
            for line in entry.lines
        ]
        for name in {name for name, _, _ in lines} | {EXTERNAL, FEES, available("A")}:
            moved = sum(units for *at, units in lines if at == [name, asset])
            assert opening.balance(name, asset) + moved == closing.balance(name, asset)

    def part_of(self, name: str, asset: str, thousandths: int) -> int:
        """Some of what the account has, at least 1 of anything."""
        return -(-self.ledger.balance(name, asset) * thousandths // 1_000)

    def post(self, entry: Entry) -> None:
        """The balance after each line is the one before and the line (L3)."""
        check_entry(entry)
        before = {(name, asset): self.ledger.balance(name, asset) for name, asset, _ in entry.lines}
        event = EntriesPosted("commands", len(self.events) + 1, (entry,))
        self.ledger.evolve(event)
        self.events.append(event)
        for name, asset, amount in entry.lines:
            before[name, asset] += amount
        assert before == {key: self.ledger.balance(*key) for key in before}
        self.effort.changed += 1

    @invariant()
    def the_laws_hold(self) -> None:
        """L1 and L4, by the ledger's own word and by ours."""
        self.effort.steps += 1
        self.ledger.check()
        for asset in ASSETS:
            balances = {name: n for name, code, n in self.ledger.balances() if code == asset}
            assert 0 == sum(balances.values())
            assert balances.pop(EXTERNAL, 0) <= 0
            assert min(balances.values(), default=0) >= 0

    def teardown(self) -> None:
        """The stored events alone make the same ledger again."""
        stored = [
            msgspec.json.decode(msgspec.json.encode(event), type=EntriesPosted)
            for event in self.events
        ]
        assert rebuilt(stored).dump() == self.ledger.dump()


def rebuilt(events: list[EntriesPosted]) -> Ledger:
    """The ledger after these events."""
    ledger = Ledger(STREAM)
    for event in events:
        ledger.evolve(event)
    return ledger


def test_the_ledger_keeps_its_laws_whatever_money_does() -> None:
    run_state_machine_as_test(LedgerMachine, settings=runs(80, 80))
    LedgerMachine.effort.assert_enough(steps=4_000)


def test_a_billion_units_at_18_decimals_are_kept_to_the_last_one() -> None:
    ledger = rebuilt([posted(deposit("d1", "A", "ETH", BILLION_ETHER + 1))])
    ledger.evolve(posted(hold("X:1", "A", "ETH", BILLION_ETHER)))
    ledger.check()
    assert 1 == ledger.balance(available("A"), "ETH")
    assert BILLION_ETHER == ledger.balance(held("A"), "ETH")
    assert -BILLION_ETHER - 1 == ledger.balance(EXTERNAL, "ETH")


def test_a_balance_that_returns_to_zero_leaves_no_trace() -> None:
    """Equal ledgers have equal dumps, whatever way they came."""
    ledger = rebuilt([posted(deposit("d1", "A", "BTC", 5)), posted(hold("X:1", "A", "BTC", 5))])
    assert [["acct:A:held", "BTC", 5], [EXTERNAL, "BTC", -5]] == ledger.dump()["balances"]


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param((), id="no line"),
        pytest.param((("acct:A:held", "BTC", 5),), id="one line"),
        pytest.param(
            (("acct:A:held", "BTC", 5), ("acct:B:held", "BTC", -4)), id="one unit is made"
        ),
        pytest.param((("acct:A:held", "BTC", 5), ("acct:B:held", "USD", -5)), id="in two assets"),
        pytest.param(
            (
                ("acct:A:held", "BTC", 5),
                ("acct:B:held", "BTC", -5),
                ("acct:C:held", "BTC", 0),
            ),
            id="a line of zero",
        ),
    ],
)
def test_what_does_not_balance_is_no_entry(lines: tuple[Line, ...]) -> None:
    with pytest.raises(InvariantViolation, match="L2"):
        check_entry(Entry("X", EntryKind.TRADE, lines))


@pytest.mark.parametrize(
    ("law", "entries"),
    [
        pytest.param("L4", [hold("X:1", "A", "BTC", 1)], id="spent what was not there"),
        pytest.param(
            "L4", [deposit("d1", "A", "BTC", 5), transfer(1, "A", "B", "BTC", 6)], id="one too many"
        ),
        pytest.param("L4", [deposit("d1", "A", "BTC", -5)], id="custody owes"),
        pytest.param(
            "L1",
            [Entry("X", EntryKind.TRADE, ((available("A"), "BTC", 1),))],
            id="made from nothing",
        ),
        pytest.param(
            "L5",
            [move("X", EntryKind.TRADE, EXTERNAL, available("A"), "BTC", 5)],
            id="came in as no deposit",
        ),
        pytest.param(
            "L5",
            [
                deposit("d1", "A", "BTC", 5),
                move("X", EntryKind.RELEASE, available("A"), EXTERNAL, "BTC", 5),
            ],
            id="left by no withdrawal",
        ),
        pytest.param(
            "F2",
            [
                deposit("d1", "A", "BTC", 5),
                move("X", EntryKind.HOLD, available("A"), withdrawal("A"), "BTC", 5),
            ],
            id="set aside for no withdrawal",
        ),
    ],
)
def test_a_ledger_that_breaks_a_law_says_which(law: str, entries: list[Entry]) -> None:
    with pytest.raises(InvariantViolation, match=law):
        rebuilt([posted(*entries)]).check()


def test_no_other_event_belongs_to_the_ledger() -> None:
    other: Any = object()
    with pytest.raises(TypeError):
        Ledger(STREAM).evolve(other)


def posted(*entries: Entry) -> EntriesPosted:
    """The event of these entries."""
    return EntriesPosted("commands", 1, entries)
