"""Spot settlement: which fee each fill owes, and the entry that moves both sides."""

from collections.abc import Iterable
from typing import Any

from exchange.kernel.accounts import FEES, available, held
from exchange.kernel.events import Event
from exchange.kernel.instruments import Instrument
from exchange.kernel.journal import Entry, EntryKind, Line
from exchange.kernel.money import fee_charged
from exchange.kernel.orders import BUY, Fill, Side
from exchange.settlement.events import FeesClosed, Leg, Settled, TradesSettled

TRADE = EntryKind.TRADE


class Settlement:
    """What each partly filled open order has accrued in fees; an event-sourced aggregate."""

    __slots__ = ("accrued", "id", "trade_count", "version")

    def __init__(self, stream: str) -> None:
        self.id = stream
        self.version = 0
        self.trade_count = 0
        self.accrued: dict[int, int] = {}  # order number -> sum of received × ppm

    def evolve(self, event: Event) -> None:
        """Follow one event of this stream."""
        self.version += 1
        match event:
            case TradesSettled():
                for trade in event.trades:
                    self.trade_count += 1
                    self._accrue(trade.buy, trade.base)
                    self._accrue(trade.sell, trade.quote)
            case FeesClosed():
                for order in event.orders:
                    del self.accrued[order]
            case _:
                raise TypeError(f"{self.id} has no event {type(event).__name__}")

    def _accrue(self, leg: Leg, received: int) -> None:
        if leg.last:
            self.accrued.pop(leg.order, None)
        else:
            self.accrued[leg.order] = self.accrued.get(leg.order, 0) + received * leg.rate_ppm

    def dump(self) -> dict[str, Any]:
        """The whole state as plain data: what the state hash covers."""
        return {
            "version": self.version,
            "trades": self.trade_count,
            "accrued": sorted([order, accrued] for order, accrued in self.accrued.items()),
        }


def settle(
    state: Settlement,
    instrument: Instrument,
    side: Side,
    taker: int,
    account: str,
    fills: Iterable[Fill],
    *,
    ended: bool,
) -> TradesSettled:
    """The legs and fees of an incoming order's fills, in order.

    ``taker`` is its number, ``ended`` whether it ends with its last fill. A fee is the sum
    over the order's fills of received × rate, rounded up once, less what it was charged
    before: splitting an order never costs more than one unit.
    """
    fills = tuple(fills)
    accrued = state.accrued.get(taker, 0)
    partly: dict[int, int] = {}  # maker -> accrued so far, where more may follow
    trades = []
    for number, fill in enumerate(fills, state.trade_count + 1):
        base = fill.quantity * instrument.base_unit
        quote = instrument.notional(fill.price, fill.quantity)
        taken, given = (base, quote) if side is BUY else (quote, base)
        before = partly.get(fill.maker) or state.accrued.get(fill.maker, 0)
        maker = _leg(fill.maker, fill.account, instrument.maker_ppm, given, before, last=fill.last)
        if not fill.last:
            partly[fill.maker] = before + given * instrument.maker_ppm
        last = ended and fill is fills[-1]
        mine = _leg(taker, account, instrument.taker_ppm, taken, accrued, last=last)
        accrued += taken * instrument.taker_ppm
        buy, sell = (mine, maker) if side is BUY else (maker, mine)
        trades.append(Settled(number, fill.price, fill.quantity, base, quote, buy, sell))
    return TradesSettled(tuple(trades))


def _leg(order: int, account: str, rate_ppm: int, received: int, before: int, *, last: bool) -> Leg:
    fee = fee_charged(before + received * rate_ppm) - fee_charged(before)
    return Leg(order, account, rate_ppm, fee, last)


def trade_entry(instrument: Instrument, trade: Settled, hold_price: int) -> Entry:
    """The entry of one trade: both sides pay from what they hold and receive less the fee.

    ``hold_price`` is the price that the buyer's hold was taken at; what it held above the
    trade's price returns to it here.
    """
    base, quote = instrument.base, instrument.quote
    buyer, seller = trade.buy, trade.sell
    spendable = available(buyer.account)
    reserved = instrument.notional(hold_price, trade.quantity)
    lines = (
        Line(held(buyer.account), quote, -reserved),
        Line(spendable, quote, reserved - trade.quote),
        Line(available(seller.account), quote, trade.quote - seller.fee),
        Line(FEES, quote, seller.fee),
        Line(held(seller.account), base, -trade.base),
        Line(spendable, base, trade.base - buyer.fee),
        Line(FEES, base, buyer.fee),
    )
    entry_id = f"trade:{instrument.symbol}:{trade.trade}"
    return Entry(entry_id, TRADE, tuple([line for line in lines if line.amount]))
