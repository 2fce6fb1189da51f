"""Which orders is the whole venue measured with?

A market with fees and thousands of funded accounts. Half of the orders are passive: they rest
somewhere on their own side of a fixed price. The other half cross: they trade with what rests
on the other side, on average as much as a passive order brings, so that the book keeps its size.
"""

import random
from collections.abc import Iterator

from exchange.kernel.orders import GTC, LIMIT, OrderTerms, Side, TimeInForce
from exchange.orders.commands import (
    AnyCommand,
    Deposit,
    ListInstrument,
    OpenAccount,
    PlaceOrder,
    RegisterAsset,
    RegisterUser,
    Request,
    Role,
)

SYMBOL = "BTC-USD"
MAKER_PPM, TAKER_PPM = 1_000, 2_000
MID = 5_000_000  # price units of 0.01
DEPTH = 500  # price units on each side
LOTS_MAX = 100
LOT = 100  # quantity units of 0.0001
FUNDS = 10**15  # units of either asset, an account
OPERATOR = "bench"

BUY, SELL, IOC = Side.BUY, Side.SELL, TimeInForce.IOC


class Flow:
    """Requests drawn from one seed: the same ones in the same order, each under its own key."""

    def __init__(self, seed: int, accounts: int) -> None:
        self._chance = random.Random(seed)  # noqa: S311 - a workload, not a secret
        self._accounts = [f"trader-{number}" for number in range(accounts)]
        self._drawn = 0

    def opening(self) -> Iterator[Request]:
        """What operators do before trading begins."""
        yield _by_operator(RegisterAsset("BTC", 8))
        yield _by_operator(RegisterAsset("USD", 6))
        yield _by_operator(
            ListInstrument(
                symbol=SYMBOL,
                base="BTC",
                quote="USD",
                price_decimals=2,
                quantity_decimals=4,
                tick=1,
                lot=LOT,
                price_min=1,
                price_max=10 * MID,
                quantity_min=LOT,
                quantity_max=10**9,
                notional_min=1,
                notional_max=10**18,
                open_orders_max=1_000,
                maker_ppm=MAKER_PPM,
                taker_ppm=TAKER_PPM,
            )
        )
        for account in self._accounts:
            yield _by_operator(RegisterUser(account))
            yield _by_operator(OpenAccount(account, account))
            for asset in ("BTC", "USD"):
                yield _by_operator(Deposit(account, asset, FUNDS, f"{account}-{asset}"))

    def passive(self, count: int) -> list[Request]:
        """Orders that rest."""
        return [self._order(crossing=False) for _ in range(count)]

    def orders(self, count: int) -> list[Request]:
        """Orders of which every other one, on average, crosses."""
        chance = self._chance.random
        return [self._order(crossing=chance() < 0.5) for _ in range(count)]  # noqa: PLR2004

    def _order(self, *, crossing: bool) -> Request:
        """A limit order of 1 to ``LOTS_MAX`` lots; a crossing one reaches all that rests."""
        chance = self._chance.random
        account = self._accounts[int(chance() * len(self._accounts))]
        buy = chance() < 0.5  # noqa: PLR2004
        away = DEPTH + 1 if crossing else -1 - int(chance() * DEPTH)
        price = MID + away if buy else MID - away
        quantity = LOT * (1 + int(chance() * LOTS_MAX))
        lasting = IOC if crossing else GTC
        terms = OrderTerms(BUY if buy else SELL, LIMIT, price, quantity, lasting)
        self._drawn += 1
        return Request(
            PlaceOrder(account, SYMBOL, terms), account, Role.TRADER, f"key-{self._drawn}"
        )


def _by_operator(command: AnyCommand) -> Request:
    return Request(command, OPERATOR, Role.OPERATOR)
