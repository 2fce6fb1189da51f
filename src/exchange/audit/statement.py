"""A statement as it was at any moment: from the views where they reach, else from the log."""

from collections.abc import Iterable, Iterator

import msgspec

from exchange.audit.asof import END, Moment, Place, Progress, history, place_of
from exchange.kernel.events import Envelope
from exchange.orders.events import AssetRegistered
from exchange.orders.records import CommandRecorded
from exchange.projections.follower import stands_in
from exchange.projections.reader import PAGE_MAX, Behind, Cursor, Reader
from exchange.projections.statement import LedgerLine, Statement, add_up, names_of, statement
from exchange.projections.views import Anchor
from exchange.store.log import EventLog
from exchange.wallet.events import EntriesPosted


class Asked(msgspec.Struct, frozen=True):
    """What a statement is asked for, as :func:`exchange.projections.statement.statement` is."""

    account: str
    asset: str
    from_us: int | None = None
    until_us: int | None = None
    limit: int = PAGE_MAX
    cursor: Cursor | None = None


def statement_at(
    log: EventLog,
    reader: Reader | None,
    asked: Asked,
    moment: Moment = END,
    progress: Progress | None = None,
) -> Statement:
    """The statement as it was at ``moment``; ``source`` says what it was made from.

    Raises:
        NotThere: the position lies beyond the end of the log.
        LookupError: nothing was booked there by then.
        InvariantViolation: law L3, it does not add up.
        StoreError: the log can't be read.
    """
    place = place_of(log, moment)
    if not place.position:
        raise _nothing(asked)
    if reader is not None and _are_of(log, reader):
        try:
            return _from_views(reader, asked, place)
        except Behind:
            pass  # The log reaches further than they do.
    return statement_from(log, asked, Moment(position=place.position), progress)


def statement_from(
    log: EventLog, asked: Asked, moment: Moment = END, progress: Progress | None = None
) -> Statement:
    """The same from the log alone: every entry up to there is added up. O(events).

    Raises:
        NotThere: the position lies beyond the end of the log.
        LookupError: nothing was booked there by then.
        InvariantViolation: law L3, it does not add up.
        StoreError: the log can't be read.
    """
    booked, opening = _Booked(asked), dict[str, int]()
    page: list[tuple[LedgerLine, int]] = []  # and one more
    for line, part in booked.lines(history(log, moment, progress)):
        opening.setdefault(line.account, 0)
        if _is_before(asked, line, part):
            opening[line.account] = line.balance
        elif len(page) <= asked.limit and (asked.until_us is None or line.at_us < asked.until_us):
            page.append((line, part))
    if not opening or booked.decimals is None:
        raise _nothing(asked)
    lines = [line for line, _ in page[: asked.limit]]
    more = len(page) > asked.limit
    at = Cursor(lines[-1].position, page[asked.limit - 1][1]) if more else None
    opening = dict(sorted(opening.items()))
    closing = add_up(opening, lines)
    return Statement(
        booked.then, asked.asset, booked.decimals, opening, lines, closing, at, "log"
    )  # fmt: skip


def _are_of(log: EventLog, reader: Reader) -> bool:
    """Whether the views follow this log, rather than another or a later one than it is now."""
    with reader.moment() as anchor:
        return stands_in(log, anchor)


def _from_views(reader: Reader, asked: Asked, place: Place) -> Statement:
    then = Anchor("", place.position, "", place.at_us)
    return statement(
        reader, asked.account, asked.asset, from_us=asked.from_us, until_us=asked.until_us,
        limit=asked.limit, cursor=asked.cursor, as_of=then,
    )  # fmt: skip


class _Booked:
    """What was booked on an account in the order of the log, and what is known behind it."""

    def __init__(self, asked: Asked) -> None:
        self.asked = asked
        self.least, self.most = names_of(asked.account)
        self.balances: dict[str, int] = {}  # ledger account -> units
        self.count = 0  # lines of all accounts
        self.decimals: int | None = None
        self.then = Anchor()

    def lines(self, commands: Iterable[list[Envelope]]) -> Iterator[tuple[LedgerLine, int]]:
        """Each line of the account, and its place among the lines at its position."""
        for command in commands:
            record = command[0].event
            at_us = record.at_us if isinstance(record, CommandRecorded) else 0
            self.then = Anchor("", command[-1].position, "", at_us)
            for envelope in command:
                event = envelope.event
                if isinstance(event, EntriesPosted):
                    yield from self._posted(event, envelope.position, at_us)
                elif isinstance(event, AssetRegistered) and event.asset.code == self.asked.asset:
                    self.decimals = event.asset.decimals

    def _posted(
        self, event: EntriesPosted, position: int, at_us: int
    ) -> Iterator[tuple[LedgerLine, int]]:
        balances, before = self.balances, self.count
        cause = event.cause_stream, event.cause_version
        for entry in event.entries:
            for name, asset, amount in entry.lines:
                self.count += 1
                if asset == self.asked.asset and self.least <= name <= self.most:
                    balance = balances[name] = balances.get(name, 0) + amount
                    yield LedgerLine(
                        self.count, position, entry.entry_id, entry.kind.value, name, asset,
                        amount, balance, *cause, at_us,
                    ), self.count - before  # fmt: skip


def _is_before(asked: Asked, line: LedgerLine, part: int) -> bool:
    """Whether the page begins behind the line."""
    if asked.from_us is not None and line.at_us < asked.from_us:
        return True
    return asked.cursor is not None and (line.position, part) <= asked.cursor


def _nothing(asked: Asked) -> LookupError:
    return LookupError(f"nothing was booked by then on {asked.account!r} in {asked.asset}")
