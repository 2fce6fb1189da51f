"""What a command is, and as what an actor gives it."""

import enum
from typing import ClassVar

import msgspec


class Role(enum.Enum):
    """What the actor acts as; the gateway has checked that it may."""

    TRADER = "trader"
    OPERATOR = "operator"
    SYSTEM = "system"
    """The venue itself: due work, given by nobody else."""


class Command(
    msgspec.Struct, frozen=True, array_like=True, tag=True, gc=False, forbid_unknown_fields=True
):
    """The tag is the stored name of the kind. ``ROLE`` may give it; operators may give all."""

    ROLE: ClassVar[Role] = Role.OPERATOR
