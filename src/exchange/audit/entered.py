"""What is due on stops: that they sleep, wake by the right prints, and enter in their turn."""

from collections.abc import Iterator, Sequence

from exchange.audit.blame import Effect
from exchange.audit.demand import demand
from exchange.audit.ended import LEDGER, Cause, ended, others_ended, parted
from exchange.audit.fees import due_trades
from exchange.audit.walk import walk
from exchange.kernel.ids import order_id
from exchange.kernel.instruments import Instrument, MarketState
from exchange.kernel.journal import Entry
from exchange.kernel.money import PPM
from exchange.kernel.orders import (
    BUY,
    FOK,
    EndReason,
    Fill,
    OrderTerms,
    OrderType,
    SelfTrade,
    TimeInForce,
)
from exchange.kernel.rejects import RejectCode, Rejected
from exchange.matching.events import OrderAccepted, StopEntered, StopsTriggered
from exchange.matching.ladder import Order
from exchange.orders.commands import RunStops
from exchange.orders.validate import check_deadline
from exchange.settlement.spot import trade_entry
from exchange.venue.parts import held_by, required
from exchange.venue.state import Room, VenueState
from exchange.venue.stops import STOPS_MAX
from exchange.wallet.entries import hold, release
from exchange.wallet.events import EntriesPosted

STOPPING = frozenset({OrderType.STOP, OrderType.STOP_LIMIT})


def due_on_sleep(
    room: Room, account: str, terms: OrderTerms, group: str | None, at_us: int, cause: Cause
) -> Iterator[Effect]:
    """What is due on a new stop or take-profit.

    Raises:
        Rejected: it should have been refused.
    """
    rules, number = room.market.instrument, room.book.order_count + 1
    if is_through(room, terms):
        raise Rejected(RejectCode.WOULD_TRIGGER, "trigger")
    bound, deadline_us = bound_of(terms, rules), check_deadline(terms, rules, at_us)
    yield (
        room.book.id,
        OrderAccepted(
            number, account, terms, 0, (), terms.quantity or 0, None, (), group, deadline_us, bound
        ),
    )
    asset, amount = asleep_needs(rules, terms, bound)
    entry = hold(order_id(rules.symbol, number), account, asset, amount)
    yield LEDGER, EntriesPosted(*cause, (entry,))


def due_on_run(state: VenueState, command: RunStops, cause: Cause, at_us: int) -> Iterator[Effect]:
    """What is due when the venue goes on with orders that were left woken.

    Raises:
        Rejected: it should have been refused.
    """
    room, entries = state.room(command.symbol), list[Entry]()
    demand(room.market.state is MarketState.CONTINUOUS, RejectCode.MARKET_STATE)
    demand(not state.switch.killed, RejectCode.KILL_SWITCH)
    yield from _enter_all(room, at_us, entries)
    if entries:
        yield LEDGER, EntriesPosted(*cause, tuple(entries))


def due_stops(
    room: Room, fills: Sequence[Fill], at_us: int, entries: list[Entry]
) -> Iterator[Effect]:
    """What is due behind a command's own fills; the entries join ``entries``."""
    if fills:
        yield from _woken(room, fills, at_us, entries)
        yield from _enter_all(room, at_us, entries)


def is_through(room: Room, terms: OrderTerms) -> bool:
    """Whether the last print would have woken it."""
    last = room.book.last_price
    return last is not None and terms.trigger is not None and _wakes(terms, terms.trigger, last)


