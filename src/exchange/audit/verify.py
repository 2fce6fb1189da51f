"""Whether a log is whole and every law holds in it: chain, fold and laws in one pass."""

from collections.abc import Callable, Iterable, Iterator

import msgspec

from exchange.audit.ids import BusinessIds
from exchange.kernel.events import Envelope, Event
from exchange.kernel.laws import InvariantViolation, hold_law
from exchange.store.errors import UnreadableEvent
from exchange.store.events import VENUE, BatchSealed, EpochStarted
from exchange.store.heads import Head
from exchange.store.log import EventLog
from exchange.store.seal import Row, genesis, seal
from exchange.venue.laws import Watch, check_all
from exchange.venue.replay import by_command
from exchange.venue.state import VenueState
from exchange.wallet.events import EntriesPosted

REPORT_EVERY = 20_000


class Finding(msgspec.Struct, frozen=True):
    """A broken law, at a position (0: of no single event)."""

    law: str
    position: int
    detail: str


class Verdict(msgspec.Struct):
    """What verification saw; ``findings`` is empty when all is well."""

    log_id: str = ""
    events: int = 0
    commands: int = 0
    batches: int = 0
    epochs: int = 0
    state_hash: str = ""
    head: Head | None = None  # the last good batch's
    anchors: int = 0  # heads from outside the log that were compared
    not_excluded: list[str] = []
    findings: list[Finding] = []


class _Stop(Exception):  # noqa: N818 - ends the pass: what follows a bad batch proves nothing
    def __init__(self, law: str, position: int, detail: str) -> None:
        self.finding = Finding(law, position, detail)
        super().__init__(detail)


def verify(
    log: EventLog,
    *,
    until: int | None = None,
    anchors: Iterable[Head] = (),
    progress: Callable[[int], None] | None = None,
) -> tuple[Verdict, VenueState]:
    """Read the whole log once: seals, places, every event, every law; compare ``anchors``.

    ``until`` ends the fold behind that position; the batch it stands in is still checked
    whole. ``progress`` is called with positions. Stops at the first bad batch. Raises only
    when the store can't be read.
    """
    check = _Check(log, until, list(anchors), progress)
    return check.verdict, check.run()


