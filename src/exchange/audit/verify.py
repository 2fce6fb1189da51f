"""Whether a log is whole and every law holds in it: chain, fold and laws in one pass."""

from collections.abc import Callable, Iterable, Iterator

import msgspec

from exchange.audit.chain import UNREADABLE, BadBatch, Chain
from exchange.audit.effects import follow
from exchange.audit.turn import check_turn
from exchange.kernel.events import Envelope
from exchange.kernel.laws import InvariantViolation
from exchange.store.heads import Head
from exchange.store.log import EventLog
from exchange.store.seal import Row
from exchange.venue.laws import Watch, check_all
from exchange.venue.replay import by_command
from exchange.venue.state import VenueState

REPORT_EVERY = 20_000


class Finding(msgspec.Struct, frozen=True):
    """A broken law: at a position, in a batch (0: of no single event, of no single batch)."""

    law: str
    position: int
    detail: str
    batch: int = 0


class Verdict(msgspec.Struct):
    """What verification saw; ``findings`` is empty when all is well."""

    log_id: str = ""
    events: int = 0
    commands: int = 0
    batches: int = 0
    epochs: int = 0
    state_hash: str = ""  # empty when the fold had to stop
    head: Head | None = None  # the last good batch's
    anchors: int = 0  # heads from outside the log that were compared
    not_excluded: list[str] = []
    findings: list[Finding] = []


def verify(
    log: EventLog,
    *,
    until: int | None = None,
    anchors: Iterable[Head] = (),
    progress: Callable[[int], None] | None = None,
) -> tuple[Verdict, VenueState]:
    """Read the log once: seals, places, every event, every law; compare ``anchors``.

    Reads to the log's end when it began; what a writer appends meanwhile is left for the next
    time. ``until`` ends it earlier: at the last command that stands whole before or at that
    position; the batch it stands in is still checked whole. ``progress`` is called with
    positions. Stops at the first bad batch. Raises only when the store can't be read.
    """
    check = _Check(log, until, anchors, progress)
    check.run()
    return check.verdict, check.state


class _Check:
    def __init__(
        self,
        log: EventLog,
        until: int | None,
        anchors: Iterable[Head],
        progress: Callable[[int], None] | None,
    ) -> None:
        self.until, self.progress = until, progress
        self.anchors: dict[int, set[str]] = {}  # batch -> hashes, of those not yet met
        for anchor in anchors:
            self.anchors.setdefault(anchor.batch, set()).add(anchor.hash)
        self.anchored = 0  # the last batch that an anchor was compared with
        self.chain = Chain(log)
        self.verdict = Verdict()
        self.state = VenueState()
        self.watch = Watch(self.state)

    def run(self) -> None:
        """Fill in the verdict."""
        verdict, chain = self.verdict, self.chain
        try:
            self._read()
            check_all(self.state)
            verdict.state_hash = self.state.state_hash()
            verdict.not_excluded = self._not_excluded()
        except BadBatch as bad:
            verdict.findings.append(Finding(bad.law, bad.position, str(bad), bad.batch))
        except InvariantViolation as broken:
            verdict.findings.append(Finding(broken.law, 0, broken.detail))
        verdict.log_id, verdict.epochs = chain.log_id, chain.epochs
        verdict.batches, verdict.events = chain.head.batch, chain.head.position
        verdict.head = chain.head if chain.head.batch else None

    def _read(self) -> None:
        told = 0
        for batch in self.chain.batches():
            position = self.chain.head.position
            self._compare(self.chain.head)
            self._fold(batch)
            if self.progress is not None and position - told >= REPORT_EVERY:
                told = position
                self.progress(position)
            if self.until is not None and position >= self.until:
                return
        if self.anchors:
            detail = "it was sealed once, but the log does not reach it"
            raise BadBatch("R4", 0, min(self.anchors), detail)

    def _compare(self, head: Head) -> None:
        """Law R4 from outside: what was sealed then is what is sealed now."""
        for sealed in self.anchors.pop(head.batch, ()):
            self.verdict.anchors += 1
            self.anchored = head.batch
            if sealed != head.hash:
                detail = f"it was sealed as {sealed} once, now as {head.hash}"
                raise BadBatch("R4", head.position, head.batch, detail)

    def _fold(self, batch: list[Row]) -> None:
        """Let the state follow a good batch, command by command, and check each."""
        for command in by_command(self._envelopes(batch)):
            if self.until is not None and command[-1].position > self.until:
                return
            try:
                check_turn(self.state, command[0].event)
                follow(self.state, command, self.chain.log.event)
                if len(command) > 1:
                    self.watch.check(command)
            except InvariantViolation as broken:
                raise self._bad(command[0].position, broken.law, broken.detail) from broken
            except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
                detail = f"the state can't follow: {error!r}"
                raise self._bad(command[0].position, "R1", detail) from error
            self.verdict.commands += 1

    def _envelopes(self, batch: list[Row]) -> Iterator[Envelope]:
        decode = self.chain.log.catalogue.decode
        for position, stream, version, topic, state in batch:
            try:
                event = decode(topic, state)
            except UNREADABLE as error:
                detail = f"the event at {position} is sealed, but can't be read: {error}"
                raise self._bad(position, "R1", detail) from error
            yield Envelope(stream, version, event, position)

    def _bad(self, position: int, law: str, detail: str) -> BadBatch:
        return BadBatch(law, position, self.chain.head.batch, detail)

    def _not_excluded(self) -> list[str]:
        """What the log alone can't show and no anchor has shown."""
        if self.anchored == self.chain.head.batch:
            return []
        behind = f"behind batch {self.anchored}" if self.anchored else "anywhere"
        what = "a log cut at the end of a batch, or written anew with all its seals"
        return [f"{what}, {behind}: no head from outside the log reaches further"]
