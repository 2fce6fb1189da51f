"""Does each import contract of pyproject.toml bite, in every room that it speaks of?

A copy of the code is given an import that it must not have; the linter has to name the contract.
The offences follow from the contracts, so that a new room is tried without a line here.
"""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from itertools import cycle, pairwise
from pathlib import Path
from typing import Any, NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = Path("src", "exchange")
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
CONTRACTS: dict[str, Any] = {it["id"]: it for it in SETTINGS["tool"]["importlinter"]["contracts"]}
PACKAGES = {path.parent.name for path in (ROOT / PACKAGE).glob("*/__init__.py")}
ROOMS = PACKAGES | {path.stem for path in (ROOT / PACKAGE).glob("[a-z]*.py")}
VERDICT = re.compile(r"^(.+) (KEPT|BROKEN)\b", re.MULTILINE)
LINT = """
import importlib.util, sys
from importlinter.cli import lint_imports_command
print("linted:", importlib.util.find_spec("exchange").origin)
lint_imports_command(sys.argv[1:])
"""


class Offence(NamedTuple):
    """A module with an import that a contract forbids it."""

    contract: str
    module: str  # dotted, under exchange
    imported: str


def floors() -> list[list[str]]:
    """The rooms that are built, floor by floor from the top."""
    lines = [line.replace("(", "").replace(")", "") for line in CONTRACTS["floors"]["layers"]]
    named = [[room.strip() for room in line.split("|")] for line in lines]
    return [built for line in named if (built := [room for room in line if room in ROOMS])]


def pure_rooms() -> list[str]:
    """The rooms that must decide without looking at the world."""
    named = [name.removesuffix(".**") for name in CONTRACTS["pure"]["source_modules"]]
    return sorted({name.removeprefix("exchange.") for name in named} & ROOMS)


def offences() -> list[Offence]:
    """Every way to break a contract that is tried, each contract at least once."""
    knows_library = {"store", "projections", "audit"}
    world = CONTRACTS["pure"]["forbidden_modules"]
    rooms = cycle(pure_rooms())
    return [
        *(Offence("floors", low[0], f"exchange.{high[-1]}") for high, low in pairwise(floors())),
        *(
            Offence("floors", room, f"exchange.{neighbour}")
            for floor in floors()
            for room, neighbour in pairwise(floor)
        ),
        *(Offence("pure", room, name) for room, name in zip(rooms, world, strict=False)),
        Offence("pure", "venue.state", "exchange.venue.sequencer"),
        *(Offence("library", room, "eventsourcing") for room in sorted(ROOMS - knows_library)),
        Offence("catalogue", "venue.catalogue", "exchange.store"),
    ]


@pytest.mark.parametrize("offence", offences(), ids="-".join)
def test_the_linter_names_the_contract_broken_by(offence: Offence, copy: Path) -> None:
    with file_of(copy, offence.module).open("a", encoding="utf-8") as module:
        module.write(f"\nimport {offence.imported}\n")
    assert CONTRACTS[offence.contract]["name"] in broken(copy)


def test_a_room_without_a_floor_breaks_the_floors(copy: Path) -> None:
    (copy / PACKAGE / "utils").mkdir()
    (copy / PACKAGE / "utils" / "__init__.py").write_text('"""Whatever."""\n', encoding="utf-8")
    assert {CONTRACTS["floors"]["name"]} == broken(copy)


def test_the_code_as_it_is_keeps_every_contract(copy: Path) -> None:
    assert set() == broken(copy)


def test_the_sequencer_may_read_the_clock(copy: Path) -> None:
    with file_of(copy, "venue.sequencer").open("a", encoding="utf-8") as module:
        module.write("\nimport asyncio\nimport time\n")
    assert set() == broken(copy)


def test_every_contract_is_tried() -> None:
    assert set(CONTRACTS) == {offence.contract for offence in offences()}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A root with the code and the contracts, to be spoiled."""
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def file_of(root: Path, module: str) -> Path:
    """The module's file; of a room any module but its face and the sequencer."""
    path = root / PACKAGE / module.replace(".", "/")
    if not path.is_dir():
        return path.with_suffix(".py")
    inner = [it for it in sorted(path.glob("*.py")) if it.stem not in {"__init__", "sequencer"}]
    return inner[0] if inner else path / "__init__.py"


def broken(root: Path) -> set[str]:
    """The names of the contracts that the code under ``root`` breaks."""
    linted = subprocess.run(  # noqa: S603 - the linter of this very environment
        [sys.executable, "-c", LINT, "--no-cache", "--no-logo"],
        cwd=root,
        env=os.environ | {"PYTHONPATH": str(root / "src"), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    report = linted.stdout + linted.stderr
    assert f"linted: {root / PACKAGE}" in report
    verdicts: dict[str, str] = dict(VERDICT.findall(linted.stdout))
    assert {contract["name"] for contract in CONTRACTS.values()} == set(verdicts), report
    found = {name for name, verdict in verdicts.items() if verdict == "BROKEN"}
    assert bool(found) == bool(linted.returncode), report
    return found
