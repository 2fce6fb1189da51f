"""What the pages say of the code is so."""

import ast
import re
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PLACE = re.compile(r"`(src/exchange/[\w/]+\.py)(?::([\w.]+))?`")
RELATIVE_LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)\)")


def unresolved(text: str) -> list[str]:
    """The places in ``text`` that name no file, or no definition in it."""
    missing = []
    for path, name in PLACE.findall(text):
        file = ROOT / path
        if not file.is_file() or (name and name not in definitions(file)):
            missing.append(f"{path}:{name}")
    return missing


def definitions(file: Path) -> set[str]:
    """Functions, classes and methods of a module."""
    found = set()
    for node in ast.parse(file.read_text()).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        if isinstance(node, ast.ClassDef):
            inside = (n for n in node.body if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef))
            found |= {f"{node.name}.{each.name}" for each in inside}
    return found


def test_the_tour_names_only_what_exists() -> None:
    text = (ROOT / "docs/tour.md").read_text()
    assert len(PLACE.findall(text)) > 20
    assert [] == unresolved(text)


@pytest.mark.parametrize(
    "place", ["src/exchange/nowhere.py", "src/exchange/venue/state.py:VenueState.nothing"]
)
def test_a_place_that_does_not_exist_is_noticed(place: str) -> None:
    assert unresolved(f"see `{place}`")


def test_the_event_catalogue_is_what_the_code_gives() -> None:
    made = runpy.run_path(str(ROOT / "docs/make_events.py"))
    assert made["page"]() == (ROOT / "docs/events.md").read_text(), "run `make docs`"


@pytest.mark.parametrize("page", sorted(ROOT.glob("*.md")) + sorted(ROOT.glob("docs/**/*.md")))
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    for target in RELATIVE_LINK.findall(page.read_text()):
        assert (page.parent / target).exists(), target
