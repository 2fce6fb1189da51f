"""How a command given by hand reaches a store's venue, and how its answer is printed."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Annotated, NamedTuple

import typer

from exchange.cli.look import open_log
from exchange.cli.output import BROKEN, fail, print_facts, print_json
from exchange.feeds.terms import Scale, scale_of
from exchange.kernel.decimals import DecimalError
from exchange.kernel.rejects import Refusal
from exchange.orders.commands import AnyCommand, Request
from exchange.store.urls import StoreUrl
from exchange.venue.answers import Ack
from exchange.venue.intake import Malformed
from exchange.venue.sequencer import KeyConflict, serving
from exchange.venue.state import VenueState

OPERATOR = "operator"

ActorOption = Annotated[
    str,
    typer.Option(
        "--actor", metavar="USER", help="Who acts; once there is an admin, by a granted role."
    ),
]
KeyOption = Annotated[
    str | None,
    typer.Option("--key", help="Idempotency key: the same line again gets the same answer."),
]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why; it is stored for ever.")]
CancelOption = Annotated[
    bool, typer.Option("--cancel-orders", help="Take the open orders concerned out, too.")
]


class Giver(NamedTuple):
    """Where a command of staff goes, who gives it, and how it is answered."""

    store: str
    actor: str
    key: str | None
    as_json: bool


def give(
    giver: Giver,
    command_of: Callable[[VenueState], AnyCommand],
    in_words: Callable[[Refusal], Refusal] = lambda refusal: refusal,
) -> None:
    """Give the command in the role that it is made for and print the answer; exit 1 if refused.

    ``in_words`` puts a refusal's numbers in the decimals of the market.
    """

    def request_of(state: VenueState) -> Request:
        command = command_of(state)
        return Request(command, giver.actor, command.ROLE, giver.key)

    ack = submit(giver.store, request_of)
    refused = refusal_facts(in_words(ack.refusal)) if ack.refusal else None
    if giver.as_json:
        accepted = ack.refusal is None
        print_json({"accepted": accepted, "position": ack.position, "refusal": refused})
    elif refused:
        print_facts("refused", known(refused))
    else:
        print_facts("accepted", {"position": ack.position})
    if refused:
        raise typer.Exit(BROKEN)


def submit(store: str, request_of: Callable[[VenueState], Request]) -> Ack:
    """The answer to a request made from the venue's state, given as the store's writer."""
    open_log(store).close()  # A store that is not there is told, not made.

    async def work() -> Ack:
        async with serving(StoreUrl.parse(store)) as venue:
            return await venue.submit(request_of(venue.state))

    try:
        return asyncio.run(work())
    except (DecimalError, Malformed) as error:
        raise typer.BadParameter(str(error)) from error
    except KeyConflict:
        fail("the key or client id was used for another command; nothing was done", BROKEN)


def known_scale(state: VenueState, symbol: str) -> Scale:
    """The decimals of a market that there is."""
    if symbol not in state.rooms:
        listed = ", ".join(sorted(state.rooms)) or "none"
        raise typer.BadParameter(f"{symbol!r} is no market of this store; it has: {listed}")
    return scale_of(state, symbol)


def refusal_facts(refusal: Refusal) -> dict[str, int | str | None]:
    """The refusal by name."""
    code, field = refusal.code.value, refusal.field or None
    return {"code": code, "field": field, "value": refusal.value, "bound": refusal.bound}


def known(facts: Mapping[str, object]) -> dict[str, object]:
    """Facts that there are."""
    return {name: fact for name, fact in facts.items() if fact is not None}
