"""The names of ledger accounts."""

FEES = "venue:fees"
EXTERNAL = "venue:external"
"""Mirror of what custody holds for the venue: never above zero."""


def available(account: str) -> str:
    """What the account can spend."""
    return f"acct:{account}:available"


def held(account: str) -> str:
    """What the account's open orders hold."""
    return f"acct:{account}:held"


def may_be_negative(name: str) -> bool:
    """Whether the balance of ledger account ``name`` may be below zero."""
    return name == EXTERNAL
