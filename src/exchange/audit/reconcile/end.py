"""The views as they stand against the folded state: balances, open orders, holds, markets."""

import sqlite3
from collections.abc import Iterator
from typing import Any

import msgspec

from exchange.audit.reconcile.findings import Findings
from exchange.kernel.accounts import held, withdrawal
from exchange.kernel.instruments import Instrument
from exchange.matching.ladder import Order
from exchange.venue.state import Room, VenueState

OPEN = (
    "SELECT symbol, number, account, side, coalesce(price, bound, 0), coalesce(quantity, 0),"
    " leaves, shown, arrival, display, deadline_us, client_order_id, status, filled, other_number,"
    " budget, updated_position FROM orders WHERE reason IS NULL ORDER BY symbol, number"
)
WITHDRAWALS = (
    "SELECT number, account, asset, amount, fee, status, approvals FROM withdrawals"
    " WHERE status IN ('requested', 'approved', 'sent')"
)
COLUMNS = (
    "account", "side", "price", "quantity", "leaves", "shown", "arrival", "display",
    "deadline_us", "client_order_id", "status",
)  # fmt: skip


class Open(msgspec.Struct, array_like=True):
    """An open order as the views have it."""

    symbol: str
    number: int
    account: str
    side: str
    price: int
    quantity: int
    leaves: int
    shown: int
    arrival: int
    display: int | None
    deadline_us: int | None
    client_order_id: str | None
    status: str
    filled: int
    other_number: int | None
    budget: str | None
    updated_position: int

    @property
    def id(self) -> str:
        """Its public id."""
        return f"{self.symbol}:{self.number}"


def compare_end(connection: sqlite3.Connection, state: VenueState, findings: Findings) -> None:
    """Compare all that the state and the views both tell of now."""
    found = {
        (name, asset): (int(units), position)
        for name, asset, units, position in connection.execute(
            "SELECT account, asset, balance, position FROM balances"
        )
    }
    orders = [msgspec.convert(row, Open) for row in connection.execute(OPEN)]
    _compare_balances(state, found, findings)
    _compare_totals(state, found, findings)
    _compare_orders(state, orders, findings)
    _compare_holds(state, orders, found, findings)
    _compare_withdrawals(connection, state, found, findings)
    _compare_markets(connection, state, findings)


Balances = dict[tuple[str, str], tuple[int, int]]
"""(ledger account, asset) -> units, position of its last change."""


def _compare_balances(state: VenueState, found: Balances, findings: Findings) -> None:
    """Law R2: each balance against the fold."""
    due = {(name, asset): units for name, asset, units in state.ledger.balances()}
    for key in sorted(due.keys() | found.keys()):
        units, position = found.get(key, (0, 0))
        at = [position] if position else []
        findings.compare("balances", "R2", " ".join(key), due.get(key, 0), units, at)


def _compare_totals(state: VenueState, found: Balances, findings: Findings) -> None:
    """Law L1: money is only moved. Where it is not, the balances that the log does not know."""
    totals: dict[str, int] = {}
    for (_, asset), (units, _) in found.items():
        totals[asset] = totals.get(asset, 0) + units
    for asset in sorted(totals.keys() | state.assets.by_code.keys()):
        names = {name for name, it in found if it == asset}
        names |= {name for name, it, _ in state.ledger.balances() if it == asset}
        wrong = [
            name
            for name in sorted(names)
            if found.get((name, asset), (0, 0))[0] != state.ledger.balance(name, asset)
        ]
        positions = sorted({found[name, asset][1] for name in wrong if (name, asset) in found})
        total = totals.get(asset, 0)
        findings.compare("sum zero", "L1", asset, 0, total, positions, wrong)


def _compare_orders(state: VenueState, orders: list[Open], findings: Findings) -> None:
    """Open orders and their queues against the books."""
    found = {(it.symbol, it.number): it for it in orders}
    due = {(symbol, n): o for symbol, room in state.rooms.items()
           for n, o in room.book.orders.items()}  # fmt: skip
    for symbol, number in sorted(due.keys() | found.keys()):
        have, want = found.get((symbol, number)), due.get((symbol, number))
        shown, told = None, None
        if have is not None:
            shown = {name: getattr(have, name) for name in COLUMNS}
        if want is not None:
            filled = have is not None and have.filled > 0
            told = _told(want, state.rooms[symbol], filled=filled)
        if shown is not None and told is not None:
            shown, told = _differing(shown, told)
        at = [have.updated_position] if have else []
        findings.compare("open orders", "B2", f"{symbol}:{number}", told, shown, at)


def _told(order: Order, room: Room, *, filled: bool) -> dict[str, Any]:
    """The order as the book has it; whether it has filled is seen from its fills."""
    if order.level is not None:
        status = "PARTIALLY_FILLED" if filled else "NEW"
    else:
        status = "TRIGGERED" if order.number in room.book.stops.woken else "UNTRIGGERED"
    values = (
        order.account, order.side.value, order.price, order.quantity, order.leaves, order.shown,
        order.arrival, order.display, order.deadline_us, order.terms.client_order_id, status,
    )  # fmt: skip
    return dict(zip(COLUMNS, values, strict=True))


