"""What can happen to the ledger, to withdrawals, and to what is taken back."""

import msgspec

from exchange.kernel.events import Event
from exchange.kernel.journal import Entry


class EntriesPosted(Event, frozen=True):
    """All entries of one command, in order; a hold comes before what it pays for.

    The causing command is named by the stream and version of its record.
    """

    TOPIC = "wallet.EntriesPosted.v1"
    cause_stream: str
    cause_version: int
    entries: tuple[Entry, ...]


class WithdrawalRequested(Event, frozen=True):
    """Amount and fee are set aside. Stream ``withdrawals``, as all of a withdrawal's steps."""

    TOPIC = "wallet.WithdrawalRequested.v1"
    number: int
    account: str
    asset: str
    amount: int  # units that leave
    fee: int  # units on top
    destination: str  # what custody knows the receiver by
    requester: str
    approvals: int  # how many it needs, by the terms of its time


class WithdrawalApproved(Event, frozen=True):
    """One person more says that it may leave."""

    TOPIC = "wallet.WithdrawalApproved.v1"
    number: int
    approver: str


class WithdrawalSent(Event, frozen=True):
    """Custody was told to pay; ``reference`` is its own for this payment."""

    TOPIC = "wallet.WithdrawalSent.v1"
    number: int
    reference: str
    sender: str


class WithdrawalCompleted(Event, frozen=True):
    """It has left: the end."""

    TOPIC = "wallet.WithdrawalCompleted.v1"
    number: int


class WithdrawalRejected(Event, frozen=True):
    """The venue, or custody after it was sent, won't pay: all of it is available again."""

    TOPIC = "wallet.WithdrawalRejected.v1"
    number: int
    reason: str


class WithdrawalCancelled(Event, frozen=True):
    """Whoever asked wants it no more: all of it is available again."""

    TOPIC = "wallet.WithdrawalCancelled.v1"
    number: int


class Part(
    msgspec.Struct, frozen=True, array_like=True, tag=True, gc=False, forbid_unknown_fields=True
):
    """What a correction undoes; the tag is its stored name."""


class Bust(Part, frozen=True, tag="bust"):
    """A trade."""

    symbol: str
    trade: int


class Reversal(Part, frozen=True, tag="reversal"):
    """A deposit, by custody's reference."""

    reference: str


Correction = Bust | Reversal


class ClaimProposed(Event, frozen=True):
    """A correction shall be made though it overdraws somebody; nothing has moved yet.

    Stream ``corrections``, as the two below.
    """

    TOPIC = "wallet.ClaimProposed.v1"
    number: int
    correction: Correction
    reason: str
    proposer: str


class ClaimDropped(Event, frozen=True):
    """It shall not be made after all."""

    TOPIC = "wallet.ClaimDropped.v1"
    number: int


class Corrected(Event, frozen=True):
    """A trade or a deposit is undone, once and for ever; orders, prices and triggers stay."""

    TOPIC = "wallet.Corrected.v1"
    correction: Correction
    reason: str
    claim: int | None  # its number, where a second person has approved a claim


EVENTS: tuple[type[Event], ...] = (
    EntriesPosted,
    WithdrawalRequested,
    WithdrawalApproved,
    WithdrawalSent,
    WithdrawalCompleted,
    WithdrawalRejected,
    WithdrawalCancelled,
    ClaimProposed,
    ClaimDropped,
    Corrected,
)
