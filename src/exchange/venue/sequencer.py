"""The writer: takes commands from one queue, decides, appends, and only then answers."""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from exchange.collector import settled
from exchange.kernel.events import Event, Placed
from exchange.kernel.laws import InvariantViolation
from exchange.kernel.rejects import RejectCode
from exchange.orders.commands import Request, Role, kind
from exchange.orders.records import CommandRecorded, content_digest
from exchange.store.log import EventLog
from exchange.store.poison import (
    OWN_WORK,
    Poison,
    Stop,
    note_halted,
    note_stop,
    read_poison,
)
from exchange.store.seal import Row, unpacked
from exchange.store.urls import StoreUrl
from exchange.store.writer import LogWriter
from exchange.venue.answers import Ack, answer
from exchange.venue.batch import Batch, Bounds, KeyConflict, Seen, Waiting
from exchange.venue.catalogue import EVENTS
from exchange.venue.clock import Clock
from exchange.venue.decide import decide
from exchange.venue.due import due_work, halts, next_due_us, next_piece
from exchange.venue.intake import Admitted, admit
from exchange.venue.journal import Journal
from exchange.venue.keys import Keys, OlderKeys, binds
from exchange.venue.laws import Watch, check_all
from exchange.venue.opening import open_state
from exchange.venue.replay import by_command
from exchange.venue.state import VenueState


class QueueFull(Exception):  # noqa: N818 - the condition is the message
    """The command was not taken: a definite no, to be tried again later."""


class OutcomeUnknown(Exception):  # noqa: N818 - the condition is the message
    """The command may or may not have been stored; the same key tells after a restart."""


T = TypeVar("T")

COMMAND_ROWS = 8
"""Rows read at a time when a command's first answer is rebuilt: few commands have more."""


Beside = Callable[[int], float | None]
"""What is served between two batches: takes the position up to which the log is on disk; says in
how many seconds it has more to do, null: not before more is stored. It must be short: no command
is decided meanwhile."""


def no_older_keys(_: EventLog) -> OlderKeys | None:
    """Nobody keeps old bindings: all are in memory."""
    return None


