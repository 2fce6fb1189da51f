"""Whatever happens to an order, its story adds up with the books that others keep."""

from collections.abc import Iterator

import pytest

from exchange.audit.explain.order import Name, explain
from exchange.audit.explain.story import (
    Ended,
    Held,
    Listed,
    Matched,
    Queued,
    Received,
    Released,
    Story,
)
from exchange.feeds.script.lives import Lives
from exchange.kernel.events import Envelope
from exchange.matching.events import OrderAccepted, OrderListAccepted
from exchange.store.writer import LogWriter
from tests.audit.eventful import eventful
from tests.audit.logs import log_of
from tests.build import SYMBOL

SEED = 20260711
STEPS = 1_000
EVERY = 2
"""Stories are told of every other order: each reads the log up to its end."""


@pytest.fixture(scope="module")
def envelopes() -> list[Envelope]:
    return [envelope for done in eventful(SEED, STEPS) for envelope in done.command]


@pytest.fixture(scope="module")
def log(envelopes: list[Envelope]) -> Iterator[LogWriter]:
    with log_of(envelopes) as made:
        yield made


@pytest.fixture(scope="module")
def lives(envelopes: list[Envelope]) -> Lives:
    """Where each order stands at the end, as the stories of `exchange play` follow it."""
    followed = Lives()
    followed.follow(envelopes)
    return followed


@pytest.fixture(scope="module")
def stories(log: LogWriter, envelopes: list[Envelope]) -> dict[int, Story]:
    count = sum(isinstance(it.event, OrderAccepted) for it in envelopes)
    count += 2 * sum(isinstance(it.event, OrderListAccepted) for it in envelopes)
    assert count > 300
    return {n: explain(log, Name(SYMBOL, None, n)) for n in range(1, count + 1, EVERY)}


def test_an_order_stands_where_its_events_have_left_it(
    stories: dict[int, Story], lives: Lives
) -> None:
    for number, story in stories.items():
        life = lives.of(SYMBOL, number)
        assert story.status == life.status.value, story
        assert story.reason == (life.reason and life.reason.value), story


def test_its_quantities_add_up(stories: dict[int, Story]) -> None:
    """Law B3; what a budget does not buy has no quantity."""
    for story in stories.values():
        parts = (story.filled, story.prevented, story.open, story.ended)
        if story.quantity is not None:
            assert int(story.quantity) == sum(map(int, parts)), story
        fills = [int(it.quantity) for it in story.steps if isinstance(it, Matched)]
        assert int(story.filled) == sum(fills)


def test_its_hold_ends_once_used_or_released(stories: dict[int, Story]) -> None:
    """Law F3, for orders that have ended; a list's hold is the concern of both its orders."""
    told = 0
    for story in stories.values():
        steps = story.steps
        if story.reason is None or any(isinstance(it, Listed) for it in steps):
            continue
        held = sum(int(it.amount) for it in steps if isinstance(it, Held))
        released = sum(int(it.amount) for it in steps if isinstance(it, Released))
        assert isinstance(steps[0], Received)
        buys = "buy" == steps[0].asked["side"]
        used = 0
        for it in steps:
            if isinstance(it, Matched):
                back = it.returned.split()[0] if it.returned else 0
                used += int(it.value.split()[0]) + int(back) if buys else int(it.quantity)
        assert held == used + released, story
        told += 1
    assert told > 80


def test_its_fees_follow_the_rule_and_are_those_that_were_posted(stories: dict[int, Story]) -> None:
    for story in stories.values():
        sums: dict[str, int] = {}
        accrued = charged = 0
        for it in story.steps:
            if isinstance(it, Matched):
                fee = it.fee
                accrued += fee.received * fee.rate_ppm
                total = -(-accrued // 10**6)
                assert (accrued, total, charged) == (fee.accrued_ppm, fee.due, fee.charged_before)
                assert fee.units == total - charged
                charged = total
                sums[fee.asset] = sums.get(fee.asset, 0) + fee.units
        assert story.fees == {asset: str(units) for asset, units in sums.items()}


def test_what_stood_ahead_went_before_it_traded(stories: dict[int, Story]) -> None:
    """Price-time priority, told by the order that waited: nobody ahead of a maker is left over."""
    waited = 0
    for story in stories.values():
        queued: Queued | None = None
        for it in story.steps:
            if isinstance(it, Queued):
                queued = it
            elif isinstance(it, Matched) and it.role == "maker" and queued is not None:
                for ahead in queued.ahead:
                    gone = [int(g.quantity) for g in ahead.gone if g.position <= it.position]
                    assert int(ahead.quantity) == sum(gone), story
                    waited += 1
    assert waited > 20


def test_every_end_says_why(stories: dict[int, Story]) -> None:
    ends = [it for story in stories.values() for it in story.steps if isinstance(it, Ended)]
    assert all(it.why and it.why != it.reason for it in ends)
    assert len({it.reason for it in ends}) > 7


def test_the_steps_stand_in_the_order_of_commands(stories: dict[int, Story]) -> None:
    for story in stories.values():
        causes = [it.cause.position for it in story.steps]
        assert causes == sorted(causes)
