"""How much the state machines do, and whether that was enough to mean something.

Where CI is set they do all of it, elsewhere a tenth. Each machine runs in one test that also
judges its effort, so it does not matter which worker of a parallel run gets it.
"""

import enum
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import combinations, product
from typing import NamedTuple

from hypothesis import HealthCheck, settings

from exchange.kernel.events import Event
from exchange.kernel.orders import EndReason, SelfTrade, TimeInForce
from exchange.kernel.rejects import RejectCode
from exchange.matching.events import OrderAccepted, OrderAmended, StopEntered
from exchange.orders.commands import AmendOrder, CancelOrders, Command, ReduceOrder
from tests.oracle import Order

FULL = bool(os.environ.get("CI"))


@dataclass
class Effort:
    """What the runs of one machine came to."""

    steps: int = 0
    changed: int = 0  # steps that were not refused
    trades: int = 0
    self_trades: int = 0  # orders that ended at one of their own account

    def assert_enough(self, *, steps: int, trades: int = 0, self_trades: int = 0) -> None:
        """These full numbers, or a twentieth of each; a third of the steps changed the state."""
        part = 1 if FULL else 20  # chance weighs more on few runs
        print(self)  # noqa: T201 - pytest shows it on demand
        assert self.steps >= steps // part, self
        assert self.changed >= self.steps // 3, self
        assert self.trades >= trades // part, self
        assert self.self_trades >= self_trades // part, self


def runs(examples: int, steps: int) -> settings:
    """``examples`` runs of up to ``steps`` steps; a tenth of the runs where CI is not set."""
    return settings(
        max_examples=examples if FULL else max(1, examples // 10),
        stateful_step_count=steps,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )


# Which features met.


class Feature(enum.Enum):
    """What an order may be, what a command may do to it, and when."""

    ICEBERG = "iceberg"
    DEADLINE = "deadline"
    """GTD or DAY."""
    STOP = "stop"
    """A stop or take-profit that sleeps, or enters in this command."""
    LIST = "list"
    """One of two while both are open."""
    GROUP = "group"
    """It came with a trade group."""
    BUDGET = "budget"
    FOK = "fok"
    IOC = "ioc"
    POST_ONLY = "post_only"
    EXPIRE_TAKER = "expire_taker"
    """This mode and the others: of one that came in and met its own."""
    EXPIRE_MAKER = "expire_maker"
    EXPIRE_BOTH = "expire_both"
    DECREMENT = "decrement"
    AMEND = "amend"
    REDUCE = "reduce"
    MASS_CANCEL = "mass_cancel"
    HALT = "halt"
    """The market is in another state than CONTINUOUS."""


Pair = frozenset[Feature]

KINDS: dict[type[Command], Feature] = {
    AmendOrder: Feature.AMEND,
    ReduceOrder: Feature.REDUCE,
    CancelOrders: Feature.MASS_CANCEL,
}
MODES = {mode: Feature(mode.value) for mode in list(SelfTrade)[:-1]}  # but NONE: they trade
REASONS = {
    RejectCode.MARKET_STATE: Feature.HALT,
    RejectCode.IN_LIST: Feature.LIST,
    RejectCode.WOULD_TRADE: Feature.POST_ONLY,
    RejectCode.NOT_FILLABLE: Feature.FOK,
}
"""What is at work in a refusal; it meets what it refuses, and what stands in the way."""

IMPOSSIBLE: frozenset[Pair] = frozenset(
    {
        # A command is of one kind.
        *map(frozenset, combinations(KINDS.values(), 2)),
        # Nobody comes in who could meet its own.
        *map(frozenset, product(MODES.values(), (Feature.REDUCE, Feature.MASS_CANCEL))),
        # Nothing is matched while the market is halted.
        *map(frozenset, product(MODES.values(), (Feature.HALT,))),
    }
)


class Seen(NamedTuple):
    """An order as a command found it, or as it asked for one."""

    features: frozenset[Feature]
    mode: SelfTrade
    other: int | None  # number of the other order of its list


def seen(order: Order) -> Seen:
    """What there is about an order."""
    terms, other = order.terms, order.other
    features = {
        Feature.ICEBERG: terms.display is not None,
        Feature.DEADLINE: terms.time_in_force in {TimeInForce.GTD, TimeInForce.DAY},
        Feature.STOP: order.trigger is not None,
        Feature.LIST: other is not None,
        Feature.GROUP: order.group != order.account,
        Feature.BUDGET: terms.budget is not None,
        Feature.FOK: terms.time_in_force is TimeInForce.FOK,
        Feature.IOC: terms.time_in_force is TimeInForce.IOC and terms.price is not None,
        Feature.POST_ONLY: terms.post_only,
    }
    found = frozenset(it for it, there in features.items() if there)
    return Seen(found, terms.self_trade, other.number if other else None)


def touched(event: Event | Order) -> Iterator[int]:
    """Numbers of the orders that an event is about, or an order that came in: it first."""
    yield from getattr(event, "numbers", ())
    for it in getattr(event, "orders", [event]):
        if hasattr(it, "number"):
            yield it.number
        for met in (*getattr(it, "fills", ()), *getattr(it, "met", ())):
            yield met.maker


def pairs(
    command: Command,
    refusal: RejectCode | None,
    events: Iterable[Event | Order],
    orders: dict[int, Seen],
    *,
    halted: bool,
) -> set[Pair]:
    """Which features met in what a command did to one market, or in why it was refused.

    ``events`` are the book's, ``orders`` all that are touched, as the command found or asked for
    them. All features of all of these meet, but a refusal shows the one only that it is for.
    """
    features = {feature for it in orders.values() for feature in it.features}
    if orders and type(command) in KINDS:
        features.add(KINDS[type(command)])
    if orders and halted:
        features.add(Feature.HALT)
    against = set[Pair]()  # a taker's mode, which rules, with a maker's, which does not
    for it in events:
        if isinstance(it, Order | OrderAccepted | OrderAmended | StopEntered):
            own = [met.maker for met in it.met if met.reason is EndReason.SELF_TRADE]
            if own or it.ended is EndReason.SELF_TRADE:
                mode = MODES[orders[it.number].mode]
                features.add(mode)
                others = {MODES.get(orders[number].mode, mode) for number in own}
                against |= {frozenset({mode, other}) for other in others}
    found = {*map(frozenset, combinations(features, 2)), *against}
    if refusal is None:
        return {pair for pair in found if len(pair) > 1}
    return {pair for pair in found if REASONS.get(refusal) in pair and len(pair) > 1}


@dataclass
class Meetings:
    """How often each pair has met: in how many commands."""

    counts: Counter[Pair] = field(default_factory=Counter)

    def assert_enough(self, least: int) -> None:
        """So often each pair that can meet, and no other at all.

        On few runs chance weighs too much for each of them: there a tenth may be under a
        twentieth of it.
        """
        part, spared = (1, 0) if FULL else (20, 10)
        possible = {frozenset(pair) for pair in combinations(Feature, 2)} - IMPOSSIBLE
        told = {" × ".join(sorted(it.name for it in pair)): self.counts[pair] for pair in possible}
        seldom = {name: count for name, count in told.items() if count < least // part}
        print(sorted(told.items(), key=lambda it: it[1]))  # noqa: T201 - as above
        assert not self.counts.keys() & IMPOSSIBLE
        assert len(seldom) * spared <= len(possible) if spared else not seldom, seldom
