"""What commands given by hand share: how they reach a store's venue, and how refusals are told."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Annotated, TypeVar

import typer

from exchange.cli.look import open_log
from exchange.cli.moment import warn
from exchange.cli.output import BROKEN, fail, print_facts, print_json
from exchange.cli.poison import warn_of_halt
from exchange.kernel.decimals import DecimalError
from exchange.kernel.rejects import Refusal
from exchange.orders.commands import Request
from exchange.projections.older_keys import keys_in_views
from exchange.store.urls import StoreUrl
from exchange.venue.answers import Ack
from exchange.venue.batch import KeyConflict
from exchange.venue.intake import Malformed
from exchange.venue.sequencer import Venue, serving

T = TypeVar("T")

OPERATOR = "operator"
NUMBER_DIGITS_MAX = 18

Key = Annotated[
    str | None, typer.Option(help="Idempotency key: the same line again gets the same answer.")
]


def submit(store: str, request_of: Callable[[Venue], tuple[Request, T]]) -> tuple[Ack, T]:
    """Submit a request as the store's writer; the answer, and what ``request_of`` added."""
    open_log(store).close()  # A store that is not there is told, not made.

    async def work() -> tuple[Ack, T]:
        async with serving(StoreUrl.parse(store), older=keys_in_views) as venue:
            warn_of_halt(venue)
            warn(venue.opened.passed)
            request, more = request_of(venue)
            return await venue.submit(request), more

    try:
        return asyncio.run(work())
    except (DecimalError, Malformed) as error:
        raise typer.BadParameter(str(error)) from error
    except KeyConflict:
        fail("the key or client id was used for another command; nothing was done", BROKEN)


def tell(
    ack: Ack,
    refusal: Refusal | None,
    told: Mapping[str, object],
    shown: Mapping[str, object],
    *,
    as_json: bool,
) -> None:
    """The answer as one document, or what is ``shown`` of it line by line; exit 1 when refused.

    ``refusal`` is the answer's in words of people, ``told`` what the document has beside it.
    """
    refused = None if refusal is None else refusal_facts(refusal)
    if as_json:
        accepted = {"accepted": not refused, "position": ack.position}
        print_json({**told, **accepted, "refusal": refused})
    elif refused:
        print_facts("refused", known(refused))
    else:
        print_facts("accepted", known(shown))
    if refused:
        raise typer.Exit(BROKEN)


def numbered(text: str, what: str) -> tuple[str, int]:
    """Symbol and number of an order or a trade."""
    symbol, _, number = text.partition(":")
    if not (number.isascii() and number.isdigit() and len(number) <= NUMBER_DIGITS_MAX):
        raise typer.BadParameter(f"{text!r} is no {what}: write SYMBOL:NUMBER")
    return symbol, int(number)


def refusal_facts(refusal: Refusal) -> dict[str, int | str | None]:
    """A refusal as plain data."""
    code, field = refusal.code.value, refusal.field or None
    return {"code": code, "field": field, "value": refusal.value, "bound": refusal.bound}


def known(facts: Mapping[str, object]) -> dict[str, object]:
    """Facts that there are."""
    return {name: fact for name, fact in facts.items() if fact is not None}
