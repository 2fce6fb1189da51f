"""What can be wrong with a script: a line that says nothing, or one that turns out untrue."""

from textwrap import indent

from exchange.feeds.flow import FeedError


class ScriptError(FeedError):
    """The script can't be played; the message names the file, the line and its text."""


class Unmet(Exception):  # noqa: N818 - the condition is the message
    """An expectation is not met. ``place`` is ``file:line``, ``text`` the line's."""

    def __init__(self, expected: str, found: str, place: str = "", text: str = "") -> None:
        self.expected, self.found, self.place, self.text = expected, found, place, text
        told = f"{_told('expected', expected)}\n{_told('found', found)}"
        super().__init__(f"{place}: {text}\n{told}" if place else told)


def _told(word: str, text: str) -> str:
    """More than one line begins on a line of its own."""
    return f"{word:8} {text}" if "\n" not in text else f"{word}\n" + indent(text, "  ")
