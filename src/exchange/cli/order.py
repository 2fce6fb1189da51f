"""``exchange order``: one command to a store's venue, given by hand."""

from collections.abc import Callable
from typing import Annotated, NamedTuple

import typer

from exchange.cli.give import OPERATOR, KeyOption, known, known_scale, refusal_facts, submit
from exchange.cli.output import BROKEN, JsonFlag, StoreOption, print_facts, print_json
from exchange.cli.times import time_us
from exchange.feeds.terms import OrderText, Scale, in_decimals, terms_of, units_of
from exchange.kernel.decimals import to_text, to_units
from exchange.kernel.ids import order_id
from exchange.kernel.orders import Fill, SelfTrade, Side, TimeInForce
from exchange.orders.commands import (
    AmendOrder,
    AnyCommand,
    CancelOrder,
    CancelOrders,
    PlaceOrder,
    ReduceOrder,
    Request,
    Role,
)
from exchange.venue.answers import Ack
from exchange.venue.state import VenueState

NUMBER_DIGITS_MAX = 18
FILL = "{quantity} @ {price} from {account} ({order_id})"

app = typer.Typer(help="Place, change and cancel orders.", no_args_is_help=True)

Account = Annotated[str, typer.Argument(help="The account whose order it is.")]
OpenOrder = Annotated[
    str, typer.Argument(help="SYMBOL:NUMBER as it was printed; SYMBOL alone with --client-id.")
]
ClientId = Annotated[str | None, typer.Option("--client-id", metavar="ID", help="Its client id.")]
AsOperator = Annotated[
    bool, typer.Option("--as-operator", help="Act as an operator, not as the account's owner.")
]
Actor = Annotated[
    str | None,
    typer.Option(
        "--actor", metavar="USER", help="Who acts.", show_default="the owner, or operator"
    ),
]


class Giver(NamedTuple):
    """Where a command goes, for whom, and how it is answered."""

    store: str
    account: str
    symbol: str
    key: str | None
    as_operator: bool
    actor: str | None
    as_json: bool


@app.command("place")
def place_order(  # one option each
    account: Account,
    symbol: Annotated[str, typer.Argument(help="The market.")],
    side: Annotated[Side, typer.Argument(help="Which side to take.")],
    quantity: Annotated[
        str | None, typer.Argument(help="How much; not with --budget.", show_default=False)
    ] = None,
    *,
    store: StoreOption,
    price: Annotated[str | None, typer.Option(help="Limit price.")] = None,
    market: Annotated[bool, typer.Option("--market", help="At any price.")] = False,
    budget: Annotated[str | None, typer.Option(help="Spend or bring in so much.")] = None,
    tif: Annotated[TimeInForce, typer.Option(help="How long it stands.")] = TimeInForce.GTC,
    post_only: Annotated[bool, typer.Option("--post-only", help="Never trade on entry.")] = False,
    self_trade: Annotated[
        SelfTrade, typer.Option(help="Where it meets an own order.")
    ] = SelfTrade.EXPIRE_TAKER,
    display: Annotated[str | None, typer.Option(help="Show so much at a time.")] = None,
    until: Annotated[
        str | None, typer.Option(help="Its deadline with --tif gtd: 2031-01-31T09:30:00Z.")
    ] = None,
    stop: Annotated[
        str | None, typer.Option(help="Sleep until a print goes through this price.")
    ] = None,
    take_profit: Annotated[
        str | None, typer.Option(help="Sleep until a print reaches this price.")
    ] = None,
    client_id: ClientId = None,
    key: KeyOption = None,
    as_operator: AsOperator = False,
    actor: Actor = None,
    as_json: JsonFlag = False,
) -> None:
    """Place one order and print what became of it. Exit 1 when it is refused."""
    if market is (price is not None):
        raise typer.BadParameter("an order has either a --price or --market")
    if stop is not None and take_profit is not None:
        raise typer.BadParameter("an order is either a --stop or a --take-profit")
    order = OrderText(
        side=side,
        price=price,
        quantity=quantity,
        budget=budget,
        time_in_force=tif,
        post_only=post_only,
        self_trade=self_trade,
        client_order_id=client_id,
        display=display,
        deadline_us=None if until is None else time_us(until),
        trigger=take_profit if stop is None else stop,
        takes_profit=take_profit is not None,
    )
    giver = Giver(store, account, symbol, key, as_operator, actor, as_json)
    _give(giver, lambda scale: PlaceOrder(account, symbol, terms_of(order, scale)), side)


@app.command("cancel")
def cancel_order(
    account: Account,
    order: OpenOrder,
    *,
    store: StoreOption,
    client_id: ClientId = None,
    key: KeyOption = None,
    as_operator: AsOperator = False,
    actor: Actor = None,
    as_json: JsonFlag = False,
) -> None:
    """Cancel one open order. Exit 1 when it is refused."""
    symbol, number = _order(order, client_id)
    giver = Giver(store, account, symbol, key, as_operator, actor, as_json)
    _give(giver, lambda _: CancelOrder(account, symbol, number, client_id))


