"""The laws over all contexts: the cheap ones after every command, all of them on demand."""

from collections import defaultdict
from collections.abc import Sequence
from itertools import count

from exchange.kernel.accounts import EXTERNAL, held, withdrawal
from exchange.kernel.events import Placed
from exchange.kernel.journal import Entry, EntryKind, check_entry
from exchange.kernel.laws import InvariantViolation, hold_law
from exchange.kernel.orders import Fill
from exchange.kernel.roles import Role
from exchange.matching.events import EVENTS as BOOK_EVENTS
from exchange.matching.events import OrderAccepted, OrderAmended, StopEntered
from exchange.settlement.events import Settled, TradesSettled
from exchange.users.user import User
from exchange.venue.parts import held_by, held_twice
from exchange.venue.state import Room, VenueState
from exchange.wallet.events import (
    EntriesPosted,
    WithdrawalCancelled,
    WithdrawalCompleted,
    WithdrawalRejected,
    WithdrawalRequested,
)

TRADE = EntryKind.TRADE
BOOK_KINDS = frozenset(BOOK_EVENTS)
WITHDRAWAL_KINDS = frozenset(
    {WithdrawalRequested, WithdrawalCompleted, WithdrawalRejected, WithdrawalCancelled}
)
TAKING = frozenset({OrderAccepted, OrderAmended, StopEntered})


class _Counted:
    """What all open orders of a book needed, in units of quote and base, when last looked at."""

    __slots__ = ("base", "base_unit", "book", "quantity", "quote", "value", "value_unit")

    def __init__(self, room: Room) -> None:
        rules, self.book = room.market.instrument, room.book
        self.base, self.quote = rules.base, rules.quote
        self.base_unit, self.value_unit = rules.base_unit, rules.value_unit  # for ever
        self.value = self.quantity = 0


class Watch:
    """Checks each command's effects in time that doesn't grow with the state.

    What all open orders need is counted by the books, what is held by the ledger: two
    countings of one amount, by two contexts, that must agree asset by asset (law F1).
    """

    def __init__(self, state: VenueState) -> None:
        self._state = state
        self._needed: dict[str, int] = defaultdict(int)  # asset -> units that open orders need
        self._books: dict[str, _Counted] = {}  # stream -> what is needed there
        for room in state.rooms.values():
            self._check_book(room.book.id)

    def check(self, placed: Sequence[Placed]) -> None:
        """Laws L2, B1, S1, S3, F1 and F2 in total, after the command with these effects.

        (L4 holds already: the ledger lets no account be overdrawn.)

        Raises:
            InvariantViolation: one is broken.
        """
        fills: tuple[Fill, ...] = ()
        first = 0  # number of the first trade
        settled: tuple[Settled, ...] = ()
        entries: tuple[Entry, ...] = ()
        for stream, _, event, _ in placed[1:]:  # behind the command's record
            kind = type(event)
            if kind is EntriesPosted:
                entries = event.entries  # type: ignore[attr-defined]  # what its kind has
                self._check_entries(entries)
            elif kind is TradesSettled:
                settled += event.trades  # type: ignore[attr-defined]  # likewise
            elif kind in BOOK_KINDS:
                self._check_book(stream)
                if kind in TAKING and event.fills:  # type: ignore[attr-defined]  # likewise
                    first = first or event.trade  # type: ignore[attr-defined]  # likewise
                    fills += event.fills  # type: ignore[attr-defined]  # likewise
            elif kind in WITHDRAWAL_KINDS:
                self._check_withdrawals()
        if settled or fills:
            _check_settled(first, fills, settled, entries)

    def _check_entries(self, entries: tuple[Entry, ...]) -> None:
        for entry in entries:
            check_entry(entry)
        held, needed = self._state.ledger.held, self._needed
        if held == needed:
            return
        for asset, units in held.items():
            if units != needed[asset]:
                raise InvariantViolation("F1", f"{units} {asset} held, {needed[asset]} needed")

    def _check_withdrawals(self) -> None:
        waiting, withdrawing = self._state.withdrawals.held, self._state.ledger.withdrawing
        for asset, units in waiting.items():
            if units != withdrawing.get(asset, 0):
                detail = f"{withdrawing.get(asset, 0)} {asset} in withdrawal, {units} asked for"
                raise InvariantViolation("F2", detail)

    def _check_book(self, stream: str) -> None:
        """Law B1, and what the book's open orders need now."""
        counted = self._books.get(stream) or self._book(stream)
        book = counted.book
        bid, ask = book.bids.best, book.asks.best
        if bid is not None and ask is not None and bid.price >= ask.price:
            raise InvariantViolation("B1", f"{stream}: bid {bid.price}, ask {ask.price}")
        value = book.held_value * counted.value_unit + book.held_budget
        if value != counted.value:
            self._needed[counted.quote] += value - counted.value
            counted.value = value
        quantity = book.held_quantity * counted.base_unit
        if quantity != counted.quantity:
            self._needed[counted.base] += quantity - counted.quantity
            counted.quantity = quantity

    def _book(self, stream: str) -> _Counted:
        counted = self._books[stream] = _Counted(self._state.rooms[stream.removeprefix("book:")])
        return counted


