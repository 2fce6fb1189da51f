"""Venue time as people write it, and back."""

from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def time_text(at_us: int) -> str:
    """ISO 8601 in UTC; beyond the year 9999 the microseconds themselves, as ``…us``."""
    try:
        return (EPOCH + timedelta(microseconds=at_us)).isoformat().replace("+00:00", "Z")
    except OverflowError:
        return f"{at_us}us"


def time_us(text: str) -> int:
    """Microseconds since 1970 UTC of an ISO 8601 time with its zone, or of ``…us``.

    Raises:
        ValueError: it is neither.
    """
    digits = text.removesuffix("us")
    if digits != text and digits.isascii() and digits.isdigit():
        return int(digits)
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise ValueError(f"{text!r} names no zone")
    return (time - EPOCH) // MICROSECOND
