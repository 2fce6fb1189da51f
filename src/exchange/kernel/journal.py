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


Line = tuple[str, str, int]
"""A change of one balance: ledger account, asset, amount. A plain tuple, as there are more lines
than of anything else."""


class Entry(msgspec.Struct, frozen=True, array_like=True, gc=False, forbid_unknown_fields=True):
    """Lines that sum to zero in every asset: each a ledger account, an asset, and an amount in its
    units, credit above zero, debit below.

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
        (_, paid, debit), (_, received, credit) = lines
        if debit == -credit != 0 and paid == received:
            return
    elif len(lines) < 2:  # noqa: PLR2004 - double entry
        raise InvariantViolation("L2", f"{entry.entry_id} has {len(lines)} lines")
    totals: dict[str, int] = {}
    for _, asset, amount in lines:
        if not amount:
            raise InvariantViolation("L2", f"{entry.entry_id} has a line of zero")
        totals[asset] = totals.get(asset, 0) + amount
    if any(totals.values()):
        raise InvariantViolation("L2", f"{entry.entry_id} does not balance: {totals}")
