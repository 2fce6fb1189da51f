"""``exchange account``: accounts, their tier and group, and their kill switch."""

from typing import Annotated, Any

import typer

from exchange.cli.give import ActorOption, CancelOption, Giver, ReasonOption, give
from exchange.cli.hand import OPERATOR as ACTOR
from exchange.cli.hand import Key
from exchange.cli.look import read_state
from exchange.cli.output import JsonFlag, StoreOption, print_facts, print_json, print_table
from exchange.kernel.accounts import available, held
from exchange.kernel.decimals import to_text
from exchange.orders.commands import OpenAccount, SetTradeGroup
from exchange.orders.governing import KillAccount, ReleaseAccount, SetAccountTier
from exchange.venue.state import Room, VenueState

app = typer.Typer(help="Open accounts, set their tier and group, stop them.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="ACCOUNT", help="The account's id.")]


@app.command("open")
def open_account(
    user: Annotated[str, typer.Argument(help="Its owner.")],
    account: Name,
    *,
    store: StoreOption,
    actor: ActorOption = ACTOR,
    key: Key = None,
    as_json: JsonFlag = False,
) -> None:
    """Give a user one more account; its name is unique in the venue."""
    give(Giver(store, actor, key, as_json), lambda _: OpenAccount(user, account))


@app.command("tier")
def set_tier(
    account: Name,
    tier: Annotated[
        str | None, typer.Argument(help="Without one: each market's own rates.")
    ] = None,
    *,
    store: StoreOption,
    actor: ActorOption = ACTOR,
    key: Key = None,
    as_json: JsonFlag = False,
) -> None:
    """Put an account into a fee tier, from its next fill on."""
    give(Giver(store, actor, key, as_json), lambda _: SetAccountTier(account, tier))


@app.command("group")
def set_group(
    account: Name,
    group: Annotated[str | None, typer.Argument(help="Without one: none.")] = None,
    *,
    store: StoreOption,
    actor: ActorOption = ACTOR,
    key: Key = None,
    as_json: JsonFlag = False,
) -> None:
    """Put an account into a trade group, whose orders don't trade with each other."""
    give(Giver(store, actor, key, as_json), lambda _: SetTradeGroup(account, group))


@app.command("kill")
def kill(
    account: Name,
    *,
    store: StoreOption,
    reason: ReasonOption,
    cancel_orders: CancelOption = False,
    actor: ActorOption = ACTOR,
    key: Key = None,
    as_json: JsonFlag = False,
) -> None:
    """Throw the kill switch: no new orders and no amends; cancels pass."""
    giver = Giver(store, actor, key, as_json)
    give(giver, lambda _: KillAccount(account, reason, cancel_orders))


@app.command("release")
def release(
    account: Name,
    *,
    store: StoreOption,
    reason: ReasonOption,
    actor: ActorOption = ACTOR,
    key: Key = None,
    as_json: JsonFlag = False,
) -> None:
    """Put the kill switch back."""
    give(Giver(store, actor, key, as_json), lambda _: ReleaseAccount(account, reason))


@app.command("show")
def show(account: Name, *, store: StoreOption, as_json: JsonFlag = False) -> None:
    """Print an account's owner, tier, rates, open orders and balances."""
    state = read_state(store)
    if account not in state.owners:
        raise typer.BadParameter(f"{account!r} is no account of this store")
    shown = facts(state, account) | {
        "rates": {symbol: _rates(room, account) for symbol, room in sorted(state.rooms.items())},
        "open_orders": {
            symbol: len(orders)
            for symbol, room in sorted(state.rooms.items())
            if (orders := room.book.accounts.get(account))
        },
        "available": _balances(state, available(account)),
        "held": _balances(state, held(account)),
    }
    if as_json:
        print_json(shown)
    else:
        print_facts(account, {name: fact for name, fact in shown.items() if fact is not None})


@app.command("list")
def list_accounts(*, store: StoreOption, as_json: JsonFlag = False) -> None:
    """Print all accounts by name."""
    state = read_state(store)
    shown = [facts(state, account) for account in sorted(state.owners)]
    if as_json:
        print_json(shown)
        return
    rows = [
        (
            it["account"], it["user"], it["tier"] or "", it["group"] or "",
            "killed" if it["killed"] else "",
        )
        for it in shown
    ]  # fmt: skip
    print_table(("account", "user", "tier", "group", "switch"), rows)


def facts(state: VenueState, account: str) -> dict[str, Any]:
    """What there is to say of an account."""
    owner = state.owners[account]
    return {
        "account": account,
        "user": owner,
        "tier": state.tiers.get(account),
        "group": state.groups.get(account),
        "killed": account in state.user(owner).killed,
    }


def _rates(room: Room, account: str) -> dict[str, int]:
    rates = room.rates.get(account) or room.market.instrument
    return {"maker_ppm": rates.maker_ppm, "taker_ppm": rates.taker_ppm}


def _balances(state: VenueState, name: str) -> dict[str, str]:
    return {
        code: to_text(units, asset.decimals)
        for code, asset in sorted(state.assets.by_code.items())
        if (units := state.ledger.balance(name, code))
    }
