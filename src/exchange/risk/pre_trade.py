"""Limits that an order meets before it reaches the book."""

from exchange.kernel.instruments import Instrument
from exchange.kernel.rejects import RejectCode, Rejected


def check_open_orders(instrument: Instrument, count: int) -> None:
    """Nothing, while the account may have one more open order in this market.

    Raises:
        Rejected: OPEN_ORDERS_MAX; ``count`` are open.
    """
    if count >= instrument.open_orders_max:
        raise Rejected(RejectCode.OPEN_ORDERS_MAX, "open_orders", count, instrument.open_orders_max)
