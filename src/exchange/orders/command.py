"""What every command is, and which roles may give it."""

from functools import cache
from typing import ClassVar

import msgspec

from exchange.kernel.roles import Role


class Command(
    msgspec.Struct, frozen=True, array_like=True, tag=True, gc=False, forbid_unknown_fields=True
):
    """The tag is the stored name of the kind."""

    ROLE: ClassVar[Role] = Role.OPERATOR
    """Whom it is made for. A trader's acts for an account, in whose stream it is recorded."""
    ALSO: ClassVar[tuple[Role, ...]] = ()
    """Who else may give it; a trader's may always be given by an operator."""


@cache
def givers(kind: type[Command]) -> frozenset[Role]:
    """The roles in which a command of this kind may be given."""
    acting_for = (Role.OPERATOR,) if kind.ROLE is Role.TRADER else ()
    return frozenset({kind.ROLE, *acting_for, *kind.ALSO})
