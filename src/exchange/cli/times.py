"""How venue time and times of day are written on the command line."""

from datetime import UTC, datetime, time

import typer

from exchange.audit.times import EPOCH, MICROSECOND
from exchange.audit.times import time_us as venue_time_us


def time_us(text: str) -> int:
    """Microseconds since 1970 UTC; a fraction of one is cut off."""
    try:
        return venue_time_us(text)
    except (ValueError, TypeError):  # no time, or one that names no zone
        raise typer.BadParameter(f"{text!r} is no time like 2031-01-31T09:30:00Z") from None


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
