"""A market's rulebook while it trades: other rules, fee tiers, and who is in which tier."""

from exchange.kernel.ids import is_name, is_text
from exchange.kernel.instruments import MarketState
from exchange.kernel.rejects import RejectCode, Rejected
from exchange.orders.events import FeeTierSet, InstrumentChanged
from exchange.orders.governing import ChangeInstrument, SetAccountTier, SetFeeTier
from exchange.orders.rulebook import changed_instrument, check_rates
from exchange.users.events import AccountTierSet
from exchange.venue.journal import Journal
from exchange.venue.state import Room, VenueState


def change_instrument(state: VenueState, command: ChangeInstrument, journal: Journal) -> None:
    """Change rules for new orders and amends; resting orders stay as they are.

    Raises:
        Rejected: UNKNOWN_MARKET, MARKET_STATE once it is closed, INVALID_ID for the reason,
            INVALID_INSTRUMENT, or FIELD_COMBINATION when nothing would change.
    """
    room = _open_room(state, command.symbol)
    if not is_text(command.reason):
        raise Rejected(RejectCode.INVALID_ID, "reason")
    changed = changed_instrument(command, room.market.instrument)

    journal.begin(room.market.version)
    journal.record(room.market, InstrumentChanged(changed, command.reason))


def set_fee_tier(state: VenueState, command: SetFeeTier, journal: Journal) -> None:
    """Set or remove what a tier pays in a market, from the next fill on.

    Raises:
        Rejected: UNKNOWN_MARKET, MARKET_STATE once it is closed, INVALID_ID, FIELD_COMBINATION
            for one rate alone, UNKNOWN_TIER to be removed, or INVALID_INSTRUMENT for a rate.
    """
    room = _open_room(state, command.symbol)
    tier, maker_ppm, taker_ppm = command.tier, command.maker_ppm, command.taker_ppm
    if not is_name(tier):
        raise Rejected(RejectCode.INVALID_ID, "tier")
    if (maker_ppm is None) is not (taker_ppm is None):
        raise Rejected(RejectCode.FIELD_COMBINATION, "taker_ppm")
    if maker_ppm is not None and taker_ppm is not None:
        check_rates(maker_ppm, taker_ppm)
    elif tier not in room.market.tiers:
        raise Rejected(RejectCode.UNKNOWN_TIER, "tier", tier)

    journal.begin(room.market.version)
    journal.record(room.market, FeeTierSet(tier, maker_ppm, taker_ppm))


def set_account_tier(state: VenueState, command: SetAccountTier, journal: Journal) -> None:
    """Let an account pay a tier's rates from its next fill on; null: each market's own.

    Raises:
        Rejected: UNKNOWN_ACCOUNT, or UNKNOWN_TIER when no market has such a tier.
    """
    account, tier = command.account, command.tier
    state.check_account(account, journal.request)
    if tier is not None and all(tier not in room.market.tiers for room in state.rooms.values()):
        raise Rejected(RejectCode.UNKNOWN_TIER, "tier", tier)

    journal.begin()
    journal.record(state.user(state.owners[account]), AccountTierSet(account, tier))


def _open_room(state: VenueState, symbol: str) -> Room:
    room = state.room(symbol)
    if room.market.state is MarketState.CLOSED:
        raise Rejected(RejectCode.MARKET_STATE, "state", room.market.state.value)
    return room
