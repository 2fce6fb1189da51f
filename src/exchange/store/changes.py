"""Has anybody written to the log since? A look that costs microseconds, for those who wait."""

import sqlite3
import time

from exchange.store.errors import StoreError
from exchange.store.urls import StoreUrl

LOOK_S = 0.01
BUSY_TIMEOUT_S = 5


class Changes:
    """Waits for commits of other processes to a store that is a file.

    SQLite counts them (``PRAGMA data_version``) in memory that all its users share.

    Raises:
        StoreError: the store can't be read, at any time.
    """

    def __init__(self, url: StoreUrl) -> None:
        self._url = url
        self._connection = sqlite3.connect(
            url.database("ro", ""), uri=True, isolation_level=None, timeout=BUSY_TIMEOUT_S
        )
        self._seen = self._version()

    def wait(self, seconds: float) -> None:
        """Until something was written since the last call, or for that long."""
        until = time.monotonic() + seconds
        while (version := self._version()) == self._seen and time.monotonic() < until:
            time.sleep(LOOK_S)
        self._seen = version

    def close(self) -> None:
        """Let go of the store."""
        self._connection.close()

    def _version(self) -> int:
        try:
            (version,) = self._connection.execute("PRAGMA data_version").fetchone()
        except sqlite3.Error as error:
            raise StoreError(f"{self._url.text}: {error}") from error
        return int(version)