def _check_settled(
    first: int, fills: tuple[Fill, ...], settled: tuple[Settled, ...], entries: tuple[Entry, ...]
) -> None:
    """Laws S1 and S3: each fill is settled once, in order, and posted once, in order."""
    if len(fills) != len(settled):
        raise InvariantViolation("S1", f"{len(settled)} trades settled, {len(fills)} made")
    posted = [entry for entry in entries if entry.kind is TRADE]
    if len(posted) != len(settled):
        raise InvariantViolation("S3", f"{len(settled)} trades settled, {len(posted)} posted")
    for number, fill, trade, entry in zip(count(first), fills, settled, posted, strict=False):
        same = fill.price == trade.price and fill.quantity == trade.quantity
        if not same or trade.trade != number:
            raise InvariantViolation("S1", f"trade {number}: {fill} settled as {trade}")
        if not entry.entry_id.endswith(f":{number}"):
            raise InvariantViolation("S3", f"trade {number} posted as {entry.entry_id}")


def _check_users(state: VenueState) -> None:
    """Law R2: the indexes of who may what, and of who pays what, are what the streams say."""
    users = {it.id[5:]: it for it in state.aggregates.values() if isinstance(it, User)}
    admins = {name for name, user in users.items() if Role.ADMIN in user.roles}
    barred = {account for user in users.values() for account in user.barred()}
    hold_law("R2", admins == state.admins, f"admins are {admins}, indexed {state.admins}")
    hold_law("R2", barred == state.barred, f"barred are {barred}, indexed {state.barred}")
    tiers = {account: tier for user in users.values() for account, tier in user.tiers.items()}
    for symbol, room in state.rooms.items():
        known = room.market.tiers
        rates = {account: known[tier] for account, tier in tiers.items() if tier in known}
        hold_law("R2", rates == room.rates, f"{symbol}: rates are {rates}, indexed {room.rates}")


def check_all(state: VenueState) -> None:
    """Every law that the state alone can show: O(state).

    Raises:
        InvariantViolation: one is broken.
    """
    state.ledger.check()
    _check_users(state)
    needed: dict[tuple[str, str], int] = {}
    for symbol, room in state.rooms.items():
        room.book.check()
        _check_room(symbol, room)
        rules, others = room.market.instrument, room.book.others
        for number, order in room.book.orders.items():
            asset, units = held_by(rules, order)
            if number in others and number < others[number].number:
                units -= held_twice(rules, order, others[number])
            key = (held(order.account), asset)
            needed[key] = needed.get(key, 0) + units
    found = {(a, asset): n for a, asset, n in state.ledger.balances() if a.endswith(":held")}
    for key in sorted(needed.keys() | found.keys()):
        want, have = needed.get(key, 0), found.get(key, 0)
        hold_law("F1", want == have, f"{key[0]} holds {have} {key[1]}, its orders need {want}")
    _check_withdrawals(state)


def _check_withdrawals(state: VenueState) -> None:
    """Law F2 by account, and that custody holds what it was told to pay (L4 to come)."""
    asked: dict[tuple[str, str], int] = {}
    for it in state.withdrawals.open.values():
        key = withdrawal(it.asked.account), it.asked.asset
        asked[key] = asked.get(key, 0) + it.held
    balances = state.ledger.balances()
    found = {(name, asset): n for name, asset, n in balances if name.endswith(":withdrawal")}
    hold_law("F2", asked == found, f"in withdrawal {found}, asked for {asked}")
    for asset, sent in state.withdrawals.sent.items():
        left = -state.ledger.balance(EXTERNAL, asset)
        hold_law("L4", sent <= left, f"{sent} {asset} are sent, custody holds {left}")


def _check_room(symbol: str, room: Room) -> None:
    book, settlement = room.book, room.settlement
    hold_law(
        "S1",
        book.trade_count == settlement.trade_count,
        f"{symbol}: {book.trade_count} trades, {settlement.trade_count} settled",
    )
    closed = settlement.accrued.keys() - book.orders.keys()
    hold_law("S2", not closed, f"{symbol}: fees accrue for closed orders {sorted(closed)}")
