"""What an actor acts as."""

import enum


class Role(enum.Enum):
    """Which commands a request may hold; who may give what stands in ``docs/roles.md``."""

    TRADER = "trader"
    """The owner of accounts, for those accounts; every registered user is one."""
    OPERATOR = "operator"
    """Runs the venue from day to day."""
    AUDITOR = "auditor"
    """Reads all and changes nothing: gives no command."""
    ADMIN = "admin"
    """Sets rules, fees and roles."""
    SYSTEM = "system"
    """The venue itself: due work, given by nobody else."""


TRADER, SYSTEM = Role.TRADER, Role.SYSTEM
"""A member of an enumeration is looked up each time it is named: these at every command."""
