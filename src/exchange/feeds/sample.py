"""Where does the public sample of real order flow come from, and how does it become commands?

The sample is 30 minutes of Bitstamp's BTC/USD order book, published as two CSV files inside a
wheel under GPL-2.0-or-later. The wheel is read as a zip of data: it is never imported, installed
or shipped. The capture shows what an exchange *did*; a venue is fed what traders *asked*. The
conversion keeps the requests, drops their results, and follows six rules:

1. The opening snapshot, sorted by id, is placed as limit orders; bids at price zero and two
   stale asks are left out.
2. An order at the feed's marker price is a market order. One without a volume was funded in
   dollars and asks for what it got on the tape.
3. An order that would cross the book built so far, took nothing on the tape and came back whole
   was post-only: the exchange refused it, and so shall we.
4. Every other new order is a limit order with its full volume, also when it takes.
5. A deletion with volume left cancels an order that rests in that book. The dump that ends the
   capture cancels nothing.
6. Everything else is a result, not a request.
"""

import gzip
import hashlib
import io
import os
import re
import subprocess
import sys
import zipfile
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from heapq import heappop, heappush
from itertools import chain, takewhile
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

REQUIREMENT = "ob-analytics==0.1.0"
WHEEL_NAME = "ob_analytics-0.1.0-py3-none-any.whl"
WHEEL_SHA256 = "0326a93aaee4ea08356d8dea59868d68592623a2434bbe4d9be379fa855c9c62"
COMMANDS_SHA256 = "c207b9d53d56ff5d402feaef340d231a46260c04693c3b78519fdae6a77e7670"
DOWNLOAD_TIMEOUT_S = 120

ORDERS_PATH = "ob_analytics/_sample_data/orders.csv.gz"
TRADES_PATH = "ob_analytics/_sample_data/trades.csv"
HEADER = "seq,ts_ms,op,order_id,side,type,price,qty\n"

PRICE_PLACES = 2  # prices are whole cents of USD
VOLUME_PLACES = 8  # volumes are whole satoshi
MARKET_BUY_PRICE = 999_999_999_00  # cents; what the feed writes where a market order has no limit
MARKET_SELL_PRICE = 0
NUMBER = re.compile(r"([0-9]+)(?:\.([0-9]+))?(?:e([+-][0-9]{1,2}))?")
MS_PER_MINUTE = 60_000

# The capture missed the end of these two asks: the market trades above both within minutes and
# neither is hit. Left in, they would take fills that the exchange gave to other orders.
STALE_ASKS = frozenset({2002347646152704, 2002347642003458})


class SampleUnavailable(Exception):  # noqa: N818 - an absence, which callers may live with
    """The sample can't be had, or isn't the one that is expected; the message is one line."""


class _Row(NamedTuple):
    """One line of the capture."""

    order_id: int
    ts_ms: int  # when the exchange did it
    price: int  # cents
    volume: int  # satoshi, left after the action
    action: str  # created, changed or deleted
    buy: bool


class _Fill(NamedTuple):
    """What a taker got from one maker."""

    maker_id: int
    volume: int  # satoshi


def cache_dir() -> Path:
    """The directory that keeps the wheel between runs; it may not exist yet.

    `EXCHANGE_CACHE` if set, else `exchange` under `XDG_CACHE_HOME`, else `~/.cache/exchange`.
    """
    if own := os.environ.get("EXCHANGE_CACHE"):
        return Path(own)
    if shared := os.environ.get("XDG_CACHE_HOME"):
        return Path(shared) / "exchange"
    return Path.home() / ".cache" / "exchange"


def fetch(cache: Path) -> Path:
    """The path of the sample wheel in `cache`, downloaded if it isn't there; idempotent.

    A file with the wrong checksum is deleted and fetched again. The wheel appears under its name
    only when it is whole and verified.

    Raises:
        SampleUnavailable: pip failed or took too long, or delivered something else.
        OSError: `cache` can't be written.
    """
    wheel = cache / WHEEL_NAME
    if wheel.is_file():
        if _sha256(wheel.read_bytes()) == WHEEL_SHA256:
            return wheel
        wheel.unlink()
    cache.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="download-", dir=cache) as scratch:
        _download(Path(scratch))
        arrived = Path(scratch) / WHEEL_NAME
        if not arrived.is_file():
            raise SampleUnavailable(f"pip downloaded {REQUIREMENT} without the file {WHEEL_NAME}")
        _verify(WHEEL_NAME, arrived.read_bytes(), WHEEL_SHA256)
        arrived.replace(wheel)
    return wheel