def _differing(found: dict[str, Any], due: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Both, without what is equal."""
    names = [name for name in COLUMNS if found[name] != due[name]]
    return {name: found[name] for name in names}, {name: due[name] for name in names}


def _compare_holds(
    state: VenueState, orders: list[Open], found: Balances, findings: Findings
) -> None:
    """Law F1 within the views: what is held is what open orders need."""
    needed: dict[tuple[str, str], int] = {}
    needing: dict[tuple[str, str], list[Open]] = {}
    by_id = {(it.symbol, it.number): it for it in orders}
    for order in orders:
        rules = state.rooms[order.symbol].market.instrument
        asset, units = _need(order, rules)
        other = by_id.get((order.symbol, order.other_number or 0))
        if other is not None and order.number < other.number:
            units -= _shared(order, other, rules)
        key = (held(order.account), asset)
        needed[key] = needed.get(key, 0) + units
        needing.setdefault(key, []).append(order)
    holding = {key: units for key, (units, _) in found.items() if key[0].endswith(":held")}
    for key in sorted(needed.keys() | holding.keys()):
        involved = list(_not_as_booked(needing.get(key, []), state)) or [
            it.id for it in needing.get(key, [])
        ]
        positions = [found[key][1]] if key in found else []
        findings.compare(
            "holds", "F1", " ".join(key), needed.get(key, 0), holding.get(key, 0), positions,
            involved,
        )  # fmt: skip


def _not_as_booked(orders: list[Open], state: VenueState) -> Iterator[str]:
    """The orders that need something else in the book: they explain a hold that differs."""
    for order in orders:
        booked = state.rooms[order.symbol].book.orders.get(order.number)
        if booked is None or (booked.price, booked.leaves) != (order.price, order.leaves):
            yield order.id


def _need(order: Open, rules: Instrument) -> tuple[str, int]:
    """What an open order must hold: the asset and its units."""
    if order.budget is not None:
        return rules.quote, int(order.budget)
    if order.side == "buy":
        return rules.quote, order.price * order.leaves * rules.value_unit
    return rules.base, order.leaves * rules.base_unit


def _shared(order: Open, other: Open, rules: Instrument) -> int:
    """What two orders of one list would hold twice."""
    if order.side == "buy":
        return min(order.price, other.price) * order.leaves * rules.value_unit
    return order.leaves * rules.base_unit


def _compare_withdrawals(
    connection: sqlite3.Connection, state: VenueState, found: Balances, findings: Findings
) -> None:
    """Open withdrawals against the fold; law F2 within the views: what is set aside is theirs."""
    rows = {row[0]: row[1:] for row in connection.execute(WITHDRAWALS)}
    for number in sorted(rows.keys() | state.withdrawals.open.keys()):
        it, have = state.withdrawals.open.get(number), rows.get(number)
        due = it and (
            it.asked.account, it.asked.asset, str(it.asked.amount), str(it.asked.fee),
            it.stage.value, len(it.approvers),
        )  # fmt: skip
        findings.compare("open withdrawals", "F2", f"withdrawal {number}", due, have)
    needed: dict[tuple[str, str], int] = {}
    for account, asset, amount, fee, *_ in rows.values():
        key = (withdrawal(account), asset)
        needed[key] = needed.get(key, 0) + int(amount) + int(fee)
    aside = {key: it for key, it in found.items() if key[0].endswith(":withdrawal")}
    for key in sorted(needed.keys() | aside.keys()):
        units, position = aside.get(key, (0, 0))
        at = [position] if position else []
        findings.compare("withdrawal holds", "F2", " ".join(key), needed.get(key, 0), units, at)


def _compare_markets(connection: sqlite3.Connection, state: VenueState, findings: Findings) -> None:
    """Assets, rules and states."""
    assets = dict(connection.execute("SELECT code, decimals FROM assets"))
    due = {code: asset.decimals for code, asset in state.assets.by_code.items()}
    findings.compare("markets", "R2", "assets", due, assets)
    found = {
        symbol: (rules, state_, version, position)
        for symbol, rules, state_, version, position in connection.execute(
            "SELECT symbol, rules, state, rulebook_version, position FROM markets"
        )
    }
    for symbol in sorted(found.keys() | state.rooms.keys()):
        rules, *rest, position = found.get(symbol, (None, None, None, 0))
        market = state.rooms[symbol].market if symbol in state.rooms else None
        instrument = rules and msgspec.json.decode(rules, type=Instrument)
        want = market and (market.instrument, market.state.value, market.version)
        have = (instrument, *rest) if rules else None
        findings.compare("markets", "R2", symbol, want, have, [position] if position else [])
