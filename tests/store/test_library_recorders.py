"""Do the library's own recorder tests pass on our recorder, and does it have our hooks?"""

import inspect
import threading
import uuid
from collections.abc import Callable
from importlib.metadata import requires, version
from pathlib import Path
from typing import Any, Literal
from unittest import TestCase

import pytest
from eventsourcing.application import Application, LocalNotificationLog, Repository
from eventsourcing.persistence import (
    ApplicationRecorder,
    EventStore,
    Mapper,
    Notification,
    StoredEvent,
)
from eventsourcing.sqlite import (
    SQLiteApplicationRecorder,
    SQLiteConnectionPool,
    SQLiteCursor,
    SQLiteDatastore,
    SQLiteFactory,
)
from eventsourcing.tests import persistence as library
from eventsourcing.utils import Environment

from exchange.store.log import EventLog, PagedEventStore
from exchange.store.mapper import EnvelopeMapper
from exchange.store.sqlite import LogConnectionPool, LogDatastore, LogFactory, LogRecorder


class Recorders(TestCase):
    """Makes recorders as the library's test cases ask for them."""

    database: str
    id_type: Literal["uuid", "text"] = "text"

    def create_recorder(self) -> LogRecorder:
        datastore = LogDatastore(self.database)
        datastore.originator_id_type = self.id_type
        self.addCleanup(close_when_idle, datastore, set(threading.enumerate()))
        self.addCleanup(join_readers, set(threading.enumerate()))
        recorder = LogRecorder(datastore)
        recorder.create_table()
        return recorder


def join_readers(before: set[threading.Thread]) -> None:
    """Wait for the threads that a case leaves reading: the driver crashes if closed under them."""
    for thread in set(threading.enumerate()) - before:
        thread.join(timeout=60)
        assert not thread.is_alive()


def close_when_idle(datastore: LogDatastore, before: set[threading.Thread]) -> None:
    """Close, but not under the readers that one of the test cases starts and doesn't wait for."""
    for thread in set(threading.enumerate()) - before:
        thread.join()
    datastore.close()


class OnFile(Recorders):
    """A database in a file of its own."""

    @pytest.fixture(autouse=True)
    def _place(self, tmp_path: Path) -> None:
        self.database = f"file:{tmp_path}/log.db"


class InMemory(Recorders):
    """A database in memory."""

    def setUp(self) -> None:
        self.database = f"file:{uuid.uuid4().hex}?mode=memory&cache=shared"


class Text(Recorders):
    """Streams have names, as ours have."""

    def new_originator_id(self) -> str:
        return f"stream:{uuid.uuid4()}"


class Uuid(Recorders):
    """Streams have UUIDs, as the library's aggregates have."""

    id_type = "uuid"


class TestTextOnFile(Text, OnFile, library.ApplicationRecorderTestCase[LogRecorder]):
    """The library's claims about a recorder of applications."""


class TestTextInMemory(Text, InMemory, library.ApplicationRecorderTestCase[LogRecorder]):
    """The same in memory."""


class TestUuidOnFile(Uuid, OnFile, library.ApplicationRecorderTestCase[LogRecorder]):
    """The same for streams with UUIDs."""


class TestUuidInMemory(Uuid, InMemory, library.ApplicationRecorderTestCase[LogRecorder]):
    """The same in memory."""


class TestBatchesOnFile(Text, OnFile, library.NonInterleavingNotificationIDsBaseCase):
    """Rows of two batches never alternate."""


class TestBatchesInMemory(Text, InMemory, library.NonInterleavingNotificationIDsBaseCase):
    """The same in memory."""


def test_the_library_is_of_the_series_the_hooks_were_written_against() -> None:
    assert version("eventsourcing").startswith("9.5.")
    assert "eventsourcing==9.5.*" in [text.replace(" ", "") for text in requires("exchange") or ()]


OVERRIDES: list[tuple[type, type, str, list[str]]] = [
    (LogConnectionPool, SQLiteConnectionPool, "_create_connection", ["self"]),
    (LogRecorder, SQLiteApplicationRecorder, "create_table", ["self"]),
    (LogRecorder, SQLiteApplicationRecorder, "insert_events", ["self", "stored_events", "kwargs"]),
    (EnvelopeMapper, Mapper, "to_stored_event", ["self", "domain_event"]),
    (EnvelopeMapper, Mapper, "to_domain_event", ["self", "stored_event"]),
    (
        PagedEventStore,
        EventStore,
        "get",
        ["self", "originator_id", "gt", "lte", "desc", "limit"],
    ),
    (EventLog, Application, "construct_env", ["self", "name", "env"]),
    (EventLog, Application, "construct_factory", ["self", "env"]),
    (EventLog, Application, "construct_mapper", ["self"]),
    (EventLog, Application, "construct_event_store", ["self"]),
    (EventLog, Application, "close", ["self"]),
]