class _Check:
    def __init__(
        self,
        log: EventLog,
        until: int | None,
        anchors: list[Head],
        progress: Callable[[int], None] | None,
    ) -> None:
        self.log, self.until, self.progress = log, until, progress
        self.verdict = Verdict()
        self.anchors = anchors
        self.state = VenueState()
        self.watch = Watch(self.state)
        self.ids = BusinessIds(self.state)
        self.versions: dict[str, int] = {}  # stream -> version of its last row
        self.seals: dict[int, Head] = {}  # batch -> its head, for batches that anchors name

    def run(self) -> VenueState:
        verdict = self.verdict
        try:
            self._read()
            check_all(self.state)
        except _Stop as stop:
            verdict.findings.append(stop.finding)
        except InvariantViolation as broken:
            law, _, detail = str(broken).partition(": ")
            verdict.findings.append(Finding(law, 0, detail))
        self._compare_anchors()
        verdict.state_hash = self.state.state_hash()
        verdict.not_excluded = self._not_excluded()
        return self.state

    def _read(self) -> None:
        batch: list[Row] = []
        position = before = 0
        head = b""
        wanted = {anchor.batch for anchor in self.anchors}
        for row in self.log.rows():
            position += 1
            if row[0] != position:
                raise _Stop("R3", position, f"position {position} is missing, {row[0]} follows")
            self._place(row)
            if row[3] != BatchSealed.TOPIC:
                batch.append(row)
                continue
            head = self._seal(head, batch, row)
            if self.verdict.batches in wanted:
                self.seals[self.verdict.batches] = Head(self.verdict.batches, row[0], head.hex())
            self._fold(batch)
            batch = []
            if self.progress is not None and position - before >= REPORT_EVERY:
                before = position
                self.progress(position)
            if self.until is not None and position >= self.until:
                return
        if batch:
            raise _Stop(
                "R4",
                batch[0][0],
                f"batch {self.verdict.batches + 1} at {batch[0][0]} to {position} has no seal: "
                "the log was cut inside a batch",
            )
        if not position:
            raise _Stop("R4", 0, "the log is empty: not even its first epoch is there")

    def _place(self, row: Row) -> None:
        """Law R3: streams have no gap."""
        position, stream, version, _, _ = row
        last = self.versions.get(stream, 0)
        if version != last + 1:
            raise _Stop("R3", position, f"{stream} goes from version {last} to {version}")
        self.versions[stream] = version

    def _seal(self, before: bytes, batch: list[Row], row: Row) -> bytes:
        """Law R4 for one batch: its seal is, byte for byte, what its rows give."""
        verdict = self.verdict
        number = verdict.batches + 1
        if not batch:
            raise _Stop("R4", row[0], f"batch {number} at {row[0]} holds nothing but a seal")
        first, last = batch[0], batch[-1]
        if first[3] == EpochStarted.TOPIC:
            self._epoch(self._decode(first), first[0])
            before = before or genesis(verdict.log_id)
        if not verdict.epochs:
            raise _Stop("R4", first[0], "the log does not begin with an epoch")
        head = seal(before, verdict.epochs, number, batch)
        expected = BatchSealed(verdict.epochs, number, first[0], last[0], head.hex())
        if row[1] != VENUE or row[4] != self.log.catalogue.encode(expected):
            raise _Stop(
                "R4",
                first[0],
                f"batch {number}, positions {first[0]} to {row[0]}, is not what was sealed: "
                f"{self._suspect([*batch, row])}",
            )
        verdict.batches, verdict.events = number, row[0]
        verdict.head = Head(number, row[0], head.hex())
        return head

    def _epoch(self, event: Event, position: int) -> None:
        verdict = self.verdict
        if not isinstance(event, EpochStarted) or event.epoch != verdict.epochs + 1:
            raise _Stop("R4", position, f"epoch {verdict.epochs + 1} should start here")
        if verdict.log_id not in ("", event.log_id):
            raise _Stop("R4", position, f"the epoch is of another log, {event.log_id}")
        verdict.log_id, verdict.epochs = event.log_id, event.epoch

    def _suspect(self, rows: list[Row]) -> str:
        """The event of a bad batch that can be told to be wrong, if any."""
        for row in rows:
            try:
                event = self.log.catalogue.decode(row[3], row[4])
            except UnreadableEvent as error:
                return f"the event at {row[0]} is not readable ({error})"
            if self.log.catalogue.encode(event) != row[4]:
                return f"the event at {row[0]} is not written as this program writes"
        return "which event was changed can't be told from the log"

    def _decode(self, row: Row) -> Event:
        try:
            return self.log.catalogue.decode(row[3], row[4])
        except UnreadableEvent as error:
            raise _Stop("R4", row[0], f"the event at {row[0]} is not readable: {error}") from error

    def _envelopes(self, batch: list[Row]) -> Iterator[Envelope]:
        for row in batch:
            if self.until is None or row[0] <= self.until:
                yield Envelope(row[1], row[2], self._decode(row), row[0])

    def _fold(self, batch: list[Row]) -> None:
        """Let the state follow a good batch, command by command, and check each."""
        for command in by_command(self._envelopes(batch)):
            self.verdict.commands += 1
            try:
                for envelope in command:
                    self.state.apply(
                        envelope.originator_id, envelope.originator_version, envelope.event
                    )
                self._laws(command)
            except (InvariantViolation, LookupError, TypeError) as error:
                law, _, detail = str(error).partition(": ")
                if not isinstance(error, InvariantViolation):
                    law, detail = "R1", f"the state can't follow: {error!r}"
                raise _Stop(law, command[0].position, detail) from error

    def _laws(self, command: list[Envelope]) -> None:
        self.watch.check(command)
        record = command[0]
        for envelope in command[1:]:
            event = envelope.event
            if isinstance(event, EntriesPosted):
                cause = (event.cause_stream, event.cause_version)
                known = (record.originator_id, record.originator_version)
                hold_law("L6", cause == known, f"entries at {envelope.position} name {cause}")
                self.ids.follow(event.entries)

    def _compare_anchors(self) -> None:
        verdict = self.verdict
        for anchor in self.anchors:
            if self.until is not None and anchor.position > self.until:
                continue
            verdict.anchors += 1
            found = self.seals.get(anchor.batch)
            if found is None:
                detail = f"batch {anchor.batch} was sealed once, but the log does not reach it"
            elif found.hash != anchor.hash:
                detail = f"batch {anchor.batch} was sealed as {anchor.hash}, now {found.hash}"
            else:
                continue
            verdict.findings.append(Finding("R4", found.position if found else 0, detail))
            return

    def _not_excluded(self) -> list[str]:
        """What the log alone can't show and no anchor has shown."""
        if self.verdict.findings or self.until is not None:
            return []
        last = max((anchor.batch for anchor in self.anchors), default=0)
        if last == self.verdict.batches:
            return []
        behind = f"behind batch {last}" if last else "anywhere"
        what = "a log cut at the end of a batch, or written anew with all its seals"
        return [f"{what}, {behind}: no head from outside the log reaches further"]
