"""How venue time is written on the command line."""

from datetime import UTC, datetime, time, timedelta

import typer

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def time_us(text: str) -> int:
    """Microseconds since 1970 UTC, cut off below."""
    try:
        return (datetime.fromisoformat(text) - EPOCH) // MICROSECOND
    except (ValueError, TypeError):  # no time, or one that names no zone
        raise typer.BadParameter(f"{text!r} is no time like 2031-01-31T09:30:00Z") from None


def time_text(us: int) -> str:
    """The same the other way; a time that no calendar has stays a number."""
    try:
        return (EPOCH + us * MICROSECOND).isoformat().replace("+00:00", "Z")
    except OverflowError:
        return str(us)


def day_us(text: str) -> int:
    """Microseconds after 00:00 UTC of a time of day."""
    try:
        told = time.fromisoformat(text)
    except ValueError:
        told = None
    if told is None or told.tzinfo is not None:
        raise typer.BadParameter(f"{text!r} is no time of day like 17:30")
    return (datetime.combine(EPOCH, told, UTC) - EPOCH) // MICROSECOND


def day_text(us: int) -> str:
    """The same the other way."""
    return (EPOCH + us * MICROSECOND).time().isoformat()
