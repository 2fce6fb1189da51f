"""Each script beside this file is a story of the venue that comes true."""

from pathlib import Path

import pytest

from exchange.feeds.script.play import play, read_script

STORIES = sorted(Path(__file__).parent.glob("*.play"))


@pytest.mark.parametrize("story", STORIES, ids=lambda path: path.stem)
def test_the_story_comes_true(story: Path) -> None:
    """What is not met is raised, with its line."""
    played = [each.step for each in play(read_script(story))]
    assert any(step.expects for step in played)


def test_a_story_comes_true_the_same_way_each_time() -> None:
    assert STORIES
    for story in STORIES:
        script = read_script(story)
        assert list(play(script)) == list(play(script))
