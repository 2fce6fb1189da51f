"""``exchange user``: who may act as what, and who is stopped."""

from typing import Annotated, Any

import typer

from exchange.audit.times import time_text
from exchange.cli.give import ActorOption, CancelOption, Giver, give
from exchange.cli.hand import OPERATOR as ACTOR
from exchange.cli.hand import Key
from exchange.cli.look import read_state
from exchange.cli.output import JsonFlag, StoreOption, print_facts, print_json, print_table
from exchange.cli.times import time_us
from exchange.kernel.roles import Role
from exchange.orders.commands import RegisterUser
from exchange.orders.governing import (
    BlacklistUser,
    GrantRole,
    ReinstateUser,
    RevokeRole,
    SuspendUser,
)
from exchange.users.user import User
from exchange.venue.state import VenueState

app = typer.Typer(help="Register, appoint and stop users.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="USER", help="The user's id.")]
Appointed = Annotated[Role, typer.Argument(help="operator, auditor or admin.")]
Reference = Annotated[
    str, typer.Argument(help="An id under which the reasons are kept, outside the log.")
]


@app.command("register")
def register(
    user: Name,
    *,
    store: StoreOption,
    actor: ActorOption = ACTOR,
    key: Key = None,
    as_json: JsonFlag = False,
) -> None:
    """Let a user exist; it is a trader for the accounts that it gets."""
    give(Giver(store, actor, key, as_json), lambda _: RegisterUser(user))


@app.command("grant")
def grant(
    user: Name,
    role: Appointed,
    *,
    store: StoreOption,
    actor: ActorOption = ACTOR,
    key: Key = None,
    as_json: JsonFlag = False,
) -> None:
    """Grant a role. The first admin ends the time when anybody may act as staff."""
    give(Giver(store, actor, key, as_json), lambda _: GrantRole(user, role))


@app.command("revoke")
def revoke(
    user: Name,
    role: Appointed,
    *,
    store: StoreOption,
    actor: ActorOption = ACTOR,
    key: Key = None,
    as_json: JsonFlag = False,
) -> None:
    """Take a granted role back; the last admin stays."""
    give(Giver(store, actor, key, as_json), lambda _: RevokeRole(user, role))


@app.command("suspend")
def suspend(
    user: Name,
    reference: Reference,
    *,
    store: StoreOption,
    cancel_orders: CancelOption = False,
    actor: ActorOption = ACTOR,
    key: Key = None,
    as_json: JsonFlag = False,
) -> None:
    """Leave the user nothing but cancels and reductions; its orders stay unless told otherwise."""
    giver = Giver(store, actor, key, as_json)
    give(giver, lambda _: SuspendUser(user, reference, cancel_orders))


@app.command("reinstate")
def reinstate(
    user: Name,
    reference: Reference,
    *,
    store: StoreOption,
    actor: ActorOption = ACTOR,
    key: Key = None,
    as_json: JsonFlag = False,
) -> None:
    """End a suspension; blacklist references and kill switches go on."""
    give(Giver(store, actor, key, as_json), lambda _: ReinstateUser(user, reference))


@app.command("blacklist")
def blacklist(
    user: Name,
    reference: Reference,
    *,
    store: StoreOption,
    until: Annotated[
        str | None, typer.Option(help="It stops the user before 2031-01-31T09:30:00Z.")
    ] = None,
    off: Annotated[bool, typer.Option("--off", help="Take the reference off.")] = False,
    actor: ActorOption = ACTOR,
    key: Key = None,
    as_json: JsonFlag = False,
) -> None:
    """Stop a user like a suspension, up to a time."""
    if off is (until is not None):
        raise typer.BadParameter("a reference has either a time --until or is taken --off")
    until_us = None if until is None else time_us(until)
    giver = Giver(store, actor, key, as_json)
    give(giver, lambda _: BlacklistUser(user, reference, until_us))


@app.command("show")
def show(user: Name, *, store: StoreOption, as_json: JsonFlag = False) -> None:
    """Print a user's roles, accounts and what stops it."""
    found = users(read_state(store)).get(user)
    if found is None:
        raise typer.BadParameter(f"{user!r} is no user of this store")
    shown = facts(user, found)
    if as_json:
        print_json(shown)
    else:
        print_facts(user, shown)


@app.command("list")
def list_users(*, store: StoreOption, as_json: JsonFlag = False) -> None:
    """Print all users by name."""
    shown = [facts(name, user) for name, user in sorted(users(read_state(store)).items())]
    if as_json:
        print_json(shown)
        return
    rows = [
        (
            it["user"], ", ".join(it["roles"]), ", ".join(it["accounts"]),
            "yes" if it["suspended"] else "", ", ".join(it["blacklist"]),
        )
        for it in shown
    ]  # fmt: skip
    print_table(("user", "roles", "accounts", "suspended", "blacklist"), rows)


def users(state: VenueState) -> dict[str, User]:
    """Every registered user by name."""
    found = state.aggregates.values()
    return {it.id.removeprefix("user:"): it for it in found if isinstance(it, User)}


def facts(name: str, user: User) -> dict[str, Any]:
    """What there is to say of a user."""
    return {
        "user": name,
        "roles": sorted(role.value for role in user.roles),
        "accounts": list(user.accounts),
        "suspended": user.suspended,
        "blacklist": {it: time_text(us) for it, us in sorted(user.blacklist.items())},
        "killed": sorted(user.killed),
        "version": user.version,
    }