class Venue:
    """An open venue. All methods belong to the event loop's thread.

    ``older`` makes, from the log, what holds the bindings of keys that leave memory.

    While one batch is on its way to the disk, in a thread of its own, the next is decided:
    memory is two batches ahead of the log at most.

    Raises:
        StoreError: the store can't be opened for writing.
        InvariantViolation: the log breaks a law.
    """

    def __init__(
        self,
        url: StoreUrl,
        bounds: Bounds = Bounds(),  # noqa: B008 - frozen
        older: Callable[[EventLog], OlderKeys | None] = no_older_keys,
    ) -> None:
        self._clock = Clock()
        self.log = LogWriter(url, EVENTS, at_us=self._clock.now_us())
        self.older = older(self.log)
        self.keys = Keys(self.older)
        self.opened = open_state(self.log, self.keys)
        self.state = self.opened.state
        check_all(self.state)
        self._watch = Watch(self.state)
        self._bounds = bounds
        self._queue: deque[Waiting] = deque()
        self._unasked: list[Waiting] = []  # of them: nobody has looked for an old binding yet
        self._wake = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None  # while it runs
        self._stopping = False
        self._live = False  # whether the last command was stamped by the clock
        self._disk = ThreadPoolExecutor(1, "disk")
        self._forming = self._next_batch()
        self._storing: Batch | None = None
        self._stored: Future[int] | None = None  # ends when ``_storing`` is on disk
        self._helper = ThreadPoolExecutor(1, "helper")
        self._tidying: Future[None] | None = None  # a checkpoint under way
        self.faults = 0  # commands refused as INTERNAL: a sound venue has none
        self.stored_position = self.log.position  # the last that is on disk
        self.beside: list[Beside] = []
        self._aside = None if url.path is None else url.beside(".poison")
        self.poison = Poison() if self._aside is None else read_poison(self._aside)
        if self._aside is not None and self.poison.halt_due:
            self._halt(self._aside)

    def _halt(self, aside: Path) -> None:
        """Halt what trades before anything else is decided, and note that it was done.

        Venue time has stood still since the last command.
        """
        for it in halts(self.state):
            self._record(it, content_digest(it.command), self.state.at_us, self._forming)
        if self._forming.draft:
            self.stored_position = self.log.store(self.log.number(self._forming.draft))
            self._forming = self._next_batch()
        note_halted(aside, self._clock.now_us())

    @property
    def steady(self) -> bool:
        """Whether venue time still is the wall clock's: false once that has jumped."""
        return self._clock.steady

    @property
    def room(self) -> int:
        """How many commands the queue takes now."""
        return self._bounds.queue - len(self._queue)

    def submit(self, request: Request, at_us: int | None = None) -> "asyncio.Future[Ack]":
        """Queue a command; the future ends after it is on disk, refusals included.

        ``at_us`` is the venue time to stamp (never before the last one); live, the clock's.
        The future raises :class:`KeyConflict`, or :class:`OutcomeUnknown` when the venue
        stops before the commit is certain.

        Raises:
            QueueFull: the queue holds its bound, or the venue stops.
            Malformed: the request can't be stored as it is.
        """
        if len(self._queue) >= self._bounds.queue or self._stopping:
            raise QueueFull(f"{len(self._queue)} commands are waiting")
        admitted = admit(request)
        future = (self._loop or asyncio.get_running_loop()).create_future()
        waiting = Waiting(admitted, at_us, future)
        self._queue.append(waiting)
        if self.keys.forgotten:
            self._unasked.append(waiting)
        if len(self._queue) == 1:
            self._wake.set()
        return future

    def wake(self) -> None:
        """Let what is beside the venue be served though nothing was stored; from any thread."""
        loop = self._loop
        if loop is not None:
            loop.call_soon_threadsafe(self._wake.set)

    def look(self, question: Callable[[VenueState], T]) -> "asyncio.Future[Seen[T]]":
        """Ask the state; the future ends when everything that the answer shows is on disk.

        So nobody sees what a crash could take back, and who was answered sees what it did. The
        question must be pure, short, and hand out nothing of the state itself; those of
        ``looks`` are. The future raises :class:`OutcomeUnknown` when the venue stops before.

        Raises:
            QueueFull: the venue stops.
            Rejected: what the question refuses.
        """
        if self._stopping:
            raise QueueFull("the venue stops")
        seen = Seen(question(self.state), self._forming.journal.position, self.state.at_us)
        future = asyncio.get_running_loop().create_future()
        self._forming.answers.append((future, seen))
        self._wake.set()
        return future

    async def run(self) -> None:
        """Serve the queue until :meth:`stop`, or until memory can't be trusted any more.

        Raises:
            CommitFailed: whether a batch is stored is unknown: the process must end.
            InvariantViolation: a law broke: likewise.
        """
        self._loop = asyncio.get_running_loop()
        try:
            while not (self._stopping and self._idle):
                await self._turn()
            if self._tidying is not None:
                await asyncio.wrap_future(self._tidying)
        finally:
            self._stopping, self._loop = True, None
            self._give_up()

    @property
    def _idle(self) -> bool:
        return not (self._queue or self._forming.draft or self._forming.answers) and (
            self._storing is None
        )

    async def _turn(self) -> None:
        """Decide what waits, answer what is stored, store what is decided; else wait."""
        if self._more_to_decide():
            self._decide(self._forming)
        if self._stored is not None and self._stored.done():
            self._answer_stored(self._stored)
        if self._storing is None and (self._forming.answers or self._forming.draft):
            self._store()
        self._tidy()
        pause_s = _least(*(serve(self.stored_position) for serve in self.beside))
        if pause_s == 0 or self._more_to_decide():
            await asyncio.sleep(0)
        elif not (self._stopping and self._idle):
            await self._rest(pause_s)

    def _more_to_decide(self) -> bool:
        """Whether a command waits and the batch takes it, if only because the disk is busy."""
        if not self._queue:
            return False
        batch, bounds = self._forming, self._bounds
        if self._storing is not None and batch.full(bounds):
            batch.lengthen(bounds)
        return not batch.full(bounds)

    async def _rest(self, pause_s: float | None) -> None:
        """Wait for a command or the disk, ``pause_s`` at most; live, also for what comes due."""
        next_us = next_due_us(self.state) if self._live and not self._stopping else None
        due_s = None if next_us is None else max(0, next_us - self._clock.now_us()) / 1_000_000
        try:
            async with asyncio.timeout(_least(due_s, pause_s)):
                await self._wake.wait()
            self._wake.clear()
        except TimeoutError:
            if due_s is None:
                return
            at_us = self._stamp(self._clock.now_us())
            work = next_piece(self.state, at_us)
            if work is not None:
                self._record(work, content_digest(work.command), at_us, self._forming)

    def _store(self) -> None:
        """Send the batch to the disk and begin the next one, behind its seal."""
        batch = self._storing = self._forming
        position = batch.journal.position
        numbered = self.log.number(batch.draft) if batch.draft else None
        self._forming = self._next_batch()
        if numbered is not None and self.log.url.path is not None:
            self._stored = self._disk.submit(self.log.store, numbered)
        else:  # Nothing to store, or in memory, where connections shut each other out.
            done: Future[int] = Future()
            done.set_result(self.log.store(numbered) if numbered else position)
            self._stored = done
        self._stored.add_done_callback(lambda _: self.wake())

    def _next_batch(self) -> Batch:
        journal = Journal(self.state, self.log.position, self._past)
        return Batch(journal, self.log.draft(), self._bounds)

    def _past(self, stream: str, version: int) -> Event | None:
        """The event of a stream at a version, on disk or on its way there."""
        stored = self.log.event(stream, version)
        if stored is not None:
            return stored
        for batch in (self._storing, self._forming):
            for _, name, number, topic, state in _rows(batch):
                if number == version and name == stream:
                    return self.log.catalogue.decode(topic, state)
        return None

    def _answer_stored(self, stored: "Future[int]") -> None:
        """Answer the batch that has reached the disk.

        Raises:
            CommitFailed: it may not have.
        """
        self.stored_position = stored.result()
        batch, self._storing, self._stored = self._storing, None, None
        for future, found in batch.answers if batch else ():
            if future.done():
                continue  # The caller went away; the command stands.
            if isinstance(found, KeyConflict):
                future.set_exception(found)
            else:
                future.set_result(found)

    def _give_up(self) -> None:
        """Answer what has reached the disk after all; of the rest, say that nobody knows."""
        if self._stored is not None and self._stored.exception() is None:
            self._answer_stored(self._stored)
        for batch in (self._storing, self._forming):
            for future, _ in batch.answers if batch else ():
                _fail(future, OutcomeUnknown("the venue stopped around the commit"))
        for waiting in self._queue:
            _fail(waiting.future, OutcomeUnknown("the venue stopped before deciding"))
        self._queue.clear()

    def _tidy(self) -> None:
        """Let a checkpoint run when one is due: it is all I/O, outside the interpreter's lock."""
        if self._tidying is not None and self._tidying.done():
            self._tidying.result()
            self._tidying = None
        if self._tidying is None and self.log.checkpoint_due:
            self._tidying = self._helper.submit(self._checkpoint)

    def _checkpoint(self) -> None:
        """Most of it beside the writer; then what came meanwhile, between two batches.

        Only a checkpoint that reaches the end lets the write-ahead log start anew.
        """
        self.log.ease_checkpoint()
        self._disk.submit(self.log.checkpoint).result()

    def stop(self) -> None:
        """Take no more commands; :meth:`run` ends when the queue is empty."""
        self._stopping = True
        self._wake.set()

    def close(self) -> None:
        """Let go of the store, when nothing is on its way to it any more."""
        self._helper.shutdown()
        self._disk.shutdown()
        if self.older is not None:
            self.older.close()
        self.log.close()

    def _decide(self, batch: Batch) -> None:
        """Take commands from the queue and fill the batch, within its bounds.

        The clock is read once a command: what one took is what the next one begins with.
        """
        queue, bounds, clock = self._queue, self._bounds, self._clock
        if self._unasked:
            self._look_for_old_bindings()
        clock.now_us()
        now_ns = time.monotonic_ns()
        while queue and not batch.full(bounds):
            waiting = queue[0]
            found = self._earlier(waiting, batch)
            if found is None:
                given_us = waiting.at_us
                at_us = self._stamp(clock.at_us(now_ns) if given_us is None else given_us)
                self._live = given_us is None
                work = due_work(self.state, at_us)
                if work is not None:
                    self._record(work, content_digest(work.command), at_us, batch)
                found = self._decide_one(waiting.admitted, at_us, batch)
            batch.answers.append((waiting.future, found))
            queue.popleft()
            began_ns, now_ns = now_ns, time.monotonic_ns()
            batch.deciding_ns += now_ns - began_ns

    def _stamp(self, at_us: int) -> int:
        """The venue time of what is decided next: never before the last one's."""
        last_us = self.state.at_us
        return max(last_us, at_us)

    def _record(self, request: Request, digest: str, at_us: int, batch: Batch) -> Sequence[Placed]:
        """Decide a command; its record and effects, which are kept for the append."""
        journal, stop = batch.journal, self.poison.refused.get(digest)
        broke = None if stop is None else stop.fault
        try:
            decide(self.state, request, digest, at_us, journal, broke)
            effects = journal.placed
            self._watch.check(effects)
            batch.draft.add(effects)
        except Exception as fault:
            # Nothing is mended: whatever it was, the next opening must know, and it rises.
            self._write_aside(request, digest, fault)
            raise
        return effects

    def _write_aside(self, request: Request, digest: str, fault: Exception) -> None:
        """Note which command the venue stops at, so that it is refused after the rebuild."""
        name = OWN_WORK if request.role is Role.SYSTEM else digest
        what = fault.law if isinstance(fault, InvariantViolation) else type(fault).__name__
        stop = Stop(self._clock.now_us(), name, kind(request.command), what)
        fault.add_note(f"the venue stopped at {stop.kind} {stop.digest}")
        if self._aside is not None:
            note_stop(self._aside, stop)

    def _decide_one(self, admitted: Admitted, at_us: int, batch: Batch) -> Ack:
        request = admitted.request
        effects = self._record(request, admitted.digest, at_us, batch)
        ack = answer(effects)
        if ack.refusal is not None and ack.refusal.code is RejectCode.INTERNAL:
            self.faults += 1
        key = admitted.key
        if key is not None and binds(request.command, request.key, ack.refusal):
            batch.bound[key] = admitted.digest, ack
            self.keys.bind(key, effects[0][3])
        return ack

    def _look_for_old_bindings(self) -> None:
        """One look-up for all that wait: a binding that is made later is in memory."""
        recent = self.keys.recent
        asked = [
            (it, it.admitted.key)
            for it in self._unasked
            if it.admitted.key is not None and recent(it.admitted.key) is None
        ]
        self._unasked.clear()
        found = self.keys.find_older([key for _, key in asked])
        for waiting, key in asked:
            waiting.older = found.get(key, 0)

    def _earlier(self, waiting: Waiting, batch: Batch) -> Ack | KeyConflict | None:
        """What the key is bound to: an answer still to be stored, a stored record, or nothing."""
        admitted, older = waiting.admitted, waiting.older
        key, digest = admitted.key, admitted.digest
        if key is None:
            return None
        keys = self.keys
        position = keys.recent(key) or older
        if position is None and keys.forgotten:
            position = keys.position(key)
        if not position or not self.state.may_give(admitted.request):
            return None  # A stranger's is refused: the owner's answer is none of its business.
        for unstored in (batch, self._storing):
            if unstored is not None and key in unstored.bound:
                first, ack = unstored.bound[key]
                return ack if first == digest else _conflict(admitted)
        command = next(by_command(self.log.read(position - 1, COMMAND_ROWS)))
        record = command[0].event
        same = isinstance(record, CommandRecorded) and record.digest == digest
        return answer(command) if same else _conflict(admitted)


@asynccontextmanager
async def serving(
    url: StoreUrl,
    bounds: Bounds = Bounds(),  # noqa: B008 - frozen
    older: Callable[[EventLog], OlderKeys | None] = no_older_keys,
) -> AsyncIterator[Venue]:
    """An open venue that serves its queue; on leaving, what waits is served and the store closed.

    Raises:
        StoreError: as for :class:`Venue`; CommitFailed in place of what it made fail.
        InvariantViolation: a law broke.
    """
    venue = Venue(url, bounds, older)
    server = asyncio.create_task(venue.run())
    with settled():
        try:
            yield venue
        finally:
            venue.stop()
            try:
                await server
            finally:
                venue.close()


def _rows(batch: Batch | None) -> list[Row]:
    return unpacked(batch.draft.packed()) if batch else []


def _conflict(admitted: Admitted) -> KeyConflict:
    return KeyConflict(f"key {admitted.request.key!r} was used for other content")


def _least(*pauses_s: float | None) -> float | None:
    """The shortest of them; null: for ever."""
    return min((it for it in pauses_s if it is not None), default=None)


def _fail(future: "asyncio.Future[Any]", error: Exception) -> None:
    if not future.done():
        future.set_exception(error)
