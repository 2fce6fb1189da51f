"""What is due on changes of the rulebook, on fee tiers, and on the states of markets."""

from collections.abc import Iterator

from msgspec import structs

from exchange.audit.blame import Effect
from exchange.audit.demand import demand
from exchange.audit.ended import Cause, closed
from exchange.kernel.ids import is_name, is_text
from exchange.kernel.instruments import MarketState
from exchange.kernel.money import PPM
from exchange.kernel.orders import EndReason
from exchange.kernel.rejects import RejectCode
from exchange.orders.commands import ChangeMarketState
from exchange.orders.events import FeeTierSet, InstrumentChanged, MarketStateChanged
from exchange.orders.governing import ChangeInstrument, SetAccountTier, SetFeeTier
from exchange.orders.rulebook import check_rules
from exchange.users.events import AccountTierSet
from exchange.venue.state import VenueState

CLOSED = MarketState.CLOSED
FIXED = frozenset(
    {"symbol", "base", "quote", "price_decimals", "quantity_decimals", "value_unit", "base_unit"}
)
"""What a market keeps for ever."""


def due_on_change(state: VenueState, command: ChangeInstrument, _: Cause) -> Iterator[Effect]:
    """What is due on other rules.

    Raises:
        Rejected: it should have been refused.
    """
    market = state.room(command.symbol).market
    demand(market.state is not CLOSED, RejectCode.MARKET_STATE)
    demand(is_text(command.reason), RejectCode.INVALID_ID)
    before = structs.asdict(market.instrument)
    after = {
        name: before[name] if name in FIXED or getattr(command, name) is None
        else getattr(command, name)
        for name in before
    }  # fmt: skip
    demand(after != before, RejectCode.FIELD_COMBINATION)
    changed = type(market.instrument)(**after)
    check_rules(changed)
    yield market.id, InstrumentChanged(changed, command.reason)


def due_on_fee_tier(state: VenueState, command: SetFeeTier, _: Cause) -> Iterator[Effect]:
    """What is due on a tier's rates.

    Raises:
        Rejected: it should have been refused.
    """
    market, rates = state.room(command.symbol).market, (command.maker_ppm, command.taker_ppm)
    demand(market.state is not CLOSED, RejectCode.MARKET_STATE)
    demand(is_name(command.tier), RejectCode.INVALID_ID)
    maker_ppm, taker_ppm = rates
    if maker_ppm is None or taker_ppm is None:
        demand(rates == (None, None), RejectCode.FIELD_COMBINATION)
        demand(command.tier in market.tiers, RejectCode.UNKNOWN_TIER)
    else:
        fine = abs(maker_ppm) <= PPM and 0 <= taker_ppm <= PPM
        demand(fine, RejectCode.INVALID_INSTRUMENT)
    yield market.id, FeeTierSet(command.tier, maker_ppm, taker_ppm)


def due_on_account_tier(state: VenueState, command: SetAccountTier, _: Cause) -> Iterator[Effect]:
    """What is due when an account changes its tier.

    Raises:
        Rejected: it should have been refused.
    """
    owner = state.owners.get(command.account)
    demand(owner is not None, RejectCode.UNKNOWN_ACCOUNT)
    known = {tier for room in state.rooms.values() for tier in room.market.tiers}
    demand(command.tier is None or command.tier in known, RejectCode.UNKNOWN_TIER)
    yield f"user:{owner}", AccountTierSet(command.account, command.tier)


def due_on_state(state: VenueState, command: ChangeMarketState, cause: Cause) -> Iterator[Effect]:
    """What is due when a market trades, halts or closes.

    Raises:
        Rejected: it should have been refused.
    """
    room, after = state.room(command.symbol), command.state
    before, orders = room.market.state, room.book.orders
    demand(before is not CLOSED and after is not before, RejectCode.MARKET_STATE)
    demand(is_text(command.reason), RejectCode.INVALID_ID)
    yield room.market.id, MarketStateChanged(after, command.reason)
    if after is CLOSED or command.cancel_orders:
        ending = [orders[number] for number in sorted(orders)]
        reason = EndReason.MARKET_CLOSED if after is CLOSED else EndReason.KILL_SWITCH
        yield from closed(room, ending, reason, cause)
