"""The follower that keeps the views: from the log, page by page, to the last seal."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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
STEP_EVENTS = 200_000
"""Events between two commits while catching up."""
ANY_TIME_MS = 60_000


class FollowerStopped(StoreDamaged):
    """An event can't be followed: the views stay before its batch until this is mended."""


class Step(NamedTuple):
    """What was followed in memory: up to which seal, and how it is written."""

    anchor: Anchor
    script: Script


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
            self._end: int | None = None  # of the log, when the last step began
            self._views = self._open()
            self._handlers = self._views.handlers()
        except BaseException:
            self._lock.release()
            raise

    @property
    def anchor(self) -> Anchor:
        """The seal that the views stand behind."""
        return self._views.anchor

    def step(self, max_events: int = STEP_EVENTS, max_ms: int = ANY_TIME_MS) -> int:
        """Follow up to about so many events or so long, to a seal; how many were followed.

        0 says that the views have caught up; those that are built are read from when they have
        reached the end that the log had when the step began. A batch is never split: one that is
        larger than the bounds is carried through. Commits once.

        Raises:
            FollowerStopped: an event can't be followed; the views stand where they stood.
            StoreError: log or views can't be read or written.
        """
        before = self.anchor.position
        try:
            step = self.follow(max_events, max_ms, spill=True)
            if step is not None:
                self.write(step)
                self.finish(step)
        except BaseException:
            self._views.connection.rollback()
            raise
        if self.may_publish():
            self.publish()
        return self.anchor.position - before

    def follow(self, max_events: int, max_ms: int, *, spill: bool = False) -> Step | None:
        """The first part of a step: follow in memory; null at the end of the log.

        Until what came of it is written and finished, nothing else may be asked of the follower.
        To ``spill`` is to write what is only ever added at once.

        Raises:
            FollowerStopped: an event can't be followed.
            StoreError: the log can't be read.
        """
        self._end = self._log.last_position if self.building else 0
        anchor = self._follow(max_events, time.perf_counter() + max_ms / 1_000, spill=spill)
        return None if anchor is None else Step(anchor, self._views.script(anchor))

    def write(self, step: Step) -> None:
        """The second part: commit it; from any one thread.

        Raises:
            FollowerStopped: a number can't be stored.
            StoreError: the views can't be written.
        """
        with self._explained():
            self._views.commit(step.script)

    def finish(self, step: Step) -> None:
        """The third: from now on the views stand there."""
        self._views.anchor = step.anchor

    def may_publish(self) -> bool:
        """Whether views that are built have reached the end that the log had at the last step."""
        end = self._end
        return self.building and end is not None and self.anchor.position >= end

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

    def catch_up(self, progress: Callable[[int], None] | None = None) -> int:
        """Follow to the end of the log as it is when that is reached; the position there."""
        with paused():
            while self.step():
                if progress is not None:
                    progress(self.anchor.position)
        return self.anchor.position

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

    def _follow(self, max_events: int, until: float, *, spill: bool) -> Anchor | None:
        """Let the views follow in memory; the seal that was reached, null at the log's end."""
        decode, handlers, now = self._decode, self._handlers, self._views.now
        begin, seal = self.anchor.position, ""
        last = sealed = begin
        page = max(1, min(PAGE_ROWS, max_events))
        for rows in self._log.pages(last, page):
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
                    if position - begin >= max_events or time.perf_counter() >= until:
                        return Anchor(self._log_id, sealed, seal, now.at_us)
            if spill:
                with self._explained():
                    self._views.spill()
        if last != sealed:
            raise FollowerStopped(f"the log ends inside a batch, at {last}: verify it")
        return Anchor(self._log_id, sealed, seal, now.at_us) if seal else None

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Errors of writing in the operator's words."""
        try:
            with explained(self.builds.pointer):
                yield
        except Unstorable as error:
            where = f"an event from {self.anchor.position + 1} to {self._views.now.position}"
            raise FollowerStopped(f"{where} can't be followed: {error}") from error

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
