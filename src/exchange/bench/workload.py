"""Which order flow is the matching core measured with, and is it the very flow it claims to be?

The flows are made by ``benchmarks/gen.py``, one file each: rows of six little-endian int64,
``op side id price quantity old``. The generator runs a book of its own, which says what trades
must come of a flow and what must rest at its end.
"""

import array
import hashlib
import os
import subprocess
import sys
from importlib.resources import as_file
from importlib.resources.abc import Traversable
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from exchange.resources import resource

COLUMNS = 6
ROW_BYTES = 8 * COLUMNS
GENERATOR_TIMEOUT_S = 600


class WorkloadUnavailable(Exception):  # noqa: N818 - the condition is the message
    """The generator failed or made something else; the message is one line."""


class Workload(msgspec.Struct, frozen=True):
    """A flow of ``commands`` after ``live`` opening orders, about so many of them live.

    The hashes are of the file, of all trades and of the orders at the end, made by the
    generator's own book: see ``hashes``.
    """

    name: str
    commands: int
    live: int
    sha256: str
    trades: int
    trade_hash: str
    state_hash: str


W5K = Workload(
    "w5k", 1_000_000, 5_000, "c4f482c3c7ec0a0eb039e273a6f1637785c6eea7ee325f1619593d67d5c98c98",
    446_915, "5500d7fb09631c44", "eeff69105e974258",
)  # fmt: skip
W5K_QUICK = Workload(
    "w5k-quick", 20_000, 5_000, "885eb81b4ed77d670c1310d355e123cbfb5e994858169f82b378b7bdfb938a42",
    8_863, "4856d3375ac0a32f", "0321b05e655bbce0",
)  # fmt: skip
GROWTH = (
    Workload(
        "s1000", 200_000, 1_000,
        "91f0664a1b3b424d646e857c7db9cbafd3f3df933331ce47ddee53543653759a",
        89_814, "67ed7b1842c1b6b5", "878cfc5e39fd1d6f",
    ),
    Workload(
        "s10000", 200_000, 10_000,
        "131d64df293381c16352331fcddc0bcb41518159b19f40d347d72fee329cea4c",
        88_815, "dc01cfde297321be", "a4c4f0450f78da0f",
    ),
    Workload(
        "s100000", 200_000, 100_000,
        "37451161def2054d8baec4d958e54ce0636301ef589fd23af68757832f5a934b",
        87_680, "654d1ff934679283", "a9ab7d2b050ff7d6",
    ),
    Workload(
        "s1000000", 200_000, 1_000_000,
        "59b9639d25d8e308647979d9be9fd28f7819491abdc5dd1b9b22ba1690a13268",
        84_381, "5b12b2185e8d5b39", "681c12cf7d1459a7",
    ),
)  # fmt: skip
GROWTH_QUICK = (
    Workload(
        "s1000-quick", 5_000, 1_000,
        "7037ff2f9040d693dfdc7aa0a5e9bd4d4d19cbd7e19c8c7c9c85ee86aff944d4",
        2_322, "20885bfd2c897326", "46e79be558f33561",
    ),
    Workload(
        "s10000-quick", 5_000, 10_000,
        "63167a547a45b06146e4da7b0a7f1b5d092a32dc1003ef2fa7b5ae69ba08d2bf",
        2_362, "edef6d533c44c049", "3a7ae1184cd6e467",
    ),
)  # fmt: skip


def cache_dir() -> Path:
    """The directory that keeps workloads between runs; it may not exist yet.

    ``EXCHANGE_CACHE`` if set, else ``exchange`` under ``XDG_CACHE_HOME``, else
    ``~/.cache/exchange``.
    """
    if own := os.environ.get("EXCHANGE_CACHE"):
        return Path(own)
    shared = os.environ.get("XDG_CACHE_HOME")
    return (Path(shared) if shared else Path.home() / ".cache") / "exchange"


def workload_file(workload: Workload, cache: Path) -> Path:
    """The verified file of ``workload`` in ``cache``, generated there if it isn't; idempotent.

    A file with the wrong checksum is made again. It appears under its name only when whole.

    Raises:
        WorkloadUnavailable: the generator fails, or its file has the wrong checksum.
        OSError: ``cache`` can't be written.
    """
    file = cache / f"{workload.name}.bin"
    if file.is_file() and _sha256(file) == workload.sha256:
        return file
    cache.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="workload-", dir=cache) as scratch:
        made = _generate(workload, Path(scratch))
        if (actual := _sha256(made)) != workload.sha256:
            raise WorkloadUnavailable(
                f"the generator made {workload.name} with SHA-256 {actual}, "
                f"expected {workload.sha256}"
            )
        made.replace(file)
    return file


def rows_of(content: bytes) -> "array.array[int]":
    """The numbers of a workload file, or of a part of whole rows: ``COLUMNS`` a row."""
    rows = array.array("q", content)
    if sys.byteorder != "little":
        rows.byteswap()
    return rows


def _generate(workload: Workload, scratch: Path) -> Path:
    size = ["-n", str(workload.commands), "--live", str(workload.live)]
    with as_file(_generator()) as script:
        made = subprocess.run(  # noqa: S603 - our own script and numbers, no shell
            [sys.executable, str(script), str(scratch / workload.name), *size],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=GENERATOR_TIMEOUT_S,
            check=False,
        )
    if made.returncode:
        last = (made.stderr.strip().splitlines() or [f"exit code {made.returncode}"])[-1]
        raise WorkloadUnavailable(f"the generator of {workload.name} failed: {last}")
    return scratch / f"{workload.name}.bin"


def _generator() -> Traversable:
    """As the wheel ships it, or in a checkout."""
    try:
        return resource("bench/gen.py")
    except FileNotFoundError:
        return resource("benchmarks/gen.py")


def _sha256(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
