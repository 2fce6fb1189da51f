"""Every aggregate can be had as it was at any version, and no read takes a stream whole."""

import random
import uuid
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from eventsourcing.application import AggregateNotFoundError
from eventsourcing.persistence import InfrastructureFactory, StoredEvent
from eventsourcing.utils import Environment

from exchange.kernel.events import Envelope, Placed
from exchange.kernel.instruments import MarketState
from exchange.kernel.orders import OrderTerms, OrderType, Side
from exchange.orders.commands import (
    AnyCommand,
    CancelOrder,
    ChangeMarketState,
    PlaceOrder,
    ReduceOrder,
    Request,
    Role,
    TransferFunds,
)
from exchange.orders.governing import KillVenue
from exchange.orders.money_commands import (
    ApproveWithdrawal,
    BustTrade,
    CompleteWithdrawal,
    RequestWithdrawal,
    ReverseDeposit,
    SendWithdrawal,
    SetWithdrawalTerms,
)
from exchange.store.log import STREAM_PAGE_EVENTS, EventLog
from exchange.store.seal import Row
from exchange.store.sqlite import LogFactory, LogRecorder
from exchange.store.urls import StoreUrl
from exchange.store.writer import Draft
from exchange.venue.catalogue import AGGREGATES, EVENTS, Aggregate, project
from tests.store.stored import Noted, url_of, writer
from tests.store.trading import TRADERS, drive, set_up, venue_on

Dumps = dict[tuple[str, int], bytes]
"""Stream and version -> the live aggregate's dump there, as JSON: it may share parts with it."""


