"""``exchange venue create``, ``asset`` and ``market add``: what a new venue begins with."""

from typing import Annotated

import typer

from exchange.cli.give import ActorOption, Giver, give
from exchange.cli.hand import OPERATOR as ACTOR
from exchange.cli.hand import Key
from exchange.cli.look import read_state
from exchange.cli.output import JsonFlag, StoreOption, print_facts, print_json, print_table
from exchange.cli.times import day_us
from exchange.feeds.terms import Scale
from exchange.kernel.decimals import decimals_of, to_units
from exchange.kernel.instruments import MarketState
from exchange.kernel.money import INTEGER_MAX
from exchange.orders.commands import ListInstrument, RegisterAsset
from exchange.store.errors import StoreError
from exchange.store.urls import StoreUrl
from exchange.store.writer import LogWriter
from exchange.venue.catalogue import EVENTS
from exchange.venue.clock import Clock
from exchange.venue.state import VenueState

asset_app = typer.Typer(help="Register and show assets.", no_args_is_help=True)


def create_venue(*, store: StoreOption, as_json: JsonFlag = False) -> None:
    """Make the store of a new venue. One that is there already is left alone: exit 3."""
    url = StoreUrl.parse(store)
    if url.path is None:
        raise typer.BadParameter("a store in memory is gone with this command")
    if url.path.exists():
        raise StoreError(f"{url.path} is there already")
    log = LogWriter(url, EVENTS, at_us=Clock().now_us())
    told = {"store": url.text, "log_id": log.log_id, "position": log.position}
    log.close()
    if as_json:
        print_json(told)
    else:
        print_facts("created", told)


@asset_app.command("add")
def add_asset(
    code: Annotated[str, typer.Argument(help="What it is called: BTC.")],
    decimals: Annotated[int, typer.Argument(min=0, help="Its smallest unit is 10 to minus this.")],
    *,
    store: StoreOption,
    actor: ActorOption = ACTOR,
    key: Key = None,
    as_json: JsonFlag = False,
) -> None:
    """Let an asset be owned. Its decimals never change."""
    give(Giver(store, actor, key, as_json), lambda _: RegisterAsset(code, decimals))


@asset_app.command("list")
def list_assets(*, store: StoreOption, as_json: JsonFlag = False) -> None:
    """Print all assets by code."""
    assets = sorted(read_state(store).assets.by_code.values(), key=lambda it: it.code)
    if as_json:
        print_json([{"code": it.code, "decimals": it.decimals} for it in assets])
    else:
        print_table(("code", "decimals"), ((it.code, str(it.decimals)) for it in assets))


def add_market(  # one option each
    symbol: Annotated[str, typer.Argument(help="What it is called: BTC-USD.")],
    *,
    store: StoreOption,
    tick: Annotated[str, typer.Option(help="Prices are multiples of it.")],
    lot: Annotated[str, typer.Option(help="Quantities are multiples of it.")],
    base: Annotated[str | None, typer.Option(help="What is traded; else SYMBOL's first.")] = None,
    quote: Annotated[str | None, typer.Option(help="What is paid; else SYMBOL's second.")] = None,
    price_decimals: Annotated[
        int | None, typer.Option(min=0, help="Of prices, for ever; else those of the tick.")
    ] = None,
    quantity_decimals: Annotated[
        int | None, typer.Option(min=0, help="Of quantities, for ever; else those of the lot.")
    ] = None,
    price_min: Annotated[str | None, typer.Option(help="Least price; else the tick.")] = None,
    price_max: Annotated[str | None, typer.Option(help="Greatest price.")] = None,
    quantity_min: Annotated[str | None, typer.Option(help="Least quantity; else the lot.")] = None,
    quantity_max: Annotated[str | None, typer.Option(help="Greatest quantity.")] = None,
    notional_min: Annotated[str, typer.Option(help="Least value, in the quote.")] = "0",
    notional_max: Annotated[str | None, typer.Option(help="Greatest value, in the quote.")] = None,
    open_orders_max: Annotated[int, typer.Option(help="Open orders an account.")] = 200,
    maker_ppm: Annotated[int, typer.Option(help="Maker's fee; below 0 a rebate.")] = 1_000,
    taker_ppm: Annotated[int, typer.Option(help="Taker's fee.")] = 2_000,
    self_trade_allowed: Annotated[
        bool, typer.Option("--self-trade", help="Whether self-trade mode none is allowed.")
    ] = False,
    stop_slippage_ppm: Annotated[
        int, typer.Option(help="How far from its trigger a buy stop may trade.")
    ] = 50_000,
    day_end: Annotated[str, typer.Option(help="When DAY orders end, UTC: 17:30.")] = "00:00",
    state: Annotated[MarketState, typer.Option(help="What it lets happen at first.")] = (
        MarketState.CONTINUOUS
    ),
    actor: ActorOption = ACTOR,
    key: Key = None,
    as_json: JsonFlag = False,
) -> None:
    """List an instrument: open a spot market. Its units never change, all else may."""
    first, _, second = symbol.partition("-")
    base, quote, day_end_us = base or first, quote or second, day_us(day_end)

    def command(venue: VenueState) -> ListInstrument:
        price = decimals_of(tick) if price_decimals is None else price_decimals
        quantity = decimals_of(lot) if quantity_decimals is None else quantity_decimals
        scale = _scale(venue, base, quote, price, quantity)
        steps = _units(tick, scale.price), _units(lot, scale.quantity)
        return ListInstrument(
            symbol, base, quote, price, quantity, *steps,
            price_min=_units(price_min, scale.price, steps[0]),
            price_max=_units(price_max, scale.price, INTEGER_MAX),
            quantity_min=_units(quantity_min, scale.quantity, steps[1]),
            quantity_max=_units(quantity_max, scale.quantity, INTEGER_MAX),
            notional_min=_units(notional_min, scale.quote),
            notional_max=_units(notional_max, scale.quote, INTEGER_MAX * INTEGER_MAX),
            open_orders_max=open_orders_max, maker_ppm=maker_ppm, taker_ppm=taker_ppm,
            state=state, self_trade_allowed=self_trade_allowed,
            stop_slippage_ppm=stop_slippage_ppm, day_end_us=day_end_us,
        )  # fmt: skip

    give(Giver(store, actor, key, as_json), command)


def _scale(venue: VenueState, base: str, quote: str, price: int, quantity: int) -> Scale:
    """The decimals of a market to be; assets that are missing are the venue's to refuse."""
    assets = venue.assets.by_code
    units = [assets[code].decimals if code in assets else 0 for code in (base, quote)]
    return Scale(price, quantity, *units)


def _units(text: str | None, decimals: int, otherwise: int = 0) -> int:
    return otherwise if text is None else to_units(text, decimals)
