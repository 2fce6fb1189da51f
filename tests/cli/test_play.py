"""What `exchange play` prints for people and machines, and how it ends."""

import json
from pathlib import Path

import pytest

from tests.command import answer, exchange, inside

STORY = """\
market BTC-USD tick 0.01 lot 0.001   # a comment
account alice
account bob
deposit alice 1000 USD
deposit bob 10 BTC
alice buys 2 at 100 as a1
bob sells 0.5 at 99
expect fills 0.5 @ 100 from alice
expect book
    ----
    100.00 | alice 1.5
end
"""


@pytest.fixture
def story(tmp_path: Path) -> Path:
    path = tmp_path / "story.play"
    path.write_text(STORY)
    return path


def test_a_story_that_comes_true_is_shown_line_by_line(story: Path) -> None:
    """The book stands where it changed."""
    assert [
        "   1  market BTC-USD tick 0.01 lot 0.001",
        "          ----",
        "   2  account alice",
        "   3  account bob",
        "   4  deposit alice 1000 USD",
        "   5  deposit bob 10 BTC",
        "   6  alice buys 2 at 100 as a1",
        "          NEW",
        "          ----",
        "          100.00 | alice 2",
        "   7  bob sells 0.5 at 99",
        "          0.5 @ 100.00 from alice; FILLED",
        "          ----",
        "          100.00 | alice 1.5",
        "   8  expect fills 0.5 @ 100 from alice",
        "   9  expect book",
        "          ----",
        "          100.00 | alice 1.5",
        f"{story}: 9 steps, 2 expectations met",
    ] == exchange("play", story).stdout.splitlines()


def test_a_machine_gets_every_step_in_one_document(story: Path) -> None:
    told = answer("play", story)
    assert (str(story), None) == (told["file"], told["unmet"])
    assert [1, 2, 3, 4, 5, 6, 7, 8, 9] == [step["line"] for step in told["steps"]]
    assert {
        "line": 7,
        "text": "bob sells 0.5 at 99",
        "told": "0.5 @ 100.00 from alice; FILLED",
        "book": ["----", "100.00 | alice 1.5"],
    } == told["steps"][6]


def test_an_expectation_that_is_not_met_ends_with_1(story: Path) -> None:
    """Nothing behind it is played."""
    story.write_text(STORY.replace("0.5 @ 100 from", "0.5 @ 99 from") + "account carol\n")
    done = exchange("play", story, code=1)
    assert (
        f"unmet: {story}:8: expect fills 0.5 @ 99 from alice\n"
        "expected 0.5 @ 99 from alice\n"
        "found    0.5 @ 100.00 from alice\n"
    ) == done.stderr
    assert "carol" not in done.stdout
    said, _ = inside("play", story, "--json", code=1)
    told = json.loads(said)
    assert 7 == len(told["steps"])
    assert {
        "place": f"{story}:8",
        "text": "expect fills 0.5 @ 99 from alice",
        "expected": "0.5 @ 99 from alice",
        "found": "0.5 @ 100.00 from alice",
    } == told["unmet"]


def test_a_book_that_is_another_is_shown_beside_the_expected_one(story: Path) -> None:
    story.write_text(STORY.replace("alice 1.5", "alice 2"))
    _, said = inside("play", story, code=1)
    assert (
        f"unmet: {story}:9: expect book\n"
        "expected\n  ----\n  100.00 | alice 2\n"
        "found\n  ----\n  100.00 | alice 1.5\n"
    ) == said


def test_a_malformed_line_ends_with_2(story: Path) -> None:
    """Before anything is played, with its number and its text."""
    story.write_text(STORY + "alice buy 1 at 100\n")
    done = exchange("play", story, code=2)
    assert ("", f"error: {story}:13: 'alice buy 1 at 100' is no statement\n") == (
        done.stdout,
        done.stderr,
    )
    assert 2 == answer("play", story, code=2)["exit_code"]


def test_a_script_that_is_not_there_ends_with_2(tmp_path: Path) -> None:
    _, said = inside("play", tmp_path / "none.play", code=2)
    assert said.startswith("error: ")
    assert "can't be read" in said
