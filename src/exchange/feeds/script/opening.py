"""How a script opens its venue: markets, accounts, money, the clock. A function a statement."""

from typing import Any

import msgspec

from exchange.feeds.script.story import Story
from exchange.feeds.script.words import Unreadable, member, time_us
from exchange.kernel.decimals import decimals_of, to_units
from exchange.kernel.instruments import MarketState
from exchange.orders.commands import (
    ChangeMarketState,
    Deposit,
    ListInstrument,
    OpenAccount,
    RegisterAsset,
    RegisterUser,
    SetTradeGroup,
    TransferFunds,
)

LISTING: dict[str, Any] = {
    "price_min": 1, "price_max": 10**18, "quantity_min": 1, "quantity_max": 10**18,
    "notional_min": 0, "notional_max": 10**36, "open_orders_max": 200,
    "maker_ppm": 0, "taker_ppm": 0,
}  # fmt: skip
"""A market's settings unless the script gives others."""

TYPES = {field.name: field.type for field in msgspec.structs.fields(ListInstrument)}
"""Setting of a market -> what its word becomes."""


def list_market(story: Story, symbol: str, settings: str) -> None:
    """List a market and its assets; what follows is about it. Decimals are those of the steps."""
    base, dash, quote = symbol.partition("-")
    if not dash:
        raise Unreadable(f"{symbol!r} does not name two assets, as BTC-USD does")
    given = _settings(settings.split())
    tick, lot = given.pop("tick", "1"), given.pop("lot", "1")
    price, quantity = decimals_of(tick), decimals_of(lot)
    assets = story.state.assets.by_code
    value = assets[quote].decimals if quote in assets else price + quantity
    decimals = {"price": price, "quantity": quantity, "notional": value}
    fields = LISTING | {name: _setting(name, text, decimals) for name, text in given.items()}
    needed = ((base, quantity), (quote, value))
    story.do(
        *(RegisterAsset(code, places) for code, places in needed if code not in assets),
        ListInstrument(
            symbol, base, quote, price, quantity,
            tick=to_units(tick, price), lot=to_units(lot, quantity), **fields,
        ),
    )  # fmt: skip
    if story.ack.refusal is None:
        story.symbol = symbol


def choose_market(story: Story, symbol: str) -> None:
    """Let what follows be about another market."""
    story.scale(symbol)
    story.symbol = symbol


def change_state(story: Story, state: str) -> None:
    """Halt the market, let it trade again, or close it."""
    changed = member(MarketState, state)
    story.do(ChangeMarketState(story.listed(), changed, "as the script says"))


def register_asset(story: Story, asset: str, decimals: str) -> None:
    """Let an asset have more decimals than its markets need."""
    story.do(RegisterAsset(asset, to_units(decimals, 0)))


def open_user(story: Story, account: str) -> None:
    """A user, and an account of that name."""
    story.do(RegisterUser(account), OpenAccount(account, account))


def open_account(story: Story, account: str, user: str) -> None:
    """One more account of a user."""
    story.do(OpenAccount(user, account))


def join_group(story: Story, account: str, group: str) -> None:
    """Let the account's orders not trade with those of the group."""
    story.do(SetTradeGroup(account, group))


def leave_group(story: Story, account: str) -> None:
    """Let the account stand for itself again."""
    story.do(SetTradeGroup(account, None))


def deposit(story: Story, account: str, amount: str, asset: str) -> None:
    """Money from outside."""
    units = to_units(amount, story.decimals(asset))
    story.do(Deposit(account, asset, units, f"script:{story.position}"))


def transfer(story: Story, amount: str, asset: str, account: str, target: str) -> None:
    """Money between two accounts of one user."""
    story.do(TransferFunds(account, target, asset, to_units(amount, story.decimals(asset))))


def set_clock(story: Story, time: str) -> None:
    """Venue time of what follows."""
    now_us = time_us(time, story.now_us)
    if now_us < story.now_us:
        raise Unreadable(f"{time} is before the time that the clock shows already")
    story.now_us = now_us


def _settings(words: list[str]) -> dict[str, str]:
    """Name -> text; ``fees`` stands for two settings."""
    given, left = {}, iter(words)
    for name in left:
        for field in ("maker_ppm", "taker_ppm") if name == "fees" else (name,):
            given[field] = next(left, "")
    return given


def _setting(name: str, text: str, decimals: dict[str, int]) -> object:
    """A field of the listing: a number in the unit its name speaks of, else what its type reads.

    Raises:
        Unreadable: there is no such setting, or the text is no value of it.
        DecimalError: likewise.
    """
    if name not in TYPES:
        raise Unreadable(f"{name!r} is no setting of a market")
    unit, _, end = name.partition("_")
    if unit in decimals and end in {"min", "max"}:
        return to_units(text, decimals[unit])
    try:
        return msgspec.convert(text, TYPES[name], strict=False)
    except msgspec.ValidationError as error:
        raise Unreadable(f"{name} {text!r}: {error}") from None