def session(commands: int) -> list[Request]:
    """Seeded orders, cancels, reductions and transfers; some are refused.

    Then money leaves, a trade is busted, and the market closes.
    """
    chance = random.Random(7)  # noqa: S311 - a test's script, the same each time
    terms_of_usd = SetWithdrawalTerms("USD", 1, 1, 100, 100)
    requests = [*set_up(), Request(terms_of_usd, "operator", Role.ADMIN)]
    for _ in range(commands):
        trader = chance.choice(TRADERS)
        number = chance.randint(1, max(1, commands // 2))
        kinds: list[AnyCommand] = [
            PlaceOrder(trader, "BTC-USD", terms(chance)),
            CancelOrder(trader, "BTC-USD", number),
            ReduceOrder(trader, "BTC-USD", chance.randint(1, 9), number),
            TransferFunds(trader, trader, "USD", chance.randint(0, 9)),
        ]
        (command,) = chance.choices(kinds, [6, 1, 2, 1])
        requests.append(Request(command, trader, Role.TRADER))
    requests.append(Request(RequestWithdrawal("ada", "USD", 9, "bank"), "ada", Role.TRADER))
    requests += [Request(command, "operator", command.ROLE) for command in MONEY]
    states = (MarketState.HALTED, MarketState.CLOSED)
    ends: list[AnyCommand] = [ChangeMarketState("BTC-USD", state, "end") for state in states]
    for end in (*ends, KillVenue("end")):
        requests.append(Request(end, "operator", Role.OPERATOR))
    return requests


MONEY: tuple[AnyCommand, ...] = (
    ApproveWithdrawal(1),
    SendWithdrawal(1, "wire-1"),
    CompleteWithdrawal(1),
    BustTrade("BTC-USD", 7, "clearly erroneous"),
    ReverseDeposit("ada-BTC", "sent in error", claim=True),
)


def terms(chance: random.Random) -> OrderTerms:
    side = chance.choice([Side.BUY, Side.SELL])
    if chance.random() < 0.1:
        return OrderTerms(side, OrderType.MARKET, None, chance.randint(1, 20))
    return OrderTerms(side, OrderType.LIMIT, chance.randint(90, 110), chance.randint(1, 20))


def json(aggregate: Aggregate) -> bytes:
    return msgspec.json.encode(aggregate.dump(), order="sorted")


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Dumps, dict[str, int]]:
    """A closed store, what the live aggregates looked like on the way, and how often."""
    path = tmp_path_factory.mktemp("repository") / "venue.db"
    venue = venue_on(path, commands=1)
    dumps: Dumps = {}
    add = Draft.add

    def look(draft: Draft, placed: Sequence[Placed]) -> None:
        for stream in {stream for stream, *_ in placed}:
            aggregate = venue.state.aggregates[stream]
            dumps[stream, aggregate.version] = json(aggregate)
        add(draft, placed)

    with pytest.MonkeyPatch.context() as patching:
        patching.setattr(Draft, "add", look)
        _, stopped = drive(venue, session(300))
    assert stopped is None
    versions = {stream: live.version for stream, live in venue.state.aggregates.items()}
    return path, dumps, {stream: version for stream, version in versions.items() if version}


@pytest.fixture
def log(lived: tuple[Path, Dumps, dict[str, int]]) -> Iterator[EventLog]:
    log = EventLog(url_of(lived[0]), EVENTS)
    yield log
    log.close()


def test_every_stream_at_every_version_is_what_the_live_aggregate_was(
    log: EventLog, lived: tuple[Path, Dumps, dict[str, int]]
) -> None:
    _, dumps, versions = lived
    assert set(AGGREGATES) == {stream.partition(":")[0] for stream in versions}
    assert {(stream, last) for stream, last in versions.items()} <= set(dumps)
    assert len(dumps) > 400
    for (stream, version), expected in dumps.items():
        found = log.repository.get(stream, version=version, projector_func=project)
        assert (stream, version) == (found.id, found.version)
        assert expected == json(found)


def test_without_a_version_an_aggregate_is_the_latest(
    log: EventLog, lived: tuple[Path, Dumps, dict[str, int]]
) -> None:
    """So it is for a version that is not there yet."""
    _, dumps, versions = lived
    for stream, last in versions.items():
        for asked in (None, last, last + 1_000):
            found = log.repository.get(stream, version=asked, projector_func=project)
            assert dumps[stream, last] == json(found)


def test_what_was_rebuilt_is_apart_from_what_is_rebuilt_later(log: EventLog) -> None:
    """No cache hands out an aggregate twice."""
    first = log.repository.get("ledger", projector_func=project)
    second = log.repository.get("ledger", projector_func=project)
    assert first is not second
    assert json(first) == json(second)


def test_a_stream_without_events_is_not_found(log: EventLog) -> None:
    with pytest.raises(AggregateNotFoundError):
        log.repository.get("book:ETH-USD", projector_func=project)
    with pytest.raises(AggregateNotFoundError):
        log.repository.get("ledger", version=0, projector_func=project)


class CountingRecorder(LogRecorder):
    """Notes how many rows each query has fetched."""

    fetched: list[int]

    def select_events(
        self,
        originator_id: uuid.UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[StoredEvent]:
        found = super().select_events(originator_id, gt=gt, lte=lte, desc=desc, limit=limit)
        self.fetched.append(len(found))
        return found

    def select_rows(self, after: int, limit: int) -> list[Row]:
        found = super().select_rows(after, limit)
        self.fetched.append(len(found))
        return found


class CountingFactory(LogFactory):
    application_recorder_class = CountingRecorder


class CountingLog(EventLog):
    def __init__(self, url: StoreUrl) -> None:
        super().__init__(url, [Noted])
        assert isinstance(self.recorder, CountingRecorder)
        self.fetched = self.recorder.fetched = list[int]()

    def construct_factory(self, env: Environment) -> InfrastructureFactory[Any]:
        return CountingFactory(env)


class Tally:
    """An aggregate that remembers what it was given, in order."""

    def __init__(self) -> None:
        self.id, self.version, self.numbers = "a", 0, list[int]()

    @staticmethod
    def project(tally: "Tally | None", envelopes: Iterable[Any]) -> "Tally | None":
        for envelope in envelopes:
            tally = tally or Tally()
            assert isinstance(envelope.event, Noted)
            assert tally.version + 1 == envelope.originator_version
            tally.version += 1
            tally.numbers.append(envelope.event.number)
        return tally


PAGE = STREAM_PAGE_EVENTS


@pytest.fixture(scope="module")
def long_stream(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A stream of 2½ pages, among others."""
    path = tmp_path_factory.mktemp("long") / "log.db"
    with writer(path) as log:
        first = log.position + 1
        log.append(
            [
                Envelope(stream, version, Noted("", version), first + 2 * version - 2 + n)
                for version in range(1, 5 * PAGE // 2 + 1)
                for n, stream in enumerate(("a", "b"))
            ]
        )
    return path


@pytest.mark.parametrize(
    ("version", "pages"),
    [
        (1, [1]),
        (PAGE - 1, [PAGE - 1]),
        (PAGE, [PAGE, 0]),
        (PAGE + 1, [PAGE, 1]),
        (2 * PAGE, [PAGE, PAGE, 0]),
        (2 * PAGE + 7, [PAGE, PAGE, 7]),
        (None, [PAGE, PAGE, PAGE // 2]),
    ],
)
def test_a_stream_is_read_in_pages(
    long_stream: Path, version: int | None, pages: list[int]
) -> None:
    log = CountingLog(url_of(long_stream))
    tally: Tally = log.repository.get("a", version=version, projector_func=Tally.project)
    assert list(range(1, (version or 5 * PAGE // 2) + 1)) == tally.numbers
    assert pages == log.fetched
    log.close()


@pytest.mark.parametrize(
    ("bounds", "expected"),
    [
        ({"gt": 3, "lte": 6}, [4, 5, 6]),
        ({"gt": 2 * PAGE - 1, "lte": 2 * PAGE + 1}, [2 * PAGE, 2 * PAGE + 1]),
        ({"limit": 2}, [1, 2]),
        ({"desc": True, "limit": 2}, [5 * PAGE // 2, 5 * PAGE // 2 - 1]),
        ({"desc": True, "limit": 1, "lte": 9}, [9]),
        ({"gt": 5 * PAGE // 2}, []),
    ],
)
def test_part_of_a_stream_is_read_as_asked(
    long_stream: Path, bounds: dict[str, Any], expected: list[int]
) -> None:
    log = CountingLog(url_of(long_stream))
    found = [envelope.originator_version for envelope in log.events.get("a", **bounds)]
    assert expected == found
    assert max(log.fetched) <= PAGE
    log.close()


def test_a_stream_can_be_left_before_its_end(long_stream: Path) -> None:
    """What is not taken is not fetched."""
    log = CountingLog(url_of(long_stream))
    assert 1 == next(log.events.get("a")).originator_version
    assert [PAGE] == log.fetched
    log.close()
