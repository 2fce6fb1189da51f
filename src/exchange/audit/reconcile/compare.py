"""Whether log, fold and read models agree at one position: each difference is a finding."""

from collections.abc import Callable, Iterable

import msgspec

from exchange.audit.reconcile.end import compare_end
from exchange.audit.reconcile.findings import Finding, Findings
from exchange.audit.reconcile.keys import LoggedKeys
from exchange.audit.reconcile.money import LoggedMoney
from exchange.audit.reconcile.tape import compare_candles, compare_filled
from exchange.audit.reconcile.trading import LoggedTrading
from exchange.collector import paused
from exchange.kernel.events import Envelope
from exchange.projections.reader import Reader
from exchange.projections.views import Anchor
from exchange.store.events import BatchSealed, EpochStarted
from exchange.store.log import EventLog
from exchange.venue.replay import STORE_STREAM
from exchange.venue.state import VenueState

REPORT_EVERY = 20_000
Logged = LoggedMoney | LoggedTrading | LoggedKeys


class Reconciliation(msgspec.Struct):
    """What was compared at which position, and what differs: nothing, when all is well."""

    position: int
    log_position: int  # where the log ended: the views may be behind
    compared: dict[str, int]  # check -> facts
    differing: dict[str, int]  # check -> facts that differ, told one by one up to a bound
    findings: list[Finding]


def reconcile(
    log: EventLog, reader: Reader, *, progress: Callable[[int], None] | None = None
) -> Reconciliation:
    """Fold the log to where the views stand, and compare all three.

    The views are read in one transaction, so that all is of one moment. Views of another log
    are one finding; nothing else is compared then.

    Raises:
        InvariantViolation: the log itself breaks a law; ``verify`` tells more.
        StoreError: log or views can't be read.
    """
    findings = Findings()
    with reader.moment() as moment, paused():
        if _check_anchor(log, moment, findings):
            state, connection = VenueState(), reader.connection
            logged = (
                LoggedMoney(connection, findings),
                LoggedTrading(connection, findings),
                LoggedKeys(connection, findings),
            )
            for envelope in log.read():
                if envelope.position > moment.position:
                    break
                if progress is not None and envelope.position % REPORT_EVERY == 0:
                    progress(envelope.position)
                _follow(envelope, state, logged)
            for rows in logged:
                rows.finish()
            compare_end(connection, state, findings)
            compare_filled(connection, findings)
            compare_candles(connection, findings)
    return Reconciliation(
        moment.position, log.last_position, findings.compared, findings.counts, findings.told
    )


def _follow(envelope: Envelope, state: VenueState, logged: Iterable[Logged]) -> None:
    if envelope.originator_id == STORE_STREAM:
        return
    for rows in logged:
        rows.follow(envelope)
    state.apply(envelope.originator_id, envelope.originator_version, envelope.event)


def _check_anchor(log: EventLog, moment: Anchor, findings: Findings) -> bool:
    """Whether the log has the very seal that the views stand behind."""
    if not moment.position:
        return True
    first, seal = next(log.read(0, 1), None), next(log.read(moment.position - 1, 1), None)
    log_id = first.event.log_id if first and isinstance(first.event, EpochStarted) else None
    found = seal.event if seal else None
    stands = isinstance(found, BatchSealed) and seal is not None
    digest = found.hash if isinstance(found, BatchSealed) and stands else None
    return findings.compare(
        "anchor", "R2", "views", (log_id, digest), (moment.log_id, moment.hash), [moment.position]
    )
