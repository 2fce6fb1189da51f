"""How is one more process of this program started, heard and ended?"""

import asyncio
import os
import signal
import sys
from contextlib import suppress
from typing import NamedTuple

TERM_S = 2.0
"""From SIGTERM to SIGKILL."""
STDOUT_MAX, STDERR_MAX = 1_000_000, 4_000
"""Bytes that are kept of what it says: the last ones."""


def command(*arguments: str) -> list[str]:
    """``exchange`` with these arguments, run by this very interpreter."""
    return [sys.executable, "-P", "-m", "exchange", *arguments]


class Ended(NamedTuple):
    """How a process ended: its exit code, negative for a signal, and what it said."""

    code: int
    said: bytes  # on stdout
    error: str  # the last line on stderr

    @property
    def in_words(self) -> str:
        """The last line on stderr, and how it ended."""
        if self.code < 0:
            how = f"ended by {signal.Signals(-self.code).name}"
        else:
            how = f"ended with {self.code}"
        return f"{how}: {self.error}" if self.error else how


class Process:
    """A process with a pipe to its stdin.

    Only this process holds the other end: however it dies, the pipe ends then, and a child that
    reads it knows. The child has a process group of its own, which Ctrl-C does not reach.

    Nothing runs between fork and exec (no ``preexec_fn``), so that the memory of a large
    venue is not copied, not even its page tables.
    """

    def __init__(self, child: asyncio.subprocess.Process, stdin: int) -> None:
        self._child = child
        self._stdin: int | None = stdin
        self.pid = child.pid

    @classmethod
    async def start(cls, line: list[str]) -> "Process":
        """Start it.

        Raises:
            OSError: the system can't.
        """
        reading, writing = os.pipe()
        os.set_blocking(writing, False)
        try:
            pipe = asyncio.subprocess.PIPE
            child = await asyncio.create_subprocess_exec(
                *line, stdin=reading, stdout=pipe, stderr=pipe, process_group=0
            )
        except BaseException:
            os.close(writing)
            raise
        finally:
            os.close(reading)
        return cls(child, writing)

    def wake(self) -> None:
        """One byte on its stdin. A full pipe is as good: it has not read the others yet."""
        if self._stdin is not None:
            with suppress(BlockingIOError, BrokenPipeError):
                os.write(self._stdin, b"\n")

    def release(self) -> None:
        """End its stdin."""
        if self._stdin is not None:
            os.close(self._stdin)
            self._stdin = None

    async def ended(self) -> Ended:
        """Wait for its end."""
        out, err = self._child.stdout, self._child.stderr
        assert out is not None  # noqa: S101 - both are pipes
        assert err is not None  # noqa: S101
        said, error = await asyncio.gather(_last(out, STDOUT_MAX), _last(err, STDERR_MAX))
        code = await self._child.wait()
        self.release()
        lines = error.decode("utf-8", "replace").strip().splitlines()
        return Ended(code, said, lines[-1].strip() if lines else "")

    async def stop(self, grace_s: float) -> None:
        """End its stdin and wait; then SIGTERM, then SIGKILL."""
        self.release()
        for seconds, signal_it in ((grace_s, self._child.terminate), (TERM_S, self._child.kill)):
            try:
                async with asyncio.timeout(seconds):
                    await self._child.wait()
                    return
            except TimeoutError:
                with suppress(ProcessLookupError):
                    signal_it()
        await self._child.wait()


async def _last(stream: asyncio.StreamReader, size_max: int) -> bytes:
    """The stream's last bytes, when it has ended."""
    kept = b""
    while chunk := await stream.read(65_536):
        kept = (kept + chunk)[-size_max:]
    return kept


async def over_within(over: asyncio.Event, seconds: float) -> bool:
    """Wait for the event, so long at most; whether it has happened."""
    try:
        async with asyncio.timeout(seconds):
            return await over.wait()
    except TimeoutError:
        return False
