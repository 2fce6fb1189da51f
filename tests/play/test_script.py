"""What becomes of a script that is wrong, and whether its page says all that can be written."""

import re
from pathlib import Path
from unittest.mock import patch

import pytest

from exchange.feeds.script import story
from exchange.feeds.script.faults import ScriptError, Unmet
from exchange.feeds.script.forms import FORMS
from exchange.feeds.script.play import Played, parse, play, read_script
from exchange.kernel.laws import InvariantViolation
from exchange.venue import stops
from exchange.venue.state import VenueState

PAGE = Path(__file__).parents[2] / "docs" / "play.md"

OPENING = """\
market BTC-USD tick 0.01 lot 0.001 fees 1000 2000
account alice
account bob
deposit alice 1000 USD
deposit bob 10 BTC
alice buys 2 at 100 as a1
bob sells 0.5 at 99 as b1
"""
LINE = OPENING.count("\n") + 1
"""Where what comes behind the opening begins."""


def played(more: str, opening: str = OPENING) -> list[Played]:
    """What is played of the opening and ``more``."""
    return list(play(parse("a.play", opening + more)))


# Malformed lines


@pytest.mark.parametrize(
    "line",
    [
        "alice buy 1 at 100",
        "Alice BUYS 1 at 100",
        "alice buys at 100",
        "alice buys for 100",
        "alice buys for 100 at 100",
        "bob sells 1",
        "cancel",
        "cancel a1 please",
        "cancel a1 by",
        "cancel all of",
        "cancel all of alice on",
        "sweep BTC-USD",
        "run",
        "run stops of BTC-USD",
        "alice sells at 110 or at 90 stop 95",
        "alice joins",
        "alice leaves",
        "reduce a1 0.5",
        "amend",
        "account",
        "account carol of alice now",
        "deposit alice 5",
        "clock",
        "clock 9 30",
        "state",
        "expect",
        "expect status a1",
        "expect status a1 NEW because",
        "expect balance alice USD",
        "expect balance alice USD 1 held",
        "expect book now",
        "end",
        "100.00 | alice 2",
    ],
)
def test_a_line_that_has_no_form_is_told_before_anything_is_played(line: str) -> None:
    with pytest.raises(ScriptError, match=rf"^a\.play:{LINE + 1}: {re.escape(repr(line))} is no "):
        parse("a.play", f"{OPENING}# what follows is wrong\n  {line}   # here\naccount carol\n")


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("alice buys 1,5 at 100", "'1,5' is not a plain decimal number"),
        ("alice buys -1 at 100", "'-1' is not a plain decimal number"),
        ("alice buys 1 at 100.001", "'100.001' has more than 2 decimals"),
        ("alice buys 1.0005 at 100", "'1.0005' has more than 3 decimals"),
        ("alice buys 1 at 100, ioc", "'100,' is not a plain decimal number"),
        ("alice buys 1 at best", "'best' is not a plain decimal number"),
        ("alice buys for much at market", "'much' is not a plain decimal number"),
        ("alice buys 1 at 100 today", "'today' is no option of an order"),
        ("alice buys 1 at 100 as", "'as' lacks its value"),
        ("alice buys 1 at 100 until late", "'late' is neither hh:mm:ss nor a step"),
        ("alice buys 1 at 100 self-trade never", "'never' is none of expire_taker"),
        ("al:ice buys 1 at 100", "breaks its pattern"),
        ("bob sells 1 at 110 or", "'or' is no option of an order"),
        ("bob sells 1 at 110 or 90 stop 95", "'or' is no option of an order"),
        ("bob sells 1 at 110 or at 90 stop", "'stop' lacks its value"),
        ("bob sells 1 at 110 today or at 90 stop 95", "'today' is no option of an order"),
        ("bob sells 1 at 110 or at 90.001 stop 95", "'90.001' has more than 2 decimals"),
        ("bob sells 1 at 110 or at 90 stop 95 or at 80", "'or' is no option of an order"),
        ("bob sells all at 110 or at 90 stop 95", "'all' is not a plain decimal number"),
        ("al:ice buys 1 at 90 or at 120 stop 110", "breaks its pattern"),
        ("cancel a9", "no order was accepted as 'a9'"),
        ("reduce a9 by 1", "no order was accepted as 'a9'"),
        ("cancel bids of alice", "'bids' is none of all, buys, sells"),
        ("cancel all of alice on ETH-USD", "no market ETH-USD is listed"),
        ("cancel all of al:ice", "breaks its pattern"),
        ("amend a9 price 101", "no order was accepted as 'a9'"),
        ("amend a1 colour 3", "'colour' is nothing that an amend changes"),
        ("amend a1 price", "'price' lacks its value"),
        ("amend a1 quantity all", "'all' is not a plain decimal number"),
        ("alice buys 1 at market stop", "'stop' lacks its value"),
        ("reduce a1 by all", "'all' is not a plain decimal number"),
        ("deposit alice 5 EUR", "there is no asset 'EUR'"),
        ("deposit alice 0.000001 USD", "has more than 5 decimals"),
        ("transfer 1 EUR from alice to bob", "there is no asset 'EUR'"),
        ("asset EUR two", "'two' is not a plain decimal number"),
        ("state open", "'open' is none of "),
        ("on ETH-USD", "no market ETH-USD is listed"),
        ("market BTCUSD", "'BTCUSD' does not name two assets"),
        ("market ETH-USD tick fine", "'fine' is not a plain decimal number"),
        ("market ETH-USD color 1", "'color' is no setting of a market"),
        ("market ETH-USD fees 1000", "taker_ppm ''"),
        ("market ETH-USD open_orders_max many", "open_orders_max 'many'"),
        ("market ETH-USD price_max 1.5", "'1.5' has more than 0 decimals"),
        ("clock noon", "'noon' is neither hh:mm:ss nor a step"),
        ("clock 24:00:00", "'24:00:00' is neither"),
        ("clock 09:30", "'09:30' is neither"),
        ("clock +5", "'+5' is neither"),
        ("clock +0.0000001s", "'+0.0000001s' is neither"),
        ("clock 08:59:59", "08:59:59 is before the time that the clock shows"),
        ("expect fills 2 at 100", "'2 at 100' is no fill"),
        ("expect fills", "'' is no fill"),
        ("expect refused NO", "'NO' is none of INTERNAL"),
        ("expect status a1 DONE", "'DONE' is none of NEW"),
        ("expect status a9 NEW", "no order was accepted as 'a9'"),
        ("expect rests a9 1", "no order was accepted as 'a9'"),
        ("expect rests 1", "the last command left no order"),
        ("expect balance alice EUR 1", "there is no asset 'EUR'"),
        ("expect balance dave USD 1", "there is no account 'dave'"),
        ("expect fees EUR 1", "there is no asset 'EUR'"),
        ("expect book\nend", "one line '----' parts asks from bids, 0 are there"),
        ("expect book\n----\n----\nend", "2 are there"),
        ("expect book\n----\n100 alice 2\nend", "'100 alice 2' is no level"),
        ("expect book\n----\n100 | alice\nend", "'100 | alice' is no level"),
        ("expect book\n----\n100 |\nend", "'100 |' is no level"),
        ("expect book\n----\n100 | alice 1 in 2\nend", "'100 | alice 1 in 2' is no level"),
        ("expect book\n----\ntop | alice 2\nend", "'top' is not a plain decimal number"),
    ],
)
def test_a_word_that_says_nothing_is_told_where_it_stands(line: str, why: str) -> None:
    with pytest.raises(ScriptError) as caught:
        played(f"clock 09:00:00\ndeposit alice 5 USD\n{line}\n")
    assert str(caught.value).startswith(f"a.play:{LINE + 2}: {line.splitlines()[0]!r}: ")
    assert why in str(caught.value)


