"""How a command of staff becomes a request, and how its answer is told."""

from collections.abc import Callable
from typing import Annotated, NamedTuple

import typer

from exchange.cli.hand import known, refusal_facts, submit
from exchange.cli.output import BROKEN, print_facts, print_json
from exchange.feeds.terms import Scale, scale_of
from exchange.kernel.rejects import Refusal
from exchange.orders.commands import AnyCommand, Request
from exchange.venue.sequencer import Venue
from exchange.venue.state import VenueState

ActorOption = Annotated[
    str,
    typer.Option(
        "--actor", metavar="USER", help="Who acts; once there is an admin, by a granted role."
    ),
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

    def request_of(venue: Venue) -> tuple[Request, None]:
        command = command_of(venue.state)
        return Request(command, giver.actor, command.ROLE, giver.key), None

    ack, _ = submit(giver.store, request_of)
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


def known_scale(state: VenueState, symbol: str) -> Scale:
    """The decimals of a market that there is."""
    if symbol not in state.rooms:
        listed = ", ".join(sorted(state.rooms)) or "none"
        raise typer.BadParameter(f"{symbol!r} is no market of this store; it has: {listed}")
    return scale_of(state, symbol)
