"""What the venue knew at any moment of its log: exact, down to the order of each queue."""

from collections.abc import Callable, Iterator

import msgspec

from exchange.kernel.events import Envelope
from exchange.orders.records import CommandRecorded
from exchange.store.log import EventLog
from exchange.venue.opening import Passed, Start, nearest
from exchange.venue.replay import by_command, replay
from exchange.venue.state import VenueState

REPORT_EVERY = 10_000

Progress = Callable[[int], None]
"""Called with positions, now and then."""


class Moment(msgspec.Struct, frozen=True):
    """A log position, or a venue time in microseconds; with neither, the end of the log."""

    position: int | None = None
    at_us: int | None = None


class NotThere(LookupError):  # noqa: N818 - the condition is the message
    """The log does not hold what was asked for."""


class Past(msgspec.Struct):
    """The state behind the last whole command at or before a moment.

    ``position`` is that of the command's last event, ``at_us`` its venue time; both 0 when no
    command was given yet. ``passed`` are snapshots that could have helped and did not.
    """

    state: VenueState
    position: int = 0
    at_us: int = 0
    passed: tuple[Passed, ...] = ()


END = Moment()


def state_at(
    log: EventLog,
    moment: Moment = END,
    progress: Progress | None = None,
    *,
    genesis: bool = False,
) -> Past:
    """The state behind the last whole command at or before ``moment``.

    From the nearest snapshot at or before it; from ``genesis``, where that is asked for or
    there is none. The one place where a past state is made. O(state + events followed).

    Raises:
        NotThere: the position lies beyond the end of the log.
        InvariantViolation: the log can't be followed; ``verify`` tells more.
        StoreError: the store can't be read.
    """
    check_reached(log, moment)
    start = Start(VenueState()) if genesis else nearest(log, moment.position, moment.at_us)
    past = Past(start.state, start.command, passed=start.passed)

    def followed() -> Iterator[Envelope]:
        for command in history(log, moment, progress, after=start.position):
            yield from command
            past.position = command[-1].position

    replay(past.state, followed())
    past.at_us = past.state.at_us
    return past


def history(
    log: EventLog, moment: Moment = END, progress: Progress | None = None, after: int = 0
) -> Iterator[list[Envelope]]:
    """Each whole command at or before ``moment``, in the order of the log.

    ``after`` is 0 or the position of a seal: those before it are left out.

    Raises:
        NotThere: the position lies beyond the end of the log.
        StoreError: the store can't be read.
    """
    check_reached(log, moment)
    told = after
    for command in by_command(log.read(after)):
        if is_later(command, moment):
            return
        yield command
        if progress is not None and command[-1].position - told >= REPORT_EVERY:
            told = command[-1].position
            progress(told)


def check_reached(log: EventLog, moment: Moment) -> None:
    """Nothing, unless the moment is a position that the log does not reach.

    Raises:
        NotThere: it is; the message names the last position.
    """
    last = log.last_position
    if moment.position is not None and moment.position > last:
        raise NotThere(f"position {moment.position} lies beyond the end of the log, {last}")


def is_later(command: list[Envelope], moment: Moment) -> bool:
    """Whether the command was not whole yet at the moment."""
    if moment.position is not None and command[-1].position > moment.position:
        return True
    record = command[0].event
    return (
        moment.at_us is not None
        and isinstance(record, CommandRecorded)
        and record.at_us > moment.at_us
    )
