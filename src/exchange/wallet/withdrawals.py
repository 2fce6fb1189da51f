"""Withdrawals on their way: which step each has come to, and who took it."""

import enum
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import msgspec

from exchange.kernel.events import Event
from exchange.wallet.events import (
    WithdrawalApproved,
    WithdrawalCancelled,
    WithdrawalCompleted,
    WithdrawalRejected,
    WithdrawalRequested,
    WithdrawalSent,
)


class Stage(enum.Enum):
    """How far an open withdrawal has come."""

    REQUESTED = "requested"
    APPROVED = "approved"
    SENT = "sent"


class Withdrawal(msgspec.Struct, array_like=True, gc=False):
    """An open one: what was asked for, and the steps that were taken since."""

    asked: WithdrawalRequested
    approvers: tuple[str, ...] = ()
    sender: str | None = None

    @property
    def stage(self) -> Stage:
        """The last step that is complete."""
        if self.sender is not None:
            return Stage.SENT
        enough = len(self.approvers) >= self.asked.approvals
        return Stage.APPROVED if enough else Stage.REQUESTED

    @property
    def held(self) -> int:
        """What is set aside for it: its amount and its fee."""
        return self.asked.amount + self.asked.fee


class Withdrawals:
    """Every open withdrawal; an event-sourced aggregate (stream ``withdrawals``).

    A step is O(1). Of those that have ended only the references remain, which are used up.
    """

    __slots__ = ("count", "held", "id", "open", "references", "sent", "version")

    def __init__(self, stream: str) -> None:
        self.id = stream
        self.version = 0
        self.count = 0
        self.open: dict[int, Withdrawal] = {}  # number -> it
        self.held: dict[str, int] = defaultdict(int)  # asset -> units set aside for open ones
        self.sent: dict[str, int] = defaultdict(int)  # asset -> units sent, not yet completed
        self.references: set[str] = set()  # custody's, of all that were ever sent

    def evolve(self, event: Event) -> None:
        """Follow one event of this stream."""
        self.version += 1
        match event:
            case WithdrawalRequested():
                self.count += 1
                found = self.open[event.number] = Withdrawal(event)
                self.held[event.asset] += found.held
            case WithdrawalApproved():
                self.open[event.number].approvers += (event.approver,)
            case WithdrawalSent():
                found = self.open[event.number]
                found.sender = event.sender
                self.sent[found.asked.asset] += found.asked.amount
                self.references.add(event.reference)
            case WithdrawalCompleted() | WithdrawalRejected() | WithdrawalCancelled():
                self._end(self.open.pop(event.number))
            case _:
                raise TypeError(f"{self.id} has no event {type(event).__name__}")

    def _end(self, ended: Withdrawal) -> None:
        self.held[ended.asked.asset] -= ended.held
        if ended.sender is not None:
            self.sent[ended.asked.asset] -= ended.asked.amount

    def dump(self) -> dict[str, Any]:
        """All that decides what comes next, for JSON: what the state hash covers."""
        return {
            "version": self.version,
            "count": self.count,
            "open": [msgspec.to_builtins(self.open[number]) for number in sorted(self.open)],
            "references": sorted(self.references),
        }

    def load(self, dumped: Mapping[str, Any]) -> None:
        """Become what was dumped; only an empty aggregate can."""
        self.version, self.count = dumped["version"], dumped["count"]
        self.references = set(dumped["references"])
        for it in msgspec.convert(dumped["open"], list[Withdrawal]):
            self.open[it.asked.number] = it
            self.held[it.asked.asset] += it.held
            if it.sender is not None:
                self.sent[it.asked.asset] += it.asked.amount
