"""How many commands a second does the event-sourcing library do by itself, used as documented?"""

import random
import time
from pathlib import Path
from uuid import UUID

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event

ACCOUNTS = 1_000


class Account(Aggregate):
    """A balance, in the library's own style."""

    @event("Opened")
    def __init__(self, owner: str) -> None:
        self.owner = owner
        self.balance = 0

    @event("Credited")
    def credit(self, amount: int, reference: str) -> None:  # noqa: ARG002 - the event keeps it
        """Add to the balance."""
        self.balance += amount


class Accounts(Application[UUID]):
    """Accounts in one SQLite file."""

    def open_account(self, owner: str) -> UUID:
        """A new account."""
        account = Account(owner)
        self.save(account)
        return account.id

    def credit(self, account_id: UUID, amount: int, reference: str) -> None:
        """Get, command, save."""
        account: Account = self.repository.get(account_id)
        account.credit(amount, reference)
        self.save(account)


def commands_per_s(directory: Path, seconds: float, seed: int) -> int:
    """Commands a second on random accounts, each on disk when its call returns.

    The library's defaults: a write-ahead log that is synced at each commit.
    """
    chance = random.Random(seed)  # noqa: S311 - a workload, not a secret
    file = directory / "library.db"
    with Accounts(
        {"PERSISTENCE_MODULE": "eventsourcing.sqlite", "SQLITE_DBNAME": str(file)}
    ) as app:
        accounts = [app.open_account(f"trader-{number}") for number in range(ACCOUNTS)]
        done, started = 0, time.perf_counter()
        while (took := time.perf_counter() - started) < seconds:
            app.credit(chance.choice(accounts), 100, f"reference-{done}")
            done += 1
    return round(done / took)
