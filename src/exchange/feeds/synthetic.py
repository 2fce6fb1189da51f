"""A seeded flow of the recorded form, for when no recording is at hand."""

import random

from exchange.kernel.decimals import to_text

SEED = 20260502
_KINDS = ("LIMIT", "LIMIT", "LIMIT", "LIMIT", "LIMIT", "POST_ONLY", "MARKET", "IOC")


def synthetic_flow(commands: int = 20_000, seed: int = SEED) -> bytes:
    """A commands file around a wandering price; equal bytes for equal arguments."""
    chance = random.Random(seed)  # noqa: S311 - a repeatable flow, no secret
    lines = ["seq,ts_ms,op,order_id,side,type,price,qty"]
    open_orders: list[tuple[int, str, int]] = []
    middle, at_ms = 5_000_00, 1_700_000_000_000
    for seq in range(1, commands + 1):
        at_ms += chance.randrange(20)
        middle += chance.randrange(-60, 61)
        if open_orders and chance.randrange(100) < 30:  # noqa: PLR2004 - of a hundred
            at = chance.randrange(len(open_orders))
            order, side, quantity = open_orders[at]
            if quantity > 1 and chance.randrange(5) == 0:
                quantity //= 2
                open_orders[at] = (order, side, quantity)
                lines.append(f"{seq},{at_ms},REDUCE,{order},{side},,,{to_text(quantity, 4)}")
            else:
                open_orders[at] = open_orders[-1]
                open_orders.pop()
                lines.append(f"{seq},{at_ms},CANCEL,{order},{side},,,")
            continue
        side = chance.choice(("buy", "sell"))
        kind = chance.choice(_KINDS)
        away = chance.randrange(-80, 2_000) * (1 if side == "sell" else -1)
        price = "" if kind == "MARKET" else to_text(middle + away, 2)
        quantity = chance.randrange(1, 50_000)
        lines.append(f"{seq},{at_ms},NEW,{seq},{side},{kind},{price},{to_text(quantity, 4)}")
        if kind == "LIMIT":
            open_orders.append((seq, side, quantity))
    return ("\n".join(lines) + "\n").encode()