@pytest.mark.parametrize(("ours", "theirs", "hook", "parameters"), OVERRIDES)
def test_what_we_override_exists_and_is_called_as_we_expect(
    ours: type, theirs: type, hook: str, parameters: list[str]
) -> None:
    assert issubclass(ours, theirs)
    assert parameters == list(inspect.signature(getattr(theirs, hook)).parameters)


RELIED_ON: list[tuple[Callable[..., Any], list[str]]] = [
    (SQLiteDatastore.transaction, ["self", "commit"]),
    (SQLiteDatastore.get_connection, ["self", "commit"]),
    (
        SQLiteApplicationRecorder.select_events,
        ["self", "originator_id", "gt", "lte", "desc", "limit"],
    ),
    (
        SQLiteApplicationRecorder.select_notifications,
        ["self", "start", "limit", "stop", "topics", "inclusive_of_start"],
    ),
    (SQLiteApplicationRecorder.max_notification_id, ["self"]),
    (SQLiteApplicationRecorder._max_notification_id, ["self", "c"]),  # noqa: SLF001 - a hook
    (SQLiteFactory.__init__, ["self", "env"]),
    (SQLiteFactory.application_recorder, ["self"]),
    (
        LocalNotificationLog.select,
        ["self", "start", "limit", "stop", "topics", "inclusive_of_start"],
    ),
    (
        Repository.get,
        ["self", "aggregate_id", "version", "projector_func", "fastforward_skipping",
         "deepcopy_from_cache"],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("method", "parameters"), RELIED_ON)
def test_what_we_call_exists_and_takes_what_we_give(
    method: Callable[..., Any], parameters: list[str]
) -> None:
    assert parameters == list(inspect.signature(method).parameters)


def test_the_datastore_takes_our_settings() -> None:
    parameters = inspect.signature(SQLiteDatastore.__init__).parameters
    assert {"db_name", "lock_timeout", "originator_id_type"} <= set(parameters)
    assert {"db_name", "lock_timeout"} <= set(
        inspect.signature(SQLiteConnectionPool.__init__).parameters
    )


def test_the_library_makes_recorders_of_our_class_over_our_connections() -> None:
    factory = LogFactory(Environment("test", {"SQLITE_DBNAME": "file:x", "CREATE_TABLE": "no"}))
    recorder = factory.application_recorder()
    assert isinstance(recorder, LogRecorder)
    assert LogConnectionPool is type(recorder.datastore.pool)
    factory.close()


def test_the_library_keeps_whether_a_file_is_in_wal_where_we_set_it() -> None:
    """Else it would turn foreign files to WAL while we look at them."""
    pool = SQLiteConnectionPool(db_name="file:unused")
    assert pool.is_journal_mode_wal is False
    pool.close()


def test_a_transaction_hands_out_the_driver_s_cursor_and_rows_without_a_factory() -> None:
    datastore = LogDatastore(f"file:{uuid.uuid4().hex}?mode=memory&cache=shared")
    with datastore.transaction(commit=False) as cursor:
        assert SQLiteCursor is type(cursor)
        cursor.sqlite_cursor.row_factory = None
        cursor.execute("SELECT 1, 2")
        assert [(1, 2)] == cursor.fetchall()
    datastore.close()


def test_rows_are_the_library_s_structs_with_positions_as_notification_ids() -> None:
    datastore = LogDatastore(f"file:{uuid.uuid4().hex}?mode=memory&cache=shared")
    recorder = LogRecorder(datastore)
    recorder.create_table()
    assert isinstance(recorder, ApplicationRecorder)
    assert [7, 8] == recorder.insert_events(
        [StoredEvent("a", 1, "t", b"x"), StoredEvent("b", 1, "t", b"y")], first_position=7
    )
    assert [Notification("b", 1, "t", b"y", 8)] == recorder.select_notifications(8, 10)
    datastore.close()
