"""What a story of one order is made of: the steps, in order, and where it all ended.

All of it can be printed as JSON (``docs/explain.md``). Prices, quantities and amounts are decimal
text, times are microseconds; fields are only ever added.
"""

from typing import Any

import msgspec


class Cause(msgspec.Struct, frozen=True):
    """The command that a step came of: its record, and who gave it."""

    record: str  # stream and version of its record: ``orders:alice:17``
    position: int
    at_us: int
    kind: str
    actor: str


class Step(msgspec.Struct, frozen=True, kw_only=True, tag_field="step", tag=str.lower):
    """Something that happened to the order, at a position of the log."""

    position: int
    cause: Cause


class Received(Step, frozen=True, kw_only=True):
    """The command that asked for the order."""

    role: str
    key: str | None
    trace_id: str | None
    rulebook_version: int
    account: str
    asked: dict[str, Any]  # the terms by name; of a list those of the first, then ``second``


class Check(msgspec.Struct, frozen=True):
    """What the venue compared; ``ok`` is false for the one that refused the order."""

    name: str
    value: str
    rule: str
    ok: bool = True


class Checked(Step, frozen=True, kw_only=True):
    """The checks, in their fixed order, up to the last one made."""

    checks: tuple[Check, ...]


class Refused(Step, frozen=True, kw_only=True):
    """Nothing came of it; no balance has moved."""

    code: str
    field: str | None
    value: str | int | None
    bound: str | int | None
    why: str


class Listed(Step, frozen=True, kw_only=True):
    """It shares a hold with another order, of which one cancels the other."""

    other: str
    asked: dict[str, Any]


class Held(Step, frozen=True, kw_only=True):
    """Money was set aside: from what the account could spend to what it holds."""

    entry: str
    asset: str
    amount: str


class Released(Step, frozen=True, kw_only=True):
    """Money that was set aside came free."""

    entry: str
    asset: str
    amount: str


class Gone(msgspec.Struct, frozen=True):
    """So much of an order ahead went away."""

    position: int
    at_us: int
    how: str  # filled, reduced, amended, or why it ended
    quantity: str
    by: str  # the order that took it, else the actor


class Ahead(msgspec.Struct):
    """An order that stood before ours at the same price, and what became of its place."""

    order: str
    account: str
    quantity: str  # what it showed then
    gone: list[Gone] = []


class Queued(Step, frozen=True, kw_only=True):
    """It took its place at the end of a queue; ``best_opposite`` is why it did not trade on."""

    price: str
    leaves: str
    shown: str
    best_opposite: str | None
    better_orders: int  # on its own side, at better prices
    better_quantity: str
    ahead_orders: int
    ahead_quantity: str
    ahead: list[Ahead]


class Slept(Step, frozen=True, kw_only=True):
    """It sleeps, unseen, until a print reaches its trigger."""

    trigger: str
    wakes: str  # "at or above", "at or below"
    last_price: str | None


class Triggered(Step, frozen=True, kw_only=True):
    """A print has woken it."""

    trigger: str
    trade: int
    price: str
    taker: str  # the order that made the print


class Entered(Step, frozen=True, kw_only=True):
    """Awake, it came in as ``asked``."""

    asked: dict[str, Any]


class Fee(msgspec.Struct, frozen=True):
    """A fee and how it came about, in units of its asset but for ``amount``.

    ``due`` is ``accrued_ppm``, the sum over the order's fills of received × rate, divided by a
    million and rounded up once; the fee is what of that was not charged before.
    """

    asset: str
    amount: str
    units: int
    rate_ppm: int
    received: int
    accrued_ppm: int
    due: int
    charged_before: int
    rule: str


class Matched(Step, frozen=True, kw_only=True):
    """A trade; ``returned`` is what a purchase had held above the print."""

    trade: int
    price: str
    quantity: str
    value: str
    role: str  # maker or taker
    other: str
    other_account: str
    entry: str
    fee: Fee
    returned: str | None


class Met(Step, frozen=True, kw_only=True):
    """A taker met a resting order and did not trade with it."""

    role: str  # maker: the taker was ``other``; taker: the one that it met was
    other: str
    reason: str
    quantity: str  # taken off the maker
    mode: str | None  # of self-trade prevention, the taker's


class Busted(Step, frozen=True, kw_only=True):
    """One of its trades was undone: what that moved for the order's account, asset -> amount."""

    trade: int
    entry: str
    moved: dict[str, str]
    claim: int | None
    why: str


class Amended(Step, frozen=True, kw_only=True):
    """It was changed: field -> before and after."""

    changes: dict[str, tuple[Any, Any]]
    kept_place: bool


class Reduced(Step, frozen=True, kw_only=True):
    """It lost a part and kept its place."""

    quantity: str
    leaves: str


class Ended(Step, frozen=True, kw_only=True):
    """It is over; ``quantity`` is what did not trade, null for a budget."""

    reason: str
    quantity: str | None
    why: str


AnyStep = (
    Received | Checked | Refused | Listed | Held | Released | Queued | Slept | Triggered | Entered
    | Matched | Busted | Met | Amended | Reduced | Ended
)  # fmt: skip


class Story(msgspec.Struct):
    """One order from its command to the moment asked for, or to its end.

    filled + prevented + open + ended = quantity, unless it asked by a budget.
    """

    order: str  # public id; of a refused one its record
    symbol: str
    account: str
    status: str
    reason: str | None
    quantity: str | None
    filled: str
    prevented: str
    open: str
    ended: str
    now: dict[str, Any]  # while it is open: price, display, deadline and trigger as they stand
    fees: dict[str, str]  # asset -> charged so far
    ahead_orders: int | None  # before it in its queue now, while it stands in one
    ahead_quantity: str | None
    position: int  # of the last event that was looked at
    at_us: int
    steps: list[AnyStep]
