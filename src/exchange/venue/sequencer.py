"""The writer: takes commands from one queue, decides, appends, and only then answers."""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import msgspec

from exchange.orders.commands import Request
from exchange.orders.records import CommandRecorded, content_digest
from exchange.store.log import LogWriter
from exchange.store.urls import StoreUrl
from exchange.venue.answers import Ack, answer
from exchange.venue.catalogue import EVENTS
from exchange.venue.decide import decide
from exchange.venue.journal import Journal
from exchange.venue.keys import Keys, binding, scope
from exchange.venue.laws import Watch, check_all
from exchange.venue.replay import by_command, replay
from exchange.venue.state import VenueState


class QueueFull(Exception):  # noqa: N818 - the condition is the message
    """The command was not taken: a definite no, to be tried again later."""


class KeyConflict(Exception):  # noqa: N818 - the condition is the message
    """The key is bound to a command of other content; nothing was done."""


class OutcomeUnknown(Exception):  # noqa: N818 - the condition is the message
    """The command may or may not have been stored; the same key tells after a restart."""


class Bounds(msgspec.Struct, frozen=True):
    """What bounds a batch and the queue; 0 commands: only the other bounds."""

    commands: int = 0
    events: int = 20_000
    deciding_ms: int = 5
    queue: int = 4_096


class _Waiting(msgspec.Struct, gc=False):
    request: Request
    at_us: int | None
    future: "asyncio.Future[Ack]"


class Venue:
    """An open venue. All methods belong to the event loop's thread.

    Raises:
        StoreError: the store can't be opened for writing.
        InvariantViolation: the log breaks a law.
    """

    def __init__(self, url: StoreUrl, bounds: Bounds = Bounds()) -> None:  # noqa: B008 - frozen
        self.log = LogWriter(url, EVENTS, at_us=time.time_ns() // 1000)
        self.state = VenueState()
        self.keys = Keys()
        replay(self.state, self.log.read(), self.keys)
        check_all(self.state)
        self._watch = Watch(self.state)
        self._bounds = bounds
        self._queue: deque[_Waiting] = deque()
        self._wake = asyncio.Event()
        self._stopping = False
        self.committed: Callable[[Journal], None] | None = None

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
        """
        if len(self._queue) >= self._bounds.queue or self._stopping:
            raise QueueFull(f"{len(self._queue)} commands are waiting")
        future = asyncio.get_running_loop().create_future()
        self._queue.append(_Waiting(request, at_us, future))
        if len(self._queue) == 1:
            self._wake.set()
        return future

    async def run(self) -> None:
        """Serve the queue until :meth:`stop`, or until memory can't be trusted any more.

        Raises:
            CommitFailed: whether a batch is stored is unknown: the process must end.
            InvariantViolation: a law broke: likewise.
        """
        try:
            while not self._stopping or self._queue:
                if not self._queue:
                    self._wake.clear()
                    await self._wake.wait()
                    continue
                self.serve_batch()
                await asyncio.sleep(0)
                self.log.checkpoint_when_due()
        finally:
            self._stopping = True
            for waiting in self._queue:
                _fail(waiting.future, OutcomeUnknown("the venue stopped before deciding"))
            self._queue.clear()

    def stop(self) -> None:
        """Take no more commands; :meth:`run` ends when the queue is empty."""
        self._stopping = True
        self._wake.set()

    def close(self) -> None:
        """Let go of the store."""
        self.log.close()

    def serve_batch(self) -> None:
        """Decide what waits, within the bounds, append it in one transaction, answer."""
        journal = Journal(self.state, self.log.position)
        answers: list[tuple[asyncio.Future[Ack], Ack | int | KeyConflict]] = []
        bound: dict[bytes, tuple[str, Ack]] = {}
        taken: list[_Waiting] = []
        try:
            self._decide(journal, answers, bound, taken)
            if journal.envelopes:
                self.log.append(journal.envelopes)
        except BaseException:
            for waiting in taken:
                _fail(waiting.future, OutcomeUnknown("the venue stopped before the commit"))
            raise
        if self.committed is not None:
            self.committed(journal)
        self._answer(answers)

    def _decide(
        self,
        journal: Journal,
        answers: list[tuple["asyncio.Future[Ack]", Ack | int | KeyConflict]],
        bound: dict[bytes, tuple[str, Ack]],
        taken: list[_Waiting],
    ) -> None:
        """Fill ``journal`` and ``answers``; an int stands for the record of a stored repeat."""
        queue, state, keys, bounds = self._queue, self.state, self.keys, self._bounds
        most = bounds.commands or len(queue)
        until = time.perf_counter_ns() + bounds.deciding_ms * 1_000_000
        while queue and len(taken) < most:
            waiting = queue.popleft()
            taken.append(waiting)
            request = waiting.request
            digest = content_digest(request.command)
            key = scope(request)
            if key is not None:
                earlier = self._earlier(key, digest, bound)
                if earlier is not None:
                    answers.append((waiting.future, earlier))
                    continue
            first = len(journal.envelopes)
            at_us = self._now_us() if waiting.at_us is None else waiting.at_us
            decide(state, request, digest, max(at_us, state.at_us), journal)
            effects = journal.envelopes[first:]
            self._watch.check(effects)
            ack = answer(effects)
            answers.append((waiting.future, ack))
            if key is not None:
                bind = binding(request.command, request.key, refused=ack.refusal is not None)
                if bind is not None:
                    bound[bind] = digest, ack
                    keys.bind(bind, effects[0].position)
            if len(journal.envelopes) >= bounds.events or time.perf_counter_ns() > until:
                return

    def _earlier(
        self, key: bytes, digest: str, bound: dict[bytes, tuple[str, Ack]]
    ) -> Ack | int | KeyConflict | None:
        """What the key is bound to: an answer of this batch, a stored record, or nothing."""
        if key in bound:
            first, ack = bound[key]
            return ack if first == digest else KeyConflict("the key was used for other content")
        position = self.keys.position(key)
        if position is None:
            return None
        stored = next(self.log.read(position - 1, 1)).event
        if isinstance(stored, CommandRecorded) and stored.digest == digest:
            return position
        return KeyConflict("the key was used for other content")

    def _answer(self, answers: list[tuple["asyncio.Future[Ack]", Ack | int | KeyConflict]]) -> None:
        for future, found in answers:
            if future.done():
                continue  # The caller went away; the command stands.
            if isinstance(found, Ack):
                future.set_result(found)
            elif isinstance(found, int):
                future.set_result(self.stored_answer(found))
            else:
                future.set_exception(found)

    def stored_answer(self, position: int) -> Ack:
        """The first answer to the command recorded at ``position``, rebuilt from the log."""
        return answer(next(by_command(self.log.read(position - 1, 16))))

    @staticmethod
    def _now_us() -> int:
        return time.time_ns() // 1000


@asynccontextmanager
async def serving(url: StoreUrl, bounds: Bounds = Bounds()) -> AsyncIterator[Venue]:  # noqa: B008
    """An open venue that serves its queue; on leaving, what waits is served and the store closed.

    Raises:
        StoreError: as for :class:`Venue`; CommitFailed in place of what it made fail.
        InvariantViolation: a law broke.
    """
    venue = Venue(url, bounds)
    server = asyncio.create_task(venue.run())
    try:
        yield venue
    finally:
        venue.stop()
        try:
            await server
        finally:
            venue.close()


def _fail(future: "asyncio.Future[Ack]", error: Exception) -> None:
    if not future.done():
        future.set_exception(error)
