"""How an order command given by hand becomes a request, and how its answer is told."""

from collections.abc import Callable
from typing import NamedTuple

import typer

from exchange.cli.give import known_scale
from exchange.cli.hand import OPERATOR, submit, tell
from exchange.feeds.terms import Scale, in_decimals
from exchange.kernel.decimals import to_text
from exchange.kernel.ids import order_id
from exchange.kernel.orders import Fill, Side
from exchange.orders.commands import AnyCommand, Request, Role
from exchange.venue.sequencer import Venue

FILL = "{quantity} @ {price} from {account} ({order_id})"


class Giver(NamedTuple):
    """Where a command goes, for whom, and how it is answered."""

    store: str
    account: str
    symbol: str
    key: str | None
    as_operator: bool
    actor: str | None
    as_json: bool


def give(giver: Giver, command_of: Callable[[Scale], AnyCommand], side: Side | None = None) -> None:
    """Submit the command as the store's writer, and print the answer."""

    def request_of(venue: Venue) -> tuple[Request, Scale]:
        scale = known_scale(venue.state, giver.symbol)
        return _request(venue, giver, command_of(scale)), scale

    ack, scale = submit(giver.store, request_of)
    refusal = None if ack.refusal is None else in_decimals(ack.refusal, scale, side)
    told = {"order_id": ack.order_id, "other_id": ack.other_id}
    told |= {"status": ack.status and ack.status.value}
    fills = [_fill(giver.symbol, fill, scale) for fill in ack.fills]
    shown = [FILL.format(**fill) for fill in fills] or None
    tell(ack, refusal, {**told, "fills": fills}, {**told, "fills": shown}, as_json=giver.as_json)


def _request(venue: Venue, giver: Giver, command: AnyCommand) -> Request:
    owner = venue.state.owners.get(giver.account)
    if owner is None:
        raise typer.BadParameter(f"{giver.account!r} is no account of this store")
    if giver.as_operator:
        return Request(command, giver.actor or OPERATOR, Role.OPERATOR, giver.key)
    return Request(command, giver.actor or owner, Role.TRADER, giver.key)


def _fill(symbol: str, fill: Fill, scale: Scale) -> dict[str, str]:
    return {
        "order_id": order_id(symbol, fill.maker),
        "account": fill.account,
        "price": to_text(fill.price, scale.price),
        "quantity": to_text(fill.quantity, scale.quantity),
    }
