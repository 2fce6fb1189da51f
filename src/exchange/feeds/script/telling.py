"""What came of a story's last command, in the words of its script."""

from collections.abc import Iterable

from exchange.feeds.script.lives import Life
from exchange.feeds.script.picture import picture_of, plain, written
from exchange.feeds.script.story import Story
from exchange.feeds.terms import Scale, in_decimals
from exchange.kernel.decimals import to_text
from exchange.kernel.orders import CANCELLING, EndReason, Fill, Side, Status
from exchange.kernel.rejects import Refusal
from exchange.matching.events import OrdersCancelled, StopEntered
from exchange.orders.commands import (
    AmendOrder,
    CancelOrders,
    ChangeMarketState,
    ExpireOrders,
    PlaceOrder,
    PlaceOrderList,
    RunStops,
)


def told(story: Story) -> str:
    """The refusal, or the fills and where the command's orders stand; "" if it had none.

    Of a command that takes out many orders, or lets them enter, how many and what became of them.
    Behind it, how many ended because of the other one of their list.
    """
    if story.ack.refusal is not None:
        return f"refused {told_refusal(story, story.ack.refusal)}"
    return "; ".join(filter(None, [_told_orders(story), _told_ended(story, listed=True)]))


def _told_orders(story: Story) -> str:
    ack, command = story.ack, story.command
    if isinstance(command, RunStops):
        entered = sum(isinstance(it, StopEntered) for it in story.effects)
        return f"{entered} × entered" if entered else ""
    if isinstance(command, CancelOrders | ExpireOrders | ChangeMarketState):
        return _told_ended(story, listed=False)
    if ack.order_id is None:
        return ""
    lives = " or ".join(str(story.lives.of(*order)) for order in story.last_orders())
    fills = told_fills(ack.fills, story.scale(story.last_order()[0])) if ack.fills else ""
    return f"{fills}; {lives}" if fills else lives


def _told_ended(story: Story, *, listed: bool) -> str:
    """How many orders the last command has ended: for the other one of their list, or else."""
    ended = [it for it in story.effects if isinstance(it, OrdersCancelled)]
    chosen = [it for it in ended if (it.reason is EndReason.LIST) is listed]
    if not chosen:
        return ""
    reason, count = chosen[0].reason, sum(len(it.numbers) for it in chosen)
    ended_as = Status.CANCELED if reason in CANCELLING else Status.EXPIRED
    return f"{count} × {Life(ended_as, reason)}"


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
    if isinstance(command, PlaceOrderList):
        return command.first.side
    if isinstance(command, AmendOrder):
        order = story.book(command.symbol).orders.get(command.number or 0)
        return order.side if order else None
    return None


def told_book(story: Story) -> list[str]:
    """The book that statements are about, line by line; none before a market is listed."""
    return written(picture_of(story.book()), story.scale()) if story.symbol else []
