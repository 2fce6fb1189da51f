"""What the venue knew at any moment of its log: exact, down to the order of each queue."""

from collections.abc import Callable, Iterator

import msgspec

from exchange.kernel.events import Envelope
from exchange.orders.records import CommandRecorded
from exchange.store.log import EventLog
from exchange.store.seal import Row
from exchange.venue.opening import Passed, Start, nearest
from exchange.venue.replay import STORE_STREAM, by_command, replay
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


class Place(msgspec.Struct, frozen=True):
    """The end of a whole command: its last position and its venue time; 0 before the first."""

    position: int
    at_us: int


END = Moment()
LOOK_ROWS = 64
"""Rows read at a time on the way back to a record: most commands have fewer."""


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


def place_of(log: EventLog, moment: Moment = END) -> Place:
    """Where :func:`state_at` would stand, without a fold: O(log events) looks into the log.

    Raises:
        NotThere: the position lies beyond the end of the log.
        StoreError: the store can't be read.
    """
    check_reached(log, moment)
    end = log.last_position if moment.position is None else moment.position
    if moment.at_us is not None:
        end = _last_by(log, moment.at_us, end)
    end = _whole_before(log, end)
    record = _record_before(log, end)
    return Place(0, 0) if record is None else Place(end, record[1])


def _last_by(log: EventLog, at_us: int, last: int) -> int:
    """The last position up to ``last`` before a record of a later time, which never goes back."""
    first = 0
    while first < last:
        middle = (first + last + 1) // 2
        record = _record_before(log, middle)
        if record is None or record[1] <= at_us:
            first = middle
        else:
            last = middle - 1
    return first


def _whole_before(log: EventLog, position: int) -> int:
    """The last position, up to this one, at which a command is whole; 0 for none."""
    following = next(log.rows(position, 1), None)
    if following and following[1] != STORE_STREAM and following[3] != CommandRecorded.TOPIC:
        record = _record_before(log, position)
        position = 0 if record is None else record[0] - 1
    return next((row[0] for row in _backwards(log, position) if row[1] != STORE_STREAM), 0)


def _record_before(log: EventLog, position: int) -> tuple[int, int] | None:
    """Position and venue time of the last record up to a position."""
    for row in _backwards(log, position):
        if row[3] == CommandRecorded.TOPIC:
            record = log.catalogue.decode(row[3], row[4])
            return (row[0], record.at_us) if isinstance(record, CommandRecorded) else None
    return None


def _backwards(log: EventLog, position: int) -> Iterator[Row]:
    """The rows from a position down to the first."""
    while position > 0:
        before = max(0, position - LOOK_ROWS)
        yield from reversed(next(log.pages(before, position - before), []))
        position = before


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
