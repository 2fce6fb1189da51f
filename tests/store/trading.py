"""A venue with two traders, and how tests drive it: a run of it on a store at a time."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from exchange.kernel.orders import OrderTerms, OrderType, Side, TimeInForce
from exchange.orders.commands import (
    AnyCommand,
    CancelOrder,
    Deposit,
    ListInstrument,
    OpenAccount,
    PlaceOrder,
    RegisterAsset,
    RegisterUser,
    Request,
    Role,
)
from exchange.orders.records import CommandRecorded
from exchange.store.log import EventLog
from exchange.venue import stops, trading
from exchange.venue.answers import Ack, answer
from exchange.venue.batch import Bounds
from exchange.venue.catalogue import EVENTS
from exchange.venue.replay import by_command
from exchange.venue.sequencer import Venue
from tests.store.stored import url_of

TRADERS = "ada", "bob"
RICH = 10**15

SET_UP: tuple[AnyCommand, ...] = (
    RegisterAsset("BTC", 0),
    RegisterAsset("USD", 0),
    ListInstrument(
        symbol="BTC-USD", base="BTC", quote="USD", price_decimals=0, quantity_decimals=0,
        tick=1, lot=1, price_min=1, price_max=10**6, quantity_min=1, quantity_max=10**6,
        notional_min=0, notional_max=10**12, open_orders_max=100_000, maker_ppm=0, taker_ppm=0,
    ),
    *(RegisterUser(user) for user in TRADERS),
    *(OpenAccount(user, user) for user in TRADERS),
    *(Deposit(user, "BTC", RICH, f"{user}-BTC") for user in TRADERS),
    *(Deposit(user, "USD", RICH, f"{user}-USD") for user in TRADERS),
)  # fmt: skip


def set_up() -> list[Request]:
    """What lets the two trade BTC-USD; repeating it changes nothing."""
    return [
        Request(command, "operator", Role.OPERATOR, f"set-up-{number}")
        for number, command in enumerate(SET_UP)
    ]


def order(number: int, key: str | None = None) -> Request:
    """The order of that number: sides, prices and traders vary; some trade, some rest.

    Without another key it is told by its number.
    """
    trader = TRADERS[number % 2]
    side = Side.BUY if number % 4 < 2 else Side.SELL
    terms = OrderTerms(side, OrderType.LIMIT, 100 + number * 7 % 11 - 5, 1 + number % 5)
    return Request(PlaceOrder(trader, "BTC-USD", terms), trader, Role.TRADER, key or str(number))


def cancel(number: int) -> Request:
    """Cancel the book's order of that number; often refused, a trader may not own it."""
    trader = TRADERS[number % 2]
    return Request(CancelOrder(trader, "BTC-USD", number), trader, Role.TRADER)


def orders(first: int, last: int) -> list[Request]:
    return [order(number) for number in range(first, last + 1)]


def busy_story() -> list[tuple[Request, int]]:
    """Orders and their venue times that leave work behind: stops that wake in turn, and deadlines.

    Prints climb through the triggers of twenty stops; then the deadlines of ten orders come.
    """
    ladder = [limited(n, "bob", Side.SELL, 100 + n, 0) for n in range(1, 23)]
    stops = [stopped(30 + n, 100 + n) for n in range(1, 21)]
    timed = [limited(60 + n, "ada", Side.BUY, 50 + n, 0, until=50 + n // 3) for n in range(10)]
    spark = [limited(80, "ada", Side.BUY, 101, 5)]
    later = [limited(80 + n, "ada", Side.BUY, 60 + n, 4 * n) for n in range(1, 21)]
    return [*ladder, *stops, *timed, *spark, *later]


def limited(
    number: int, trader: str, side: Side, price: int, at_us: int, until: int | None = None
) -> tuple[Request, int]:
    """A limit order and its venue time."""
    lasting = TimeInForce.GTC if until is None else TimeInForce.GTD
    terms = OrderTerms(side, OrderType.LIMIT, price, 1, lasting, deadline_us=until)
    command = PlaceOrder(trader, "BTC-USD", terms)
    return Request(command, trader, Role.TRADER, f"busy-{number}"), at_us


def stopped(number: int, trigger: int) -> tuple[Request, int]:
    """A purchase that sleeps."""
    terms = OrderTerms(Side.BUY, OrderType.STOP, None, 1, trigger=trigger)
    return Request(PlaceOrder("ada", "BTC-USD", terms), "ada", Role.TRADER, f"busy-{number}"), 0


@contextmanager
def small_pieces() -> Iterator[None]:
    """One command lets two woken orders enter, and a sweep takes two: much is left behind."""
    before = stops.STOPS_MAX, trading.SWEEP_MAX
    stops.STOPS_MAX = trading.SWEEP_MAX = 2
    try:
        yield
    finally:
        stops.STOPS_MAX, trading.SWEEP_MAX = before


def venue_on(path: Path, commands: int = 0) -> Venue:
    """An open venue; ``commands`` bound a batch, however slow the machine is."""
    slowest_ms = 60_000 if commands else Bounds().deciding_ms
    return Venue(url_of(path), Bounds(commands, deciding_ms=slowest_ms, queue=100_000))


Outcome = Ack | BaseException


def drive(venue: Venue, requests: Sequence[Request]) -> tuple[list[Outcome], BaseException | None]:
    """Each request's outcome, and what ended the run before its time; the venue is closed."""
    return drive_at(venue, [(request, 0) for request in requests])


def drive_at(
    venue: Venue, requests: Sequence[tuple[Request, int]]
) -> tuple[list[Outcome], BaseException | None]:
    """The same at venue times."""

    async def run() -> tuple[list[Outcome], BaseException | None]:
        futures = [venue.submit(*request) for request in requests]
        running = asyncio.create_task(venue.run())
        venue.stop()
        (stopped,) = await asyncio.gather(running, return_exceptions=True)
        return list(await asyncio.gather(*futures, return_exceptions=True)), stopped

    try:
        return asyncio.run(run())
    finally:
        venue.close()


def acks_of(path: Path, requests: Sequence[Request], commands: int = 0) -> list[Ack]:
    """The answers of a venue on ``path`` that takes all of them and ends well."""
    outcomes, stopped = drive(venue_on(path, commands), requests)
    assert stopped is None
    acks = [outcome for outcome in outcomes if isinstance(outcome, Ack)]
    assert acks == outcomes
    return acks


def stored_acks(path: Path) -> dict[str, Ack]:
    """Key -> answer of every keyed command in the log; each key is there once."""
    found: dict[str, Ack] = {}
    log = EventLog(url_of(path), EVENTS)
    for effects in by_command(log.read()):
        record = effects[0].event
        assert isinstance(record, CommandRecorded)
        if record.key is not None:
            assert record.key not in found
            found[record.key] = answer(effects)
    log.close()
    return found
