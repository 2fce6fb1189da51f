"""Recorded order flow through the whole order path, as fast as it goes."""

import asyncio
import os
import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from exchange.feeds.flow import Command, FeedError, Flow, funding
from exchange.kernel.decimals import DIGITS_MAX, DecimalError, decimals_of, to_units
from exchange.kernel.ids import is_name
from exchange.kernel.money import UNITS_MAX
from exchange.kernel.orders import OrderTerms, OrderType, Side, TimeInForce
from exchange.kernel.rejects import RejectCode
from exchange.orders.commands import (
    AnyCommand,
    CancelOrder,
    Deposit,
    ListInstrument,
    OpenAccount,
    PlaceOrder,
    ReduceOrder,
    RegisterAsset,
    RegisterUser,
    Request,
    Role,
)
from exchange.orders.rulebook import Assets
from exchange.venue.answers import Ack
from exchange.venue.batch import KeyConflict
from exchange.venue.keys import key_digest
from exchange.venue.sequencer import Venue
from exchange.wallet.entries import deposit_id

OPERATOR = "feed"
FEES = {"zero": (0, 0), "standard": (1_000, 2_000)}
"""Name -> maker and taker ppm."""


class Listing(msgspec.Struct, frozen=True):
    """How the flow's market is listed; tick and lot as decimal text, null: one unit."""

    symbol: str = "BTC-USD"
    tick: str | None = None
    lot: str | None = None
    fees: str = "standard"

    @property
    def assets(self) -> tuple[str, str]:
        """Base and quote.

        Raises:
            FeedError: the symbol does not name both.
        """
        base, dash, quote = self.symbol.partition("-")
        named = all(map(is_name, (base, quote, self.symbol)))
        if not (named and dash) or base == quote:
            raise FeedError(f"symbol {self.symbol!r} does not name two assets, as BTC-USD does")
        return base, quote

    def decimals(self) -> tuple[int, int]:
        """Decimals that tick and lot need.

        Raises:
            FeedError: one is no decimal number above zero.
        """
        steps = (self.tick or "1", self.lot or "1")
        try:
            units = [to_units(step, DIGITS_MAX) for step in steps]
        except DecimalError as error:
            raise FeedError(f"tick or lot: {error}") from error
        if not all(units):
            raise FeedError("tick and lot must be above zero")
        return decimals_of(steps[0]), decimals_of(steps[1])


class Run(msgspec.Struct):
    """What running showed; the report itself comes from the log."""

    commands: int = 0
    seconds: float = 0.0
    latencies_ns: list[int] = []


async def run_flow(
    venue: Venue,
    flow: Flow,
    listing: Listing,
    *,
    limit: int | None = None,
    acks: Path | None = None,
    progress: Callable[[int], None] | None = None,
) -> Run:
    """Set the market up, then submit each command up to seq ``limit``, in order.

    Every command has a key, so what an earlier run of the same line stored is answered from
    the log and changes nothing. ``acks`` gets each seq after its acknowledgement,
    ``progress`` the number of commands acknowledged.

    Raises:
        FeedError: the store refuses the set-up, or ran this file with other settings.
    """
    began_us = flow.commands[0].at_us if flow.commands else 0
    _check_symbol(venue, flow, listing)
    for command, key in set_up(flow, listing, venue.state.assets):
        await _set_up_one(venue, Request(command, OPERATOR, Role.OPERATOR, key), began_us)
    run = Run()
    began = time.perf_counter_ns()
    ledger = _Acks(acks)
    waiting: deque[tuple[int, int, asyncio.Future[Ack]]] = deque()
    try:
        for line in flow.commands:
            if limit is not None and line.seq > limit:
                break
            while not venue.room:
                await asyncio.wait([waiting[0][2]])
                _collect(waiting, run, ledger)
                if progress is not None:
                    progress(run.commands)
            future = venue.submit(_request(line, flow.digest, listing.symbol), line.at_us)
            waiting.append((line.seq, time.perf_counter_ns(), future))
        while waiting:
            await asyncio.wait([waiting[0][2]])
            _collect(waiting, run, ledger)
    finally:
        ledger.close()
        _abandon(waiting)
    run.seconds = (time.perf_counter_ns() - began) / 1e9
    return run


def key_prefix(digest: str) -> str:
    """What the key of every command of a file begins with; the seq follows."""
    return f"feed:{digest}:"


def set_up(flow: Flow, listing: Listing, assets: Assets) -> Iterator[tuple[AnyCommand, str]]:
    """The commands that a flow needs before its first line, with their keys.

    Each is to be done before the next is asked for: the deposits come in the decimals that
    ``assets`` has by then, which may be finer than the file's.
    """
    prefix = key_prefix(flow.digest) + "setup:"
    base, quote = listing.assets
    decimals = flow.price_decimals + flow.quantity_decimals
    if decimals > DIGITS_MAX:
        raise FeedError(f"prices × quantities need {decimals} decimals, {DIGITS_MAX} at most")
    market, funds = _listing_command(flow, listing), funding(flow)
    most = max([market.notional_max, *funds.values()])
    if most > UNITS_MAX:
        raise FeedError(f"prices × quantities reach {most} units, {UNITS_MAX} at most")
    yield RegisterAsset(base, flow.quantity_decimals), f"{prefix}asset:{base}"
    yield RegisterAsset(quote, decimals), f"{prefix}asset:{quote}"
    yield market, f"{prefix}market:{listing.symbol}"
    needed = ((base, flow.quantity_decimals), (quote, decimals))
    finer = {asset: assets.by_code[asset].decimals - places for asset, places in needed}
    for account, amount in funds.items():
        yield RegisterUser(account), f"{prefix}user:{account}"
        yield OpenAccount(account, account), f"{prefix}account:{account}"
        asset = quote if account.startswith("B") else base
        reference = f"{key_prefix(flow.digest)}{account}:{asset}"
        if amount:
            units = amount * int(10 ** finer[asset])
            yield Deposit(account, asset, units, reference), f"{prefix}fund:{account}"


