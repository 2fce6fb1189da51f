"""``exchange market``: the rulebook of a store's markets, as it is, was and shall be."""

from collections.abc import Iterator
from typing import Annotated, Any, cast

import typer

from exchange.cli.give import (
    ActorOption,
    CancelOption,
    Giver,
    ReasonOption,
    give,
    known_scale,
)
from exchange.cli.hand import OPERATOR as ACTOR
from exchange.cli.hand import Key
from exchange.cli.look import open_log, read_state
from exchange.cli.output import JsonFlag, StoreOption, print_facts, print_json, print_table
from exchange.cli.times import day_text, day_us
from exchange.feeds.terms import Scale, units_of
from exchange.kernel.decimals import to_text
from exchange.kernel.events import Envelope
from exchange.kernel.instruments import Asset, MarketState
from exchange.kernel.rejects import Refusal
from exchange.orders.commands import AnyCommand, ChangeMarketState
from exchange.orders.governing import ChangeInstrument, SetFeeTier
from exchange.orders.rulebook import Assets, Market
from exchange.store.log import EventLog
from exchange.venue.catalogue import Aggregate, project
from exchange.venue.state import VenueState

app = typer.Typer(help="Show and change the rules of markets.", no_args_is_help=True)

Symbol = Annotated[str, typer.Argument(help="The market.")]

UNITS = {
    "tick": "price", "price_min": "price", "price_max": "price",
    "lot": "quantity", "quantity_min": "quantity", "quantity_max": "quantity",
    "notional_min": "quote", "notional_max": "quote",
}  # fmt: skip
"""Rule -> whose decimals it is written in."""


@app.command("list")
def list_markets(*, store: StoreOption, as_json: JsonFlag = False) -> None:
    """Print all markets by symbol."""
    state = read_state(store)
    assets = state.assets.by_code
    shown = [facts(room.market, assets) for _, room in sorted(state.rooms.items())]
    if as_json:
        print_json(shown)
        return
    columns = ("symbol", "state", "tick", "lot", "maker_ppm", "taker_ppm", "version")
    print_table(columns, ([str(it[name]) for name in columns] for it in shown))


