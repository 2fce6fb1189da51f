"""``exchange order``: one command to a store's venue, given by hand."""

from typing import Annotated, Any

import msgspec
import typer

from exchange.cli.hand import Key, numbered
from exchange.cli.ordering import Giver, give
from exchange.cli.output import JsonFlag, StoreOption
from exchange.cli.times import time_us
from exchange.feeds.terms import OrderText, Scale, terms_of, units_of
from exchange.kernel.decimals import to_units
from exchange.kernel.orders import SelfTrade, Side, TimeInForce
from exchange.orders.commands import (
    AmendOrder,
    AnyCommand,
    CancelOrder,
    CancelOrders,
    PlaceOrder,
    PlaceOrderList,
    ReduceOrder,
)

PAIR = 2

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
    key: Key = None,
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
    give(giver, lambda scale: PlaceOrder(account, symbol, terms_of(order, scale)), side)


@app.command("oco")
def place_order_list(  # one option each
    account: Account,
    symbol: Annotated[str, typer.Argument(help="The market.")],
    side: Annotated[Side, typer.Argument(help="Which side both take.")],
    quantity: Annotated[str, typer.Argument(help="How much, of each.")],
    *,
    store: StoreOption,
    price: Annotated[str | None, typer.Option(help="A limit order at this price.")] = None,
    stop: Annotated[
        str | None, typer.Option(help="One that sleeps until a print goes through this price.")
    ] = None,
    stop_price: Annotated[
        str | None, typer.Option(help="Its limit price then; at market without.")
    ] = None,
    take_profit: Annotated[
        str | None, typer.Option(help="One that sleeps until a print reaches this price.")
    ] = None,
    take_profit_price: Annotated[
        str | None, typer.Option(help="Its limit price then; at market without.")
    ] = None,
    tif: Annotated[TimeInForce, typer.Option(help="How long both stand.")] = TimeInForce.GTC,
    until: Annotated[
        str | None, typer.Option(help="Their deadline with --tif gtd: 2031-01-31T09:30:00Z.")
    ] = None,
    post_only: Annotated[
        bool, typer.Option("--post-only", help="The limit order never trades on entry.")
    ] = False,
    display: Annotated[
        str | None, typer.Option(help="Show so much at a time of what has a limit price.")
    ] = None,
    self_trade: Annotated[
        SelfTrade, typer.Option(help="Where one of them meets an own order.")
    ] = SelfTrade.EXPIRE_TAKER,
    client_id: ClientId = None,
    other_client_id: Annotated[
        str | None, typer.Option("--other-client-id", metavar="ID", help="Client id of the second.")
    ] = None,
    key: Key = None,
    as_operator: AsOperator = False,
    actor: Actor = None,
    as_json: JsonFlag = False,
) -> None:
    """Place two orders on one hold, of which one cancels the other (OCO): two of --price, --stop
    and --take-profit, numbered in this order. Exit 1 when they are refused.
    """
    both = OrderText(
        side=side,
        quantity=quantity,
        time_in_force=tif,
        self_trade=self_trade,
        deadline_us=None if until is None else time_us(until),
    )
    profit = (take_profit, take_profit_price)
    pair = _pair(price, (stop, stop_price), profit, post_only=post_only, display=display)
    first, second = [
        msgspec.structs.replace(both, client_order_id=name, **own)
        for own, name in zip(pair, (client_id, other_client_id), strict=True)
    ]

    def command(scale: Scale) -> AnyCommand:
        return PlaceOrderList(account, symbol, terms_of(first, scale), terms_of(second, scale))

    give(Giver(store, account, symbol, key, as_operator, actor, as_json), command, side)


@app.command("cancel")
def cancel_order(
    account: Account,
    order: OpenOrder,
    *,
    store: StoreOption,
    client_id: ClientId = None,
    key: Key = None,
    as_operator: AsOperator = False,
    actor: Actor = None,
    as_json: JsonFlag = False,
) -> None:
    """Cancel one open order. Exit 1 when it is refused."""
    symbol, number = _order(order, client_id)
    giver = Giver(store, account, symbol, key, as_operator, actor, as_json)
    give(giver, lambda _: CancelOrder(account, symbol, number, client_id))


@app.command("reduce")
def reduce_order(
    account: Account,
    order: OpenOrder,
    quantity: Annotated[str, typer.Argument(help="How much to take off; all of it cancels.")],
    *,
    store: StoreOption,
    client_id: ClientId = None,
    key: Key = None,
    as_operator: AsOperator = False,
    actor: Actor = None,
    as_json: JsonFlag = False,
) -> None:
    """Take an amount off an open order, which keeps its place. Exit 1 when it is refused."""
    symbol, number = _order(order, client_id)

    def command(scale: Scale) -> AnyCommand:
        return ReduceOrder(account, symbol, to_units(quantity, scale.quantity), number, client_id)

    give(Giver(store, account, symbol, key, as_operator, actor, as_json), command)


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
    key: Key = None,
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

    give(Giver(store, account, symbol, key, as_operator, actor, as_json), command)


@app.command("cancel-all")
def cancel_all(
    account: Account,
    symbol: Annotated[str, typer.Argument(help="The market.")],
    *,
    store: StoreOption,
    side: Annotated[Side | None, typer.Option(help="Only this side.")] = None,
    key: Key = None,
    as_operator: AsOperator = False,
    actor: Actor = None,
    as_json: JsonFlag = False,
) -> None:
    """Cancel all open orders of an account in a market; having none is no refusal."""
    giver = Giver(store, account, symbol, key, as_operator, actor, as_json)
    give(giver, lambda _: CancelOrders(account, symbol, side))


def _pair(
    price: str | None,
    stop: tuple[str | None, str | None],
    profit: tuple[str | None, str | None],
    *,
    post_only: bool,
    display: str | None,
) -> list[dict[str, Any]]:
    """What two of three orders have for themselves; of what sleeps, the trigger and its limit."""
    own: list[tuple[str | None, dict[str, Any]]] = [
        (price, {"price": price, "post_only": post_only}),
        (stop[0], {"price": stop[1], "trigger": stop[0]}),
        (profit[0], {"price": profit[1], "trigger": profit[0], "takes_profit": True}),
    ]
    pair = [fields for given, fields in own if given is not None]
    for name, (trigger, limit) in (("stop", stop), ("take-profit", profit)):
        if trigger is None and limit is not None:
            raise typer.BadParameter(f"--{name}-price goes with --{name}")
    if len(pair) != PAIR:
        raise typer.BadParameter("a list has two of --price, --stop and --take-profit")
    if post_only and price is None:
        raise typer.BadParameter("--post-only goes with --price")
    limited = [fields for fields in pair if fields["price"] is not None]
    if display is not None and not limited:
        raise typer.BadParameter("--display goes with a limit price")
    for fields in limited:
        fields["display"] = display
    return pair


def _order(text: str, client_id: str | None) -> tuple[str, int | None]:
    """Symbol and number of the order; the number is null where a client id names it."""
    if (":" in text) is (client_id is not None):
        raise typer.BadParameter("name the order as SYMBOL:NUMBER, or as SYMBOL with --client-id")
    return (text, None) if client_id is not None else numbered(text, "order")