def convert(wheel: Path) -> bytes:
    """The sample's commands file, verified byte for byte; a few seconds.

    Raises:
        SampleUnavailable: the wheel or the commands made from it have the wrong checksum.
        OSError: the wheel can't be read.
    """
    content = wheel.read_bytes()
    _verify(wheel.name, content, WHEEL_SHA256)
    with zipfile.ZipFile(io.BytesIO(content)) as files:
        orders = gzip.decompress(files.read(ORDERS_PATH)).decode("ascii")
        trades = files.read(TRADES_PATH).decode("ascii")
    commands = to_commands(orders, trades)
    _verify("the commands file", commands, COMMANDS_SHA256)
    return commands


def to_commands(orders: str, trades: str) -> bytes:
    """The commands of a capture, header first, numbered from 1, in the capture's order.

    `orders` and `trades` are the texts of its two CSV files, header first; `orders` has a row at
    least. The rows stamped like the first one are the opening snapshot, the deletions stamped
    like the last one the closing dump. Prices are written with 2 decimals, quantities with 8.

    Raises:
        ValueError: a row is malformed, or finer than a cent or a satoshi; or the tape trades an
            order that doesn't rest.
    """
    rows = [_row(line) for line in orders.splitlines()[1:]]
    book = _Book()
    requests = chain(_opening(rows, book), _live(rows, _fills(trades), book))
    numbered = (f"{seq},{request}\n" for seq, request in enumerate(requests, start=1))
    return (HEADER + "".join(numbered)).encode("ascii")


def first_minutes(commands: bytes, minutes: int) -> bytes:
    """The header, the opening book and the commands of the first `minutes` of live trading.

    The opening book is the lines stamped like the first one. The clock starts with the first
    command after it, not with the snapshot, which may be older; a command stamped exactly
    `minutes` later is out. Everything comes back when nothing follows the opening book.
    """
    lines = commands.splitlines(keepends=True)
    if not lines[1:]:
        return commands
    live = bisect_right(lines, _ts_ms(lines[1]), lo=1, key=_ts_ms)
    if live == len(lines):
        return commands
    limit_ms = _ts_ms(lines[live]) + minutes * MS_PER_MINUTE
    return b"".join(lines[: bisect_left(lines, limit_ms, lo=live, key=_ts_ms)])


def _ts_ms(line: bytes) -> int:
    return int(line.split(b",", 2)[1])


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _verify(name: str, content: bytes, expected: str) -> None:
    if (actual := _sha256(content)) != expected:
        raise SampleUnavailable(f"{name} has SHA-256 {actual}, expected {expected}")


