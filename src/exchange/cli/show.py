"""``exchange order show``: where one order stands, or stood at any moment of the log."""

from exchange.audit.explain.story import Received, Story
from exchange.audit.times import time_text
from exchange.cli.explain import OrderName, asked_text, story_of
from exchange.cli.moment import AsOf
from exchange.cli.output import JsonFlag, StoreOption, plain, print_facts, print_json


def show_order(
    order: OrderName, *, store: StoreOption, as_of: AsOf = None, as_json: JsonFlag = False
) -> None:
    """Print where an order stands: what is filled and open, its place in the queue, its fees."""
    story = story_of(store, order, as_of)
    facts = plain(story)
    del facts["steps"]
    if as_json:
        print_json(facts)
        return
    del facts["order"]
    facts |= {"asked": _asked(story), "at": time_text(facts.pop("at_us"))}
    print_facts(story.order, {name: it for name, it in facts.items() if it not in (None, {})})


def _asked(story: Story) -> str | None:
    first = story.steps[0]
    return asked_text(first.asked) if isinstance(first, Received) else None
