"""What operators do: users, accounts, assets, markets."""

from exchange.kernel.ids import is_name, is_text
from exchange.kernel.instruments import Asset, MarketState
from exchange.kernel.orders import EndReason
from exchange.kernel.rejects import RejectCode, Rejected
from exchange.orders.commands import (
    ChangeMarketState,
    ListInstrument,
    OpenAccount,
    RegisterAsset,
    RegisterUser,
    SetTradeGroup,
)
from exchange.orders.events import AssetRegistered, InstrumentListed, MarketStateChanged
from exchange.orders.rulebook import DECIMALS_MAX, instrument_from
from exchange.users.events import AccountOpened, TradeGroupSet, UserRegistered
from exchange.venue.journal import Journal
from exchange.venue.parts import end_orders, post
from exchange.venue.state import VenueState


def register_user(state: VenueState, command: RegisterUser, journal: Journal) -> None:
    """Let a user exist.

    Raises:
        Rejected: INVALID_ID or ALREADY_EXISTS.
    """
    _check_name("user", command.user)
    if f"user:{command.user}" in state.aggregates:
        raise Rejected(RejectCode.ALREADY_EXISTS, "user", command.user)

    journal.begin()
    journal.record(state.user(command.user), UserRegistered())


def open_account(state: VenueState, command: OpenAccount, journal: Journal) -> None:
    """Give a user an account; its name is unique in the venue.

    Raises:
        Rejected: INVALID_ID, UNKNOWN_USER or ALREADY_EXISTS.
    """
    _check_name("account", command.account)
    if f"user:{command.user}" not in state.aggregates:
        raise Rejected(RejectCode.UNKNOWN_USER, "user", command.user)
    if command.account in state.owners:
        raise Rejected(RejectCode.ALREADY_EXISTS, "account", command.account)

    journal.begin()
    journal.record(state.user(command.user), AccountOpened(command.account))


def set_trade_group(state: VenueState, command: SetTradeGroup, journal: Journal) -> None:
    """Let orders of an account give way to those of others, of any user.

    Raises:
        Rejected: UNKNOWN_ACCOUNT or INVALID_ID.
    """
    state.check_account(command.account, journal.request)
    if command.group is not None:
        _check_name("group", command.group)

    journal.begin()
    owner = state.user(state.owners[command.account])
    journal.record(owner, TradeGroupSet(command.account, command.group))


def register_asset(state: VenueState, command: RegisterAsset, journal: Journal) -> None:
    """Let an asset be owned.

    Raises:
        Rejected: INVALID_ID, ALREADY_EXISTS or AMOUNT_BOUNDS for its decimals.
    """
    _check_name("code", command.code)
    if command.code in state.assets.by_code:
        raise Rejected(RejectCode.ALREADY_EXISTS, "code", command.code)
    if not 0 <= command.decimals <= DECIMALS_MAX:
        raise Rejected(RejectCode.AMOUNT_BOUNDS, "decimals", command.decimals, DECIMALS_MAX)

    journal.begin()
    journal.record(state.assets, AssetRegistered(Asset(command.code, command.decimals)))


def list_instrument(state: VenueState, command: ListInstrument, journal: Journal) -> None:
    """Open a market.

    Raises:
        Rejected: ALREADY_EXISTS, INVALID_ID, UNKNOWN_ASSET or INVALID_INSTRUMENT.
    """
    instrument = instrument_from(command, state.assets)
    if command.symbol in state.rooms:
        raise Rejected(RejectCode.ALREADY_EXISTS, "symbol", command.symbol)

    journal.begin()
    market = state.aggregate(f"market:{command.symbol}")
    journal.record(market, InstrumentListed(instrument, command.state))


def change_market_state(state: VenueState, command: ChangeMarketState, journal: Journal) -> None:
    """Let a market trade, halt it or close it; closing is final and cancels every order.

    All other states cancel them when the command says so.

    Raises:
        Rejected: UNKNOWN_MARKET, MARKET_STATE or INVALID_ID for the reason.
    """
    room = state.room(command.symbol)
    if room.market.state in (MarketState.CLOSED, command.state):
        raise Rejected(RejectCode.MARKET_STATE, "state", room.market.state.value)
    if not is_text(command.reason):
        raise Rejected(RejectCode.INVALID_ID, "reason")

    cause = journal.begin(room.market.version)
    journal.record(room.market, MarketStateChanged(command.state, command.reason))
    closes = command.state is MarketState.CLOSED
    if closes or command.cancel_orders:
        orders = [room.book.orders[number] for number in sorted(room.book.orders)]
        reason = EndReason.MARKET_CLOSED if closes else EndReason.KILL_SWITCH
        post(state, end_orders(room, orders, reason, journal), journal, cause)


def _check_name(field: str, name: str) -> None:
    if not is_name(name):
        raise Rejected(RejectCode.INVALID_ID, field)
