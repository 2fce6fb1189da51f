"""The event log as its readers see it: all of it in order, or any stream at any version."""

import sqlite3
import uuid
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import chain
from typing import Any, TypeVar

import msgspec
from eventsourcing.application import Application
from eventsourcing.persistence import EventStore, InfrastructureFactory, PersistenceError
from eventsourcing.utils import Environment, EnvType

from exchange.kernel.events import Envelope, Event, Placed
from exchange.store.errors import StoreDamaged, StoreError, StoreFormat, UnreadableEvent
from exchange.store.events import EVENTS, BatchSealed, EpochStarted
from exchange.store.mapper import Catalogue, EnvelopeMapper
from exchange.store.seal import Row
from exchange.store.sqlite import LogFactory, LogRecorder, Together, check_format
from exchange.store.urls import StoreUrl

E = TypeVar("E", bound=Event)
T = TypeVar("T")

Sized = tuple[int, str, int, str, int]
"""position, stream, version, topic, how many stored bytes"""

_decode_sized = msgspec.json.Decoder(list[Sized]).decode

PAGE_ROWS = 300
"""Few enough that the last is still in the processor's cache when the first is done with."""
FOLD_ROWS = 1_000
"""More, as a thread reads them while others are followed."""
STREAM_PAGE_EVENTS = 500


