"""What the venue compared before it took or refused an order, in the order of its checks."""

from collections.abc import Iterator

from exchange.audit.explain.story import Check
from exchange.audit.explain.units import Units
from exchange.audit.times import time_text
from exchange.kernel.accounts import available
from exchange.kernel.money import stop_price
from exchange.kernel.orders import BUY, FOK, OrderTerms, TimeInForce
from exchange.kernel.rejects import Refusal
from exchange.matching.sweep import blocking_price
from exchange.orders.commands import PlaceOrder, PlaceOrderList
from exchange.orders.records import CommandRecorded
from exchange.orders.validate import check_deadline
from exchange.venue.state import Room, VenueState

DAY = TimeInForce.DAY

NAMES = {
    "UNKNOWN_ACCOUNT": "account",
    "UNKNOWN_MARKET": "market",
    "MARKET_STATE": "state",
    "FIELD_COMBINATION": "fields",
    "DEADLINE_BOUNDS": "deadline",
    "DEADLINE_PASSED": "deadline",
    "INVALID_ID": "client_order_id",
    "DUPLICATE_CLIENT_ORDER_ID": "client_order_id",
    "OPEN_ORDERS_MAX": "open_orders",
    "WOULD_TRIGGER": "last_price",
    "WOULD_TRADE": "liquidity",
    "NOT_FILLABLE": "liquidity",
    "INSUFFICIENT_FUNDS": "funds",
}
"""Code of a refusal -> the check that it comes from; others are named by their field."""


def checks_of(
    state: VenueState, record: CommandRecorded, terms: OrderTerms, units: Units, held: int
) -> tuple[Check, ...]:
    """The checks of an order that was taken, or those up to the one that refused it.

    ``state`` is the one before the command, ``held`` what the order was made to hold.
    """
    made = list(_checks(state, record, terms, units, held))
    refusal = record.refusal
    if refusal is None:
        return tuple(made)
    name = NAMES.get(refusal.code.value) or refusal.field or refusal.code.value.lower()
    names = [it.name for it in made]
    before = names.index(name) if name in names else 0  # 0: when it was made is not known here
    return (*made[:before], _failed(refusal, name, units, terms))


def _failed(refusal: Refusal, name: str, units: Units, terms: OrderTerms) -> Check:
    value, bound = units.refused(refusal, terms.side)
    rule = refusal.code.value if bound is None else f"{refusal.code.value}, bound {bound}"
    return Check(name, "" if value is None else str(value), rule, ok=False)


def _checks(
    state: VenueState, record: CommandRecorded, terms: OrderTerms, units: Units, held: int
) -> Iterator[Check]:
    command = record.command
    if not isinstance(command, PlaceOrder | PlaceOrderList):
        return
    room, owner = state.rooms[command.symbol], state.owners.get(command.account)
    yield Check("account", command.account, f"belongs to {owner}")
    yield Check("market", command.symbol, "is listed")
    yield Check("state", room.market.state.value, "takes such orders")
    yield Check("fields", f"{terms.type.value} {terms.time_in_force.value}", "go together")
    yield from _bounds(terms, units)
    yield from _lifetime(room, record, command.account, terms)
    yield from _book(room, record, terms, units)
    asset = room.market.instrument.quote if terms.side is BUY else room.market.instrument.base
    free = state.ledger.balance(available(command.account), asset)
    yield Check("funds", units.money(asset, held), f"at most {units.money(asset, free)} available")


def _bounds(terms: OrderTerms, units: Units) -> Iterator[Check]:
    """Price, quantity, display, trigger, notional."""
    rules = units.rules
    prices = f"{units.price(rules.price_min)} to {units.price(rules.price_max)}"
    prices += f" in steps of {units.price(rules.tick)}"
    quantities = f"{units.quantity(rules.quantity_min)} to {units.quantity(rules.quantity_max)}"
    quantities += f" in steps of {units.quantity(rules.lot)}"
    if terms.price is not None:
        yield Check("price", units.price(terms.price), prices)
    if terms.quantity is not None:
        yield Check("quantity", units.quantity(terms.quantity), quantities)
    if terms.display is not None:
        yield Check("display", units.quantity(terms.display), "a hundredth of it or more")
    if terms.trigger is not None:
        yield Check("trigger", units.price(terms.trigger), prices)
    value = _notional(terms, units)
    if value is not None:
        least, most = units.value(max(1, rules.notional_min)), units.value(rules.notional_max)
        yield Check("notional", units.value(value), f"{least} to {most}")


def _notional(terms: OrderTerms, units: Units) -> int | None:
    """Quote units that the order may come to; null: known only by its fills."""
    price, rules = terms.price, units.rules
    if terms.budget is not None:
        return terms.budget
    if price is None and terms.trigger is not None:
        buys, trigger = terms.side is BUY, terms.trigger
        price = stop_price(trigger, rules.stop_slippage_ppm) if buys else trigger
    if price is None or terms.quantity is None:
        return None
    return rules.notional(price, terms.quantity)


def _lifetime(
    room: Room, record: CommandRecorded, account: str, terms: OrderTerms
) -> Iterator[Check]:
    """Deadline, client order id, number of open orders."""
    rules, name = room.market.instrument, terms.client_order_id
    deadline_us = terms.deadline_us
    if terms.time_in_force is DAY:
        deadline_us = check_deadline(terms, rules, record.at_us)
    if deadline_us is not None:
        now = time_text(record.at_us)
        yield Check("deadline", time_text(deadline_us), f"after {now}")
    if name is not None:
        yield Check("client_order_id", name, "no other open order of the account has it")
    if terms.trigger is not None or (terms.price is not None and terms.time_in_force.rests):
        count = len(room.book.accounts.get(account, ()))
        yield Check("open_orders", str(count), f"fewer than {rules.open_orders_max}")


def _book(room: Room, record: CommandRecorded, terms: OrderTerms, units: Units) -> Iterator[Check]:
    """What the order must not find there, or must."""
    last = room.book.last_price
    if terms.trigger is not None and last is not None:
        side = "below" if terms.rises else "above"
        yield Check("last_price", units.price(last), f"{side} the trigger")
    if terms.trigger is None and terms.post_only:
        best = blocking_price(room.book, terms.side, record.at_us)
        side = "above" if terms.side is BUY else "below"
        opposite = "nobody there" if best is None else units.price(best)
        yield Check("liquidity", opposite, f"{side} {units.price(terms.price or 0)}, to post only")
    if terms.trigger is None and terms.time_in_force is FOK and terms.quantity is not None:
        yield Check("liquidity", units.quantity(terms.quantity), "can be filled whole")
