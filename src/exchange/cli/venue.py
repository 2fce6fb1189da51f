"""``exchange venue``: the kill switch of it all."""

import typer

from exchange.cli.give import ActorOption, CancelOption, Giver, ReasonOption, give
from exchange.cli.hand import OPERATOR as ACTOR
from exchange.cli.hand import Key
from exchange.cli.look import read_state
from exchange.cli.output import JsonFlag, StoreOption, print_facts, print_json
from exchange.orders.governing import KillVenue, ReleaseVenue

app = typer.Typer(help="Stop the whole venue, and let it go on.", no_args_is_help=True)


@app.command("kill")
def kill(
    *,
    store: StoreOption,
    reason: ReasonOption,
    cancel_orders: CancelOption = False,
    actor: ActorOption = ACTOR,
    key: Key = None,
    as_json: JsonFlag = False,
) -> None:
    """Throw the kill switch: no new orders and no amends anywhere; cancels pass."""
    give(Giver(store, actor, key, as_json), lambda _: KillVenue(reason, cancel_orders))


@app.command("release")
def release(
    *,
    store: StoreOption,
    reason: ReasonOption,
    actor: ActorOption = ACTOR,
    key: Key = None,
    as_json: JsonFlag = False,
) -> None:
    """Put the kill switch back."""
    give(Giver(store, actor, key, as_json), lambda _: ReleaseVenue(reason))


@app.command("show")
def show(*, store: StoreOption, as_json: JsonFlag = False) -> None:
    """Print whether the switch is thrown, who the admins are, and what there is."""
    state = read_state(store)
    shown = {
        "killed": state.switch.killed,
        "admins": sorted(state.admins),
        "markets": {symbol: it.market.state.value for symbol, it in sorted(state.rooms.items())},
        "accounts": len(state.owners),
    }
    if as_json:
        print_json(shown)
    else:
        print_facts("venue", shown)
