"""What a second process does in these tests: hold a store, die on it, or trade until killed."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from exchange.orders.commands import Request
from exchange.store.heads import Head, HeadsFile
from exchange.store.seal import Packed
from exchange.store.sqlite import LogRecorder
from exchange.venue.answers import Ack
from exchange.venue.sequencer import Venue
from tests.store.stored import note_much, url_of, writer_on
from tests.store.trading import (
    busy_story,
    drive,
    drive_at,
    order,
    orders,
    set_up,
    small_pieces,
    venue_on,
)

WAITING_MAX = 64


def hold(path: Path) -> None:
    """Keep the store open until the parent closes our input."""
    log = writer_on(path)
    say("open")
    sys.stdin.read()
    log.close()


def die(path: Path, rows: int) -> None:
    """Append and be killed, the write-ahead log full."""
    log = writer_on(path)
    note_much(log, rows)
    os.kill(os.getpid(), signal.SIGKILL)


def die_at(path: Path, point: str) -> None:
    """Trade in batches of five and be killed at a point of the fourth batch."""
    venue = venue_on(path, commands=5)
    owner, name, stop = POINTS[point]
    original, calls = getattr(owner, name), iter(range(4))

    def stopping(*arguments: object) -> object:
        if next(calls) == 3:
            stop(original, *arguments)
            os.kill(os.getpid(), signal.SIGKILL)
        return original(*arguments)

    setattr(owner, name, stopping)
    drive(venue, orders(1, 40))


def work(path: Path, batches: int) -> None:
    """Go through the story that leaves work behind, and be killed behind so many batches."""
    insert, left = LogRecorder.insert_rows, iter(range(batches))

    def last(recorder: LogRecorder, rows: Packed) -> None:
        insert(recorder, rows)
        if next(left, 0) == batches - 1:
            os.kill(os.getpid(), signal.SIGKILL)

    with small_pieces():
        venue = venue_on(path, commands=1)
        setattr(LogRecorder, "insert_rows", last)  # noqa: B010 - checked as a method else
        drive_at(venue, busy_story())


def halfway(_: object, heads: HeadsFile, head: Head) -> None:
    """Write part of a head's line."""
    with heads.path.open("a") as file:
        file.write(head.line()[:40])


def within(insert: Callable[..., object], recorder: LogRecorder, rows: Packed) -> None:
    """Be killed by the statement, at its thousandth step: some rows are there, others are not."""

    def kill() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    with recorder.datastore.get_connection(commit=True) as connection:
        connection.cursor().sqlite_cursor.connection.set_progress_handler(kill, 1_000)
    insert(recorder, rows)


def nothing(*_: object) -> None:
    """Leave undone what was to be done."""


def all_of_it(original: Callable[..., object], *arguments: object) -> None:
    """Do what was to be done."""
    original(*arguments)


POINTS: dict[str, tuple[type, str, Callable[..., None]]] = {
    "before the transaction": (LogRecorder, "insert_rows", nothing),
    "within the transaction": (LogRecorder, "insert_rows", within),
    "after COMMIT": (LogRecorder, "insert_rows", all_of_it),
    "before the head": (HeadsFile, "append", nothing),
    "within the head": (HeadsFile, "append", halfway),
    "before the answers": (HeadsFile, "append", all_of_it),
}
"""What is called at the point -> how much of it is done before the end."""


def trade(path: Path, first: int) -> None:
    """Trade from the order of that number on; say each one's position once it is answered."""
    asyncio.run(_trade(Venue(url_of(path)), first))


async def _trade(venue: Venue, number: int) -> None:
    running = asyncio.create_task(venue.run())
    await asyncio.gather(*(venue.submit(request, 0) for request in set_up()))
    room = asyncio.Semaphore(WAITING_MAX)
    while not running.done():
        await room.acquire()
        _send(venue, order(number), room)
        number += 1
    await running


def _send(venue: Venue, request: Request, room: asyncio.Semaphore) -> None:
    def answered(future: "asyncio.Future[Ack]") -> None:
        room.release()
        say(f"{request.key} {future.result().position}")

    venue.submit(request, 0).add_done_callback(answered)


def say(line: str) -> None:
    """One write a line: what was said is in the pipe, also after a kill."""
    os.write(1, f"{line}\n".encode())


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["hold", path]:
            hold(Path(path))
        case ["die", path, rows]:
            die(Path(path), int(rows))
        case ["die at", path, point]:
            die_at(Path(path), point)
        case ["work", path, batches]:
            work(Path(path), int(batches))
        case ["trade", path, first]:
            trade(Path(path), int(first))
