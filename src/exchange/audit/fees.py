"""What each fill costs, worked out a second time: sums kept by order, one rule for both sides."""

from collections.abc import Sequence

from exchange.kernel.money import PPM
from exchange.kernel.orders import BUY, Fill, Side
from exchange.settlement.events import Leg, Settled, TradesSettled
from exchange.venue.state import Room


def due_trades(
    room: Room, taker: int, account: str, side: Side, fills: Sequence[Fill], *, ended: bool
) -> TradesSettled:
    """The settlement of a taker's fills, which its market has not followed yet.

    ``ended`` tells whether the taker is gone with the last of them.
    """
    rules, sums = room.market.instrument, dict[int, int]()
    trades = []
    for number, fill in enumerate(fills, 1):
        base = rules.base_unit * fill.quantity
        quote = rules.value_unit * fill.price * fill.quantity
        to_taker, to_maker = (base, quote) if side is BUY else (quote, base)
        rate_ppm = _rate_ppm(room, fill.account, maker=True)
        paid = _owes(room, sums, fill.maker, to_maker, rate_ppm)
        makes = Leg(fill.maker, fill.account, rate_ppm, paid, fill.last)
        taker_ppm = _rate_ppm(room, account, maker=False)
        fee = _owes(room, sums, taker, to_taker, taker_ppm)
        takes = Leg(taker, account, taker_ppm, fee, ended and number == len(fills))
        share = max(0, -rate_ppm) * to_taker // PPM
        buy, sell = (takes, makes) if side is BUY else (makes, takes)
        trades.append(
            Settled(
                room.settlement.trade_count + number, fill.price, fill.quantity, base, quote,
                buy, sell, min(share, fee),
            )
        )  # fmt: skip
    return TradesSettled(tuple(trades))


def _rate_ppm(room: Room, account: str, *, maker: bool) -> int:
    """The rate of the account's tier in this market; without one the market's own."""
    rules = room.market.instrument
    own = room.rates.get(account)
    if own is not None:
        return own.maker_ppm if maker else own.taker_ppm
    return rules.maker_ppm if maker else rules.taker_ppm


def _owes(room: Room, sums: dict[int, int], order: int, received: int, rate_ppm: int) -> int:
    """The fee of the order's next fill: what the whole, rounded up, grows by."""
    before = sums.get(order, room.settlement.accrued.get(order, 0))
    after = sums[order] = before + received * max(0, rate_ppm)
    return -(-after // PPM) + (-before // PPM)
