"""What may be asked of a venue while it trades: prices, depth, open orders, balances.

Each is a pure function of the state; the venue hands its answer out when everything that it
shows is on disk. Prices are in price units, quantities in quantity units, balances in the
asset's smallest unit.
"""

from collections.abc import Iterator
from itertools import islice

import msgspec

from exchange.kernel.accounts import available, held, withdrawal
from exchange.kernel.instruments import MarketState
from exchange.kernel.orders import OrderTerms, Side
from exchange.kernel.rejects import RejectCode, Rejected
from exchange.matching.ladder import Ladder, Level, Order
from exchange.venue.state import VenueState

LEVELS_MAX = 1_000
ORDERS_MAX = 1_000


class PriceLevel(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What a side shows at one price."""

    price: int
    quantity: int


class Best(msgspec.Struct, frozen=True, gc=False):
    """The best level of each side, and the last print."""

    bid: PriceLevel | None
    ask: PriceLevel | None
    last_price: int | None


class Depth(msgspec.Struct, frozen=True):
    """The best levels of each side, best first."""

    state: MarketState
    version: int  # the book's: rises with each change
    bids: list[PriceLevel]
    asks: list[PriceLevel]


class OpenOrder(msgspec.Struct, frozen=True):
    """An order that stands in a book, or sleeps until its trigger."""

    symbol: str
    number: int
    side: Side
    price: int
    quantity: int  # less reductions
    leaves: int
    asleep: bool
    terms: OrderTerms  # as submitted


class Balance(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What an account has of an asset."""

    asset: str
    available: int
    held: int  # by open orders
    withdrawal: int  # by open withdrawals, their fees included


def best(state: VenueState, symbol: str) -> Best:
    """The best prices. O(1).

    Raises:
        Rejected: UNKNOWN_MARKET.
    """
    book = state.room(symbol).book
    return Best(_level(book.bids.best), _level(book.asks.best), book.last_price)


def depth(state: VenueState, symbol: str, levels: int) -> Depth:
    """At most ``levels`` levels a side, ``LEVELS_MAX`` if that is less. O(levels).

    Raises:
        Rejected: UNKNOWN_MARKET.
    """
    room = state.room(symbol)
    book, count = room.book, min(levels, LEVELS_MAX)
    bids, asks = [list(islice(_levels(ladder), count)) for ladder in (book.bids, book.asks)]
    return Depth(room.market.state, book.version, bids, asks)


def open_orders(state: VenueState, account: str, symbol: str, above: int = 0) -> list[OpenOrder]:
    """The account's open orders in one market with numbers above ``above``, oldest first.

    At most ``ORDERS_MAX``: the last one's number asks for the next page.

    Raises:
        Rejected: UNKNOWN_MARKET or UNKNOWN_ACCOUNT.
    """
    _check_known(state, account)
    orders = state.room(symbol).book.accounts.get(account, {})
    numbers = sorted(number for number in orders if number > above)[:ORDERS_MAX]
    return [_open_order(symbol, orders[number]) for number in numbers]


def balances(state: VenueState, account: str) -> list[Balance]:
    """What the account has, asset by asset in order of code; none that it never touched.

    Raises:
        Rejected: UNKNOWN_ACCOUNT.
    """
    _check_known(state, account)
    names, ledger = (available(account), held(account), withdrawal(account)), state.ledger
    found = (
        Balance(asset, *(ledger.balance(name, asset) for name in names))
        for asset in sorted(state.assets.by_code)
    )
    return [it for it in found if it.available or it.held or it.withdrawal]


def _check_known(state: VenueState, account: str) -> None:
    if account not in state.owners:
        raise Rejected(RejectCode.UNKNOWN_ACCOUNT, "account", account)


def _levels(ladder: Ladder) -> Iterator[PriceLevel]:
    for key in reversed(ladder.keys):
        level = ladder.levels[key]
        yield PriceLevel(level.price, level.quantity)


def _level(level: Level | None) -> PriceLevel | None:
    return None if level is None else PriceLevel(level.price, level.quantity)


def _open_order(symbol: str, order: Order) -> OpenOrder:
    return OpenOrder(
        symbol, order.number, order.side, order.price, order.quantity, order.leaves,
        order.level is None, order.terms,
    )  # fmt: skip
