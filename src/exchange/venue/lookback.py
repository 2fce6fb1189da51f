"""Looking back into the log for what the state doesn't keep: a trade, an entry from outside."""

from exchange.kernel.events import Past
from exchange.kernel.journal import Entry
from exchange.kernel.laws import InvariantViolation
from exchange.settlement.events import Settled, TradesSettled
from exchange.settlement.spot import Settlement
from exchange.wallet.events import EntriesPosted
from exchange.wallet.ledger import Ledger


def settled_trade(past: Past, settlement: Settlement, number: int) -> Settled | None:
    """The trade with that number, or null: none has it.

    Trades are numbered in the order of their stream, so halving it finds one in O(log events)
    looks; runs of events without a trade are walked through.
    """
    if not 1 <= number <= settlement.trade_count:
        return None
    first, last = 1, settlement.version
    while first <= last:
        version = (first + last) // 2
        trades = _trades_at(past, settlement.id, version)
        after = version + 1
        while not trades and version > first:
            version -= 1
            trades = _trades_at(past, settlement.id, version)
        if not trades or trades[-1].trade < number:
            first = after
        elif trades[0].trade > number:
            last = version - 1
        else:
            return trades[number - trades[0].trade]
    raise InvariantViolation("S1", f"{settlement.id} counts a trade {number} that it has not")


def posted_entry(past: Past, ledger: Ledger, entry_id: str) -> Entry | None:
    """The entry with that business id from outside, or null: it was never posted."""
    version = ledger.references.get(entry_id)
    if version is None:
        return None
    event = past(ledger.id, version)
    entries = event.entries if isinstance(event, EntriesPosted) else ()
    found = next((entry for entry in entries if entry.entry_id == entry_id), None)
    if found is None:
        raise InvariantViolation("L6", f"{entry_id} is not at {version} of {ledger.id}")
    return found


def _trades_at(past: Past, stream: str, version: int) -> tuple[Settled, ...]:
    event = past(stream, version)
    return event.trades if isinstance(event, TradesSettled) else ()
