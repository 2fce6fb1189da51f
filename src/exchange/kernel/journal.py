"""Double entry: lines that cancel, asset by asset."""

import enum

import msgspec

from exchange.kernel.laws import InvariantViolation


class EntryKind(enum.Enum):
    """What an entry is for; the word that statements print."""

    DEPOSIT = "deposit"
    TRANSFER = "transfer"
    HOLD = "hold"
    RELEASE = "release"
    TRADE = "trade"
    WITHDRAWAL_HOLD = "withdrawal_hold"
    WITHDRAWAL_RELEASE = "withdrawal_release"
    WITHDRAWAL = "withdrawal"
    REVERSAL = "reversal"
    BUST = "bust"
    FEE_PAYOUT = "fee_payout"
    INSURANCE_FUNDING = "insurance_funding"


class Line(msgspec.Struct, frozen=True, array_like=True, gc=False, forbid_unknown_fields=True):
    """A change of one balance: credit above zero, debit below, in units of the asset."""

    account: str
    asset: str
    amount: int


class Entry(msgspec.Struct, frozen=True, array_like=True, gc=False, forbid_unknown_fields=True):
    """Lines that sum to zero in every asset.

    ``entry_id`` is the business id, unique for ever: ``hold:BTC-USD:17``,
    ``trade:BTC-USD:5``, ``release:BTC-USD:17:93`` (order 17, at book version 93),
    ``deposit:<reference>``, ``transfer:<n>``, ``withdrawal:<n>`` with ``:hold`` or ``:release``
    behind it where it does not pay, ``bust:BTC-USD:5``, ``reversal:<reference>``,
    ``payout:<reference>``, ``insurance:<reference>``.
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
    if len(lines) == 2:  # noqa: PLR2004 - from one balance to another: most entries
        source, target = lines
        if source.amount == -target.amount != 0 and source.asset == target.asset:
            return
    elif len(lines) < 2:  # noqa: PLR2004 - double entry
        raise InvariantViolation("L2", f"{entry.entry_id} has {len(lines)} lines")
    totals: dict[str, int] = {}
    for line in lines:
        amount, asset = line.amount, line.asset
        if not amount:
            raise InvariantViolation("L2", f"{entry.entry_id} has a line of zero")
        totals[asset] = totals.get(asset, 0) + amount
    if any(totals.values()):
        raise InvariantViolation("L2", f"{entry.entry_id} does not balance: {totals}")
