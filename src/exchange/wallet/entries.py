"""The entries of deposits, transfers and holds."""

from exchange.kernel.accounts import EXTERNAL, available, held
from exchange.kernel.journal import Entry, EntryKind

HOLD, RELEASE = EntryKind.HOLD, EntryKind.RELEASE


def deposit(reference: str, account: str, asset: str, amount: int) -> Entry:
    """Money that custody received for ``account``."""
    return move(
        deposit_id(reference), EntryKind.DEPOSIT, EXTERNAL, available(account), asset, amount
    )


def deposit_id(reference: str) -> str:
    """The business id of the deposit that custody calls ``reference``."""
    return f"deposit:{reference}"


def transfer(number: int, source: str, target: str, asset: str, amount: int) -> Entry:
    """Money between two accounts of one user."""
    return move(
        f"transfer:{number}", EntryKind.TRANSFER, available(source), available(target), asset,
        amount,
    )  # fmt: skip


def hold(order_id: str, account: str, asset: str, amount: int) -> Entry:
    """Set aside all that an order may need."""
    return move(f"hold:{order_id}", HOLD, available(account), held(account), asset, amount)


def rehold(order_id: str, step: int, account: str, asset: str, amount: int) -> Entry:
    """Set aside what an amended order needs beside what it holds; ``step`` as in a release."""
    entry_id = f"hold:{order_id}:{step}"
    return move(entry_id, HOLD, available(account), held(account), asset, amount)


def release(order_id: str, step: int, account: str, asset: str, amount: int) -> Entry:
    """Give back what an order no longer needs; ``step`` is the book version that freed it."""
    return move(
        f"release:{order_id}:{step}", RELEASE, held(account), available(account), asset, amount
    )


def move(entry_id: str, kind: EntryKind, source: str, target: str, asset: str, n: int) -> Entry:
    """``n`` units from one ledger account to another."""
    return Entry(entry_id, kind, ((source, asset, -n), (target, asset, n)))
