"""What the command line shows of a moment is what it showed then."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.audit.eventful import eventful
from tests.audit.logs import append, log_of
from tests.command import answer, inside, url

SEED, STEPS = 20260711, 120
VIEWS = (["book", "BTC-USD", "--queues"], ["balances"], ["balances", "A"])


class Then(NamedTuple):
    """A moment, and what was printed when it was now."""

    position: int
    at_us: int
    views: list[Any]


class History(NamedTuple):
    store: str
    moments: list[Then]

    def says(self, *words: object) -> Any:  # noqa: ANN401 - any JSON
        return said(*words, "--store", self.store)


def said(*words: object) -> Any:  # noqa: ANN401 - any JSON
    return json.loads(inside(*words, "--json")[0])


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> History:
    """A store that grew command by command, looked at every now and then."""
    path = tmp_path_factory.mktemp("past") / "venue.db"
    moments = []
    with log_of(path=path) as log:
        for number, it in enumerate(eventful(SEED, STEPS)):
            append(log, it.command)
            if number % 12 == 0:
                views = [said(*view, "--store", url(path)) for view in VIEWS]
                moments.append(Then(log.position - 1, number, views))
    return History(url(path), moments)


def test_a_position_shows_what_was_shown_then(history: History) -> None:
    for then in history.moments:
        for view, shown in zip(VIEWS, then.views, strict=True):
            for position in (then.position, then.position + 1):
                assert shown == history.says(*view, "--as-of", position)


def test_the_position_that_a_book_names_leads_back_to_it(history: History) -> None:
    for then in history.moments:
        book = then.views[0]
        assert then.position == book["position"]
        assert book == history.says("book", "BTC-USD", "--queues", "--as-of", book["position"])


def test_a_time_shows_the_last_of_its_commands(history: History) -> None:
    """In both ways to write it, and in any zone."""
    now = history.says("book", "BTC-USD")
    at = now["at"]
    us = int(at.partition(".")[2].rstrip("Z") or 0)
    for text in (at, at.replace("Z", "+00:00"), f"{us}us", "2999-12-31T00:00:00+05:30"):
        assert now == history.says("book", "BTC-USD", "--as-of", text)
    assert now["position"] > history.says("book", "BTC-USD", "--as-of", f"{us - 20}us")["position"]


def test_people_are_told_which_moment_they_see(history: History) -> None:
    then = history.moments[2]
    for view in VIEWS:
        lines = inside(*view, "--store", history.store, "--as-of", then.position)[0].splitlines()
        assert lines[0].startswith(f"as of position {then.position}, 1970-01-01T00:00:00")
        assert not inside(*view, "--store", history.store)[0].startswith("as of")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("0", "positions count from 1"),
        ("99999999", "position 99999999 lies beyond the end of the log"),
        ("-3", "is no moment"),
        ("yesterday", "is no moment"),
        ("2026-05-02", "is no moment"),
        ("2026-05-02T02:36:20", "is no moment"),
        ("9" * 30, "is no moment"),
        ("us", "is no moment"),
        ("1", "is no market of this store, before the first command"),
    ],
)
def test_what_is_no_moment_of_the_log_is_refused(
    history: History, text: str, complaint: str
) -> None:
    _, err = inside("book", "BTC-USD", "--store", history.store, f"--as-of={text}", code=2)
    assert complaint in " ".join(err.replace("│", " ").split())


def test_the_queues_of_a_book_are_in_their_order(history: History) -> None:
    book = history.moments[4].views[0]
    for side in ("bids", "asks"):
        for level in book[side]:
            assert level["orders"] == len(level["queue"])
            assert int(level["quantity"]) == sum(int(it["shown"]) for it in level["queue"])
    said_lines = inside("book", "BTC-USD", "--queues", "--store", history.store)[0].splitlines()
    assert ["side", "price", "order", "account", "shown", "open"] in [
        line.split() for line in said_lines
    ]


def test_a_fold_says_where_it_ends(history: History) -> None:
    then = history.moments[3]
    told = history.says("replay", "--until", then.position)
    assert then.position == told["position"]
    assert eventful(SEED, STEPS)[then.at_us].state_hash == told["state_hash"]


@pytest.mark.parametrize(
    ("words", "code", "complaint"),
    [
        (("--from", "5"), 2, "a fold begins at genesis"),
        (("--from", "9", "--until", "5"), 2, "--until 5 lies before --from 9"),
        (("--to", "ndjson:"), 2, "is no target"),
        (("--to", "paper:x"), 2, "is no target"),
        (("--to", "store:nowhere"), 3, "is no store"),
        (("--to", "ndjson:x", "--re-execute"), 2, "either --to or --re-execute"),
        (("--to", "store:sqlite:///x.db", "--from", "3"), 2, "copied from its genesis"),
        (("--until", "99999999"), 2, "lies beyond the end of the log"),
        (("--re-execute", "--from", "99999999"), 2, "lies beyond the end of the log"),
    ],
)
def test_a_replay_that_makes_no_sense_is_refused(
    history: History, words: tuple[str, ...], code: int, complaint: str
) -> None:
    _, err = inside("replay", "--store", history.store, *words, code=code)
    assert complaint in " ".join(err.replace("│", " ").split())


def test_a_replay_goes_where_it_is_told(history: History, tmp_path: Path) -> None:
    """By a process of its own: lines, a copy, and no second time over them."""
    lines, copy = tmp_path / "lines.ndjson", tmp_path / "copy.db"
    told = answer("replay", "--store", history.store, "--to", f"ndjson:{lines}", "--from", 10)
    assert (10, told["events"]) == (told["first"], len(lines.read_text().splitlines()))
    target = f"store:{url(copy)}"
    told = answer("replay", "--store", history.store, "--to", target)
    assert answer("verify", "--store", url(copy))["head"] == told["head"]
    for to in (f"ndjson:{lines}", target):
        refused = answer("replay", "--store", history.store, "--to", to, code=3)
        assert "nothing is written over it" in refused["error"]


@pytest.fixture(scope="module")
def followed(history: History) -> History:
    """The same with views that reach half of it."""
    path = Path(history.store.removeprefix("sqlite:///"))
    middle = history.moments[len(history.moments) // 2].position
    half = path.with_name("half.db")
    inside("replay", "--store", history.store, "--to", f"store:{url(half)}", "--until", middle + 1)
    views = f"sqlite:///{path}.views"
    inside("follow", "--store", url(half), "--views", views, "--once")
    return history


def test_a_statement_of_then_says_what_it_is_made_from(followed: History) -> None:
    """And adds up to the balances of then."""
    middle = followed.moments[len(followed.moments) // 2].position
    for then in followed.moments[2:]:
        told = followed.says("statement", "A", "USD", "--as-of", then.position, "--limit", 1000)
        assert ("views" if then.position <= middle else "log") == told["source"]
        assert then.position == told["position"]
        balances = {it["account"]: it["balance"] for it in then.views[2] if it["asset"] == "USD"}
        assert balances == {name: it for name, it in told["closing"].items() if it != "0"}


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--as-of", "99999999"], "lies beyond the end of the log"),
        (["--as-of", "1"], "nothing was booked by then"),
        (["--as-of", "5", "--min-position", "3"], "either --as-of or --min-position"),
    ],
)
def test_a_past_statement_that_makes_no_sense_is_refused(
    followed: History, words: list[str], complaint: str
) -> None:
    _, err = inside("statement", "A", "USD", "--store", followed.store, *words, code=2)
    assert complaint in " ".join(err.replace("│", " ").split())


def test_people_are_told_that_the_log_alone_made_it(followed: History) -> None:
    last, first = followed.moments[-1].position, followed.moments[2].position
    line = ["statement", "A", "USD", "--store", followed.store, "--as-of"]
    assert ", from the log alone" in inside(*line, last)[0]
    assert "from the log alone" not in inside(*line, first)[0]