@app.command("show")
def show(
    symbol: Symbol,
    *,
    store: StoreOption,
    version: Annotated[
        int | None, typer.Option(min=1, help="As it was at this version of its rulebook.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Print a market's rules and fee tiers, read from its own stream."""
    log = open_log(store)
    market, assets = _market(log, symbol, version), _rebuilt(log, "assets")
    if not isinstance(assets, Assets):
        raise typer.BadParameter("this store has no assets")
    shown = facts(market, assets.by_code)
    if as_json:
        print_json(shown)
    else:
        print_facts(symbol, shown)


@app.command("change")
def change(  # one option each
    symbol: Symbol,
    *,
    store: StoreOption,
    reason: ReasonOption,
    tick: Annotated[str | None, typer.Option(help="Prices are multiples of it.")] = None,
    lot: Annotated[str | None, typer.Option(help="Quantities are multiples of it.")] = None,
    price_min: Annotated[str | None, typer.Option(help="Least price.")] = None,
    price_max: Annotated[str | None, typer.Option(help="Greatest price.")] = None,
    quantity_min: Annotated[str | None, typer.Option(help="Least quantity.")] = None,
    quantity_max: Annotated[str | None, typer.Option(help="Greatest quantity.")] = None,
    notional_min: Annotated[str | None, typer.Option(help="Least value, in the quote.")] = None,
    notional_max: Annotated[str | None, typer.Option(help="Greatest value, in the quote.")] = None,
    open_orders_max: Annotated[int | None, typer.Option(help="Open orders an account.")] = None,
    maker_ppm: Annotated[int | None, typer.Option(help="Maker's fee; below 0 a rebate.")] = None,
    taker_ppm: Annotated[int | None, typer.Option(help="Taker's fee.")] = None,
    self_trade_allowed: Annotated[
        bool | None,
        typer.Option("--self-trade/--no-self-trade", help="Whether mode none is allowed."),
    ] = None,
    stop_slippage_ppm: Annotated[
        int | None, typer.Option(help="How far from its trigger a buy stop may trade.")
    ] = None,
    day_end: Annotated[str | None, typer.Option(help="When DAY orders end, UTC: 17:30.")] = None,
    actor: ActorOption = ACTOR,
    key: Key = None,
    as_json: JsonFlag = False,
) -> None:
    """Change rules for new orders and amends; orders in the book stay. Exit 1 when refused."""
    amounts = {
        "tick": tick, "lot": lot, "price_min": price_min, "price_max": price_max,
        "quantity_min": quantity_min, "quantity_max": quantity_max,
        "notional_min": notional_min, "notional_max": notional_max,
    }  # fmt: skip
    day_end_us = None if day_end is None else day_us(day_end)
    scale = Scale(0, 0, 0, 0)

    def command(state: VenueState) -> AnyCommand:
        nonlocal scale
        scale = known_scale(state, symbol)
        units = {
            name: units_of(text, getattr(scale, UNITS[name])) for name, text in amounts.items()
        }
        return ChangeInstrument(
            symbol, reason, **units, open_orders_max=open_orders_max, maker_ppm=maker_ppm,
            taker_ppm=taker_ppm, self_trade_allowed=self_trade_allowed,
            stop_slippage_ppm=stop_slippage_ppm, day_end_us=day_end_us,
        )  # fmt: skip

    give(Giver(store, actor, key, as_json), command, lambda it: _in_decimals(it, scale))


@app.command("state")
def change_state(
    symbol: Symbol,
    state: Annotated[MarketState, typer.Argument(help="What it shall let happen.")],
    *,
    store: StoreOption,
    reason: ReasonOption,
    cancel_orders: CancelOption = False,
    actor: ActorOption = ACTOR,
    key: Key = None,
    as_json: JsonFlag = False,
) -> None:
    """Halt a market (its kill switch), let it trade, or close it for good with all its orders."""
    giver = Giver(store, actor, key, as_json)
    give(giver, lambda _: ChangeMarketState(symbol, state, reason, cancel_orders))


@app.command("tier")
def set_tier(
    symbol: Symbol,
    tier: Annotated[str, typer.Argument(help="The tier's name.")],
    *,
    store: StoreOption,
    maker_ppm: Annotated[int | None, typer.Option(help="Maker's fee; below 0 a rebate.")] = None,
    taker_ppm: Annotated[int | None, typer.Option(help="Taker's fee.")] = None,
    off: Annotated[bool, typer.Option("--off", help="The market's own rates again.")] = False,
    actor: ActorOption = ACTOR,
    key: Key = None,
    as_json: JsonFlag = False,
) -> None:
    """Set what accounts of a tier pay in a market, from their next fill on."""
    if off is (maker_ppm is not None) or off is (taker_ppm is not None):
        raise typer.BadParameter("a tier has a --maker-ppm and a --taker-ppm, or is --off")
    giver = Giver(store, actor, key, as_json)
    give(giver, lambda _: SetFeeTier(symbol, tier, maker_ppm, taker_ppm))


def facts(market: Market, assets: dict[str, Asset]) -> dict[str, Any]:
    """A market's rules in its decimals."""
    rules = market.instrument
    base, quote = assets[rules.base].decimals, assets[rules.quote].decimals
    scale = Scale(rules.price_decimals, rules.quantity_decimals, base, quote)
    amounts = {
        name: to_text(getattr(rules, name), getattr(scale, unit)) for name, unit in UNITS.items()
    }
    return {
        "symbol": rules.symbol,
        "state": market.state.value,
        "version": market.version,
        "base": rules.base,
        "quote": rules.quote,
        **amounts,
        "open_orders_max": rules.open_orders_max,
        "maker_ppm": rules.maker_ppm,
        "taker_ppm": rules.taker_ppm,
        "tiers": {tier: rates._asdict() for tier, rates in sorted(market.tiers.items())},
        "self_trade_allowed": rules.self_trade_allowed,
        "stop_slippage_ppm": rules.stop_slippage_ppm,
        "day_end": day_text(rules.day_end_us),
    }


def _market(log: EventLog, symbol: str, version: int | None) -> Market:
    """The market at that version; null: as it is."""
    found = _rebuilt(log, f"market:{symbol}", version)
    if not isinstance(found, Market):
        raise typer.BadParameter(f"{symbol!r} is no market of this store")
    if version is not None and found.version < version:
        raise typer.BadParameter(f"the rulebook of {symbol} is at version {found.version}")
    return found


def _rebuilt(log: EventLog, stream: str, version: int | None = None) -> Aggregate | None:
    """What a stream comes to at that version; null where it has no events."""
    return project(None, cast("Iterator[Envelope]", log.events.get(stream, lte=version)))


def _in_decimals(refusal: Refusal, scale: Scale) -> Refusal:
    """The refusal with its numbers as they were written."""
    unit, value = UNITS.get(refusal.field), refusal.value
    if unit is None or not isinstance(value, int):
        return refusal
    return Refusal(refusal.code, refusal.field, to_text(value, getattr(scale, unit)), refusal.bound)
