"""The follower that keeps the views: from the log, page by page, to the last seal."""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from exchange.collector import paused
from exchange.projections.builds import Builds
from exchange.projections.bulk import Script, Unstorable
from exchange.projections.schema import complete, create, explained
from exchange.projections.views import Anchor, Views, anchor_in
from exchange.store.errors import StoreDamaged, StoreError
from exchange.store.events import BatchSealed
from exchange.store.lock import WriterLock
from exchange.store.log import EventLog

PAGE_ROWS = 1_000
"""Rows of one read."""
STEP_EVENTS = 50_000
"""Events between two commits while catching up: in memory are those of two steps at most."""
ANY_TIME_MS = 60_000
ANYWHERE = 2**63 - 1


class FollowerStopped(StoreDamaged):
    """An event can't be followed: the views stay before its batch until this is mended."""


class Step(NamedTuple):
    """What was followed in memory: from where to which seal, and how it is written."""

    begin: int  # position before its first event
    anchor: Anchor
    script: Script
    end: int  # of the log when it was followed, 0 for views that are read already


class Follower:
    """Follows ``log`` into the views that ``pointer`` names; the only one to write them.

    Opening compares where the views stand with the log: views of another log, or of one that
    was cut and went on otherwise, are dropped. Without views, or with those of an older
    version, new ones are built beside, and take their place when they have caught up; with
    ``rebuild`` too. After an error it must be opened anew.

    Raises:
        StoreLocked: another process follows into these views.
        StoreFormat: the file is of a newer version, or holds no views.
        StoreError: it can't be written.
    """

    def __init__(self, log: EventLog, pointer: Path, *, rebuild: bool = False) -> None:
        self._log = log
        self._decode = log.catalogue.decode
        self.builds = Builds(pointer)
        self._lock = WriterLock(pointer.with_name(pointer.name + ".lock"))
        try:
            self._log_id = log.first_epoch().log_id
            self.building = not self._keep(rebuild=rebuild)
            self._views = self._open()
            self._followed = self._views.anchor  # in memory
            self._taken = self.followed  # position up to which it was taken to be written
            self._end = 0  # of the log when it was last followed into views that are built
            self._complete = False  # they have reached such an end
            self._handlers = self._views.handlers()
        except BaseException:
            self._lock.release()
            raise

    @property
    def anchor(self) -> Anchor:
        """The seal that the views stand behind."""
        return self._views.anchor

    @property
    def followed(self) -> int:
        """The position up to which events were followed, in memory at least."""
        return self._followed.position

    @property
    def waiting(self) -> int:
        """Events that were followed and wait to be taken."""
        return self.followed - self._taken

    def step(self, max_events: int = STEP_EVENTS, max_ms: int = ANY_TIME_MS) -> int:
        """Follow up to about so many events or so long, to a seal; how many were followed.

        0 says that the views have caught up; those that are built are read from when they have
        reached the end that the log had when the step began. A batch is never split: one that is
        larger than the bounds is carried through. Commits once.

        Raises:
            FollowerStopped: an event can't be followed; the views stand where they stood.
            StoreError: log or views can't be read or written.
        """
        self.follow(max_events, max_ms)
        step = self.take()
        if step is not None:
            self.write(step)
            self.finish(step)
        if self.may_publish():
            self.publish()
        return 0 if step is None else step.anchor.position - step.begin

    def follow(
        self, max_events: int = STEP_EVENTS, max_ms: int = ANY_TIME_MS, upto: int = ANYWHERE
    ) -> bool:
        """The first part of a step: follow in memory; whether there was anything.

        Bounds as those of a step; it also ends at a seal at ``upto``. It may be called again and
        again before what came of it is taken, and while what was taken is written.

        Raises:
            FollowerStopped: an event can't be followed.
            StoreError: the log can't be read.
        """
        self._end = self._log.last_position if self.building else 0
        anchor = self._follow(max_events, time.perf_counter() + max_ms / 1_000, upto)
        if anchor is not None:
            self._followed = anchor
        elif self.followed == self.anchor.position:
            self._complete = True
        return anchor is not None

    def take(self) -> Step | None:
        """The second: all that was followed since the last one, to be written; null if nothing."""
        if not self.waiting:
            return None
        step = Step(self._taken, self._followed, self._views.script(self._followed), self._end)
        self._taken = self.followed
        return step

    def write(self, step: Step) -> None:
        """The third: commit it; from any one thread, the steps in order.

        Raises:
            FollowerStopped: a number or a text can't be stored.
            StoreError: the views can't be written, or do not stand where the step begins.
        """
        if step.begin != self.anchor.position:
            raise StoreError(f"{self.builds.pointer} was left behind: open it anew")
        try:
            with explained(self.builds.pointer):
                self._views.commit(step.script)
        except Unstorable as error:
            where = f"an event from {step.begin + 1} to {step.anchor.position}"
            raise FollowerStopped(f"{where} can't be followed: {error}") from error

    def finish(self, step: Step) -> None:
        """The fourth: from now on the views stand there."""
        self._views.anchor = step.anchor
        self._complete = self._complete or step.anchor.position >= step.end

    def may_publish(self) -> bool:
        """Whether views that are built have reached the end that the log had before a step.

        Nothing may be being written.
        """
        return self.building and self._complete

    def publish(self) -> None:
        """Let readers have what has caught up; from any one thread. O(views)."""
        with explained(self.builds.building):
            complete(self._views.connection)
            self._views.connection.close()
        try:
            self.builds.publish()
        except OSError as error:
            raise StoreError(f"{self.builds.pointer} can't be switched: {error}") from error
        self._views.connection = create(self.builds.pointer.resolve(), building=False)
        self.building = False

    def catch_up(
        self, progress: Callable[[int], None] | None = None, max_events: int = STEP_EVENTS
    ) -> int:
        """Follow to the end of the log as it is when that is reached; the position there.

        While a step is followed in memory, a thread writes the one before.

        Raises:
            FollowerStopped: an event can't be followed; the views stand before its step.
            StoreError: log or views can't be read or written; they stand where the last step
                that was written ended.
        """
        writing: tuple[Step, Future[None]] | None = None
        with paused(), ThreadPoolExecutor(1, "views") as thread:
            while True:
                try:
                    self.follow(max_events)
                    step = self.take()
                finally:
                    if writing is not None:
                        self._written(*writing)
                if self.may_publish():
                    self.publish()
                if progress is not None:
                    progress(self.anchor.position)
                if step is None:
                    return self.anchor.position
                writing = step, thread.submit(self.write, step)

    def _written(self, step: Step, writing: Future[None]) -> None:
        """Wait until a thread has written the step."""
        writing.result()
        self.finish(step)

    def close(self) -> None:
        """Let go of the views."""
        self._views.connection.close()
        self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _follow(self, max_events: int, until: float, upto: int) -> Anchor | None:
        """Let the views follow in memory; the seal that was reached, null at the log's end."""
        decode, handlers, now = self._decode, self._handlers, self._views.now
        begin = last = sealed = self.followed
        seal, upto = "", min(upto, begin + max_events)
        for rows in self._log.pages(begin, max(1, min(PAGE_ROWS, max_events))):
            for position, stream, version, topic, state in rows:
                if position != last + 1:
                    raise FollowerStopped(
                        f"{_named(position, stream, version, topic)} stands behind {last}: the "
                        "log has a gap"
                    )
                last = now.position = position
                try:
                    event = decode(topic, state)
                    for handler in handlers[type(event)]:
                        handler(stream, event, now)
                except Exception as error:
                    # Whatever is wrong with an event or a projection, trading goes on beside it.
                    where = _named(position, stream, version, topic)
                    raise FollowerStopped(f"{where} can't be followed: {error!r}") from error
                if type(event) is BatchSealed:
                    sealed, seal = position, event.hash
                    if position >= upto or time.perf_counter() >= until:
                        return Anchor(self._log_id, sealed, seal, now.at_us)
        if last != sealed:
            raise FollowerStopped(f"the log ends inside a batch, at {last}: verify it")
        return Anchor(self._log_id, sealed, seal, now.at_us) if seal else None

    def _keep(self, *, rebuild: bool) -> bool:
        """Whether the views that are read are followed further, rather than built anew."""
        self.builds.tidy()
        if rebuild:
            self.builds.discard()
        current = self.builds.current()
        if current is None:
            return False
        anchor = anchor_in(current)
        if anchor is not None and not stands_in(self._log, anchor):
            self.builds.drop()
            return False
        if anchor is None or rebuild:
            return False
        self.builds.discard()
        return True

    def _open(self) -> Views:
        """The views to be written; what was being built of another log begins anew."""
        if not self.building:
            return Views(create(self.builds.pointer.resolve(), building=False))
        if self.builds.building.is_file():
            anchor = anchor_in(self.builds.building)
            if anchor is None or not stands_in(self._log, anchor):
                self.builds.discard()
        return Views(create(self.builds.building))


def stands_in(log: EventLog, anchor: Anchor) -> bool:
    """Whether the log has the seal that the views stand behind."""
    if not anchor.position:
        return True
    seal = log.seal_at(anchor.position)
    here = seal is not None and seal.hash == anchor.hash
    return here and anchor.log_id == log.first_epoch().log_id


def _named(position: int, stream: str, version: int, topic: str) -> str:
    return f"the event at {position} ({stream}@{version}, {topic})"
