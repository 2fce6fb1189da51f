"""Whether the rows are the ones that were sealed: places and seals, batch after batch."""

import struct
from collections.abc import Iterator

from eventsourcing.persistence import PersistenceError

from exchange.store.errors import StoreError, UnreadableEvent
from exchange.store.events import LOG_FORMAT, VENUE, BatchSealed, EpochStarted
from exchange.store.heads import Head
from exchange.store.log import PAGE_ROWS, EventLog
from exchange.store.seal import Row, genesis, pack, seal

UNREADABLE = (UnreadableEvent, ValueError)
"""What decoding raises; the second for texts that are no UTF-8."""

DETAIL_MAX = 2_000
"""Characters; an event may have thousands of fills."""


class BadBatch(Exception):  # noqa: N818 - what follows a bad batch proves nothing
    """A row or a seal is not as the writer left it; ``batch`` is the first that it spoils."""

    def __init__(self, law: str, position: int, batch: int, detail: str) -> None:
        self.law, self.position, self.batch = law, position, batch
        super().__init__(f"batch {batch}: {detail}"[:DETAIL_MAX])


class Chain:
    """The batches of a log, in order; what was good so far stands in the fields."""

    def __init__(self, log: EventLog) -> None:
        self.log = log
        self.log_id = ""
        self.epochs = 0
        self.head = Head(0, 0, "")  # of the last good batch
        self._versions: dict[str, int] = {}  # stream -> version of its last row

    def batches(self) -> Iterator[list[Row]]:
        """Each good batch without its seal, up to the log's end when this began.

        A writer may append meanwhile: a batch is there whole or not at all.

        Raises:
            BadBatch: laws R3 or R4 are broken.
            StoreError: the store can't be read.
        """
        batch: list[Row] = []
        position, end = 0, self.log.last_position
        for row in self._rows():
            position += 1
            try:
                self._place(row, position)
                if row[3] != BatchSealed.TOPIC:
                    batch.append(row)
                    continue
                self._seal(batch, row)
            except (AttributeError, TypeError, ValueError, struct.error) as error:
                raise self._bad(position, f"a row is none of a log's: {error!r}") from error
            yield batch
            batch = []
            if position == end:
                return
        if batch:
            raise self._bad(batch[0][0], "it has no seal: the log was cut inside a batch")
        if not position:
            raise self._bad(0, "the log is empty: not even its first epoch is there")

    def _rows(self) -> Iterator[Row]:
        """Every row; where a page can't be read, row by row up to the one that is to blame."""
        after, failed = 0, ""
        for page in (PAGE_ROWS, 1):
            try:
                if self.log.recorder.select_notifications(None, 1, stop=0):
                    raise self._bad(1, "a row stands below position 1", "R3")
                for row in self.log.rows(after, page):
                    yield row
                    after = row[0]
            except (StoreError, PersistenceError) as error:
                failed = str(error)
            else:
                return
        raise self._bad(after + 1, f"the row at {after + 1} can't be read: {failed}")

    def _place(self, row: Row, position: int) -> None:
        """Law R3: positions and every stream's versions have no gap."""
        found, stream, version, _, _ = row
        if found != position:
            raise self._bad(position, f"position {position} is missing, {found} follows", "R3")
        last = self._versions.get(stream, 0)
        if version != last + 1:
            raise self._bad(position, f"{stream} goes from version {last} to {version}", "R3")
        self._versions[stream] = version

    def _seal(self, batch: list[Row], row: Row) -> None:
        """Law R4: a batch's seal is, byte for byte, what its rows give."""
        number = self.head.batch + 1
        if not batch:
            raise self._bad(row[0], "it holds nothing but a seal")
        first, last = batch[0][0], batch[-1][0]
        if batch[0][1] == VENUE:
            self._epoch(batch[0])
        if not self.epochs:
            raise self._bad(first, "the log does not begin with an epoch")
        before = bytes.fromhex(self.head.hash) or genesis(self.log_id)
        head = seal(before, self.epochs, number, first, last, pack(batch)).hex()
        expected = BatchSealed(self.epochs, number, first, last, head)
        if row[1] != VENUE or row[4] != self.log.catalogue.encode(expected):
            raise self._bad(
                first,
                f"positions {first} to {row[0]} are not what was sealed: "
                f"{self._suspect([*batch, row])}",
            )
        # An event for each epoch and a seal for each batch are all that stands on that stream.
        if row[2] != self.epochs + number:
            raise self._bad(first, f"it has more on the stream {VENUE} than its epoch and its seal")
        self.head = Head(number, row[0], head)

    def _epoch(self, row: Row) -> None:
        try:
            event = self.log.catalogue.decode(row[3], row[4])
        except UNREADABLE as error:
            raise self._bad(row[0], f"the event at {row[0]} is not readable: {error}") from error
        if not isinstance(event, EpochStarted) or event.epoch != self.epochs + 1:
            raise self._bad(row[0], f"epoch {self.epochs + 1} should start here")
        if self.log_id not in ("", event.log_id):
            raise self._bad(row[0], f"the epoch is of another log, {event.log_id}")
        if event.format != LOG_FORMAT:
            known = f"this program reads {LOG_FORMAT}"
            raise self._bad(row[0], f"the epoch writes log format {event.format}, {known}", "R1")
        self.log_id, self.epochs = event.log_id, event.epoch

    def _suspect(self, rows: list[Row]) -> str:
        """The event of a bad batch that can be told to be wrong, if any."""
        for row in rows:
            try:
                event = self.log.catalogue.decode(row[3], row[4])
            except UNREADABLE as error:
                return f"the event at {row[0]} is not readable ({error})"
            if self.log.catalogue.encode(event) != row[4]:
                return f"the event at {row[0]} is not written as this program writes"
        return "which event was changed can't be told from the log"

    def _bad(self, position: int, detail: str, law: str = "R4") -> BadBatch:
        return BadBatch(law, position, self.head.batch + 1, detail)
