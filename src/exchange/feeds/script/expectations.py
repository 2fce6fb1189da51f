"""What a script can expect: each function is one statement, quiet when it is met."""

from collections.abc import Sequence

from exchange.feeds.script.faults import Unmet
from exchange.feeds.script.picture import picture_of, plain, read, written
from exchange.feeds.script.story import Story
from exchange.feeds.script.telling import told, told_fills, told_refusal
from exchange.feeds.script.words import Unreadable, member
from exchange.feeds.terms import Scale
from exchange.kernel.accounts import FEES, available, held
from exchange.kernel.decimals import to_units
from exchange.kernel.orders import EndReason, Status
from exchange.kernel.rejects import RejectCode

FILL_WORDS = 5


def expect_fills(story: Story, fills: str) -> None:
    """The last command's fills, in order; ``none`` for none."""
    scale = story.scale(story.last_order()[0]) if story.ack.order_id else story.scale()
    found = [(fill.quantity, fill.price, fill.account) for fill in story.ack.fills]
    _meet(_fills(fills, scale) == found, fills.strip(), told_fills(story.ack.fills, scale))


def expect_refused(story: Story, code: str, field: str | None) -> None:
    """The last command was refused, with this code, about this field."""
    wanted, refusal = member(RejectCode, code), story.ack.refusal
    fine = refusal is not None and refusal.code is wanted and field in {None, refusal.field}
    found = told_refusal(story, refusal) if refusal else told(story) or "accepted"
    _meet(fine, code if field is None else f"{code} {field}", found)


def expect_status(story: Story, name: str, status: str, reason: str | None) -> None:
    """Where an order stands, whoever brought it there, and why it ended."""
    wanted, life = member(Status, status), story.life(name)
    fine = wanted is life.status and (reason is None or member(EndReason, reason) is life.reason)
    _meet(fine, status if reason is None else f"{status} because {reason}", str(life))


def expect_rests(story: Story, quantity: str, name: str | None = None) -> None:
    """What is open of the order, or of the one that the last command was about."""
    symbol, number = story.named(name)[:2] if name else story.last_order()
    decimals, leaves = story.scale(symbol).quantity, story.leaves(symbol, number)
    _meet(to_units(quantity, decimals) == leaves, quantity, plain(leaves, decimals))


def expect_balance(
    story: Story, account: str, asset: str, amount: str, on_hold: str | None
) -> None:
    """What an account can spend, and what its open orders hold."""
    if account not in story.state.owners:
        raise Unreadable(f"there is no account {account!r}")
    places, ledger = story.decimals(asset), story.state.ledger
    free, kept = ledger.balance(available(account), asset), ledger.balance(held(account), asset)
    fine = to_units(amount, places) == free
    if on_hold is None:
        _meet(fine, amount, plain(free, places))
        return
    fine = fine and to_units(on_hold, places) == kept
    _meet(fine, f"{amount} held {on_hold}", f"{plain(free, places)} held {plain(kept, places)}")


def expect_fees(story: Story, asset: str, amount: str) -> None:
    """What the venue has earned."""
    places = story.decimals(asset)
    units = story.state.ledger.balance(FEES, asset)
    _meet(to_units(amount, places) == units, amount, plain(units, places))


def expect_book(story: Story, lines: Sequence[str]) -> None:
    """The whole book: levels, queues, quantities."""
    scale, found = story.scale(), picture_of(story.book())
    wanted = read(lines, scale)
    _meet(wanted == found, "\n".join(written(wanted, scale)), "\n".join(written(found, scale)))


def _meet(fine: object, expected: str, found: str) -> None:
    """Nothing, when ``fine``.

    Raises:
        Unmet: otherwise; the player adds the line.
    """
    if not fine:
        raise Unmet(expected, found)


def _fills(text: str, scale: Scale) -> list[tuple[int, int, str]]:
    """Quantity, price and maker's account of each fill."""
    if text.strip() == "none":
        return []
    return [_fill(fill.strip(), scale) for fill in text.split(",")]


def _fill(text: str, scale: Scale) -> tuple[int, int, str]:
    words = text.split()
    if len(words) != FILL_WORDS or (words[1], words[3]) != ("@", "from"):
        raise Unreadable(f"{text!r} is no fill: write QUANTITY @ PRICE from ACCOUNT")
    quantity, _, price, _, account = words
    return to_units(quantity, scale.quantity), to_units(price, scale.price), account