@pytest.mark.parametrize(
    "line",
    [
        "alice buys 1 at 100",
        "expect book\n----\nend",
        "alice buys 1 at 100 or at 120 stop 110",
        "state halted",
        "sweep",
        "run stops",
        "expect fills none",
    ],
)
def test_nothing_can_be_asked_of_a_market_before_it_is_listed(line: str) -> None:
    with pytest.raises(ScriptError, match=r"^a\.play:2: .*no market is listed"):
        played(line, opening="account alice\n")


def test_a_block_without_an_end_is_told_at_its_beginning() -> None:
    with pytest.raises(ScriptError, match=rf"a\.play:{LINE}: 'expect book' has no line 'end'"):
        parse("a.play", OPENING + "expect book\n----\n\n")


def test_a_file_that_is_no_text_or_not_there_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.play").write_bytes(b"account al\xffce\n")
    for name in ("a.play", "b.play"):
        with pytest.raises(ScriptError, match="can't be read"):
            read_script(tmp_path / name)


# Expectations that are not met


@pytest.mark.parametrize(
    ("lines", "expected", "found"),
    [
        ("expect fills none", "none", "0.5 @ 100.00 from alice"),
        ("expect fills 0.5 @ 99 from alice", "0.5 @ 99 from alice", "0.5 @ 100.00 from alice"),
        ("expect fills 0.5 @ 100 from bob", "0.5 @ 100 from bob", "0.5 @ 100.00 from alice"),
        ("cancel a1\nexpect fills 1 @ 100 from bob", "1 @ 100 from bob", "none"),
        ("expect refused WOULD_TRADE", "WOULD_TRADE", "0.5 @ 100.00 from alice; FILLED"),
        ("cancel a1\nexpect refused NOT_FOUND", "NOT_FOUND", "CANCELED because cancelled"),
        ("account carol\nexpect refused ALREADY_EXISTS", "ALREADY_EXISTS", "accepted"),
        (
            "bob sells 10 at 200\nexpect refused WOULD_TRADE",
            "WOULD_TRADE",
            "INSUFFICIENT_FUNDS funds 10.000 (bound 9.500)",
        ),
        (
            "bob sells 10 at 200\nexpect refused INSUFFICIENT_FUNDS price",
            "INSUFFICIENT_FUNDS price",
            "INSUFFICIENT_FUNDS funds 10.000 (bound 9.500)",
        ),
        (
            "bob sells 20 at 200 or at market stop 50\nexpect refused WOULD_TRADE",
            "WOULD_TRADE",
            "INSUFFICIENT_FUNDS funds 20.000 (bound 9.500)",
        ),
        (
            "alice buys 20 at 90 or at 120 stop 110\nexpect refused WOULD_TRADE",
            "WOULD_TRADE",
            "INSUFFICIENT_FUNDS funds 2400.00000 (bound 800.00000)",
        ),
        (
            "bob sells 1 at 200 or at market stop 50\nexpect refused WOULD_TRADE",
            "WOULD_TRADE",
            "NEW or UNTRIGGERED",
        ),
        ("bob sells 1 at 200 or at market stop 50\nexpect rests 2", "2", "1"),
        ("expect status a1 NEW", "NEW", "PARTIALLY_FILLED"),
        ("expect status b1 FILLED because immediate", "FILLED because immediate", "FILLED"),
        (
            "cancel a1\nexpect status a1 CANCELED because filled",
            "CANCELED because filled",
            "CANCELED because cancelled",
        ),
        ("expect rests 1", "1", "0"),
        ("expect rests a1 2", "2", "1.5"),
        ("expect balance alice USD 1000", "1000", "800"),
        ("expect balance alice USD 800 held 0", "800 held 0", "800 held 150"),
        ("expect balance alice USD 1 held 150", "1 held 150", "800 held 150"),
        ("expect fees USD 0", "0", "0.1"),
        (
            "expect book\n101 | bob 1\n----\nend",
            "101.00 | bob 1\n----",
            "----\n100.00 | alice 1.5",
        ),
    ],
)
def test_the_first_expectation_that_is_not_met_is_raised_with_its_line(
    lines: str, expected: str, found: str
) -> None:
    head, _, _ = lines.partition("expect")
    line = LINE + head.count("\n")
    with pytest.raises(Unmet) as caught:
        played(f"{lines}\nexpect fees USD 12345\n")
    unmet = caught.value
    assert (expected, found, f"a.play:{line}") == (unmet.expected, unmet.found, unmet.place)
    assert str(unmet).startswith(f"a.play:{line}: {lines.removeprefix(head).splitlines()[0]}\n")


