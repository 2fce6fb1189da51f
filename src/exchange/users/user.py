"""A user: its accounts, what it may act as, and what stops it."""

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from exchange.kernel.events import Event
from exchange.kernel.roles import Role
from exchange.users.events import (
    AccountKilled,
    AccountOpened,
    AccountReleased,
    AccountTierSet,
    RoleGranted,
    RoleRevoked,
    TradeGroupSet,
    UserBlacklisted,
    UserRegistered,
    UserReinstated,
    UserSuspended,
)

V = TypeVar("V")


class User:
    """An event-sourced aggregate."""

    __slots__ = (
        "accounts", "blacklist", "groups", "id", "killed", "roles", "suspended", "tiers", "version",
    )  # fmt: skip

    def __init__(self, stream: str) -> None:
        self.id = stream
        self.version = 0
        self.accounts: list[str] = []  # in order of opening
        self.groups: dict[str, str] = {}  # account -> trade group
        self.tiers: dict[str, str] = {}  # account -> fee tier
        self.roles: set[Role] = set()  # granted; TRADER needs no grant
        self.suspended = False
        self.blacklist: dict[str, int] = {}  # reference -> venue time until which it counts
        self.killed: set[str] = set()  # accounts whose kill switch is thrown

    def evolve(self, event: Event) -> None:  # noqa: C901 - one line a kind
        """Follow one event of this stream."""
        self.version += 1
        match event:
            case UserRegistered():
                pass
            case AccountOpened():
                self.accounts.append(event.account)
            case TradeGroupSet(account=account, group=group):
                _put(self.groups, account, group)
            case AccountTierSet(account=account, tier=tier):
                _put(self.tiers, account, tier)
            case RoleGranted():
                self.roles.add(event.role)
            case RoleRevoked():
                self.roles.discard(event.role)
            case UserSuspended():
                self.suspended = True
            case UserReinstated():
                self.suspended = False
            case UserBlacklisted(reference=reference, until_us=until_us):
                _put(self.blacklist, reference, until_us)
            case AccountKilled():
                self.killed.add(event.account)
            case AccountReleased():
                self.killed.discard(event.account)
            case _:
                raise TypeError(f"{self.id} has no event {type(event).__name__}")

    def barred(self) -> Iterator[str]:
        """Accounts of which something may be refused for the user's or their own sake."""
        stopped = self.suspended or self.blacklist
        return (account for account in self.accounts if stopped or account in self.killed)

    def dump(self) -> dict[str, Any]:
        """All that decides what comes next, for JSON: what the state hash covers.

        References stay in their order: a refusal names the first that counts.
        """
        return {
            "version": self.version,
            "accounts": list(self.accounts),
            "groups": sorted([*group] for group in self.groups.items()),
            "tiers": sorted([*tier] for tier in self.tiers.items()),
            "roles": sorted(role.value for role in self.roles),
            "suspended": self.suspended,
            "blacklist": [[*entry] for entry in self.blacklist.items()],
            "killed": sorted(self.killed),
        }

    def load(self, dumped: Mapping[str, Any]) -> None:
        """Become what was dumped; only an empty aggregate can."""
        self.version, self.suspended = dumped["version"], dumped["suspended"]
        self.accounts = list(dumped["accounts"])
        self.groups, self.tiers = dict(dumped["groups"]), dict(dumped["tiers"])
        self.roles = set(map(Role, dumped["roles"]))
        self.blacklist, self.killed = dict(dumped["blacklist"]), set(dumped["killed"])


def _put(mapping: dict[str, V], key: str, value: V | None) -> None:
    """The value under the key; null: none."""
    mapping.pop(key, None)
    if value is not None:
        mapping[key] = value
