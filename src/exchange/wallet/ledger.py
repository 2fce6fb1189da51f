"""The ledger: every balance, and how posted entries change them."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from exchange.kernel.accounts import EXTERNAL, may_hold
from exchange.kernel.events import Event
from exchange.kernel.journal import Entry, EntryKind, Line
from exchange.kernel.laws import hold_law
from exchange.wallet.events import EntriesPosted

REFERRED = frozenset({EntryKind.DEPOSIT, EntryKind.FEE_PAYOUT, EntryKind.INSURANCE_FUNDING})
"""Entries whose business id is a reference from outside."""

CROSSING = REFERRED | {EntryKind.REVERSAL, EntryKind.WITHDRAWAL}
"""Entries by which money comes to the venue or leaves it, and no others; in one asset each."""

WITHDRAWING = frozenset(
    {EntryKind.WITHDRAWAL_HOLD, EntryKind.WITHDRAWAL_RELEASE, EntryKind.WITHDRAWAL}
)
HOLD, RELEASE, TRADE = EntryKind.HOLD, EntryKind.RELEASE, EntryKind.TRADE


class _Balance(msgspec.Struct, gc=False):
    """What is on one ledger account, in one asset."""

    units: int
    held: bool  # whether open orders hold it
    mirror: bool  # whether it is custody's, seen from the venue: never above zero


class Ledger:
    """Balances by account and asset; an event-sourced aggregate.

    A balance of zero is as if there were none, so equal ledgers have equal dumps.
    """

    __slots__ = (
        "_balances", "custody", "held", "id", "references", "transfer_count", "version",
        "withdrawing",
    )  # fmt: skip

    def __init__(self, stream: str) -> None:
        self.id = stream
        self.version = 0
        self._balances: dict[str, dict[str, _Balance]] = {}  # asset -> account -> balance
        self.held: dict[str, int] = defaultdict(int)  # asset -> units in all accounts' ``held``
        self.withdrawing: dict[str, int] = defaultdict(int)  # likewise, in their ``withdrawal``
        self.custody: dict[str, int] = defaultdict(int)  # asset -> units in, less units out
        self.references: dict[str, int] = {}  # business id from outside -> version that posted it
        self.transfer_count = 0

    def balance(self, name: str, asset: str) -> int:
        """Units of ``asset`` on the ledger account ``name``."""
        try:
            return self._balances[asset][name].units
        except KeyError:
            return 0

    def balances(self) -> Iterator[tuple[str, str, int]]:
        """Ledger account, asset and units of every balance that is not zero."""
        for asset, balances in self._balances.items():
            for name, balance in balances.items():
                if balance.units:
                    yield name, asset, balance.units

    def evolve(self, event: Event) -> None:
        """Follow one event of this stream.

        Raises:
            InvariantViolation: law L4, an account is overdrawn.
        """
        if type(event) is not EntriesPosted:
            raise TypeError(f"{self.id} has no event {type(event).__name__}")
        self.version += 1
        balances, held = self._balances, self.held
        for entry in event.entries:
            for name, asset, amount in entry.lines:
                try:
                    balance = balances[asset][name]
                except KeyError:
                    balance = self._open(name, asset)
                units = balance.units = balance.units + amount
                if balance.held:
                    held[asset] += amount
                if units < 0 or balance.mirror:
                    check_balance(name, asset, units)
            kind = entry.kind
            if kind is not HOLD and kind is not TRADE and kind is not RELEASE:
                self._count(entry)

    def _open(self, name: str, asset: str) -> _Balance:
        """A balance that no entry has named before."""
        balance = _Balance(0, name.endswith(":held"), name == EXTERNAL)
        self._balances.setdefault(asset, {})[name] = balance
        return balance

    def _count(self, entry: Entry) -> None:
        """Keep what an entry that is none of an order's adds to ids and totals."""
        kind = entry.kind
        if kind is EntryKind.TRANSFER:
            self.transfer_count += 1
        if kind in REFERRED:
            self.references[entry.entry_id] = self.version
        if kind in CROSSING:
            self.custody[_asset(entry.lines)] -= _moved(entry.lines, EXTERNAL)
        if kind in WITHDRAWING:
            self.withdrawing[_asset(entry.lines)] += _moved(entry.lines, ":withdrawal")

    def dump(self) -> dict[str, Any]:
        """All that decides what comes next, for JSON: what the state hash covers."""
        return {
            "version": self.version,
            "balances": sorted([*balance] for balance in self.balances()),
            "references": sorted([*reference] for reference in self.references.items()),
            "transfers": self.transfer_count,
        }

    def load(self, dumped: Mapping[str, Any]) -> None:
        """Become what was dumped; only an empty aggregate can."""
        self.version, self.transfer_count = dumped["version"], dumped["transfers"]
        self.references = dict(dumped["references"])
        for name, asset, units in dumped["balances"]:
            self._open(name, asset).units = units
            if name.endswith(":held"):
                self.held[asset] += units
            elif name.endswith(":withdrawal"):
                self.withdrawing[asset] += units
            elif name == EXTERNAL:
                self.custody[asset] = -units

    def check(self) -> None:
        """Laws L1, L4 and L5 in full, and the totals of what is set aside: O(balances).

        Raises:
            InvariantViolation: money was made, lost or overspent.
        """
        totals: dict[str, int] = {}
        held: dict[str, int] = {}
        withdrawing: dict[str, int] = {}
        custody: dict[str, int] = {}
        for name, asset, units in self.balances():
            totals[asset] = totals.get(asset, 0) + units
            if name.endswith(":held"):
                held[asset] = held.get(asset, 0) + units
            elif name.endswith(":withdrawal"):
                withdrawing[asset] = withdrawing.get(asset, 0) + units
            elif name == EXTERNAL:
                custody[asset] = -units
            check_balance(name, asset, units)
        hold_law("L1", not any(totals.values()), f"assets do not sum to zero: {totals}")
        known = {asset: units for asset, units in self.held.items() if units}
        hold_law("F1", held == known, f"held {held}, counted {known}")
        known = {asset: units for asset, units in self.custody.items() if units}
        hold_law("L5", custody == known, f"custody holds {custody}, {known} came in")
        known = {asset: units for asset, units in self.withdrawing.items() if units}
        hold_law("F2", withdrawing == known, f"in withdrawal {withdrawing}, counted {known}")


def _asset(lines: Sequence[Line]) -> str:
    """Of an entry that moves one asset only: that."""
    return lines[0][1]


def _moved(lines: Sequence[Line], end: str) -> int:
    """Units that come to ledger accounts whose name ends so."""
    return sum(amount for name, _, amount in lines if name.endswith(end))


def check_balance(name: str, asset: str, units: int) -> None:
    """Law L4 for one balance.

    Raises:
        InvariantViolation: it is below zero where it must not be, or external above zero.
    """
    hold_law("L4", may_hold(name, units), f"{name} has {units} {asset}")