@pytest.mark.parametrize(
    "more",
    ["", "expect rests a1 1.5\nexpect refused WOULD_TRADE\n", "account carol\n", "clock +5s\n"],
)
def test_a_refusal_that_the_next_line_does_not_expect_is_not_met(more: str) -> None:
    with pytest.raises(Unmet) as caught:
        played("bob sells 1 at 100 post-only\n" + more)
    assert ("no refusal", f"a.play:{LINE}") == (caught.value.expected, caught.value.place)
    assert "refused WOULD_TRADE price 100.00 (bound 100.00)" == caught.value.found


@pytest.mark.parametrize(
    "line",
    [
        "account alice",
        "account carol of dave",
        "asset USD 2",
        "market BTC-USD",
        "market EUR-EUR",
        "market ETH-USD tick 0.0000000001",
        "deposit dave 5 USD",
        "transfer 5 USD from alice to bob",
        "dave joins desk",
        "alice joins the:desk",
        "dave leaves its group",
        "cancel all of dave",
        "dave buys 1 at 100",
        "alice buys 1 at 100 as a1",
        "alice buys 1 at 100 as a:1!",
        "alice buys 1 at 100 ioc post-only",
        "alice buys 1 at 90 as a2 or at 120 stop 110 as a2",
        "alice buys 1 at 90 as a1 or at 120 stop 110",
        "alice buys 1 at 90 or at 91",
        "dave buys 1 at 90 or at 120 stop 110",
    ],
)
def test_the_venue_judges_what_can_be_said(line: str) -> None:
    with pytest.raises(Unmet, match="found    refused "):
        played(line + "\n")


