"""How the words of a statement are read."""

import enum
import re
from typing import TypeVar

from exchange.kernel.decimals import to_units

E = TypeVar("E", bound=enum.Enum)

TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d):([0-5]\d(?:\.\d{1,6})?)", re.ASCII)
STEP = re.compile(r"\+(\d{1,9}(?:\.\d{1,6})?)([smhd])", re.ASCII)
SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


class Unreadable(ValueError):  # noqa: N818 - the condition is the message
    """A word says nothing where it stands; the player adds the line."""


def member(kind: type[E], text: str) -> E:
    """The member of ``kind`` whose value ``text`` is.

    Raises:
        Unreadable: none.
    """
    try:
        return kind(text)
    except ValueError:
        known = ", ".join(str(one.value) for one in kind)
        raise Unreadable(f"{text!r} is none of {known}") from None


def time_us(text: str, now_us: int) -> int:
    """Microseconds since 1970 UTC: a time of the first day, or a step like ``+5s`` from now.

    Raises:
        Unreadable: neither.
    """
    if found := TIME.fullmatch(text):
        hours, minutes, seconds = found.groups()
        return (int(hours) * 60 + int(minutes)) * 60_000_000 + to_units(seconds, 6)
    if found := STEP.fullmatch(text):
        return now_us + to_units(found[1], 6) * SECONDS[found[2]]
    raise Unreadable(f"{text!r} is neither hh:mm:ss nor a step like +5s or +10m")
