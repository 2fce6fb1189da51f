"""Spot settlement: which fee each fill owes, and the entry that moves both sides."""

from collections.abc import Iterable, Mapping
from typing import Any

from exchange.kernel.accounts import FEES, available, held
from exchange.kernel.events import Event
from exchange.kernel.instruments import FeeRates, Instrument
from exchange.kernel.journal import Entry, EntryKind, Line
from exchange.kernel.money import fee_charged, rebate_paid
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
        self.accrued: dict[int, int] = {}  # order number -> sum of received × ppm, rebates left out

    def evolve(self, event: Event) -> None:
        """Follow one event of this stream."""
        self.version += 1
        accrued = self.accrued
        if type(event) is TradesSettled:
            self.trade_count += len(event.trades)
            for trade in event.trades:
                for leg, received in (trade.buy, trade.base), (trade.sell, trade.quote):
                    if leg.last:
                        accrued.pop(leg.order, None)
                    else:
                        accrues = received * leg.rate_ppm if leg.rate_ppm > 0 else 0
                        accrued[leg.order] = accrued.get(leg.order, 0) + accrues
        elif type(event) is FeesClosed:
            for order in event.orders:
                del accrued[order]
        else:
            raise TypeError(f"{self.id} has no event {type(event).__name__}")

    def dump(self) -> dict[str, Any]:
        """All that decides what comes next, for JSON: what the state hash covers."""
        return {
            "version": self.version,
            "trades": self.trade_count,
            "accrued": sorted([order, accrued] for order, accrued in self.accrued.items()),
        }

    def load(self, dumped: Mapping[str, Any]) -> None:
        """Become what was dumped; only an empty aggregate can."""
        self.version, self.trade_count = dumped["version"], dumped["trades"]
        self.accrued = dict(dumped["accrued"])


def settle(
    state: Settlement,
    instrument: Instrument,
    side: Side,
    taker: int,
    account: str,
    fills: Iterable[Fill],
    rates: Mapping[str, FeeRates],
    *,
    ended: bool,
) -> TradesSettled:
    """The legs and fees of an incoming order's fills, in order.

    ``taker`` is its number, ``ended`` whether it ends with its last fill; ``rates`` are those
    of accounts in a tier, all others pay the instrument's. A fee is the sum over the order's
    fills of received × the rate at each, rounded up once, less what it was charged before:
    splitting an order never costs more than one unit. A fill at a maker's negative rate adds
    nothing to that sum; the rebate comes out of the taker's fee.
    """
    fills = tuple(fills)
    accrued = state.accrued.get(taker, 0)
    charged = fee_charged(accrued)
    maker_ppm = all_makers_ppm = instrument.maker_ppm
    taker_ppm = instrument.taker_ppm
    if account in rates:
        taker_ppm = rates[account].taker_ppm
    partly: dict[int, int] = {}  # maker -> accrued so far, where more may follow
    trades = []
    for number, fill in enumerate(fills, state.trade_count + 1):
        base = fill.quantity * instrument.base_unit
        quote = instrument.notional(fill.price, fill.quantity)
        taken, given = (base, quote) if side is BUY else (quote, base)
        if rates:
            maker_ppm, _ = rates.get(fill.account, (all_makers_ppm, 0))
        before = partly.get(fill.maker) or state.accrued.get(fill.maker, 0)
        after = before + given * maker_ppm if maker_ppm > 0 else before
        fee = fee_charged(after) - fee_charged(before)
        maker = Leg(fill.maker, fill.account, maker_ppm, fee, fill.last)
        if not fill.last:
            partly[fill.maker] = after
        accrued += taken * taker_ppm
        paid, charged = charged, fee_charged(accrued)
        fee = charged - paid
        mine = Leg(taker, account, taker_ppm, fee, ended and fill is fills[-1])
        rebate = rebate_paid(taken, maker_ppm, fee) if maker_ppm < 0 else 0
        buy, sell = (mine, maker) if side is BUY else (maker, mine)
        trades.append(Settled(number, fill.price, fill.quantity, base, quote, buy, sell, rebate))
    return TradesSettled(tuple(trades))


def trade_entry(instrument: Instrument, trade: Settled, hold_price: int) -> Entry:
    """The entry of one trade: both sides pay from what they hold and receive less the fee.

    ``hold_price`` is the price that the buyer's hold was taken at; what it held above the
    trade's price returns to it here. A rebate goes from the taker's fee to the maker.
    """
    base, quote = instrument.base, instrument.quote
    buyer, seller = trade.buy, trade.sell
    spendable = available(buyer.account)
    reserved = instrument.notional(hold_price, trade.quantity)
    returned = reserved - trade.quote
    proceeds, bought = trade.quote - seller.fee, trade.base - buyer.fee
    lines: tuple[Line, ...] = (
        (held(buyer.account), quote, -reserved),
        (spendable, quote, returned),
        (available(seller.account), quote, proceeds),
        (FEES, quote, seller.fee),
        (held(seller.account), base, -trade.base),
        (spendable, base, bought),
        (FEES, base, buyer.fee),
    )
    if not returned:
        lines = (lines[0], *lines[2:])
    if not (proceeds and seller.fee and bought and buyer.fee):
        lines = tuple([line for line in lines if line[2]])
    if trade.rebate:
        lines += _rebate(instrument, trade)
    return Entry(f"trade:{instrument.symbol}:{trade.trade}", TRADE, lines)


def _rebate(instrument: Instrument, trade: Settled) -> tuple[Line, Line]:
    """From the fee, in the asset that the taker received: only a maker's rate is below zero."""
    maker, asset = trade.buy, instrument.quote
    if trade.sell.rate_ppm < 0:
        maker, asset = trade.sell, instrument.base
    return (FEES, asset, -trade.rebate), (available(maker.account), asset, trade.rebate)