@app.command("reduce")
def reduce_order(
    account: Account,
    order: OpenOrder,
    quantity: Annotated[str, typer.Argument(help="How much to take off; all of it cancels.")],
    *,
    store: StoreOption,
    client_id: ClientId = None,
    key: KeyOption = None,
    as_operator: AsOperator = False,
    actor: Actor = None,
    as_json: JsonFlag = False,
) -> None:
    """Take an amount off an open order, which keeps its place. Exit 1 when it is refused."""
    symbol, number = _order(order, client_id)

    def command(scale: Scale) -> AnyCommand:
        return ReduceOrder(account, symbol, to_units(quantity, scale.quantity), number, client_id)

    _give(Giver(store, account, symbol, key, as_operator, actor, as_json), command)


@app.command("amend")
def amend_order(  # one option each
    account: Account,
    order: OpenOrder,
    *,
    store: StoreOption,
    price: Annotated[str | None, typer.Option(help="New limit price.")] = None,
    quantity: Annotated[str | None, typer.Option(help="New total, filled part included.")] = None,
    display: Annotated[str | None, typer.Option(help="Show so much at a time.")] = None,
    until: Annotated[str | None, typer.Option(help="New deadline: 2031-01-31T09:30:00Z.")] = None,
    trigger: Annotated[str | None, typer.Option(help="New trigger, while it sleeps.")] = None,
    client_id: ClientId = None,
    key: KeyOption = None,
    as_operator: AsOperator = False,
    actor: Actor = None,
    as_json: JsonFlag = False,
) -> None:
    """Change an open order; less at the same price keeps its place. Exit 1 when it is refused."""
    symbol, number = _order(order, client_id)
    deadline_us = None if until is None else time_us(until)

    def command(scale: Scale) -> AnyCommand:
        return AmendOrder(
            account, symbol, number, client_id,
            price=units_of(price, scale.price),
            quantity=units_of(quantity, scale.quantity),
            display=units_of(display, scale.quantity),
            deadline_us=deadline_us,
            trigger=units_of(trigger, scale.price),
        )  # fmt: skip

    _give(Giver(store, account, symbol, key, as_operator, actor, as_json), command)


@app.command("cancel-all")
def cancel_all(
    account: Account,
    symbol: Annotated[str, typer.Argument(help="The market.")],
    *,
    store: StoreOption,
    side: Annotated[Side | None, typer.Option(help="Only this side.")] = None,
    key: KeyOption = None,
    as_operator: AsOperator = False,
    actor: Actor = None,
    as_json: JsonFlag = False,
) -> None:
    """Cancel all open orders of an account in a market; having none is no refusal."""
    giver = Giver(store, account, symbol, key, as_operator, actor, as_json)
    _give(giver, lambda _: CancelOrders(account, symbol, side))


def _order(text: str, client_id: str | None) -> tuple[str, int | None]:
    """Symbol and number of the order; the number is null where a client id names it."""
    symbol, colon, number = text.partition(":")
    if bool(colon) is (client_id is not None):
        raise typer.BadParameter("name the order as SYMBOL:NUMBER, or as SYMBOL with --client-id")
    if colon and not (number.isascii() and number.isdigit() and len(number) <= NUMBER_DIGITS_MAX):
        raise typer.BadParameter(f"{text!r} is no order: write SYMBOL:NUMBER")
    return symbol, int(number) if colon else None


def _give(
    giver: Giver, command_of: Callable[[Scale], AnyCommand], side: Side | None = None
) -> None:
    """Submit the command as the store's writer, and print the answer."""
    scale = Scale(0, 0, 0, 0)

    def request_of(state: VenueState) -> Request:
        nonlocal scale
        scale = known_scale(state, giver.symbol)
        return _request(state, giver, command_of(scale))

    ack = submit(giver.store, request_of)
    _tell(giver, ack, scale, side)
    if ack.refusal is not None:
        raise typer.Exit(BROKEN)


def _request(state: VenueState, giver: Giver, command: AnyCommand) -> Request:
    owner = state.owners.get(giver.account)
    if owner is None:
        raise typer.BadParameter(f"{giver.account!r} is no account of this store")
    if giver.as_operator:
        return Request(command, giver.actor or OPERATOR, Role.OPERATOR, giver.key)
    return Request(command, giver.actor or owner, Role.TRADER, giver.key)


def _tell(giver: Giver, ack: Ack, scale: Scale, side: Side | None) -> None:
    """The answer as one document, or what of it there is, line by line."""
    refused = refusal_facts(in_decimals(ack.refusal, scale, side)) if ack.refusal else None
    fills = [_fill(giver.symbol, fill, scale) for fill in ack.fills]
    told = {"order_id": ack.order_id, "status": ack.status and ack.status.value}
    if giver.as_json:
        accepted = {"accepted": not refused, "position": ack.position}
        print_json(told | accepted | {"fills": fills, "refusal": refused})
    elif refused:
        print_facts("refused", known(refused))
    else:
        shown = [FILL.format(**fill) for fill in fills] or None
        print_facts("accepted", known(told | {"fills": shown}))


def _fill(symbol: str, fill: Fill, scale: Scale) -> dict[str, str]:
    return {
        "order_id": order_id(symbol, fill.maker),
        "account": fill.account,
        "price": to_text(fill.price, scale.price),
        "quantity": to_text(fill.quantity, scale.quantity),
    }
