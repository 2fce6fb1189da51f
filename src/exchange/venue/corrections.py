"""What is taken back: busted trades and reversed deposits, and claims where too little is there."""

from exchange.kernel.accounts import EXTERNAL, SUSPENSE
from exchange.kernel.events import Past
from exchange.kernel.ids import is_text
from exchange.kernel.journal import Entry, Line
from exchange.kernel.rejects import RejectCode, Rejected
from exchange.orders.money_commands import ApproveClaim, BustTrade, DropClaim, ReverseDeposit
from exchange.settlement.bust import bust_entry
from exchange.venue.funds import check_custody
from exchange.venue.journal import Journal
from exchange.venue.lookback import posted_entry, settled_trade
from exchange.venue.parts import post
from exchange.venue.state import VenueState
from exchange.wallet.corrections import correction_id
from exchange.wallet.entries import deposit_id
from exchange.wallet.events import (
    Bust,
    ClaimDropped,
    ClaimProposed,
    Corrected,
    Correction,
    Reversal,
)
from exchange.wallet.ledger import Ledger
from exchange.wallet.payments import reversal


def reverse_deposit(state: VenueState, command: ReverseDeposit, journal: Journal) -> None:
    """Take back what a deposit credited, or propose a claim to do so.

    Raises:
        Rejected: INVALID_ID for the reason, ALREADY_CORRECTED, NOT_FOUND, ALREADY_EXISTS for a
            second claim, or INSUFFICIENT_FUNDS with the balance that is short.
    """
    _correct(state, Reversal(command.reference), command, journal)


def bust_trade(state: VenueState, command: BustTrade, journal: Journal) -> None:
    """Undo a trade's money, or propose a claim to do so.

    Raises:
        Rejected: UNKNOWN_MARKET, else as for a deposit.
    """
    version = state.room(command.symbol).market.version
    _correct(state, Bust(command.symbol, command.trade), command, journal, version)


def _correct(
    state: VenueState,
    correction: Correction,
    command: ReverseDeposit | BustTrade,
    journal: Journal,
    rulebook_version: int = 0,
) -> None:
    if not is_text(command.reason):
        raise Rejected(RejectCode.INVALID_ID, "reason")
    entry, corrections = _full_entry(state, correction, journal.past), state.corrections
    if not command.claim:
        _check_covered(state.ledger, entry)
    elif corrections.claim_on(correction) is not None:
        raise Rejected(RejectCode.ALREADY_EXISTS, "claim", correction_id(correction))

    cause = journal.begin(rulebook_version)
    if command.claim:
        number, actor = corrections.claim_count + 1, journal.request.actor
        journal.record(corrections, ClaimProposed(number, correction, command.reason, actor))
    else:
        journal.record(corrections, Corrected(correction, command.reason, None))
        _post(state, entry, journal, cause)


def approve_claim(state: VenueState, command: ApproveClaim, journal: Journal) -> None:
    """Make the correction that another has proposed, whatever there is to take.

    Raises:
        Rejected: NOT_FOUND, SECOND_PERSON_REQUIRED, or INSUFFICIENT_FUNDS for custody.
    """
    claim, actor = _waiting(state, command.claim), journal.request.actor
    if actor == claim.proposer:
        raise Rejected(RejectCode.SECOND_PERSON_REQUIRED, "actor", actor)
    entry = capped(state.ledger, _full_entry(state, claim.correction, journal.past))

    cause = journal.begin()
    corrected = Corrected(claim.correction, claim.reason, claim.number)
    journal.record(state.corrections, corrected)
    _post(state, entry, journal, cause)


def drop_claim(state: VenueState, command: DropClaim, journal: Journal) -> None:
    """Let a proposed correction be.

    Raises:
        Rejected: NOT_FOUND.
    """
    _waiting(state, command.claim)

    journal.begin()
    journal.record(state.corrections, ClaimDropped(command.claim))


def capped(ledger: Ledger, entry: Entry) -> Entry:
    """The entry with no more taken from a balance than is there; the rest from suspense."""
    lines: list[Line] = []
    short: dict[str, int] = {}  # asset -> units
    for name, asset, amount in entry.lines:
        kept = amount
        if kept < 0:
            kept = max(kept, -ledger.balance(name, asset))
        if kept:
            lines.append((name, asset, kept))
        if kept != amount:
            short[asset] = short.get(asset, 0) + amount - kept
    lines += [(SUSPENSE, asset, units) for asset, units in short.items()]
    return Entry(entry.entry_id, entry.kind, tuple(lines))


def _check_covered(ledger: Ledger, entry: Entry) -> None:
    """Every balance that the entry takes from has so much."""
    for name, asset, amount in entry.lines:
        free = ledger.balance(name, asset)
        if amount < 0 and -amount > free:
            field = f"{name}:{asset}"
            raise Rejected(RejectCode.INSUFFICIENT_FUNDS, field, -amount, free)


def _full_entry(state: VenueState, correction: Correction, past: Past) -> Entry:
    """All that the correction takes back, as if everybody had it."""
    if correction_id(correction) in state.corrections.done:
        raise Rejected(RejectCode.ALREADY_CORRECTED, "correction", correction_id(correction))
    match correction:
        case Bust(symbol=symbol, trade=number):
            room = state.room(symbol)
            trade = settled_trade(past, room.settlement, number)
            if trade is None:
                made = room.settlement.trade_count
                raise Rejected(RejectCode.NOT_FOUND, "trade", number, made)
            return bust_entry(room.market.instrument, trade)
        case Reversal(reference=reference):
            deposit = posted_entry(past, state.ledger, deposit_id(reference))
            if deposit is None:
                raise Rejected(RejectCode.NOT_FOUND, "reference", reference)
            entry = reversal(reference, deposit)
            for name, asset, amount in entry.lines:
                if name == EXTERNAL:
                    check_custody(state, asset, amount)
            return entry


def _post(state: VenueState, entry: Entry, journal: Journal, cause: tuple[str, int]) -> None:
    """Nothing is posted where an account has traded with itself for nothing."""
    post(state, [entry] if entry.lines else [], journal, cause)


def _waiting(state: VenueState, number: int) -> ClaimProposed:
    claim = state.corrections.claims.get(number)
    if claim is None:
        raise Rejected(RejectCode.NOT_FOUND, "claim", number)
    return claim
