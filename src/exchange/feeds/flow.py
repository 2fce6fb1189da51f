"""A file of recorded order flow: read whole, checked whole, before any of it is applied."""

import gzip
import hashlib
import zlib
from collections.abc import Iterator
from pathlib import Path

import msgspec

from exchange.kernel.decimals import DIGITS_MAX, DecimalError, decimals_of, to_units
from exchange.kernel.orders import Side

ACCOUNTS_A_SIDE = 50
OPS = ("NEW", "CANCEL", "REDUCE")
KINDS = ("LIMIT", "GTC", "MARKET", "POST_ONLY", "IOC", "FOK")
TIMES = ("ts_ms", "time_s")
_NEW, _REDUCE = "NEW", "REDUCE"


class FeedError(Exception):
    """The file is not order flow; the message names the line and the value."""


class Command(msgspec.Struct, frozen=True, gc=False):
    """One line. Price and quantity in units of the file's decimals, null where it has none."""

    seq: int
    at_us: int
    op: str
    order_id: str
    account: str
    side: Side
    kind: str
    price: int | None
    quantity: int | None


class Flow(msgspec.Struct, frozen=True):
    """A checked file. ``digest``: first 16 hex digits of the SHA-256 of the unpacked file."""

    digest: str
    time_column: str
    price_decimals: int
    quantity_decimals: int
    commands: list[Command]


def read_flow(path: Path, *, price_decimals: int = 0, quantity_decimals: int = 0) -> Flow:
    """Everything in ``path`` (CSV, gzip or not), with at least the given decimals.

    Raises:
        FeedError: the file can't be read, or a line is malformed.
    """
    data = _unpacked(path)
    try:
        lines = data.decode("ascii").replace("\r\n", "\n").removesuffix("\n").split("\n")
    except UnicodeDecodeError as error:
        number = data.count(b"\n", 0, error.start) + 1
        raise FeedError(f"line {number}: byte {data[error.start]:#x} is not ASCII") from error
    time_column = _check_header(lines[0])
    rows = [_fields(number, line) for number, line in enumerate(lines[1:], 2)]
    price_decimals = _most_decimals(rows, 6, "price", price_decimals)
    quantity_decimals = _most_decimals(rows, 7, "qty", quantity_decimals)
    digest = hashlib.sha256(data).hexdigest()[:16]
    commands = list(_commands(rows, time_column, price_decimals, quantity_decimals))
    return Flow(digest, time_column, price_decimals, quantity_decimals, commands)


def account_of(side: Side, order_id: int) -> str:
    """The account that stands in for the trader that the record does not name."""
    return f"{'B' if side is Side.BUY else 'S'}{order_id % ACCOUNTS_A_SIDE:02d}"


def funding(flow: Flow) -> dict[str, int]:
    """Account -> what it needs: the peak over the whole file of its orders not yet cancelled.

    In price units × quantity units for buyers (a market buy at the file's highest price), in
    quantity units for sellers. Accounts in order of name.
    """
    highest = max((c.price or 0 for c in flow.commands), default=0)
    open_now: dict[str, int] = {}
    peak: dict[str, int] = {}
    orders: dict[tuple[str, str], int] = {}
    for command in flow.commands:
        name = (command.account, command.order_id)
        peak.setdefault(command.account, 0)
        if command.op == _NEW and command.quantity is not None:
            price = highest if command.price is None else command.price
            need = command.quantity * (price if command.side is Side.BUY else 1)
            orders[name] = orders.get(name, 0) + need
            total = open_now[command.account] = open_now.get(command.account, 0) + need
            peak[command.account] = max(peak[command.account], total)
        elif command.op == "CANCEL":
            open_now[command.account] = open_now.get(command.account, 0) - orders.pop(name, 0)
    return dict(sorted(peak.items()))


def _unpacked(path: Path) -> bytes:
    try:
        data = path.read_bytes()
        return gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
    except (OSError, EOFError, zlib.error) as error:
        raise FeedError(f"{path} can't be read: {error}") from error


def _check_header(line: str) -> str:
    columns = line.split(",")
    for time in TIMES:
        for kind in ("type", "tif"):
            if columns == ["seq", time, "op", "order_id", "side", kind, "price", "qty"]:
                return time
    raise FeedError(
        f"line 1: {line[:80]!r} is no header; "
        "expected seq,ts_ms|time_s,op,order_id,side,type|tif,price,qty"
    )


def _fields(number: int, line: str) -> tuple[int, list[str]]:
    fields = line.split(",")
    if len(fields) != 8:  # noqa: PLR2004 - the header's columns
        raise FeedError(f"line {number}: {line[:80]!r} has {len(fields)} fields instead of 8")
    return number, fields


def _most_decimals(rows: list[tuple[int, list[str]]], column: int, name: str, least: int) -> int:
    most = least
    for number, fields in rows:
        text = fields[column]
        if text:
            try:
                most = max(most, decimals_of(text))
            except DecimalError as error:
                raise FeedError(f"line {number}: {name} {error}") from error
    if most > DIGITS_MAX:
        raise FeedError(f"{name} has {most} decimals, {DIGITS_MAX} at most")
    return most


def _commands(
    rows: list[tuple[int, list[str]]], time_column: str, price_decimals: int, quantity_decimals: int
) -> Iterator[Command]:
    last_seq = last_us = -1
    for number, (seq_text, time, op, order_id, side_text, kind, price, qty) in rows:
        seq = _whole(number, "seq", seq_text)
        at_us = _time_us(number, time_column, time)
        side = _side(number, side_text)
        if seq <= last_seq:
            raise FeedError(f"line {number}: seq {seq_text} does not rise (after {last_seq})")
        if at_us < last_us:
            raise FeedError(f"line {number}: {time_column} {time} goes back in time")
        if op not in OPS:
            raise FeedError(f"line {number}: op {op!r} is none of {', '.join(OPS)}")
        if op == _NEW and kind not in KINDS:
            raise FeedError(f"line {number}: type {kind!r} is none of {', '.join(KINDS)}")
        needs_price = op == _NEW and kind != "MARKET"
        needs_quantity = op in (_NEW, _REDUCE)
        last_seq, last_us = seq, at_us
        yield Command(
            seq,
            at_us,
            op,
            order_id,
            account_of(side, _whole(number, "order_id", order_id)),
            side,
            kind,
            _number(number, "price", price, price_decimals) if needs_price else None,
            _number(number, "qty", qty, quantity_decimals) if needs_quantity else None,
        )


def _whole(number: int, name: str, text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= DIGITS_MAX + 1):
        raise FeedError(f"line {number}: {name} {text!r} is not a whole number")
    return int(text)


def _time_us(number: int, column: str, text: str) -> int:
    """Microseconds; finer digits are cut off."""
    try:
        if column == "ts_ms":
            return to_units(text, 0) * 1000
        whole, point, places = text.partition(".")
        return to_units(whole + point + places[:6], 6) if decimals_of(text) >= 0 else 0
    except DecimalError as error:
        raise FeedError(f"line {number}: {column} {error}") from error


def _side(number: int, text: str) -> Side:
    try:
        return Side(text)
    except ValueError:
        raise FeedError(f"line {number}: side {text!r} is neither buy nor sell") from None


def _number(number: int, name: str, text: str, decimals: int) -> int:
    if not text:
        raise FeedError(f"line {number}: {name} is missing")
    return to_units(text, decimals)
