"""The laws over all contexts: the cheap ones after every command, all of them on demand."""

from collections.abc import Iterable

from exchange.kernel.accounts import held
from exchange.kernel.events import Envelope
from exchange.kernel.journal import Entry, EntryKind, check_entry
from exchange.kernel.laws import hold_law
from exchange.matching.events import OrderAccepted
from exchange.settlement.events import Settled, TradesSettled
from exchange.venue.state import Room, VenueState
from exchange.venue.trading import required
from exchange.wallet.events import EntriesPosted
from exchange.wallet.ledger import check_balance


class Watch:
    """Checks each command's effects in time that doesn't grow with the state.

    What all open orders need is counted by the books, what is held by the ledger: two
    countings of one amount, by two contexts, that must agree asset by asset (law F1).
    """

    def __init__(self, state: VenueState) -> None:
        self._state = state
        self._needed: dict[str, int] = {}  # asset -> units that open orders need
        self._seen: dict[str, tuple[int, int]] = {}  # symbol -> needed quote and base units
        for symbol in state.rooms:
            self._count(symbol)

    def check(self, envelopes: Iterable[Envelope]) -> None:
        """Laws L2, L4, B1, S1, S3 and F1 in total, after the command with these effects.

        Raises:
            InvariantViolation: one is broken.
        """
        accepted: OrderAccepted | None = None
        settled: tuple[Settled, ...] = ()
        entries: tuple[Entry, ...] = ()
        for envelope in envelopes:
            event = envelope.event
            if type(event) is EntriesPosted:
                self._check_entries(event)
                entries = event.entries
            elif envelope.originator_id.startswith("book:"):
                self._check_book(envelope.originator_id[5:])
                accepted = event if type(event) is OrderAccepted else None
            elif type(event) is TradesSettled:
                settled = event.trades
        if settled or (accepted is not None and accepted.fills):
            _check_settled(accepted, settled, entries)

    def _check_entries(self, posted: EntriesPosted) -> None:
        balances = self._state.ledger.balances
        for entry in posted.entries:
            check_entry(entry)
            for line in entry.lines:
                units = balances.get((line.account, line.asset), 0)
                check_balance(line.account, line.asset, units)
        for asset, units in self._state.ledger.held.items():
            needed = self._needed.get(asset, 0)
            if units != needed:
                hold_law("F1", fine=False, detail=f"{units} {asset} held, {needed} needed")

    def _check_book(self, symbol: str) -> None:
        book = self._state.rooms[symbol].book
        bid, ask = book.bids.best, book.asks.best
        if bid is not None and ask is not None and bid.price >= ask.price:
            hold_law("B1", fine=False, detail=f"{symbol}: bid {bid.price}, ask {ask.price}")
        self._count(symbol)

    def _count(self, symbol: str) -> None:
        market, book, _ = self._state.rooms[symbol]
        rules = market.instrument
        value, quantity = book.held_value * rules.value_unit, book.held_quantity * rules.base_unit
        old_value, old_quantity = self._seen.get(symbol, (0, 0))
        self._needed[rules.quote] = self._needed.get(rules.quote, 0) + value - old_value
        self._needed[rules.base] = self._needed.get(rules.base, 0) + quantity - old_quantity
        self._seen[symbol] = value, quantity


def _check_settled(
    accepted: OrderAccepted | None, settled: tuple[Settled, ...], entries: tuple[Entry, ...]
) -> None:
    """Laws S1 and S3: each fill is settled once, in order, and posted once, in order."""
    hold_law("S1", accepted is not None, "trades were settled that no book made")
    assert accepted is not None  # noqa: S101 - for the type checker: the law above
    fills = [
        (number, fill.price, fill.quantity)
        for number, fill in enumerate(accepted.fills, accepted.trade)
    ]
    legs = [(trade.trade, trade.price, trade.quantity) for trade in settled]
    hold_law("S1", fills == legs, f"order {accepted.number}: {fills} settled as {legs}")
    posted = [e.entry_id.rpartition(":")[2] for e in entries if e.kind is EntryKind.TRADE]
    hold_law("S3", posted == [str(leg[0]) for leg in legs], f"{legs} posted as {posted}")


def check_all(state: VenueState) -> None:
    """Every law that the state alone can show: O(state).

    Raises:
        InvariantViolation: one is broken.
    """
    state.ledger.check()
    needed: dict[tuple[str, str], int] = {}
    for symbol, room in state.rooms.items():
        room.book.check()
        _check_room(symbol, room)
        for order in room.book.orders.values():
            asset, units = required(room.market.instrument, order.side, order.price, order.leaves)
            key = (held(order.account), asset)
            needed[key] = needed.get(key, 0) + units
    found = {key: units for key, units in state.ledger.balances.items() if key[0].endswith(":held")}
    for key in sorted(needed.keys() | found.keys()):
        want, have = needed.get(key, 0), found.get(key, 0)
        hold_law("F1", want == have, f"{key[0]} holds {have} {key[1]}, its orders need {want}")


def _check_room(symbol: str, room: Room) -> None:
    book, settlement = room.book, room.settlement
    hold_law(
        "S1",
        book.trade_count == settlement.trade_count,
        f"{symbol}: {book.trade_count} trades, {settlement.trade_count} settled",
    )
    closed = settlement.accrued.keys() - book.orders.keys()
    hold_law("S2", not closed, f"{symbol}: fees accrue for closed orders {sorted(closed)}")
