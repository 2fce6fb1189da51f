"""What came of a story's last command, in the words of its script."""

from collections.abc import Iterable

from exchange.feeds.script.picture import picture_of, plain, written
from exchange.feeds.script.story import Story
from exchange.feeds.terms import Scale, in_decimals
from exchange.kernel.decimals import to_text
from exchange.kernel.orders import Fill, Side
from exchange.kernel.rejects import Refusal
from exchange.orders.commands import AmendOrder, CancelOrders, ExpireOrders, PlaceOrder


def told(story: Story) -> str:
    """The refusal, or the fills and where the command's order stands; "" if it had none.

    Of a command that takes out many orders, how many, and where they stand.
    """
    ack = story.ack
    if ack.refusal is not None:
        return f"refused {told_refusal(story, ack.refusal)}"
    if ack.order_id is None:
        return ""
    symbol, number = story.last_order()
    life = str(story.lives.of(symbol, number))
    if isinstance(story.command, CancelOrders | ExpireOrders):
        return f"{story.taken_out} × {life}"
    fills = told_fills(ack.fills, story.scale(symbol))
    return f"{fills}; {life}" if ack.fills else life


def told_fills(fills: Iterable[Fill], scale: Scale) -> str:
    """``2 @ 100.00 from alice, 1 @ 101.00 from bob``; "none" without any."""
    written_out = (
        f"{plain(fill.quantity, scale.quantity)} @ {to_text(fill.price, scale.price)}"
        f" from {fill.account}"
        for fill in fills
    )
    return ", ".join(written_out) or "none"


def told_refusal(story: Story, refusal: Refusal) -> str:
    """Code, field and the numbers compared, in decimals where an order's market is known."""
    symbol = getattr(story.command, "symbol", None)
    if symbol not in story.state.rooms:
        return str(refusal)
    return str(in_decimals(refusal, story.scale(symbol), _side(story)))


def _side(story: Story) -> Side | None:
    """Of the order that the last command was to bring or to change."""
    command = story.command
    if isinstance(command, PlaceOrder):
        return command.terms.side
    if isinstance(command, AmendOrder):
        order = story.book(command.symbol).orders.get(command.number or 0)
        return order.side if order else None
    return None


def told_book(story: Story) -> list[str]:
    """The book that statements are about, line by line; none before a market is listed."""
    return written(picture_of(story.book()), story.scale()) if story.symbol else []
