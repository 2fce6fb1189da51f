"""Work that is measured as after a start: by a process that has done nothing before."""

import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def alone(work: Callable[[str], T], store: str) -> T:
    """What the work on a store gives; its own clock runs, not that of the process's start."""
    fresh = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=fresh) as process:
        return process.submit(work, store).result()