def _check_symbol(venue: Venue, flow: Flow, listing: Listing) -> None:
    """Nothing, unless the store has this file's deposits, but has them for another symbol."""
    deposits = deposit_id(key_prefix(flow.digest))
    funded = any(name.startswith(deposits) for name in venue.state.ledger.references)
    key = f"{key_prefix(flow.digest)}setup:market:{listing.symbol}"
    market = key_digest(_listing_command(flow, listing), key, OPERATOR)
    if funded and market is not None and venue.keys.position(market) is None:
        raise FeedError(f"this store has run this file with another symbol than {listing.symbol}")


def _listing_command(flow: Flow, listing: Listing) -> ListInstrument:
    """Limits that admit every line with a positive price and quantity."""
    base, quote = listing.assets
    price_max = max((c.price or 0 for c in flow.commands), default=0) or 1
    quantity_max = max((c.quantity or 0 for c in flow.commands), default=0) or 1
    tick = to_units(listing.tick, flow.price_decimals) if listing.tick else 1
    lot = to_units(listing.lot, flow.quantity_decimals) if listing.lot else 1
    maker_ppm, taker_ppm = FEES[listing.fees]
    return ListInstrument(
        listing.symbol,
        base,
        quote,
        flow.price_decimals,
        flow.quantity_decimals,
        tick=tick,
        lot=lot,
        price_min=1,
        price_max=price_max,
        quantity_min=1,
        quantity_max=quantity_max,
        notional_min=0,
        notional_max=price_max * quantity_max,
        open_orders_max=max(1, len(flow.commands)),
        maker_ppm=maker_ppm,
        taker_ppm=taker_ppm,
    )


async def _set_up_one(venue: Venue, request: Request, at_us: int) -> None:
    what = request.key or ""
    try:
        ack = await venue.submit(request, at_us)
    except KeyConflict:
        raise FeedError(
            f"this store has run this file with another symbol, tick, lot or fees ({what})"
        ) from None
    shared = isinstance(request.command, RegisterAsset | RegisterUser | OpenAccount)
    if ack.refusal is None or (shared and ack.refusal.code is RejectCode.ALREADY_EXISTS):
        return
    raise FeedError(f"the venue refused {what}: {ack.refusal}")


def _request(line: Command, digest: str, symbol: str) -> Request:
    account = line.account
    command: AnyCommand
    if line.op == "NEW":
        command = PlaceOrder(account, symbol, _terms(line))
    elif line.op == "CANCEL":
        command = CancelOrder(account, symbol, None, line.order_id)
    else:
        command = ReduceOrder(account, symbol, line.quantity or 0, None, line.order_id)
    return Request(command, account, Role.TRADER, f"feed:{digest}:{line.seq}")


def _terms(line: Command) -> OrderTerms:
    kind = line.kind
    return OrderTerms(
        Side.BUY if line.side is Side.BUY else Side.SELL,
        OrderType.MARKET if kind == "MARKET" else OrderType.LIMIT,
        line.price,
        line.quantity,
        _IN_FORCE.get(kind, TimeInForce.GTC),
        kind == "POST_ONLY",
        client_order_id=line.order_id,
    )


_IN_FORCE = {"IOC": TimeInForce.IOC, "FOK": TimeInForce.FOK}


def _collect(
    waiting: "deque[tuple[int, int, asyncio.Future[Ack]]]", run: Run, acks: "_Acks"
) -> None:
    """Take the acknowledged from the front; they are answered in order."""
    now = time.perf_counter_ns()
    seqs = []
    while waiting and waiting[0][2].done():
        seq, began, future = waiting.popleft()
        try:
            future.result()
        except KeyConflict:
            raise FeedError(f"seq {seq}: this store has another command under its key") from None
        run.commands += 1
        run.latencies_ns.append(now - began)
        seqs.append(seq)
    acks.write(seqs)


def _abandon(waiting: "deque[tuple[int, int, asyncio.Future[Ack]]]") -> None:
    """Ask nobody for the answers that are left, so that none of them complains about it."""
    for _, _, future in waiting:
        if not future.cancel() and not future.cancelled():
            future.exception()


class _Acks:
    """Appends acknowledged seqs to a file, each write whole before the next command."""

    def __init__(self, path: Path | None) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        try:
            self._file = None if path is None else os.open(path, flags, 0o644)
        except OSError as error:
            raise FeedError(f"{path} can't be written: {error.strerror}") from error

    def write(self, seqs: list[int]) -> None:
        if self._file is not None and seqs:
            os.write(self._file, "".join(f"{seq}\n" for seq in seqs).encode())

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file)
