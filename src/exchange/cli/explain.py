"""``exchange explain``: the story of one order, as a trader tells it."""

from collections.abc import Callable, Iterator
from typing import Annotated, Any

import typer

from exchange.audit.asof import NotThere
from exchange.audit.explain import story as told
from exchange.audit.explain.order import Name, explain, parse_name
from exchange.audit.explain.story import Story
from exchange.audit.times import time_text
from exchange.cli.look import open_log
from exchange.cli.moment import AsOf, moment_of
from exchange.cli.output import JsonFlag, StoreOption, plain, print_json, progress, stdout

AHEAD_SHOWN_MAX = 20

OrderName = Annotated[
    str,
    typer.Argument(
        metavar="ORDER", help="SYMBOL:NUMBER, or orders:ACCOUNT:VERSION of a refused command."
    ),
]


def explain_order(
    order: OrderName, *, store: StoreOption, as_of: AsOf = None, as_json: JsonFlag = False
) -> None:
    """Tell from the log what came of an order, and why: every check, hold, match, fee and end."""
    story = story_of(store, order, as_of)
    if as_json:
        print_json(plain(story))
        return
    for line in lines(story):
        stdout.print(line)


def story_of(store: str, order: str, as_of: str | None) -> Story:
    """The order's story up to the moment that ``as_of`` names."""
    log, moment = open_log(store), moment_of(as_of)
    try:
        name: Name = parse_name(order)
        with progress("reading", log.last_position, quiet=False) as report:
            return explain(log, name, moment, report)
    except (NotThere, ValueError) as error:
        raise typer.BadParameter(str(error)) from error


def lines(story: Story) -> Iterator[str]:
    """The story in words; each command that touched the order is a line of its own."""
    yield f"{story.order}, account {story.account}, market {story.symbol}"
    record = ""
    for step in story.steps:
        cause = step.cause
        if cause.record != record:
            record = cause.record
            yield ""
            when = f"{cause.position:>9,}  {time_text(cause.at_us)}"
            yield f"{when}  {cause.kind} by {cause.actor} ({record})"
        label, *texts = WORDS[type(step)](step)
        for text in texts:
            yield f"           {label:<9} {text}"
            label = ""
    yield ""
    yield _end(story)


def _end(story: Story) -> str:
    amounts = {
        "filled": story.filled,
        "prevented": story.prevented,
        "open": story.open,
        "not traded": story.ended,
    }
    known = [f"{name} {it}" for name, it in amounts.items() if it.strip("0.")]
    of = "" if story.quantity is None else f" of {story.quantity}"
    fees = [f"fee {amount} {asset}" for asset, amount in story.fees.items() if amount.strip("0.")]
    text = ", ".join([*known, *fees])
    if story.ahead_orders is not None:
        text += f"; {_ahead(story.ahead_orders, story.ahead_quantity)} now"
    because = "" if story.reason in {None, "filled"} else f" ({story.reason})"
    return f"{story.status}{because}{of}: {text}" if text else f"{story.status}{because}{of}"


def _received(step: told.Received) -> Iterator[str]:
    yield "asked"
    yield asked_text(step.asked)
    key = "no key" if step.key is None else f"key {step.key}"
    trace = "" if step.trace_id is None else f", trace {step.trace_id}"
    yield f"as {step.role}, {key}{trace}, rulebook version {step.rulebook_version}"


def asked_text(asked: dict[str, Any]) -> str:
    """``buy limit 2.000 at 100.50, time_in_force gtc``."""
    asked = dict(asked)
    second = asked.pop("second", None)
    words = [str(asked.pop(name)) for name in ("side", "type", "quantity") if name in asked]
    if "price" in asked:
        words.append(f"at {asked.pop('price')}")
    rest = [name if it is True else f"{name} {it}" for name, it in asked.items()]
    text = ", ".join([" ".join(words), *rest] if words else rest)
    return text if second is None else f"{text}; and {asked_text(second)}"


def _checked(step: told.Checked) -> Iterator[str]:
    yield "checked"
    for check in step.checks:
        mark = "" if check.ok else "FAILED "
        yield f"{mark}{check.name} {check.value}: {check.rule}"


def _refused(step: told.Refused) -> Iterator[str]:
    yield "refused"
    yield f"{step.code}: {step.why}"


def _listed(step: told.Listed) -> Iterator[str]:
    yield "list"
    yield f"one cancels the other with {step.other}: {asked_text(step.asked)}"


def _held(step: told.Held) -> Iterator[str]:
    yield "held"
    yield f"{step.amount} {step.asset} ({step.entry})"


def _released(step: told.Released) -> Iterator[str]:
    yield "released"
    yield f"{step.amount} {step.asset} ({step.entry})"


