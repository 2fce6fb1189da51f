"""A script from its file to its end: read whole, then played line by line."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from exchange.feeds.script.expectations import expect_refused
from exchange.feeds.script.faults import ScriptError, Unmet
from exchange.feeds.script.forms import PATTERNS, Form
from exchange.feeds.script.story import Story
from exchange.feeds.script.telling import told, told_book
from exchange.feeds.script.words import Unreadable
from exchange.kernel.decimals import DecimalError
from exchange.kernel.laws import InvariantViolation
from exchange.venue.intake import Malformed

END = "end"


class Step(NamedTuple):
    """A statement where it stands, with the arguments of its form's function."""

    line: int
    text: str
    form: Form
    words: dict[str, str | None]
    block: tuple[str, ...]

    @property
    def expects(self) -> bool:
        """Whether it looks at the venue instead of changing it."""
        return self.form.text.startswith("expect ")


class Script(NamedTuple):
    """A file whose every line has the form of a statement."""

    name: str
    steps: tuple[Step, ...]

    def place(self, step: Step) -> str:
        """``file:line``."""
        return f"{self.name}:{step.line}"


class Played(NamedTuple):
    """A step that was done or met: what came of it, and the book behind it."""

    step: Step
    told: str
    book: tuple[str, ...]


def read_script(path: Path) -> Script:
    """The script in a file.

    Raises:
        ScriptError: the file can't be read, or a line has no form.
    """
    try:
        return parse(str(path), path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ScriptError(f"{path} can't be read: {error}") from error


def parse(name: str, text: str) -> Script:
    """The script that ``text`` is; numbers and names are read when they are played.

    Raises:
        ScriptError: a line has no form, or a block no end.
    """
    lines = enumerate((" ".join(it.partition("#")[0].split()) for it in text.split("\n")), 1)
    return Script(name, tuple(_steps(name, iter(lines))))


def play(script: Script) -> Iterator[Played]:
    """Each step once it is done, on a venue of its own; the laws hold after every one.

    Raises:
        Unmet: an expectation, or a refusal that the next statement does not expect.
        ScriptError: a number or a name says nothing there.
        InvariantViolation: a law broke.
    """
    story = Story()
    followers = [*(step.form.act for step in script.steps[1:]), None]
    for step, follower in zip(script.steps, followers, strict=True):
        before = story.ack
        _act(script, step, story)
        acted = story.ack is not before
        yield Played(step, told(story) if acted else "", tuple(told_book(story)))
        if acted and story.ack.refusal is not None and follower is not expect_refused:
            raise Unmet("no refusal", told(story), script.place(step), step.text)
    story.check_replay()


def _steps(name: str, lines: Iterator[tuple[int, str]]) -> Iterator[Step]:
    for number, line in lines:
        if not line:
            continue
        form, words = _recognised(name, number, line)
        block = tuple(_block(name, number, line, lines)) if form.block else ()
        yield Step(number, line, form, words, block)


def _recognised(name: str, number: int, line: str) -> tuple[Form, dict[str, str | None]]:
    for pattern, form in PATTERNS:
        if found := pattern.fullmatch(line):
            return form, found.groupdict()
    raise ScriptError(f"{name}:{number}: {line!r} is no statement")


def _block(name: str, number: int, line: str, lines: Iterator[tuple[int, str]]) -> Iterator[str]:
    """The lines up to the block's end, which is read over."""
    for _, inner in lines:
        if inner == END:
            return
        if inner:
            yield inner
    raise ScriptError(f"{name}:{number}: {line!r} has no line {END!r}")


def _act(script: Script, step: Step, story: Story) -> None:
    """Do the step; what goes wrong is told with its place."""
    place, form = script.place(step), step.form
    lines = {"lines": step.block} if form.block else {}
    try:
        form.act(story, **step.words, **lines)
    except (Unreadable, DecimalError, Malformed) as error:
        raise ScriptError(f"{place}: {step.text!r}: {error}") from error
    except Unmet as unmet:
        raise Unmet(unmet.expected, unmet.found, place, step.text) from None
    except InvariantViolation as broken:
        raise InvariantViolation(broken.law, f"{place}: {broken.detail}") from broken
