"""How a command given by hand reaches a store's venue, and how the answer is told."""

import asyncio
from collections.abc import Callable, Mapping
from typing import NamedTuple

import typer

from exchange.cli.look import open_log
from exchange.cli.output import BROKEN, fail, print_facts, print_json
from exchange.feeds.terms import Scale, in_decimals, scale_of
from exchange.kernel.decimals import DecimalError, to_text
from exchange.kernel.ids import order_id
from exchange.kernel.orders import Fill, Side
from exchange.kernel.rejects import Refusal
from exchange.orders.commands import AnyCommand, Request, Role
from exchange.store.urls import StoreUrl
from exchange.venue.answers import Ack
from exchange.venue.intake import Malformed
from exchange.venue.sequencer import KeyConflict, Venue, serving

OPERATOR = "operator"
FILL = "{quantity} @ {price} from {account} ({order_id})"


class Giver(NamedTuple):
    """Where a command goes, for whom, and how it is answered."""

    store: str
    account: str
    symbol: str
    key: str | None
    as_operator: bool
    as_json: bool


def give(giver: Giver, command_of: Callable[[Scale], AnyCommand], side: Side | None = None) -> None:
    """Submit the command as the store's writer, and print the answer."""
    open_log(giver.store).close()  # A store that is not there is told, not made.

    async def work() -> tuple[Ack, Scale]:
        async with serving(StoreUrl.parse(giver.store)) as venue:
            scale = _scale(venue, giver.symbol)
            request = _request(venue, giver, command_of(scale))
            return await venue.submit(request), scale

    try:
        ack, scale = asyncio.run(work())
    except (DecimalError, Malformed) as error:
        raise typer.BadParameter(str(error)) from error
    except KeyConflict:
        fail("the key or client id was used for another command; nothing was done", BROKEN)
    _tell(giver, ack, scale, side)
    if ack.refusal is not None:
        raise typer.Exit(BROKEN)


def _scale(venue: Venue, symbol: str) -> Scale:
    if symbol not in venue.state.rooms:
        known = ", ".join(sorted(venue.state.rooms)) or "none"
        raise typer.BadParameter(f"{symbol!r} is no market of this store; it has: {known}")
    return scale_of(venue.state, symbol)


def _request(venue: Venue, giver: Giver, command: AnyCommand) -> Request:
    owner = venue.state.owners.get(giver.account)
    if owner is None:
        raise typer.BadParameter(f"{giver.account!r} is no account of this store")
    if giver.as_operator:
        return Request(command, OPERATOR, Role.OPERATOR, giver.key)
    return Request(command, owner, Role.TRADER, giver.key)


def _tell(giver: Giver, ack: Ack, scale: Scale, side: Side | None) -> None:
    """The answer as one document, or what of it there is, line by line."""
    refused = _refusal(in_decimals(ack.refusal, scale, side)) if ack.refusal else None
    fills = [_fill(giver.symbol, fill, scale) for fill in ack.fills]
    told = {"order_id": ack.order_id, "other_id": ack.other_id}
    told |= {"status": ack.status and ack.status.value}
    if giver.as_json:
        accepted = {"accepted": not refused, "position": ack.position}
        print_json(told | accepted | {"fills": fills, "refusal": refused})
    elif refused:
        print_facts("refused", _known(refused))
    else:
        shown = [FILL.format(**fill) for fill in fills] or None
        print_facts("accepted", _known(told | {"fills": shown}))


def _fill(symbol: str, fill: Fill, scale: Scale) -> dict[str, str]:
    return {
        "order_id": order_id(symbol, fill.maker),
        "account": fill.account,
        "price": to_text(fill.price, scale.price),
        "quantity": to_text(fill.quantity, scale.quantity),
    }


def _refusal(refusal: Refusal) -> dict[str, int | str | None]:
    code, field = refusal.code.value, refusal.field or None
    return {"code": code, "field": field, "value": refusal.value, "bound": refusal.bound}


def _known(facts: Mapping[str, object]) -> dict[str, object]:
    """Facts that there are."""
    return {name: fact for name, fact in facts.items() if fact is not None}
