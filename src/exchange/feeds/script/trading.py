"""What a script trades with: orders, and what is done to them. A function a statement."""

from collections.abc import Callable, Iterator
from typing import Any

from exchange.feeds.script.story import Named, Story
from exchange.feeds.script.words import Unreadable, member, time_us
from exchange.feeds.terms import OrderText, terms_of
from exchange.kernel.decimals import to_units
from exchange.kernel.orders import OrderTerms, SelfTrade, Side, TimeInForce
from exchange.orders.commands import (
    AmendOrder,
    CancelOrder,
    CancelOrders,
    ExpireOrders,
    PlaceOrder,
    PlaceOrderList,
    ReduceOrder,
    RunStops,
)

FLAGS: dict[str, dict[str, Any]] = {
    **{one.value: {"time_in_force": one} for one in TimeInForce},
    "post-only": {"post_only": True},
}
"""Word behind an order -> the fields of its text that it fills."""

VALUES: dict[str, Callable[[Story, str], dict[str, Any]]] = {
    "as": lambda _, text: {"client_order_id": text},
    "display": lambda _, text: {"display": text},
    "stop": lambda _, text: {"trigger": text, "takes_profit": False},
    "take-profit": lambda _, text: {"trigger": text, "takes_profit": True},
    "self-trade": lambda _, text: {"self_trade": member(SelfTrade, text)},
    "until": lambda story, text: {
        "time_in_force": TimeInForce.GTD,
        "deadline_us": time_us(text, story.now_us),
    },
}
"""Word that has a value -> the fields that the value fills."""

CHANGES = {"price": "price", "trigger": "price", "quantity": "quantity", "display": "quantity"}
"""What an amend can change -> the field of the market's scale that its number is read by."""

SIDES = {"all": None, "buys": Side.BUY, "sells": Side.SELL}
"""Word of a mass cancel -> the side that it takes out; null: both."""


def place(
    side: Side,
    story: Story,
    account: str,
    options: str,
    *,
    price: str = "market",
    quantity: str | None = None,
    budget: str | None = None,
) -> None:
    """An order on the market; its name, if it has one, stands for it from then on."""
    terms, symbol = _terms(story, side, price, options, quantity, budget), story.listed()
    story.do(PlaceOrder(account, symbol, terms))
    _name(story, account, terms)


def place_list(
    side: Side,
    story: Story,
    account: str,
    quantity: str,
    price: str,
    options: str,
    other_price: str,
    other_options: str,
) -> None:
    """Two orders of which one cancels the other; each may have a name."""
    first = _terms(story, side, price, options, quantity)
    second = _terms(story, side, other_price, other_options, quantity)
    story.do(PlaceOrderList(account, story.listed(), first, second))
    _name(story, account, first, second)


def cancel(story: Story, name: str, account: str | None) -> None:
    """Take an order out of the book: as its own account, or as another, which is refused."""
    order = story.named(name)
    story.do(CancelOrder(account or order.account, order.symbol, order.number))


def cancel_all(story: Story, orders: str, account: str, symbol: str | None) -> None:
    """Take an account's orders out of one book or of all, which may be none."""
    if orders not in SIDES:
        raise Unreadable(f"{orders!r} is none of {', '.join(SIDES)}")
    if symbol is not None:
        story.scale(symbol)
    story.do(CancelOrders(account, symbol, SIDES[orders]))


def reduce(story: Story, name: str, quantity: str) -> None:
    """Take an amount off an order."""
    order = story.named(name)
    units = to_units(quantity, story.scale(order.symbol).quantity)
    story.do(ReduceOrder(order.account, order.symbol, units, order.number))


def amend(story: Story, name: str, changes: str) -> None:
    """Change an open order: in its place, or out and in again.

    Raises:
        Unreadable: a word is nothing that can be changed, or lacks its value.
    """
    order, fields = story.named(name), dict[str, Any]()
    scale, words = story.scale(order.symbol), iter(changes.split())
    for word in words:
        if word == "until":
            fields["deadline_us"] = time_us(_value(word, words), story.now_us)
        elif word in CHANGES:
            fields[word] = to_units(_value(word, words), getattr(scale, CHANGES[word]))
        else:
            raise Unreadable(f"{word!r} is nothing that an amend changes")
    story.do(AmendOrder(order.account, order.symbol, order.number, **fields))


def sweep(story: Story) -> None:
    """Take out of the market's book what is due, as the venue does by itself."""
    story.do(ExpireOrders(story.listed()))


def run_stops(story: Story) -> None:
    """Let triggered orders enter that wait for their turn, as the venue does by itself."""
    story.do(RunStops(story.listed()))


def _terms(
    story: Story,
    side: Side,
    price: str,
    options: str,
    quantity: str | None,
    budget: str | None = None,
) -> OrderTerms:
    """The terms that an order's words make."""
    order = OrderText(
        side=side,
        price=None if price == "market" else price,
        quantity=quantity,
        budget=budget,
        **_options(story, options.split()),
    )
    return terms_of(order, story.scale())


def _name(story: Story, account: str, *placed: OrderTerms) -> None:
    """Let the names of accepted orders stand for them."""
    if story.ack.refusal is not None:
        return
    for terms, (symbol, number) in zip(placed, story.last_orders(), strict=True):
        if terms.client_order_id is not None:
            story.names[terms.client_order_id] = Named(symbol, number, account)


def _options(story: Story, words: list[str]) -> dict[str, Any]:
    """The fields of an order's text that the words behind it fill.

    Raises:
        Unreadable: a word is no option, or lacks its value.
    """
    fields: dict[str, Any] = {}
    left = iter(words)
    for name in left:
        if name in FLAGS:
            fields |= FLAGS[name]
        elif name in VALUES:
            fields |= VALUES[name](story, _value(name, left))
        else:
            raise Unreadable(f"{name!r} is no option of an order")
    return fields


def _value(name: str, left: Iterator[str]) -> str:
    for value in left:
        return value
    raise Unreadable(f"{name!r} lacks its value")
