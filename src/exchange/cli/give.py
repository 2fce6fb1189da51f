"""How a command that is no order becomes a request, and how its answer is told."""

from collections.abc import Callable
from typing import Annotated, NamedTuple

import typer

from exchange.cli.hand import submit, tell
from exchange.feeds.terms import Scale, scale_of
from exchange.kernel.rejects import Refusal
from exchange.orders.commands import AnyCommand, Request, Role, account_of
from exchange.venue.answers import Ack
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
    """Where a command goes, who gives it, and how it is answered; no actor: the account's owner."""

    store: str
    actor: str | None
    key: str | None
    as_json: bool


def give(
    giver: Giver,
    command_of: Callable[[VenueState], AnyCommand],
    in_words: Callable[[Refusal], Refusal] = lambda refusal: refusal,
    told: Callable[[Ack], dict[str, object]] = lambda ack: {"position": ack.position},
) -> None:
    """Give the command in the role that it is made for and print the answer; exit 1 if refused.

    ``in_words`` puts a refusal's numbers in decimals, ``told`` says what an answer has to tell.
    """

    def request_of(venue: Venue) -> tuple[Request, None]:
        return _request(venue.state, giver, command_of(venue.state)), None

    ack, _ = submit(giver.store, request_of)
    refusal = None if ack.refusal is None else in_words(ack.refusal)
    tell(ack, refusal, told(ack), told(ack), as_json=giver.as_json)


def _request(state: VenueState, giver: Giver, command: AnyCommand) -> Request:
    account = account_of(command)
    if account is not None and account not in state.owners:
        raise typer.BadParameter(f"{account!r} is no account of this store")
    if giver.actor is None:
        return Request(command, state.owners[account or ""], Role.TRADER, giver.key)
    role = Role.OPERATOR if command.ROLE is Role.TRADER else command.ROLE
    return Request(command, giver.actor, role, giver.key)


def known_scale(state: VenueState, symbol: str) -> Scale:
    """The decimals of a market that there is."""
    if symbol not in state.rooms:
        listed = ", ".join(sorted(state.rooms)) or "none"
        raise typer.BadParameter(f"{symbol!r} is no market of this store; it has: {listed}")
    return scale_of(state, symbol)