def bound_of(terms: OrderTerms, rules: Instrument) -> int | None:
    """The most that a purchase by quantity pays once its trigger is reached; rounded up."""
    if terms.price is not None or terms.quantity is None or terms.trigger is None:
        return None
    most = -(-terms.trigger * (PPM + rules.stop_slippage_ppm) // PPM)
    value = rules.notional(most if terms.side is BUY else terms.trigger, terms.quantity)
    if value > rules.notional_max:
        raise Rejected(RejectCode.NOTIONAL_MAX, "notional", value)
    return most if terms.side is BUY else None


def asleep_needs(rules: Instrument, terms: OrderTerms, bound: int | None) -> tuple[str, int]:
    """What it holds while it sleeps."""
    if terms.budget is not None:
        return rules.quote, terms.budget
    return required(rules, terms.side, terms.price or bound or 0, terms.quantity or 0)


def _wakes(terms: OrderTerms, trigger: int, price: int) -> bool:
    buys, stops = terms.side is BUY, terms.type in STOPPING
    return price >= trigger if buys is stops else price <= trigger


def _woken(room: Room, fills: Sequence[Fill], at_us: int, entries: list[Entry]) -> Iterator[Effect]:
    """Each sleeping order by the first print that wakes it, then by arrival.

    Of two in one list the first alone: the other ends.
    """
    stops = room.book.stops
    if not stops.rising and not stops.falling:
        return
    places = []
    for order in room.book.orders.values():
        trigger = order.trigger
        if order.level is not None or order.number in stops.woken or trigger is None:
            continue
        if order.deadline_us is not None and order.deadline_us <= at_us:
            continue
        by = [n for n, it in enumerate(fills) if _wakes(order.terms, trigger, it.price)]
        if by:
            places.append((by[0], order.arrival, order.number))
    line: list[int] = []
    for _, _, number in sorted(places):
        if number not in room.book.others or room.book.others[number].number not in line:
            line.append(number)
    if line:
        yield room.book.id, StopsTriggered(tuple(line))
        ending = [room.book.others[number] for number in line if number in room.book.others]
        yield from ended(room, ending, EndReason.LIST, entries)


def _enter_all(room: Room, at_us: int, entries: list[Entry]) -> Iterator[Effect]:
    """The first of the woken, as many as one command lets in."""
    left = min(STOPS_MAX, len(room.book.orders))
    while room.book.stops.woken and left:
        left -= 1
        order = room.book.orders[next(iter(room.book.stops.woken))]
        yield from _enter(room, order, at_us, entries)


def _enter(room: Room, order: Order, at_us: int, entries: list[Entry]) -> Iterator[Effect]:
    rules, side, account = room.market.instrument, order.side, order.account
    asset, spare = held_by(rules, order)
    event = _entered(room, order, at_us)
    limit = order.price if side is BUY and order.terms.budget is None else None
    yield room.book.id, event
    version = room.book.version
    if event.fills:
        ended = event.ended is not None
        settled = due_trades(room, order.number, account, side, event.fills, ended=ended)
        yield room.settlement.id, settled
        for it in settled.trades:
            entries.append(trade_entry(rules, it, limit or it.price))
            spare -= required(rules, side, limit or it.price, it.quantity)[1]
    spare -= required(rules, side, order.price, event.leaves)[1]
    if spare:
        name = order_id(rules.symbol, order.number)
        entries.append(release(name, version, account, asset, spare))
    yield from parted(room, event.met, side, (), entries)
    yield from others_ended(room, (*event.fills, *event.met), entries)
    yield from _woken(room, event.fills, at_us, entries)


def _entered(room: Room, order: Order, at_us: int) -> StopEntered:
    """What must become of the order that enters."""
    asked, number, open_ = order.terms, order.number, order.leaves
    if order.deadline_us is not None and order.deadline_us <= at_us:
        return StopEntered(number, 0, (), (), 0, EndReason.DEADLINE)
    terms = _as_taker(order)
    fills, met, end = walk(
        room.book, room.market.instrument, order.account, order.group, terms, at_us
    )
    filled = sum([it.quantity for it in fills])
    if terms.post_only and (fills or any(it.reason is EndReason.SELF_TRADE for it in met) or end):
        return StopEntered(number, 0, (), (), 0, EndReason.WOULD_TRADE)
    if terms.time_in_force is FOK and filled != open_:
        return StopEntered(number, 0, (), (), 0, EndReason.NOT_FILLABLE)
    if end is None and asked.price is None:
        end = EndReason.NO_LIQUIDITY
    if end is None and not terms.time_in_force.rests:
        end = EndReason.IMMEDIATE
    lost = sum([it.quantity for it in met if it.reason is EndReason.SELF_TRADE])
    left = open_ - filled - (lost if terms.self_trade is SelfTrade.DECREMENT else 0)
    trade = room.book.trade_count + 1 if fills else 0
    return StopEntered(number, trade, tuple(fills), tuple(met), 0 if end else left, end)


def _as_taker(order: Order) -> OrderTerms:
    """What it asks for now that it is awake."""
    asked, side, mode = order.terms, order.side, order.terms.self_trade
    if asked.budget is not None:
        return OrderTerms(side, OrderType.MARKET, None, None, budget=asked.budget, self_trade=mode)
    if asked.price is None:
        price = order.price if side is BUY else None
        kind = OrderType.LIMIT if side is BUY else OrderType.MARKET
        return OrderTerms(side, kind, price, order.leaves, TimeInForce.IOC, self_trade=mode)
    return OrderTerms(
        side, OrderType.LIMIT, order.price, order.leaves, asked.time_in_force, asked.post_only,
        mode, display=order.display,
    )  # fmt: skip
