"""The entries of what leaves by custody or comes back from it, and of the insurance fund."""

from exchange.kernel.accounts import EXTERNAL, FEES, INSURANCE, available, withdrawal
from exchange.kernel.journal import Entry, EntryKind
from exchange.wallet.entries import move
from exchange.wallet.events import WithdrawalRequested


def withdrawal_hold(it: WithdrawalRequested) -> Entry:
    """Set aside what a withdrawal takes, its fee included."""
    source, target, units = available(it.account), withdrawal(it.account), it.amount + it.fee
    kind = EntryKind.WITHDRAWAL_HOLD
    return move(f"withdrawal:{it.number}:hold", kind, source, target, it.asset, units)


def withdrawal_release(it: WithdrawalRequested) -> Entry:
    """Give all of it back."""
    source, target, units = withdrawal(it.account), available(it.account), it.amount + it.fee
    kind = EntryKind.WITHDRAWAL_RELEASE
    return move(f"withdrawal:{it.number}:release", kind, source, target, it.asset, units)


def withdrawal_payment(it: WithdrawalRequested) -> Entry:
    """The amount has left custody, the fee is the venue's."""
    lines = [
        (withdrawal(it.account), it.asset, -it.amount - it.fee),
        (EXTERNAL, it.asset, it.amount),
    ]
    if it.fee:
        lines.append((FEES, it.asset, it.fee))
    return Entry(f"withdrawal:{it.number}", EntryKind.WITHDRAWAL, tuple(lines))


def reversal(reference: str, deposit: Entry) -> Entry:
    """All of a deposit taken back, as if its account had it still."""
    lines = tuple([(name, asset, -amount) for name, asset, amount in reversed(deposit.lines)])
    return Entry(f"reversal:{reference}", EntryKind.REVERSAL, lines)


def payout_id(reference: str) -> str:
    """The business id of the fee payout that custody calls ``reference``."""
    return f"payout:{reference}"


def fee_payout(reference: str, asset: str, amount: int) -> Entry:
    """Fees that leave the venue."""
    return move(payout_id(reference), EntryKind.FEE_PAYOUT, FEES, EXTERNAL, asset, amount)


def funding_id(reference: str) -> str:
    """The business id of the insurance funding that custody calls ``reference``."""
    return f"insurance:{reference}"


def insurance_funding(reference: str, asset: str, amount: int) -> Entry:
    """Money of the venue's owner for the insurance fund."""
    kind = EntryKind.INSURANCE_FUNDING
    return move(funding_id(reference), kind, EXTERNAL, INSURANCE, asset, amount)
