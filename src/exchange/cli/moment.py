"""``--as-of`` and its kin: how a moment of the log is written on the command line."""

from collections.abc import Callable, Iterable
from typing import Annotated, TypeVar

import typer

from exchange.audit.asof import Moment, NotThere, Past, state_at
from exchange.audit.times import time_text, time_us
from exchange.cli.output import progress, stderr
from exchange.store.log import EventLog
from exchange.venue.opening import Passed

T = TypeVar("T")

DIGITS_MAX = 18

AsOf = Annotated[
    str | None,
    typer.Option(
        "--as-of",
        metavar="POSITION|TIME",
        help="As it stood at a log position, a time like 2031-01-31T09:30:00Z, or 1700000000000us.",
        show_default="the log's end",
    ),
]


def moment_of(text: str | None) -> Moment:
    """The moment that ``text`` names: digits alone are a position, nothing is the end."""
    if text is None:
        return Moment()
    if text.isascii() and text.isdigit() and len(text) <= DIGITS_MAX:
        if int(text) < 1:
            raise typer.BadParameter("positions count from 1")
        return Moment(position=int(text))
    try:
        return Moment(at_us=time_us(text))
    except ValueError:
        forms = "a position, a time with its zone like 2031-01-31T09:30:00Z, or 1700000000000us"
        raise typer.BadParameter(f"{text!r} is no moment: write {forms}") from None


def past_of(log: EventLog, text: str | None) -> Past:
    """The state at the moment that ``text`` names."""
    past = looked_up(log, text, lambda moment, report: state_at(log, moment, report))
    warn(past.passed)
    return past


def looked_up(
    log: EventLog, text: str | None, look: Callable[[Moment, Callable[[int], None]], T]
) -> T:
    """What ``look`` finds at the moment that ``text`` names; one beyond the log is wrong use."""
    moment = moment_of(text)
    try:
        with progress("replaying", moment.position or log.last_position, quiet=False) as report:
            return look(moment, report)
    except NotThere as error:
        raise typer.BadParameter(str(error)) from error


def warn(passed: Iterable[Passed]) -> None:
    """Say which snapshots were of no use: the answer is the same, it only took longer."""
    for it in passed:
        stderr.print(f"warning: snapshot {it.path} is passed over: {it.reason}")


def told(past: Past) -> str:
    """The moment in words, for people."""
    if not past.position:
        return "before the first command"
    return f"as of position {past.position}, {time_text(past.at_us)}"
