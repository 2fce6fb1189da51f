"""The money of one order: what it holds, what its trades cost and bring, each fee and its rule."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from exchange.audit.explain.story import Busted, Cause, Fee, Held, Matched, Released
from exchange.audit.explain.units import Units
from exchange.kernel.accounts import available, held
from exchange.kernel.events import Envelope, Event
from exchange.kernel.ids import order_id
from exchange.kernel.journal import Entry, EntryKind
from exchange.kernel.money import PPM, fee_charged
from exchange.settlement.events import Leg, Settled
from exchange.wallet.corrections import correction_id
from exchange.wallet.events import Bust, Corrected, EntriesPosted


class Posted(NamedTuple):
    """An entry and the position of its event."""

    entry: Entry
    position: int


def posted_by(command: Sequence[Envelope]) -> dict[str, Posted]:
    """The command's entries by their ids, in order."""
    return {
        entry.entry_id: Posted(entry, envelope.position)
        for envelope in command
        if isinstance(envelope.event, EntriesPosted)
        for entry in envelope.event.entries
    }


class Bill:
    """What one order was charged so far; amounts in units."""

    def __init__(self, name: str, number: int, units: Units) -> None:
        self.name, self.number, self.units = name, number, units
        self.accrued_ppm = self.charged = 0  # by the order's fills so far
        self.fees: dict[str, int] = {}  # asset -> charged
        self.trades: dict[int, str] = {}  # numbers of its trades -> the account

    def holds(self, entries: dict[str, Posted], shared: str = "") -> list[Posted]:
        """What was set aside under the order's name, or under that of its list."""
        names = (f"hold:{self.name}", f"hold:{shared}")
        return [
            posted
            for entry_id, posted in entries.items()
            if entry_id in names or entry_id.startswith(f"hold:{self.name}:")
        ]

    def held(self, posted: Posted, cause: Cause) -> Held:
        """The step that tells of it."""
        (entry, position), (asset, amount) = posted, moved(posted.entry)
        text = self.units.amount(asset, amount)
        return Held(position=position, cause=cause, entry=entry.entry_id, asset=asset, amount=text)

    def released(self, entries: dict[str, Posted], cause: Cause) -> Iterator[Released]:
        """What came free of that, beside what its trades returned."""
        for entry_id, (entry, position) in entries.items():
            if entry.kind is EntryKind.RELEASE and entry_id.startswith(f"release:{self.name}:"):
                asset, amount = moved(entry)
                text = self.units.amount(asset, amount)
                yield Released(
                    position=position, cause=cause, entry=entry_id, asset=asset, amount=text
                )

    def matched(
        self, trade: Settled, taker: int, entries: dict[str, Posted], position: int, cause: Cause
    ) -> Matched:
        """One of the order's trades; its fee is added to what was charged."""
        buys, units = trade.buy.order == self.number, self.units
        own, other = (trade.buy, trade.sell) if buys else (trade.sell, trade.buy)
        self.trades[trade.trade] = own.account
        rules = units.rules
        entry_id = f"trade:{rules.symbol}:{trade.trade}"
        spare = _returned(entries[entry_id].entry, own, trade, rules.quote) if buys else 0
        return Matched(
            position=position,
            cause=cause,
            trade=trade.trade,
            price=units.price(trade.price),
            quantity=units.quantity(trade.quantity),
            value=units.value(trade.quote),
            role="taker" if taker == self.number else "maker",
            other=order_id(rules.symbol, other.order),
            other_account=other.account,
            entry=entry_id,
            fee=self._fee(own, *((rules.base, trade.base) if buys else (rules.quote, trade.quote))),
            returned=units.value(spare) if spare else None,
        )

    def busted(
        self, event: Event, entries: dict[str, Posted], position: int, cause: Cause
    ) -> Iterator[Busted]:
        """Nothing, unless the event undoes one of the order's trades."""
        if not isinstance(event, Corrected) or not isinstance(event.correction, Bust):
            return
        symbol, trade = event.correction.symbol, event.correction.trade
        if symbol != self.units.rules.symbol or trade not in self.trades:
            return
        entry_id, name = correction_id(event.correction), available(self.trades[trade])
        lines = entries[entry_id].entry.lines if entry_id in entries else ()
        yield Busted(
            position=position,
            cause=cause,
            trade=trade,
            entry=entry_id,
            moved={
                asset: self.units.amount(asset, amount)
                for account, asset, amount in lines
                if account == name
            },
            claim=event.claim,
            why=event.reason,
        )

    def _fee(self, leg: Leg, asset: str, received: int) -> Fee:
        before = self.charged
        self.accrued_ppm += received * leg.rate_ppm
        self.charged += leg.fee
        self.fees[asset] = self.fees.get(asset, 0) + leg.fee
        due = fee_charged(self.accrued_ppm)
        rule = (
            f"{received:,} × {leg.rate_ppm:,} ppm, {self.accrued_ppm:,} accrued in all; "
            f"ceil({self.accrued_ppm:,} / {PPM:,}) = {due:,}; "
            f"less {before:,} charged before = {due - before:,}"
        )
        return Fee(
            asset, self.units.amount(asset, leg.fee), leg.fee, leg.rate_ppm, received,
            self.accrued_ppm, due, before, rule,
        )  # fmt: skip


def moved(entry: Entry) -> tuple[str, int]:
    """Asset and amount of an entry between two balances."""
    _, asset, amount = entry.lines[-1]
    return asset, amount


def _returned(entry: Entry, buyer: Leg, trade: Settled, quote: str) -> int:
    """What the buyer had held for this trade above its price."""
    held_quote = held(buyer.account), quote
    reserved = -sum(amount for *balance, amount in entry.lines if (*balance,) == held_quote)
    return reserved - trade.quote
