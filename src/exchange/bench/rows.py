"""How many rows a second can SQLite take in, when they need only be written?"""

import sqlite3
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from exchange.store.events import BatchSealed
from exchange.store.seal import Row
from exchange.store.sqlite import INSERT_ROWS, migrations

SETTINGS = ("journal_mode=WAL", "synchronous=FULL", "cache_size=-65536")


def rows_per_s(directory: Path, rows: Iterable[Row]) -> int:
    """Rows a second of a bare ``executemany`` into a log's table, commit for commit as they were.

    Positions and settings are the venue's; nothing is decided, encoded or sealed.
    """
    connection = sqlite3.connect(directory / "rows.db", isolation_level=None)
    for setting in SETTINGS:
        connection.execute(f"PRAGMA {setting}")
    for _, script in migrations():
        connection.executescript(script)
    written, seconds = 0, 0.0
    for batch in batches(rows):
        started = time.perf_counter()
        connection.execute("BEGIN")
        connection.executemany(INSERT_ROWS, batch)
        connection.execute("COMMIT")
        seconds += time.perf_counter() - started
        written += len(batch)
    connection.close()
    return round(written / seconds)


def batches(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """The rows of each commit, its seal the last one; rows behind the last seal are left out."""
    batch = []
    for row in rows:
        batch.append(row)
        if row[3] == BatchSealed.TOPIC:
            yield batch
            batch = []
