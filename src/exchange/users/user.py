"""A user and the accounts it owns."""

from typing import Any

from exchange.kernel.events import Event
from exchange.users.events import AccountOpened, TradeGroupSet, UserRegistered


class User:
    """An event-sourced aggregate; tiers, suspension and blacklist references join it later."""

    __slots__ = ("accounts", "groups", "id", "version")

    def __init__(self, stream: str) -> None:
        self.id = stream
        self.version = 0
        self.accounts: list[str] = []  # in order of opening
        self.groups: dict[str, str] = {}  # account -> trade group

    def evolve(self, event: Event) -> None:
        """Follow one event of this stream."""
        self.version += 1
        match event:
            case UserRegistered():
                pass
            case AccountOpened():
                self.accounts.append(event.account)
            case TradeGroupSet(account=account, group=group):
                self.groups.pop(account, None)
                if group is not None:
                    self.groups[account] = group
            case _:
                raise TypeError(f"{self.id} has no event {type(event).__name__}")

    def dump(self) -> dict[str, Any]:
        """The whole state as plain data: what the state hash covers."""
        return {
            "version": self.version,
            "accounts": list(self.accounts),
            "groups": sorted([*group] for group in self.groups.items()),
        }