def _download(destination: Path) -> None:
    """Lets pip put the wheel into `destination`; a source archive, which pip would run, is out."""
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--quiet"]
    command += ["--only-binary=:all:", "--no-input", "--disable-pip-version-check"]
    command += ["--dest", str(destination), REQUIREMENT]
    try:
        pip = subprocess.run(  # noqa: S603 - fixed words, no shell
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=DOWNLOAD_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        late = f"pip did not download {REQUIREMENT} within {DOWNLOAD_TIMEOUT_S} s"
        raise SampleUnavailable(late) from None
    if pip.returncode:
        raise SampleUnavailable(f"pip can't download {REQUIREMENT}: {_reason(pip.stderr)}")


def _reason(stderr: str) -> str:
    """What pip said last; warnings and retries come before."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    return lines[-1].removeprefix("ERROR: ") if lines else "it gave no reason"


def _row(line: str) -> _Row:
    order_id, _received_ms, ts_ms, price, volume, action, direction = line.split(",")
    return _Row(
        int(order_id),
        int(ts_ms),
        _scaled(price, PRICE_PLACES),
        _scaled(volume, VOLUME_PLACES),
        action,
        direction == "bid",
    )


def _fills(trades: str) -> Mapping[int, list[_Fill]]:
    """What each taker on the tape got, in the tape's order; taker's order id -> fills."""
    fills = defaultdict(list)
    for line in trades.splitlines()[1:]:
        _trade_id, _received_ms, _ts_ms, _price, amount, buy_id, sell_id, side = line.split(",")
        taker_id, maker_id = (buy_id, sell_id) if side == "buy" else (sell_id, buy_id)
        fills[int(taker_id)].append(_Fill(int(maker_id), _scaled(amount, VOLUME_PLACES)))
    return fills


def _scaled(text: str, places: int) -> int:
    """`text`, such as 78318.0 or 1.937e-05, times 10**places, exactly.

    The capture writes small volumes with an exponent, which prices and quantities from clients
    may not have; so this reader is the feed's own.
    """
    if (number := NUMBER.fullmatch(text)) is None:
        raise ValueError(f"{text!r} is no price and no volume")
    whole, fraction, exponent = number.groups("")
    digits = whole + fraction
    shift = places - len(fraction) + int(exponent or 0)
    if shift >= 0:
        return int(digits + "0" * shift)
    digits = digits.zfill(1 - shift)
    if digits[shift:].strip("0"):
        raise ValueError(f"{text} has more than {places} decimals")
    return int(digits[:shift])


def _decimal(units: int, places: int) -> str:
    digits = str(units).zfill(places + 1)
    return f"{digits[:-places]}.{digits[-places:]}"


class _Book:
    """The orders that rest at each moment of the capture, by the tape rather than by matching.

    Placing costs O(log n), cancelling and filling O(1); the best price drops dead tops when asked.
    """

    def __init__(self) -> None:
        self._leaves: dict[int, int] = {}  # order id -> satoshi, always positive
        self._bids: list[tuple[int, int]] = []  # heap of (-cents, order id), gone orders included
        self._asks: list[tuple[int, int]] = []  # heap of (cents, order id), likewise

    def crosses(self, row: _Row) -> bool:
        """Whether the order could trade at once."""
        side = self._asks if row.buy else self._bids
        while side and side[0][1] not in self._leaves:
            heappop(side)
        return bool(side) and side[0][0] <= (row.price if row.buy else -row.price)

    def place(self, row: _Row, volume: int) -> None:
        """Lets `volume` satoshi of the order rest; none if nothing is left of it."""
        if volume:
            self._leaves[row.order_id] = volume
            key = -row.price if row.buy else row.price
            heappush(self._bids if row.buy else self._asks, (key, row.order_id))

    def fill(self, fill: _Fill) -> None:
        """Takes the traded volume off the maker, which ends when nothing is left."""
        left = self._leaves.pop(fill.maker_id, 0) - fill.volume
        if left < 0:
            raise ValueError(f"the tape takes more from order {fill.maker_id} than rests")
        if left:
            self._leaves[fill.maker_id] = left

    def cancel(self, order_id: int) -> bool:
        """Whether the order rested; now it doesn't."""
        return self._leaves.pop(order_id, None) is not None


def _opening(rows: Sequence[_Row], book: _Book) -> Iterator[str]:
    """Rule 1: the snapshot's orders by id."""
    snapshot = takewhile(lambda row: row.ts_ms == rows[0].ts_ms, rows)
    for row in sorted(snapshot, key=lambda row: row.order_id):
        if row.price and row.order_id not in STALE_ASKS:
            book.place(row, row.volume)
            yield _new(row, "LIMIT", row.volume)


def _live(rows: Sequence[_Row], fills: Mapping[int, Sequence[_Fill]], book: _Book) -> Iterator[str]:
    """Rules 2 to 6: what traders asked after the snapshot, in file order."""
    opening_ms, closing_ms = rows[0].ts_ms, rows[-1].ts_ms
    reduced = _reduced(rows)
    for row in rows:
        if row.ts_ms == opening_ms:
            continue
        if row.action == "created":
            refusable = row.order_id not in fills and row.order_id not in reduced
            yield _placed(row, fills.get(row.order_id, ()), book, refusable=refusable)
        elif row.action == "deleted" and row.volume and row.ts_ms != closing_ms:
            yield from _cancelled(row, book)


def _reduced(rows: Sequence[_Row]) -> set[int]:
    """The orders that were changed, or deleted with another volume than they were created with."""
    created = {row.order_id: row.volume for row in rows if row.action == "created"}
    return {
        row.order_id
        for row in rows
        if row.action == "changed"
        or (row.action == "deleted" and row.volume != created.get(row.order_id))
    }


def _placed(row: _Row, taken: Sequence[_Fill], book: _Book, *, refusable: bool) -> str:
    """The order's command; the book then holds what the tape left of it and of its makers."""
    if row.price == (MARKET_BUY_PRICE if row.buy else MARKET_SELL_PRICE):
        kind = "MARKET"
    elif refusable and book.crosses(row):
        return _new(row, "POST_ONLY", row.volume)
    else:
        kind = "LIMIT"
    filled = sum(fill.volume for fill in taken)
    for fill in taken:
        book.fill(fill)
    if kind == "LIMIT":
        book.place(row, row.volume - filled)
    return _new(row, kind, row.volume or filled)


def _cancelled(row: _Row, book: _Book) -> Iterator[str]:
    """The cancel of an order that rests, else nothing.

    An order that doesn't rest was refused as post-only, or was placed unseen by the capture (most
    of them between the snapshot and the first live row), or is a market order whose last satoshi
    lapsed.
    """
    if book.cancel(row.order_id):
        yield f"{row.ts_ms},CANCEL,{row.order_id},{_side(row)},,,"


def _new(row: _Row, kind: str, quantity: int) -> str:
    price = "" if kind == "MARKET" else _decimal(row.price, PRICE_PLACES)
    qty = _decimal(quantity, VOLUME_PLACES)
    return f"{row.ts_ms},NEW,{row.order_id},{_side(row)},{kind},{price},{qty}"


def _side(row: _Row) -> str:
    return "buy" if row.buy else "sell"
