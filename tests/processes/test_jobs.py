"""Jobs run when they are due, one after the other, and what they find is kept."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from exchange.processes.jobs import Job, Jobs, JobStatus
from tests.processes.scripts import script, until

OUTCOMES = {0: "ok", 1: "differs"}
NOTES = """
import sys, time
file = open(sys.argv[1], "a", buffering=1)
file.write("begin\\n"); time.sleep(0.15); file.write("end\\n")
"""


def run(work: Callable[[Jobs], Awaitable[None]], *jobs: Job) -> tuple[list[JobStatus], list[str]]:
    """How the jobs are in the end, and what was told meanwhile."""
    told: list[str] = []

    async def supervise() -> list[JobStatus]:
        all_of_them = Jobs(jobs, told.append)
        all_of_them.begin(1_000)
        try:
            await work(all_of_them)
        finally:
            await all_of_them.end()
        return all_of_them.statuses

    return asyncio.run(supervise()), told


def runs(count: int, number: int = 0) -> Callable[[Jobs], Awaitable[None]]:
    """Until one of the jobs has run so often."""

    async def work(jobs: Jobs) -> None:
        await until(lambda: jobs.statuses[number].runs >= count)

    return work


def test_a_job_runs_again_and_again() -> None:
    (status,), told = run(runs(2), Job("it", script("pass"), OUTCOMES, every_s=0.01))
    assert status.healthy
    assert {"ok": status.runs} == status.outcomes
    assert [] == told


def test_what_a_job_finds_is_told_at_once_and_kept() -> None:
    finds = "print('{\"n\": 7}'); raise SystemExit(1)"
    job = Job("it", script(finds), OUTCOMES, every_s=0.01, in_words=lambda told: f"{told['n']} off")
    (status,), told = run(runs(1), job)
    assert not status.healthy
    assert ("differs: 7 off", {"n": 7}) == (status.reason, status.found)
    assert "it: differs: 7 off" == told[0]


def test_a_job_that_is_well_again_is_green_and_what_it_found_is_kept(tmp_path: Path) -> None:
    once = "import pathlib, sys; p = pathlib.Path(sys.argv[1]); a = p.exists(); p.touch(); "
    finds = once + "print('[1]'); raise SystemExit(not a)"
    (status,), _ = run(runs(2), Job("it", script(finds, tmp_path / "x"), OUTCOMES, every_s=0.01))
    assert status.healthy
    assert ("", "differs: ended with 1", [1]) == (status.reason, status.last_wrong, status.found)


def test_an_exit_code_that_means_nothing_is_a_failure() -> None:
    fails = "import sys; sys.stderr.write('error: no views'); sys.exit(3)"
    (status,), _ = run(runs(1), Job("it", script(fails), OUTCOMES, every_s=0.01))
    assert {"failed": status.runs} == status.outcomes
    assert "failed: ended with 3: error: no views" == status.reason


def test_a_job_of_a_program_that_is_not_there_fails() -> None:
    (status,), _ = run(runs(1), Job("it", ["/nowhere/exchange"], OUTCOMES, every_s=0.01))
    assert "can't be started" in status.reason


def test_jobs_run_one_at_a_time_and_skip_what_they_miss(tmp_path: Path) -> None:
    line = script(NOTES, tmp_path / "notes")
    jobs = [Job(name, line, OUTCOMES, every_s=0.02) for name in "ab"]
    statuses, _ = run(runs(2, number=1), *jobs)
    lines = (tmp_path / "notes").read_text().split()
    assert ["begin", "end"] * (len(lines) // 2) == lines[: len(lines) // 2 * 2]
    assert all(status.skipped > 3 for status in statuses)
    assert statuses[0].runs - statuses[1].runs in {0, 1}


def test_a_job_may_be_due_by_events() -> None:
    async def work(jobs: Jobs) -> None:
        jobs.look(1_099)
        await asyncio.sleep(0.3)
        assert 0 == jobs.statuses[0].runs
        jobs.look(1_100)
        await until(lambda: jobs.statuses[0].runs)
        await asyncio.sleep(0.3)
        assert 1 == jobs.statuses[0].runs

    run(work, Job("it", script("pass"), OUTCOMES, every_events=100))


def test_a_job_that_runs_at_the_end_is_stopped() -> None:
    """It has neither failed nor found anything."""

    async def work(_: Jobs) -> None:
        await asyncio.sleep(0.4)

    job = Job("it", script("import time; time.sleep(600)"), OUTCOMES, every_s=0.01)
    (status,), told = run(work, job)
    assert (0, True, []) == (status.runs, status.healthy, told)
