"""The names of ledger accounts."""

from functools import lru_cache

FEES = "venue:fees"
EXTERNAL = "venue:external"
"""Mirror of what custody holds for the venue: never above zero."""


# Cached: a name that is one object is hashed once and found by identity.
@lru_cache(maxsize=65_536)
def available(account: str) -> str:
    """What the account can spend."""
    return f"acct:{account}:available"


@lru_cache(maxsize=65_536)
def held(account: str) -> str:
    """What the account's open orders hold."""
    return f"acct:{account}:held"


def may_be_negative(name: str) -> bool:
    """Whether the balance of ledger account ``name`` may be below zero."""
    return name == EXTERNAL
