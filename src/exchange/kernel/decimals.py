"""How decimal text becomes a scaled integer and back, exactly or not at all."""

import re

DIGITS_MAX = 18
"""The most digits accepted on either side of the point."""

_TEXT = re.compile(r"([0-9]{1,18})(?:\.([0-9]{1,18}))?", re.ASCII)


class DecimalError(ValueError):
    """The text is no plain decimal number, or has more places than its unit."""


def decimals_of(text: str) -> int:
    """Places behind the point that ``text`` writes, trailing zeros counted.

    Raises:
        DecimalError: see :func:`to_units`.
    """
    return len(_match(text)[1])


def to_units(text: str, decimals: int) -> int:
    """The number in units of ``10**-decimals``; exact, never rounded, never negative.

    Accepts ASCII digits with at most one point between digits. A sign, an exponent, a
    separator, a blank, NaN or a digit of another script is refused.

    Raises:
        DecimalError: not such a text, over 18 digits on a side, or finer than the unit.
    """
    whole, places = _match(text)
    kept, cut = places[:decimals], places[decimals:]
    if cut.strip("0"):
        raise DecimalError(f"{text!r} has more than {decimals} decimals")
    return int(whole + kept.ljust(decimals, "0"))


def to_text(units: int, decimals: int) -> str:
    """``units`` of ``10**-decimals`` as text with exactly that many places.

    >>> to_text(-1050, 2)
    '-10.50'
    """
    sign, digits = ("-" if units < 0 else ""), str(abs(units)).rjust(decimals + 1, "0")
    if not decimals:
        return sign + digits
    return f"{sign}{digits[:-decimals]}.{digits[-decimals:]}"


def _match(text: str) -> tuple[str, str]:
    """The digits before and after the point."""
    found = _TEXT.fullmatch(text)
    if found is None:
        raise DecimalError(f"{text!r} is not a plain decimal number of up to 18 digits a side")
    return found[1], found[2] or ""
