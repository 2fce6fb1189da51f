"""What an event does to the order itself: taken, changed, woken, ended."""

from collections.abc import Callable
from typing import Any, NamedTuple

from msgspec.structs import replace

from exchange.audit.explain.listed import fate_of
from exchange.audit.explain.story import Amended, Entered, Reduced, Slept, Triggered
from exchange.audit.explain.tale import Tale
from exchange.audit.explain.words import Rest, why_left, why_taken_out
from exchange.kernel.events import Event
from exchange.kernel.orders import EndReason, OrderTerms, SelfTrade
from exchange.kernel.orders import Met as MetFact
from exchange.matching.events import (
    OrderAccepted,
    OrderAmended,
    OrderListAccepted,
    OrderReduced,
    OrdersCancelled,
    StopEntered,
    StopsTriggered,
)
from exchange.matching.ladder import Order

FILLED = EndReason.FILLED

CHANGING = ("price", "quantity", "display", "deadline_us", "trigger")


class Stood(NamedTuple):
    """How the order stood before an event changed it."""

    order: Order  # the one object, which changes
    asks: OrderTerms | None  # what it comes in as, where that is what happens
    leaves: int
    fields: dict[str, int | None]  # those of ``CHANGING``


def _tell_accepted(tale: Tale, event: OrderAccepted, _: Stood | None, position: int) -> None:
    if event.number != tale.number:
        return
    if event.ended is not None:
        _tell_left(tale, event, event.terms, event.terms.quantity, position)
    elif event.terms.trigger is not None:
        last = tale.room.book.last_price
        tale.steps.append(
            Slept(
                position=position,
                cause=tale.cause,
                trigger=tale.units.price(event.terms.trigger),
                wakes="at or above" if event.terms.rises else "at or below",
                last_price=None if last is None else tale.units.price(last),
            )
        )


def _tell_list(tale: Tale, event: OrderListAccepted, _: Stood | None, position: int) -> None:
    for accepted in event.orders:
        _tell_accepted(tale, accepted, None, position)


def _tell_reduced(tale: Tale, event: OrderReduced, before: Stood | None, position: int) -> None:
    if event.number != tale.number or before is None:
        return
    quantity, leaves = event.quantity, before.leaves - event.quantity
    tale.total = (tale.total or 0) - quantity
    tale.steps.append(
        Reduced(
            position=position,
            cause=tale.cause,
            quantity=tale.units.quantity(quantity),
            leaves=tale.units.quantity(leaves),
        )
    )


def _tell_amended(tale: Tale, event: OrderAmended, before: Stood | None, position: int) -> None:
    if event.number != tale.number or before is None:
        return
    after = {name: getattr(event, name) for name in CHANGING}
    changes = {
        name.removesuffix("_us"): (
            tale.units.field(name, before.fields[name]), tale.units.field(name, after[name])
        )
        for name in CHANGING
        if before.fields[name] != after[name]
    }  # fmt: skip
    tale.steps.append(
        Amended(position=position, cause=tale.cause, changes=changes, kept_place=not event.entered)
    )
    tale.steps += [tale.bill.held(posted, tale.cause) for posted in tale.bill.holds(tale.entries)]
    was_open, old = before.leaves, before.fields["quantity"] or 0
    tale.total = event.quantity
    if event.ended is not None:
        comes_in = replace(tale.terms, price=event.price)
        _tell_left(tale, event, comes_in, event.quantity - (old - was_open), position)


def _tell_triggered(tale: Tale, event: StopsTriggered, before: Stood | None, position: int) -> None:
    if tale.number not in event.numbers or before is None:
        return
    trigger, rises = before.order.trigger or 0, tale.terms.rises
    reached = [it for it in tale.prints if (it[1] >= trigger if rises else it[1] <= trigger)]
    trade, price = reached[0]
    tale.steps.append(
        Triggered(
            position=position,
            cause=tale.cause,
            trigger=tale.units.price(trigger),
            trade=trade,
            price=tale.units.price(price),
            taker=tale.named(tale.taker),
        )
    )


def _tell_entered(tale: Tale, event: StopEntered, before: Stood | None, position: int) -> None:
    if event.number != tale.number or before is None or before.asks is None:
        return
    asked = tale.units.terms(before.asks)
    tale.steps.append(Entered(position=position, cause=tale.cause, asked=asked))
    if event.ended is not None:
        _tell_left(tale, event, before.asks, before.leaves, position)


def _tell_cancelled(
    tale: Tale, event: OrdersCancelled, before: Stood | None, position: int
) -> None:
    if tale.number not in event.numbers or before is None:
        return
    if event.reason is EndReason.LIST and tale.partner is not None:
        fate = fate_of(tale.partner, tale.command, tale.room.book.id)
        why = f"{tale.named(tale.partner)}, the other order of its list, {fate}"
    else:
        why = why_taken_out(event.reason, tale.record, before.order, tale.units)
    tale.end(position, event.reason, before.leaves, why)


def _tell_left(
    tale: Tale,
    event: OrderAccepted | OrderAmended | StopEntered,
    asked: OrderTerms,
    quantity: int | None,
    position: int,
) -> None:
    """The order came in as ``asked``, for so much (null: a budget), and what was left ended."""
    reason = event.ended or FILLED
    mode, rules = tale.terms.self_trade, tale.units.rules
    gone = [(it.price, it.quantity) for it in event.fills]
    gone += [(it.price, it.quantity) for it in event.met if prevents(it, mode)]
    if quantity is not None:
        left = quantity - sum(traded for _, traded in gone)
    else:
        left = (asked.budget or 0) - sum(rules.notional(*each) for each in gone)
    rest = Rest(
        tale.room.book, tale.units, tale.account, tale.group, asked.side, asked.price, left, mode,
        tale.record.at_us, event.met,
    )  # fmt: skip
    tale.end(position, reason, None if quantity is None else left, why_left(reason, rest))


TOLD: dict[type[Event], Callable[[Tale, Any, Stood | None, int], None]] = {
    OrderAccepted: _tell_accepted,
    OrderListAccepted: _tell_list,
    OrderReduced: _tell_reduced,
    OrderAmended: _tell_amended,
    StopsTriggered: _tell_triggered,
    StopEntered: _tell_entered,
    OrdersCancelled: _tell_cancelled,
}


def prevents(met: MetFact, mode: SelfTrade) -> bool:
    """Whether both lost what did not trade; else only the one that was met expired."""
    return met.reason is EndReason.SELF_TRADE and mode is SelfTrade.DECREMENT
