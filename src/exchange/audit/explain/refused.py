"""The story of a command that was refused: what it asked for, and what it ran against."""

from typing import Any

import msgspec

from exchange.audit.explain.checks import checks_of
from exchange.audit.explain.story import AnyStep, Cause, Checked, Received, Refused, Story
from exchange.audit.explain.units import Units
from exchange.audit.explain.words import why_refused
from exchange.kernel.events import Envelope
from exchange.kernel.orders import Side, Status
from exchange.orders.commands import AmendOrder, PlaceOrder, PlaceOrderList, account_of, kind
from exchange.orders.records import CommandRecorded
from exchange.venue.state import VenueState


def cause_of(place: Envelope, record: CommandRecorded) -> Cause:
    """The command as a step's cause."""
    name = f"{place.originator_id}:{place.originator_version}"
    return Cause(name, place.position, record.at_us, kind(record.command), record.actor)


def received(place: Envelope, record: CommandRecorded, units: Units | None) -> Received:
    """The command as the first step of a story."""
    return Received(
        position=place.position,
        cause=cause_of(place, record),
        role=record.role.value,
        key=record.key,
        trace_id=record.trace_id,
        rulebook_version=record.rulebook_version,
        account=account_of(record.command) or "",
        asked=_asked(record, units),
    )


def refused_story(state: VenueState, place: Envelope, record: CommandRecorded) -> Story:
    """The whole story; ``state`` is the one before the command."""
    symbol = getattr(record.command, "symbol", "")
    units = Units(state, symbol) if symbol in state.rooms else None
    first = received(place, record, units)
    refused = _refused(state, first, record, units)
    steps: list[AnyStep] = [first, refused]
    if units is not None and isinstance(record.command, PlaceOrder):
        made = checks_of(state, record, record.command.terms, units, 0)
        steps.insert(1, Checked(position=first.position, cause=first.cause, checks=made))
    return Story(
        order=first.cause.record,
        symbol=symbol,
        account=first.account,
        status=Status.REJECTED.value,
        reason=refused.code,
        quantity=first.asked.get("quantity"),
        filled="0",
        prevented="0",
        open="0",
        ended="0",
        now={},
        fees={},
        ahead_orders=None,
        ahead_quantity=None,
        position=place.position,
        at_us=record.at_us,
        steps=steps,
    )


def _asked(record: CommandRecorded, units: Units | None) -> dict[str, Any]:
    """The command's fields in words; units as they are while no market tells their decimals."""
    command = record.command
    if units is not None and isinstance(command, PlaceOrder):
        return units.terms(command.terms)
    if units is not None and isinstance(command, PlaceOrderList):
        return {**units.terms(command.first), "second": units.terms(command.second)}
    fields = {name: getattr(command, name) for name in command.__struct_fields__}
    return {
        name: value if units is None else units.field(name, value)
        for name, value in msgspec.to_builtins(fields).items()
        if value is not None and name != "account"
    }


def _refused(
    state: VenueState, first: Received, record: CommandRecorded, units: Units | None
) -> Refused:
    refusal = record.refusal
    assert refusal is not None  # noqa: S101 - for the type checker: callers have looked
    value, bound = refusal.value, refusal.bound
    if units is not None:
        value, bound = units.refused(refusal, _side(state, record))
    return Refused(
        position=first.position,
        cause=first.cause,
        code=refusal.code.value,
        field=refusal.field or None,
        value=value,
        bound=bound,
        why=why_refused(refusal, value, bound),
    )


def _side(state: VenueState, record: CommandRecorded) -> Side | None:
    """The side of the order that the command is about: which asset it would have held."""
    command = record.command
    if isinstance(command, PlaceOrder):
        return command.terms.side
    if isinstance(command, PlaceOrderList):
        return command.first.side
    if isinstance(command, AmendOrder):
        book = state.rooms[command.symbol].book
        named = (command.account, command.client_order_id or "")
        order = book.orders.get(command.number or 0) or book.client_ids.get(named)
        return None if order is None else order.side
    return None
