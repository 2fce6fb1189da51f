"""What was booked on an account: opening balance + lines = closing balance, page by page."""

from collections.abc import Sequence
from heapq import merge
from itertools import islice, takewhile

import msgspec

from exchange.kernel.accounts import available
from exchange.kernel.laws import hold_law
from exchange.projections.lines import Posting, line_before, lines_from, posting_at
from exchange.projections.reader import ALL, PAGE_MAX, Cursor, Reader
from exchange.projections.views import Anchor


class LedgerLine(msgspec.Struct, frozen=True, array_like=True):
    """A change of one balance; ``balance`` is what it came to. Units of the asset."""

    number: int
    position: int
    entry_id: str
    kind: str
    account: str  # the ledger's name
    asset: str
    amount: int
    balance: int
    cause_stream: str
    cause_version: int
    at_us: int


class Statement(msgspec.Struct, frozen=True):
    """opening + lines = closing, for each ledger account. Units of the asset."""

    moment: Anchor
    asset: str
    decimals: int
    opening: dict[str, int]  # ledger account -> balance before the first line
    lines: list[LedgerLine]
    closing: dict[str, int]  # ledger account -> balance behind the last line
    cursor: Cursor | None  # where the next page begins
    source: str = "views"  # or "log": the same, made without them


def statement(
    reader: Reader,
    account: str,
    asset: str,
    *,
    from_us: int | None = None,
    until_us: int | None = None,
    limit: int = PAGE_MAX,
    cursor: Cursor | None = None,
    as_of: Anchor | None = None,
    min_position: int = 0,
) -> Statement:
    """The account's lines from one venue time to before another, in the order of the log.

    ``account`` is a user's account, for all that it has, or a ledger account's name. ``as_of``
    is the end of a whole command: the statement is as it was then.

    Raises:
        LookupError: nothing was ever booked there, or there is no such asset.
        InvariantViolation: law L3, the page does not add up.
        Behind: the views have not reached ``min_position``, or that command.
    """
    least = max(min_position, 0 if as_of is None else as_of.position)
    with reader.moment(least) as moment:
        cut = None if as_of is None else _line_at(reader, as_of.position + 1, "position")
        ids = _balance_ids(reader, account, asset, cut)
        first = _line_at(reader, 0 if from_us is None else from_us, "at_us")
        if cursor is not None:
            first = max(first, _line_at(reader, cursor.position, "position") + cursor.part)
        end = None if until_us is None else max(first, _line_at(reader, until_us, "at_us"))
        if cut is not None:
            first, end = min(first, cut), cut if end is None else min(end, cut)
        found = [_lines(reader, *it, asset, first, end, limit + 1) for it in ids.items()]
        lines = list(islice(merge(*found, key=lambda line: line.number), limit + 1))
        opening = {name: _balance_before(reader, it, first) for name, it in ids.items()}
        more, lines = len(lines) > limit, lines[:limit]
        closing = add_up(opening, lines)
        behind = lines[-1].number + 1 if more else end
        for name, balance_id in ids.items():
            told = _balance_before(reader, balance_id, behind)
            hold_law("L3", closing[name] == told, f"{name} closes at {told}, not {closing}")
        at = _cursor_behind(reader, lines[-1]) if more else None
        decimals = reader.decimals()[asset]
        return Statement(as_of or moment, asset, decimals, opening, lines, closing, at)


def names_of(account: str) -> tuple[str, str]:
    """The least and the greatest name that a ledger account of ``account`` can have.

    A ledger account's own name stands for itself.
    """
    if ":" in account:
        return account, account
    prefix = available(account).removesuffix("available")
    return prefix, prefix + "~"


def add_up(opening: dict[str, int], lines: Sequence[LedgerLine]) -> dict[str, int]:
    """Opening plus lines; each line's own balance must be what it comes to.

    Raises:
        InvariantViolation: law L3.
    """
    closing = dict(opening)
    for line in lines:
        closing[line.account] += line.amount
        told = line.balance == closing[line.account]
        hold_law("L3", told, f"line {line.number}: {line.balance}, not {closing[line.account]}")
    return closing


def _balance_ids(reader: Reader, account: str, asset: str, cut: int | None) -> dict[str, int]:
    """Ledger account -> id of its balance in ``asset``; of those with a line before ``cut``."""
    low, high = names_of(account)
    found = dict(
        reader.connection.execute(
            "SELECT account, id FROM balances WHERE account BETWEEN ? AND ? AND asset=?"
            " ORDER BY account",
            (low, high, asset),
        )
    )
    if cut is not None:
        found = {name: it for name, it in found.items() if _has_line(reader, it, cut)}
    if asset not in reader.decimals():
        raise LookupError(f"{asset!r} is no asset of this venue")
    if not found:
        when = "ever booked" if cut is None else "booked by then"
        raise LookupError(f"nothing was {when} on {account!r} in {asset}")
    return found


def _has_line(reader: Reader, balance_id: int, before: int) -> bool:
    return line_before(reader.connection, balance_id, before) is not None


def _lines(
    reader: Reader, name: str, balance_id: int, asset: str, first: int, end: int | None, limit: int
) -> list[LedgerLine]:
    below = ALL if end is None else end
    rising = lines_from(reader.connection, balance_id, first)
    found = islice(takewhile(lambda it: it[0] < below, rising), limit)
    return [_ledger_line(number, posting, name, asset) for number, posting in found]


def _ledger_line(number: int, posting: Posting, name: str, asset: str) -> LedgerLine:
    it = posting.line(number)
    entry_id, kind = posting.entries[it.nth]
    return LedgerLine(
        number, posting.position, entry_id, kind, name, asset, it.amount, it.balance,
        posting.cause_stream, posting.cause_version, posting.at_us,
    )  # fmt: skip


def _balance_before(reader: Reader, balance_id: int, line: int | None) -> int:
    """The balance as the lines before ``line`` left it; null: as it stands."""
    if line is None:
        query = "SELECT balance FROM balances WHERE id=?"
        (units,) = reader.connection.execute(query, (balance_id,)).fetchone()
        return int(units)
    found = line_before(reader.connection, balance_id, line)
    return 0 if found is None else found[1].line(found[0]).balance


def _cursor_behind(reader: Reader, line: LedgerLine) -> Cursor:
    first = _line_at(reader, line.position, "position")
    return Cursor(line.position, line.number + 1 - first)


def _line_at(reader: Reader, least: int, column: str) -> int:
    """The number of the first line whose posting has at least that time or position.

    Both rise along the ledger, so that halving finds it without an index.
    """
    query = (
        f"SELECT first_line, {column} FROM postings WHERE first_line<=?"  # noqa: S608 - of two names
        " ORDER BY first_line DESC LIMIT 1"
    )
    last = posting_at(reader.connection, ALL)
    low, high = 1, last.first_line + len(last.lines) if last else 1
    while low < high:
        middle = (low + high) // 2
        first, found = reader.connection.execute(query, (middle,)).fetchone()
        if found < least:
            low = middle + 1
        else:
            high = first
    return low
