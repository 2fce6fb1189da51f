"""Whether the present code decides each recorded command as it was decided then."""

from collections.abc import Sequence
from typing import Any

import msgspec

from exchange.audit.asof import END, REPORT_EVERY, Moment, Progress, check_reached, history
from exchange.audit.checkpoint import copied
from exchange.audit.turn import check_turn
from exchange.collector import paused
from exchange.kernel.events import Envelope
from exchange.kernel.laws import InvariantViolation
from exchange.orders.commands import Request, kind
from exchange.orders.records import CommandRecorded
from exchange.store.log import EventLog
from exchange.venue.decide import decide, poison_of
from exchange.venue.journal import Journal
from exchange.venue.replay import replay
from exchange.venue.state import VenueState

DIFFERENCES_MAX = 10

FAULTS = (
    InvariantViolation, ArithmeticError, AssertionError, AttributeError, LookupError, TypeError,
    ValueError,
)  # fmt: skip
"""What deciding may raise where the code and the history don't go together."""


class Effect(msgspec.Struct, frozen=True):
    """A stored event with its place in its stream; the command's record is the first."""

    stream: str
    version: int
    topic: str
    event: Any


class Difference(msgspec.Struct, frozen=True):
    """A command that comes out otherwise today.

    ``fault`` is what deciding raised, or why it was not its turn; null: only the effects differ.
    """

    position: int  # of its record
    at_us: int
    stream: str
    version: int
    kind: str
    expected: tuple[Effect, ...]  # as recorded
    decided: tuple[Effect, ...]
    fault: str | None = None


class Comparison(msgspec.Struct):
    """What re-execution saw; ``stopped`` when it gave up at the most differences allowed."""

    commands: int = 0
    events: int = 0
    position: int = 0  # of the last event compared
    state_hash: str = ""
    stopped: bool = False
    differences: list[Difference] = []


def reexecute(
    log: EventLog,
    *,
    first: int = 1,
    until: Moment = END,
    differences_max: int = DIFFERENCES_MAX,
    progress: Progress | None = None,
) -> Comparison:
    """Decide each recorded command again, in the state that the record made before it.

    From the first command at or behind the position ``first``. A command that comes out
    otherwise is reported and then followed as recorded: no difference causes another one.

    Raises:
        NotThere: a position lies beyond the end of the log.
        InvariantViolation: the record can't be followed at all; ``verify`` tells more.
        StoreError: the store can't be read.
    """
    check_reached(log, Moment(position=first))
    with paused():
        return _Rerun(log, first, until, progress).run(differences_max)


class _Rerun:
    """``state`` decides, and is the recorded one between two commands.

    A decision that differs has spoilt it. Then ``recorded``, which has stood still since the
    last time, follows the record up to there, and ``state`` starts from a copy of it.
    """

    def __init__(self, log: EventLog, first: int, until: Moment, progress: Progress | None) -> None:
        self.log, self.first, self.until, self.progress = log, first, until, progress
        self.state = VenueState()
        self.recorded = VenueState()
        self.behind = history(log, until)  # what ``recorded`` has still to follow
        self.seen = Comparison()

    def run(self, differences_max: int) -> Comparison:
        """Compare up to so many differences."""
        seen, told = self.seen, 0
        for command in history(self.log, self.until):
            if command[0].position < self.first:
                replay(self.state, command)
                continue
            difference = self._compare(command)
            seen.commands += 1
            seen.events += len(command)
            seen.position = command[-1].position
            if difference is not None:
                seen.differences.append(difference)
                if len(seen.differences) >= differences_max:
                    seen.stopped = True
                    break
                self._restore(command)
            if self.progress is not None and seen.position - told >= REPORT_EVERY:
                told = seen.position
                self.progress(told)
        if not seen.stopped:
            seen.state_hash = self.state.state_hash()
        return seen

    def _compare(self, command: Sequence[Envelope]) -> Difference | None:
        """Decide it; null when all comes out as recorded, and ``state`` has followed."""
        record, place = command[0].event, command[0]
        if not isinstance(record, CommandRecorded):
            raise InvariantViolation("R7", f"no command caused the event at {place.position}")
        journal = Journal(self.state, place.position - 1, self.log.event)
        request = Request(record.command, record.actor, record.role, record.key, record.trace_id)
        fault = self._turn(record)
        try:
            poison = poison_of(record.refusal)
            decide(self.state, request, record.digest, record.at_us, journal, poison)
        except FAULTS as error:
            fault = fault or f"deciding it raised {error!r}"
        decided = journal.envelopes
        if fault is None and decided == command:
            return None
        return Difference(
            place.position, record.at_us, place.originator_id, place.originator_version,
            kind(record.command), _effects(command), _effects(decided), fault,
        )  # fmt: skip

    def _turn(self, record: CommandRecorded) -> str | None:
        """Why it was not the turn of the command, the venue's own work going first; or null."""
        try:
            check_turn(self.state, record)
        except InvariantViolation as wrong:
            return wrong.detail
        return None

    def _restore(self, command: Sequence[Envelope]) -> None:
        """Let both states stand behind ``command`` as it was recorded."""
        for earlier in self.behind:
            replay(self.recorded, earlier)
            if earlier[0].position == command[0].position:
                break
        self.state = copied(self.recorded)


def _effects(command: Sequence[Envelope]) -> tuple[Effect, ...]:
    return tuple(
        Effect(it.originator_id, it.originator_version, it.event.TOPIC, it.event) for it in command
    )
