"""Which law is broken where a command's effects are not the ones that are due."""

from collections.abc import Sequence
from itertools import zip_longest
from typing import Any, NoReturn

from exchange.kernel.events import Event
from exchange.kernel.journal import EntryKind, check_entry
from exchange.kernel.laws import InvariantViolation, hold_law
from exchange.settlement.events import FeesClosed, TradesSettled
from exchange.venue.catalogue import make_aggregate
from exchange.wallet.events import EntriesPosted

Effect = tuple[str, Event]
"""Stream and event."""

LAWS = {
    EntryKind.HOLD: "F1",
    EntryKind.RELEASE: "F1",
    EntryKind.TRADE: "S1",
    EntryKind.DEPOSIT: "L5",
    EntryKind.TRANSFER: "L5",
    EntryKind.WITHDRAWAL_HOLD: "F2",
    EntryKind.WITHDRAWAL_RELEASE: "F2",
    EntryKind.WITHDRAWAL: "L5",
    EntryKind.REVERSAL: "L5",
    EntryKind.FEE_PAYOUT: "L5",
    EntryKind.INSURANCE_FUNDING: "L5",
    EntryKind.BUST: "S4",
}
"""What a wrong entry breaks."""


def blame(effects: Sequence[Effect], due: Sequence[Effect]) -> NoReturn:
    """Say which law the first wrong effect breaks; there is one.

    Raises:
        InvariantViolation: always.
    """
    have, want = _first_difference(effects, due)
    if want is not None and want[0] not in [stream for stream, _ in effects]:
        raise InvariantViolation(_law(want[1]), f"{want[1]} is missing on {want[0]}")
    if want is None or have[0] != want[0]:
        make_aggregate(have[0])  # law R3: is it anybody's stream?
        raise InvariantViolation(_law(have[1]), f"{have[1]} stands on {have[0]} for no reason")
    match have[1], want[1]:
        case EntriesPosted() as posted, EntriesPosted() as owed:
            _blame_entries(posted, owed)
        case TradesSettled() as settled, TradesSettled() as owed:
            _blame_trades(settled, owed)
    raise InvariantViolation(_law(want[1]), f"{have[1]}, due is {want[1]}")


def _blame_entries(posted: EntriesPosted, due: EntriesPosted) -> None:
    found, wanted = posted.entries, due.entries
    for entry in found:
        check_entry(entry)
    cause = (posted.cause_stream, posted.cause_version)
    fine = cause == (due.cause_stream, due.cause_version)
    hold_law("R7", fine, f"entries name {cause} as their cause, it is another record")
    ids, names = [entry.entry_id for entry in found], [entry.entry_id for entry in wanted]
    hold_law("L6", len(set(ids)) == len(ids), f"a business id is there twice: {ids}")
    hold_law("S3", ids == names or sorted(ids) != sorted(names), f"posted {ids}, due {names}")
    have, want = _first_difference(found, wanted)
    if have is not None and want is not None and have.lines == want.lines:
        raise InvariantViolation("L6", f"{have.entry_id} where {want.entry_id} comes next")
    culprit = want if have is None or (want is not None and want.entry_id not in ids) else have
    raise InvariantViolation(LAWS[culprit.kind], f"{have}, due is {want}")


def _blame_trades(settled: TradesSettled, due: TradesSettled) -> None:
    ids, names = [trade.trade for trade in settled.trades], [trade.trade for trade in due.trades]
    hold_law("S3", ids == names or sorted(ids) != sorted(names), f"settled {ids}, due {names}")


def _first_difference(found: Sequence[Any], due: Sequence[Any]) -> tuple[Any, Any]:
    """The first two that differ; null behind the end of the shorter one."""
    return next(pair for pair in zip_longest(found, due) if pair[0] != pair[1])


def _law(event: Event) -> str:
    match event:
        case EntriesPosted(entries=entries) if entries:
            return LAWS[entries[0].kind]
        case TradesSettled():
            return "S1"
        case FeesClosed():
            return "S2"
        case _:
            return "R7"
