"""A child is kept alive, heard, and never outlives its parent."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from exchange.processes import child
from exchange.processes.child import Child, ChildStatus
from exchange.processes.process import Process, command
from tests.processes.scripts import at_last, script, until

READS = "import sys; sys.stdin.read()"
FAILS = "import sys; sys.exit('error: no room')"  # with 1
STUBBORN = """
import signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print(1, file=sys.stderr, flush=True)
while True: time.sleep(1)
"""
COUNTS = """
import os, sys
n = 0
while got := os.read(0, 1): n += len(got)
open(sys.argv[1], "w").write(str(n))
"""


def kept(
    line: list[str], work: Callable[[Child], Awaitable[None]], grace_s: float = 10
) -> tuple[ChildStatus, list[str]]:
    """How the child is in the end, and what was told of it meanwhile."""
    told: list[str] = []

    async def supervise() -> ChildStatus:
        each = Child("it", line, told.append)
        each.begin()
        try:
            await work(each)
        finally:
            await each.end(grace_s)
        return each.status

    return asyncio.run(supervise()), told


def test_a_child_that_ends_when_it_is_told_is_well() -> None:
    async def work(each: Child) -> None:
        await until(lambda: each.status.healthy)

    assert (ChildStatus("it", None, 0, "", healthy=True), []) == kept(script(READS), work)


def test_a_child_that_is_killed_is_started_again() -> None:
    async def work(each: Child) -> None:
        for restarts in (1, 2):
            await until(lambda: each.status.pid)
            os.kill(each.status.pid or 0, signal.SIGKILL)
            await until(lambda number=restarts: each.status.restarts == number)  # type: ignore[misc]
            await until(lambda: each.status.pid)
        assert not each.status.healthy
        await until(lambda: each.status.healthy)

    status, told = kept(script(READS), work)
    assert (2, "ended by SIGKILL", True) == (status.restarts, status.last_error, status.healthy)
    assert ["it ended by SIGKILL"] * 2 == told


def test_a_child_that_cannot_do_better_is_left_alone_and_its_reason_kept() -> None:
    async def work(each: Child) -> None:
        await until(lambda: each.status.last_error)
        await asyncio.sleep(5 * child.DELAY_MIN_S)

    status, told = kept(script(FAILS), work)
    assert ChildStatus("it", None, 0, "ended with 1: error: no room", healthy=False) == status
    assert ["it ended with 1: error: no room"] == told


def test_each_start_waits_longer_than_the_last_up_to_a_bound(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waited: list[float] = []

    async def at_once(_: asyncio.Event, seconds: float) -> bool:
        waited.append(seconds)
        await asyncio.sleep(0)
        return len(waited) == 9

    async def work(_: Child) -> None:
        await until(lambda: len(waited) == 9)

    monkeypatch.setattr(child, "over_within", at_once)
    status, told = kept(script("raise SystemExit(3)"), work)
    assert [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0, 5.0] == waited
    assert (8, 9) == (status.restarts, len(told))


def test_whoever_has_lived_long_is_started_again_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []

    async def at_once(_: asyncio.Event, seconds: float) -> bool:
        waited.append(seconds)
        await asyncio.sleep(0)
        return len(waited) == 4

    async def work(_: Child) -> None:
        await until(lambda: len(waited) == 4)

    monkeypatch.setattr(child, "over_within", at_once)
    monkeypatch.setattr(child, "STEADY_S", 0.0)
    kept(script("raise SystemExit(3)"), work)
    assert [0.1] * 4 == waited


def test_a_program_that_is_not_there_is_told() -> None:
    async def work(each: Child) -> None:
        await until(lambda: each.status.restarts)

    status, _ = kept(["/nowhere/exchange"], work)
    assert status.last_error.startswith("can't be started: ")
    assert not status.healthy


def test_a_child_that_will_not_end_is_killed() -> None:
    async def work(each: Child) -> None:
        await until(lambda: each.status.healthy)
        await asyncio.sleep(0.3)  # until it shuts its ears

    status, _ = kept(script(STUBBORN), work, grace_s=0.1)
    assert status.last_error.startswith("ended by SIG")
    assert status.pid is None


def test_a_child_is_woken_once_a_position(tmp_path: Path) -> None:
    async def work(each: Child) -> None:
        await until(lambda: each.status.pid)
        for position in (1, 1, 2, 2, 2, 3):
            each.wake(position)

    kept(script(COUNTS, tmp_path / "count"), work)
    assert "3" == (tmp_path / "count").read_text()


def test_waking_a_child_that_does_not_read_never_waits() -> None:
    async def work(each: Child) -> None:
        await until(lambda: each.status.pid)
        for position in range(1, 200_000):
            each.wake(position)

    status, _ = kept(script("import time; time.sleep(600)"), work, grace_s=0)
    assert "ended by SIGTERM" == status.last_error


def test_only_the_end_of_what_a_process_says_is_kept() -> None:
    said = "import sys; sys.stderr.write('x' * 5_000_000 + chr(10) + 'the end' + chr(10))"

    async def listen() -> str:
        return (await (await Process.start(script(said))).ended()).error

    assert "the end" == asyncio.run(listen())


def test_ctrl_c_does_not_reach_a_child() -> None:
    async def groups() -> tuple[int, int]:
        process = await Process.start(script(READS))
        found = os.getpgid(process.pid), process.pid
        await process.stop(10)
        await process.ended()
        return found

    group, pid = asyncio.run(groups())
    assert group == pid != os.getpgrp()


def test_a_leashed_command_ends_with_its_stdin() -> None:
    """Whatever it is about: here it would follow for ever."""
    waits = "from exchange.processes.leash import leash; leash(); import time; time.sleep(600)"
    process = subprocess.Popen(script(waits), stdin=subprocess.PIPE)  # noqa: S603 - ours
    assert process.stdin is not None
    process.stdin.close()
    assert at_last(lambda: process.poll() is not None)
    assert 3 == process.returncode


def test_the_program_is_run_by_this_very_interpreter() -> None:
    done = subprocess.run(  # noqa: S603 - ours
        command("--leashed", "--version"), stdin=subprocess.PIPE, capture_output=True, check=False
    )
    assert done.stdout.startswith(b"exchange ")
    assert sys.executable == command()[0]
