"""The names of ledger accounts."""

from functools import cache

FEES = "venue:fees"
EXTERNAL = "venue:external"
"""Mirror of what custody holds for the venue: never above zero."""
INSURANCE = "venue:insurance"
SUSPENSE = "venue:suspense"
"""What a correction could not take back, as a debt to the venue: may be below zero."""


# Cached: a name that is one object is hashed once and found by identity. Only open accounts have
# one, so none needs to be forgotten.
@cache
def available(account: str) -> str:
    """What the account can spend."""
    return f"acct:{account}:available"


@cache
def held(account: str) -> str:
    """What the account's open orders hold."""
    return f"acct:{account}:held"


@cache
def withdrawal(account: str) -> str:
    """What the account's open withdrawals will take, their fees included."""
    return f"acct:{account}:withdrawal"


def may_hold(name: str, units: int) -> bool:
    """Whether the balance of ledger account ``name`` may be ``units`` (law L4)."""
    if name == EXTERNAL:
        return units <= 0
    return units >= 0 or name == SUSPENSE