def test_a_broken_law_is_told_with_its_line() -> None:
    broken = InvariantViolation("F1", "money is missing")
    with (
        patch.object(story, "check_all", side_effect=[None] * 9 + [broken, None]),
        pytest.raises(InvariantViolation, match=r"F1: a\.play:\d+: money is missing"),
    ):
        played("")


def test_a_replay_that_differs_is_told() -> None:
    hashes = iter(["a", "b"])
    with (
        patch.object(VenueState, "state_hash", lambda _: next(hashes)),
        pytest.raises(InvariantViolation, match="R1"),
    ):
        played("")


# The form


def test_comments_blanks_and_blank_lines_are_free() -> None:
    spaced = "\n\n  # a story\r\n\t" + OPENING.replace(" ", " \t ").replace("\n", "  # so\r\n\n")
    told = [(each.step.text, each.told, each.book) for each in played("", opening=spaced)]
    assert [(each.step.text, each.told, each.book) for each in played("")] == told


def test_each_step_tells_what_came_of_it_and_the_book_behind_it() -> None:
    opened, *_, bought, sold = played("")
    assert ("", ("----",)) == (opened.told, opened.book)
    assert ("NEW", ("----", "100.00 | alice 2")) == (bought.told, bought.book)
    assert "0.5 @ 100.00 from alice; FILLED" == sold.told
    assert ("----", "100.00 | alice 1.5") == sold.book


def test_a_step_that_takes_out_orders_tells_how_many() -> None:
    lines = ["alice buys 1 at 90 until +1s", "clock +1s", "sweep", *["cancel all of alice"] * 2]
    *_, swept, cancelled, again = [each.told for each in played("\n".join(lines))]
    assert "1 × EXPIRED because deadline" == swept
    assert ("1 × CANCELED because cancelled", "") == (cancelled, again)


BRACKET = "bob sells 1 at 110 as tp or at 90 stop 95 as sl\n"


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("alice buys 0.5 at 110", "0.5 @ 110.00 from bob; FILLED; 1 × CANCELED because list"),
        ("cancel sl", "CANCELED because cancelled; 1 × CANCELED because list"),
        ("cancel all of bob", "1 × CANCELED because cancelled; 1 × CANCELED because list"),
        ("state closed", "2 × CANCELED because market_closed; 1 × CANCELED because list"),
    ],
)
def test_of_two_in_one_line_both_are_told_and_what_ended_with_another(line: str, told: str) -> None:
    *_, listed, last = [each.told for each in played(BRACKET + line)]
    assert ("NEW or UNTRIGGERED", told) == (listed, last)


def test_each_name_stands_for_its_own_order() -> None:
    lines = ["expect status tp NEW", "expect status sl UNTRIGGERED", "expect rests sl 1"]
    lines += ["cancel sl", "expect status sl CANCELED because cancelled", "expect rests sl 0"]
    assert played(BRACKET + "\n".join([*lines, "expect status tp CANCELED because list"]))


def test_triggered_orders_that_were_left_enter_when_they_are_run() -> None:
    """One for this once."""
    lines = [BRACKET, "bob sells 1 at 90 stop 95 as s2", "alice buys 0.1 at 95", "cancel a1"]
    lines += ["bob sells 0.1 at 95", "expect status s2 TRIGGERED"]
    lines += ["run stops", "expect status s2 NEW", "run stops"]
    with patch.object(stops, "STOPS_MAX", 1):
        *_, ran, _, again = [each.told for each in played("\n".join(lines))]
    assert ("1 × entered", "") == (ran, again)


def test_every_statement_stands_on_its_page() -> None:
    page = PAGE.read_text()
    for form in FORMS:
        written = re.sub(r"\{(\w+?)(\.\.\.)?\}", lambda hole: hole[1].upper(), form.text)
        assert f"| `{written}` |" in page, form.text


def test_the_example_on_the_page_comes_true() -> None:
    example = PAGE.read_text().split("```")[1]
    assert list(play(parse("play.md", example.removeprefix("\n"))))