class PagedEventStore(EventStore[str]):
    """The library's event store, but a stream is read page by page instead of whole."""

    def get(
        self,
        originator_id: str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Iterator[Any]:
        """Envelopes of a stream in order of version; a limit or ``desc`` is one page."""
        if desc or limit is not None:
            yield from super().get(originator_id, gt=gt, lte=lte, desc=desc, limit=limit)
            return
        while True:
            page = self.recorder.select_events(
                originator_id, gt=gt, lte=lte, limit=STREAM_PAGE_EVENTS
            )
            yield from map(self.mapper.to_domain_event, page)
            if len(page) < STREAM_PAGE_EVENTS:
                return
            gt = page[-1].originator_version


class EventLog(Application[str]):
    """One log, opened to read; ``writer.LogWriter`` appends.

    An application of the library: ``repository.get(stream, version=…, projector_func=…)``
    rebuilds any aggregate.

    Raises:
        StoreError: there is no such store, or it can't be read.
        StoreFormat: it is not one of ours, or newer than this program.
    """

    name = "exchange"
    log_section_size = PAGE_ROWS

    recorder: LogRecorder
    mapper: EnvelopeMapper

    def __init__(
        self, url: StoreUrl, events: Iterable[type[Event]], *, database: str | None = None
    ) -> None:
        self.url = url
        self.catalogue = Catalogue([*EVENTS, *events])
        may_be_new = database is not None
        if database is None:
            if url.path is not None and not url.path.is_file():
                raise StoreError(f"there is no store {url.path}")
            database = url.database("ro", uuid.uuid4().hex)
        with explained(url):
            super().__init__({"SQLITE_DBNAME": database})
            try:
                self._check_format(may_be_new=may_be_new)
            except BaseException:
                super().close()
                raise

    def _check_format(self, *, may_be_new: bool) -> None:
        with self.recorder.datastore.transaction(commit=False) as cursor:
            if not check_format(cursor) and not may_be_new:
                raise StoreFormat("the file is empty: no venue has been opened on it")

    def construct_env(self, name: str, env: EnvType | None = None) -> Environment:
        """Nothing is taken from the environment of the process."""
        fixed = {"ORIGINATOR_ID_TYPE": "text", "CREATE_TABLE": "no"}
        return Environment(name, {**fixed, **(env or {})})

    def construct_factory(self, env: Environment) -> InfrastructureFactory[Any]:
        """Recorders on SQLite."""
        return LogFactory(env)

    def construct_mapper(self) -> EnvelopeMapper:
        """Our catalogue decides what can be read."""
        return EnvelopeMapper(self.catalogue)

    def construct_event_store(self) -> PagedEventStore:
        """Streams are read in pages."""
        return PagedEventStore(self.mapper, self.recorder)

    def pages(self, after: int = 0, page: int = PAGE_ROWS) -> Iterator[list[Row]]:
        """Raw rows behind the position ``after``, a short read each, to the end at the time."""
        with explained(self.url):
            while found := self.recorder.select_rows(after, page):
                yield found
                after = found[-1][0]

    def rows(self, after: int = 0, page: int = PAGE_ROWS) -> Iterator[Row]:
        """The same row by row."""
        return chain.from_iterable(self.pages(after, page))

    def read(self, after: int = 0, page: int = PAGE_ROWS) -> Iterator[Envelope]:
        """Envelopes behind the position ``after``.

        Raises:
            UnreadableEvent: a row's topic is unknown, or its bytes are no such event.
        """
        decode = self.catalogue.decode
        for position, stream, version, topic, state in self.rows(after, page):
            yield Envelope(stream, version, decode(topic, state), position)

    def placed(self, after: int = 0, page: int = FOLD_ROWS) -> Iterator[Placed]:
        """The same for a fold of the log: a page is read while the last one is followed.

        Raises:
            UnreadableEvent: as for :meth:`read`.
        """
        decode = self.catalogue.decode
        for places, states, last in _ahead(self._together(after, page)):
            try:
                sized = _decode_sized(places)
            except ValueError as error:
                raise UnreadableEvent(f"a row up to {last}: {error}") from error
            end = 0
            for position, stream, version, topic, size in sized:
                start, end = end, end + size
                yield stream, version, decode(topic, states[start:end]), position

    def _together(self, after: int, page: int) -> Iterator[Together]:
        with explained(self.url):
            while found := self.recorder.select_together(after, page):
                yield found
                after = found[2]

    def of_kind(self, kind: type[E], after: int, upto: int) -> Iterator[tuple[int, E]]:
        """Position and event of all of one kind behind ``after``; others are not decoded.

        Raises:
            UnreadableEvent: as for :meth:`read`.
        """
        decode = self.catalogue.decode
        for first in range(after, upto, PAGE_ROWS):
            with explained(self.url):
                page = self.recorder.select_topic(kind.TOPIC, first, min(first + PAGE_ROWS, upto))
            for position, state in page:
                event = decode(kind.TOPIC, state)
                assert isinstance(event, kind)  # noqa: S101 - no other kind has its topic
                yield position, event

    def seal_at(self, position: int) -> BatchSealed | None:
        """The seal at that position; null where something else stands, or nothing.

        Raises:
            UnreadableEvent: as for :meth:`read`.
        """
        return next((seal for _, seal in self.of_kind(BatchSealed, position - 1, position)), None)

    def first_epoch(self) -> EpochStarted:
        """The log's first event, which names it.

        Raises:
            StoreDamaged: the log does not begin with an epoch.
        """
        first = next(self.read(0, 1), None)
        if first is None or not isinstance(first.event, EpochStarted):
            raise StoreDamaged(f"{self.url.text}: the log does not begin with an epoch")
        return first.event

    def event(self, stream: str, version: int) -> Event | None:
        """The event of a stream at a version, if it is there. O(log rows).

        Raises:
            UnreadableEvent: as for :meth:`read`.
        """
        with explained(self.url):
            found = self.recorder.select_events(stream, gt=version - 1, lte=version)
        return self.catalogue.decode(found[0].topic, found[0].state) if found else None

    @property
    def last_position(self) -> int:
        """The position of the last event, 0 for an empty log."""
        with explained(self.url):
            return self.recorder.max_notification_id() or 0


def _ahead(pages: Iterator[T]) -> Iterator[T]:
    """Each of them, while the next one is made in a thread of its own."""
    with ThreadPoolExecutor(1, "reader") as reader:
        coming = reader.submit(next, pages, None)
        while (page := coming.result()) is not None:
            coming = reader.submit(next, pages, None)
            yield page


@contextmanager
def explained(url: StoreUrl) -> Iterator[None]:
    """Database errors in the operator's words.

    Raises:
        StoreError: in place of the driver's or the library's error.
    """
    try:
        yield
    except StoreFormat as error:
        raise StoreFormat(f"{url.text}: {error}") from error
    except sqlite3.DatabaseError as error:
        if "not a database" in str(error):
            raise StoreFormat(f"{url.text}: the file is not an exchange store") from error
        raise StoreError(f"{url.text}: {error}") from error
    except PersistenceError as error:
        raise StoreError(f"{url.text}: {error}") from error
