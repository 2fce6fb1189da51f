"""Everything the venue can be asked to do, as plain data.

A command's content is its whole struct; the key, the actor and the time travel beside it in
a :class:`Request`. New commands and new trailing fields may be added, none changed.
"""

from functools import cache

import msgspec

from exchange.kernel.instruments import MarketState
from exchange.kernel.orders import OrderTerms, Side
from exchange.kernel.roles import TRADER
from exchange.kernel.roles import Role as Role  # noqa: PLC0414 - a part of every request
from exchange.orders.command import Command as Command  # noqa: PLC0414 - what all of these are
from exchange.orders.governing import Governing
from exchange.orders.money_commands import MoneyCommand


class PlaceOrder(Command, frozen=True, tag="place"):
    """Enter an order into a market's book."""

    ROLE = TRADER
    account: str
    symbol: str
    terms: OrderTerms


class PlaceOrderList(Command, frozen=True, tag="place_list"):
    """Enter two orders of which at most one trades, on one hold: one cancels the other (OCO).

    Both take one side by one quantity. Each sleeps until a trigger, but one may be a limit
    order, which must not trade on arrival.
    """

    ROLE = TRADER
    account: str
    symbol: str
    first: OrderTerms
    second: OrderTerms


class CancelOrder(Command, frozen=True, tag="cancel"):
    """Take an open order out of the book, named by its number or its client order id."""

    ROLE = TRADER
    account: str
    symbol: str
    number: int | None = None
    client_order_id: str | None = None


class ReduceOrder(Command, frozen=True, tag="reduce"):
    """Take ``quantity`` off an open order, which keeps its place; all of it or more cancels."""

    ROLE = TRADER
    account: str
    symbol: str
    quantity: int  # quantity units
    number: int | None = None
    client_order_id: str | None = None


class TransferFunds(Command, frozen=True, tag="transfer"):
    """Move money between two accounts of one user."""

    ROLE = TRADER
    account: str  # pays
    target: str
    asset: str
    amount: int  # units of the asset


class RegisterUser(Command, frozen=True, tag="register_user"):
    """Let a user exist."""

    user: str


class OpenAccount(Command, frozen=True, tag="open_account"):
    """Give a user one more account."""

    user: str
    account: str


class SetTradeGroup(Command, frozen=True, tag="set_trade_group"):
    """Put an account into a trade group; null: take it out. Resting orders keep theirs."""

    account: str
    group: str | None


class RegisterAsset(Command, frozen=True, tag="register_asset"):
    """Let an asset be owned."""

    ALSO = (Role.ADMIN,)
    code: str
    decimals: int


class ListInstrument(Command, frozen=True, tag="list_instrument"):
    """Open a spot market; units as in :class:`exchange.kernel.instruments.Instrument`."""

    ALSO = (Role.ADMIN,)
    symbol: str
    base: str
    quote: str
    price_decimals: int
    quantity_decimals: int
    tick: int
    lot: int
    price_min: int
    price_max: int
    quantity_min: int
    quantity_max: int
    notional_min: int
    notional_max: int
    open_orders_max: int
    maker_ppm: int
    taker_ppm: int
    state: MarketState = MarketState.CONTINUOUS
    self_trade_allowed: bool = False
    stop_slippage_ppm: int = 50_000
    day_end_us: int = 0  # microseconds after 00:00 UTC


class AmendOrder(Command, frozen=True, tag="amend"):
    """Change an open order; null leaves a field as it is.

    ``quantity`` is the new total. A smaller one at the same price keeps the order's place; a
    larger one or another price takes it out and enters it anew, in one step.
    """

    ROLE = TRADER
    account: str
    symbol: str
    number: int | None = None
    client_order_id: str | None = None
    price: int | None = None  # price units
    quantity: int | None = None  # quantity units
    display: int | None = None  # quantity units
    deadline_us: int | None = None  # venue time
    trigger: int | None = None  # price units; a new one puts a sleeping order to the back


class CancelOrders(Command, frozen=True, tag="cancel_all"):
    """Take all open orders of an account out of the books, or of one market or side of them.

    In a fixed order: by symbol, then by number.
    """

    ROLE = TRADER
    account: str
    only_symbol: str | None = None
    side: Side | None = None


class ExpireOrders(Command, frozen=True, tag="expire"):
    """Take orders whose deadline has come out of a book: the venue's own work."""

    ROLE = Role.SYSTEM
    symbol: str


class RunStops(Command, frozen=True, tag="run_stops"):
    """Let triggered orders trade that the bound of a command has left: the venue's own work."""

    ROLE = Role.SYSTEM
    symbol: str


class ChangeMarketState(Command, frozen=True, tag="change_market_state"):
    """Let a market trade, halt it, or close it for good with all its orders.

    HALTED is the market's kill switch; ``cancel_orders`` takes out its open orders in any state.
    The venue itself halts what trades when it was stopped too often.
    """

    ALSO = (Role.SYSTEM,)
    symbol: str
    state: MarketState
    reason: str
    cancel_orders: bool = False


class Deposit(Command, frozen=True, tag="deposit"):
    """Credit what custody received; ``reference`` is custody's own, unique for ever."""

    account: str
    asset: str
    amount: int  # units of the asset
    reference: str


AnyCommand = (
    PlaceOrder
    | PlaceOrderList
    | CancelOrder
    | ReduceOrder
    | TransferFunds
    | RegisterUser
    | OpenAccount
    | SetTradeGroup
    | AmendOrder
    | CancelOrders
    | ExpireOrders
    | RunStops
    | RegisterAsset
    | ListInstrument
    | ChangeMarketState
    | Deposit
    | MoneyCommand
    | Governing
)


class Request(msgspec.Struct, frozen=True, gc=False):
    """A command with who gives it, under which key, and where it came from."""

    command: AnyCommand
    actor: str
    role: Role
    key: str | None = None
    trace_id: str | None = None


def kind(command: Command) -> str:
    """The stored name of the command's kind."""
    return _kind(type(command))


@cache
def _kind(of: type[Command]) -> str:
    return str(of.__struct_config__.tag)


def account_of(command: Command) -> str | None:
    """The account whose stream records the command; null: the operators' ``commands``."""
    return command.account if command.ROLE is TRADER else None  # type: ignore[attr-defined]
