"""Where a division of money is rounded, and which way. All integers."""

PPM = 1_000_000
"""Rates are parts per million."""

INTEGER_MAX = 2**62
"""The most of what is no amount of money: a price, a quantity, a time. Any database counts with it,
and with its double, which a stop's bound may come to."""

UNITS_MAX = 10**38
"""The most units that one command may name: what every store and reader can hold."""


def ceil_div(numerator: int, denominator: int) -> int:
    """The quotient rounded towards plus infinity; ``denominator`` is positive."""
    return -(-numerator // denominator)


def fee_charged(accrued_ppm: int) -> int:
    """Units charged in all for fills whose sum of received × rate is ``accrued_ppm``.

    Rounded up once over the whole order, so that splitting an order never costs more than
    one unit.
    """
    return ceil_div(accrued_ppm, PPM)


def rebate_paid(received: int, maker_ppm: int, fee: int) -> int:
    """Units that a maker with a negative rate gets of ``fee``, the taker's for the same fill.

    ``received`` is what the taker received, in the asset of the fee; the share is rounded down
    and at most the fee, so that the venue never pays on top.
    """
    return min(received * -maker_ppm // PPM, fee)


def stop_price(trigger: int, slippage_ppm: int) -> int:
    """The most that a triggered buy stop pays, in price units: rounded up."""
    return ceil_div(trigger * (PPM + slippage_ppm), PPM)


def lots_affordable(budget: int, price: int, value_unit: int, lot: int) -> int:
    """The largest multiple of ``lot`` whose value at ``price`` stays within ``budget``.

    ``budget`` in quote units, ``price`` in price units, ``value_unit`` quote units for one
    price unit × one quantity unit. Rounded down: a budget is never overspent.
    """
    return budget // (price * value_unit * lot) * lot
