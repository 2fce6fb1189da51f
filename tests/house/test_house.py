"""Does the tree keep the house rules that no linter knows, and would we be told if not?"""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.house.guards import COLUMNS_MAX, badly_described, homes, inexact

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "exchange"
EXACT = ("kernel", "matching", "wallet", "settlement", "risk", "orders", "users", "venue")
NOT_OURS = {".git", ".venv", ".hypothesis", "build", "dist", "data", "demo", "var"}
"""What tools and local venues leave at the root; caches lie anywhere."""


def test_decisions_compute_with_integers_only() -> None:
    """The sequencer is left out: it reads a clock."""
    sequencer = SOURCE / "venue" / "sequencer.py"
    rooms = {room: sorted((SOURCE / room).rglob("*.py")) for room in EXACT}
    assert [] == [room for room, modules in rooms.items() if not modules]
    modules = [module for found in rooms.values() for module in found if module != sequencer]
    assert [] == findings(inexact, modules)


def test_every_module_says_first_what_it_answers() -> None:
    assert [] == findings(badly_described, sorted(SOURCE.rglob("*.py")))


def test_no_file_names_a_home_directory() -> None:
    files = list(tree(ROOT))
    assert Path(__file__) in files
    assert [] == findings(homes, files)


@pytest.mark.parametrize(
    "source",
    [
        "fee = 0.001",
        "fee = 1e-3",
        "phase = 2j",
        "mid = (bid + ask) / 2",
        "total /= 3",
        "price = float(text)",
        "def mid() -> float: ...",
        "from decimal import Decimal",
        "import decimal\nprice = decimal.Decimal(text)",
        "from operator import truediv",
    ],
)
def test_the_guard_of_integers_bites_on(source: str) -> None:
    assert 1 == len({finding.split(":")[0] for finding in inexact(source)})


@pytest.mark.parametrize(
    "source",
    [
        "mid = (bid + ask) // 2",
        "total //= 3",
        "fee_ppm = 1_000",
        '"""A float / Decimal in words."""',
        "def plan(number, /): ...",
    ],
)
def test_the_guard_of_integers_lets_pass(source: str) -> None:
    assert [] == inexact(source)


@pytest.mark.parametrize(
    "source",
    [
        "",
        "import ast",
        '""""""',
        '"""\nThe point comes late.\n"""',
        f'"""{"x" * COLUMNS_MAX}"""',
        "# A comment is no docstring.",
        'import ast\n"""Too late."""',
    ],
)
def test_the_guard_of_docstrings_bites_on(source: str) -> None:
    assert 1 == len(badly_described(source))


@pytest.mark.parametrize(
    "source",
    [
        '"""Who owns what."""',
        '# Why so.\n"""Who owns what.\n\nAnd more.\n"""',
        f'"""{"x" * (COLUMNS_MAX - 6)}"""',
    ],
)
def test_the_guard_of_docstrings_lets_pass(source: str) -> None:
    assert [] == badly_described(source)


@pytest.mark.parametrize(
    "start",
    ["/" + "home/", "/" + "Users/", "/" + "root/", "C:" + "\\Users\\", "file:///" + "home/"],
)
def test_the_guard_of_homes_bites_on(start: str) -> None:
    assert 1 == len(homes(f"first line\nlog = '{start}ada/venue.db'\nlast line"))


@pytest.mark.parametrize(
    "text",
    ["GET /v1/home/page", "~/venue.db", "/" + "home", "the /" + "root/ of it", "docs/root/x"],
)
def test_the_guard_of_homes_lets_pass(text: str) -> None:
    assert [] == homes(text)


def findings(guard: Callable[[str], list[str]], files: list[Path]) -> list[str]:
    """What the guard finds in the files, each finding with the file's place in the tree."""
    return [
        f"{file.relative_to(ROOT)}: {finding}" for file in files for finding in guard(text_of(file))
    ]


def tree(directory: Path) -> Iterator[Path]:
    """Every file under it that is the project's own."""
    for path in sorted(directory.iterdir()):
        made = path.name == "__pycache__" or path.name.endswith("_cache")
        if made or path.is_symlink() or (directory == ROOT and path.name in NOT_OURS):
            continue
        yield from tree(path) if path.is_dir() else [path]


def text_of(file: Path) -> str:
    """What the file says; nothing when it is no text."""
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""
