"""Double entry: lines that cancel, asset by asset."""

import enum

import msgspec

from exchange.kernel.laws import hold_law


class EntryKind(enum.Enum):
    """What an entry is for; the word that statements print."""

    DEPOSIT = "deposit"
    TRANSFER = "transfer"
    HOLD = "hold"
    RELEASE = "release"
    TRADE = "trade"


class Line(msgspec.Struct, frozen=True, array_like=True, gc=False, forbid_unknown_fields=True):
    """A change of one balance: credit above zero, debit below, in units of the asset."""

    account: str
    asset: str
    amount: int


class Entry(msgspec.Struct, frozen=True, array_like=True, gc=False, forbid_unknown_fields=True):
    """Lines that sum to zero in every asset.

    ``entry_id`` is the business id, unique for ever: ``hold:BTC-USD:17``,
    ``trade:BTC-USD:5``, ``release:BTC-USD:17:93`` (order 17, at book version 93),
    ``deposit:<reference>``, ``transfer:<n>``.
    """

    entry_id: str
    kind: EntryKind
    lines: tuple[Line, ...]


def check_entry(entry: Entry) -> None:
    """Law L2: at least two lines, none zero, each asset's lines sum to zero.

    Raises:
        InvariantViolation: it is no entry.
    """
    lines = entry.lines
    hold_law("L2", len(lines) > 1, f"{entry.entry_id} has {len(lines)} lines")
    totals: dict[str, int] = {}
    for line in lines:
        hold_law("L2", line.amount, f"{entry.entry_id} has a line of zero")
        totals[line.asset] = totals.get(line.asset, 0) + line.amount
    hold_law("L2", not any(totals.values()), f"{entry.entry_id} does not balance: {totals}")