def _queued(step: told.Queued) -> Iterator[str]:
    yield "queued"
    shown = "" if step.shown == step.leaves else f", showing {step.shown}"
    best = step.best_opposite
    why = (
        "nobody opposite" if best is None else f"the best opposite price, {best}, does not reach it"
    )
    yield f"{step.leaves} at {step.price}{shown}; {why}"
    better = ""
    if step.better_orders:
        better = f"; at better prices {_orders(step.better_orders)}, {step.better_quantity}"
    yield f"{_ahead(step.ahead_orders, step.ahead_quantity)}{better}"
    for each in step.ahead[:AHEAD_SHOWN_MAX]:
        yield f"  {each.order} of {each.account}, {each.quantity}: {_gone(each)}"
    if len(step.ahead) > AHEAD_SHOWN_MAX:
        yield f"  and {len(step.ahead) - AHEAD_SHOWN_MAX:,} more (--json has them all)"


def _ahead(orders: int, quantity: str | None) -> str:
    return f"{_orders(orders)} ahead, {quantity}" if orders else "nobody ahead"


def _orders(count: int) -> str:
    return "1 order" if count == 1 else f"{count:,} orders"


def _gone(each: told.Ahead) -> str:
    parts = [f"{it.quantity} {it.how} by {it.by} at {it.position:,}" for it in each.gone]
    return "; ".join(parts) or "still there"


def _slept(step: told.Slept) -> Iterator[str]:
    yield "asleep"
    last = "nothing traded yet" if step.last_price is None else f"last price {step.last_price}"
    yield f"until a print {step.wakes} {step.trigger}; {last}"


def _triggered(step: told.Triggered) -> Iterator[str]:
    yield "triggered"
    yield f"by trade {step.trade} at {step.price}, made by {step.taker} (trigger {step.trigger})"


def _entered(step: told.Entered) -> Iterator[str]:
    yield "entered"
    yield f"as {asked_text(step.asked)}"


def _matched(step: told.Matched) -> Iterator[str]:
    yield "matched"
    yield (
        f"trade {step.trade}: {step.quantity} at {step.price} = {step.value}, as {step.role} "
        f"with {step.other} of {step.other_account} ({step.entry})"
    )
    fee = step.fee
    wrong = "" if fee.units == fee.due - fee.charged_before else " (NOT what was charged)"
    yield f"fee {fee.amount} {fee.asset}: {fee.rule}{wrong}"
    if step.returned is not None:
        yield f"{step.returned} held above that price came back"


def _busted(step: told.Busted) -> Iterator[str]:
    yield "busted"
    claim = "" if step.claim is None else f", by claim {step.claim}"
    yield f"trade {step.trade}{claim}: {step.why} ({step.entry})"
    moved = [f"{amount} {asset}" for asset, amount in step.moved.items()]
    yield f"moved for the account: {', '.join(moved) or 'nothing'}"


def _met(step: told.Met) -> Iterator[str]:
    yield "met"
    whom = f"{step.other}" if step.role == "taker" else f"by {step.other}"
    mode = "" if step.mode is None else f", {step.mode}"
    yield f"{whom}, no trade: {step.reason}{mode}; {step.quantity} off the resting order"


def _amended(step: told.Amended) -> Iterator[str]:
    yield "amended"
    changes = [f"{name} {_none(old)} to {_none(new)}" for name, (old, new) in step.changes.items()]
    place = "kept its place" if step.kept_place else "out and in again"
    yield f"{', '.join(changes) or 'nothing'}; {place}"


def _none(value: object) -> object:
    return "none" if value is None else value


def _reduced(step: told.Reduced) -> Iterator[str]:
    yield "reduced"
    yield f"by {step.quantity} to {step.leaves} open; kept its place"


def _ended(step: told.Ended) -> Iterator[str]:
    yield "ended"
    left = "" if step.quantity is None or not step.quantity.strip("0.") else f"{step.quantity} "
    yield f"{left}{step.reason}: {step.why}"


WORDS: dict[type[told.Step], Callable[[Any], Iterator[str]]] = {
    told.Received: _received,
    told.Checked: _checked,
    told.Refused: _refused,
    told.Listed: _listed,
    told.Held: _held,
    told.Released: _released,
    told.Queued: _queued,
    told.Slept: _slept,
    told.Triggered: _triggered,
    told.Entered: _entered,
    told.Matched: _matched,
    told.Busted: _busted,
    told.Met: _met,
    told.Amended: _amended,
    told.Reduced: _reduced,
    told.Ended: _ended,
}
"""Step -> its label, then the lines that tell it."""
