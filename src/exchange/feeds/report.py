"""What a flow's run came to, computed from the log alone, so that a resumed run says the same."""

import hashlib
from collections.abc import Iterator

import msgspec

from exchange.feeds.flow import Flow
from exchange.feeds.run import Listing, key_prefix
from exchange.kernel.accounts import FEES, available, held
from exchange.kernel.decimals import to_text
from exchange.kernel.events import Envelope
from exchange.matching.book import Book
from exchange.matching.events import OrderAccepted
from exchange.matching.ladder import Level
from exchange.orders.commands import Deposit
from exchange.orders.records import CommandRecorded
from exchange.store.log import EventLog
from exchange.venue.laws import check_all
from exchange.venue.replay import by_command
from exchange.venue.state import VenueState

BBO_SAMPLE = 5_000

ACCOUNT_COLUMNS = ("account", "base_delta", "quote_delta", "base_locked_end", "quote_locked_end")

Row = dict[str, str]
"""Column -> text, as in the files of :mod:`exchange.feeds.tables`."""


class Report(msgspec.Struct):
    """Counts and texts of one flow; amounts are decimal text."""

    commands: int = 0
    trades: int = 0
    volume: str = ""
    notional: str = ""
    fees: dict[str, str] = {}
    refusals: dict[str, int] = {}
    resting_orders: int = 0
    best_bid: str = ""
    best_ask: str = ""
    bbo_sha256: str = ""
    state_hash: str = ""
    events: int = 0


class Outcome(msgspec.Struct):
    """The report and the tables behind it."""

    report: Report
    time_column: str
    trades: list[Row]
    final_orders: list[Row]
    accounts: list[Row]
    bbo: list[Row]


def report_flow(log: EventLog, flow: Flow, listing: Listing) -> Outcome:
    """Fold the log and describe what became of ``flow`` in it.

    Raises:
        InvariantViolation: the log breaks a law.
        LookupError: the log has no such market.
    """
    teller = _Teller(flow, listing)
    teller.read(log)
    check_all(teller.state)
    return teller.outcome()


class _Teller:
    def __init__(self, flow: Flow, listing: Listing) -> None:
        self.flow, self.listing = flow, listing
        self.base, self.quote = listing.assets
        self.state = VenueState()
        self.report = Report()
        self.trades: list[Row] = []
        self.bbo: list[Row] = []
        self.refusals: dict[str, int] = {}
        self.deposits: dict[tuple[str, str], int] = {}
        self.volume = self.value = 0
        self.last = (0, 0, 0, 0)
        self.touch = self._touch_text(self.last)

    def read(self, log: EventLog) -> None:
        prefix = key_prefix(self.flow.digest)
        setup = prefix + "setup:"
        digest = hashlib.sha256()
        for command in by_command(log.read()):
            record = command[0].event
            if not isinstance(record, CommandRecorded):
                raise TypeError(f"no record at {command[0].position}")
            self.report.events += len(command)
            key = record.key or ""
            if not key.startswith(prefix) or key.startswith(setup):
                self._apply(command)
                if isinstance(record.command, Deposit) and record.refusal is None:
                    name = (record.command.account, record.command.asset)
                    self.deposits[name] = self.deposits.get(name, 0) + record.command.amount
                continue
            seq = key[len(prefix) :]
            self._count(seq, record, command)
            digest.update(f"{seq},{self._touch()}\n".encode())
            if int(seq) % BBO_SAMPLE == 0:
                self._sample(seq)
        self.report.bbo_sha256 = digest.hexdigest()

    def _apply(self, command: list[Envelope]) -> None:
        for envelope in command:
            self.state.apply(envelope.originator_id, envelope.originator_version, envelope.event)

    def _count(self, seq: str, record: CommandRecorded, command: list[Envelope]) -> None:
        self.report.commands += 1
        if record.refusal is not None:
            code = record.refusal.code.value
            self.refusals[code] = self.refusals.get(code, 0) + 1
        for envelope in command:
            event = envelope.event
            if isinstance(event, OrderAccepted) and event.fills:
                self.trades += self._trade_rows(seq, record.at_us, event)
        self._apply(command)

    def _trade_rows(self, seq: str, at_us: int, accepted: OrderAccepted) -> Iterator[Row]:
        """One row a fill; the makers are still in the book."""
        for fill in accepted.fills:
            self.volume += fill.quantity
            self.value += fill.price * fill.quantity
            yield {
                "trade_no": str(len(self.trades) + 1),
                "cmd_seq": seq,
                self.flow.time_column: self._time(at_us),
                "maker_order_id": self._book().orders[fill.maker].terms.client_order_id or "",
                "taker_order_id": accepted.terms.client_order_id or "",
                "taker_side": accepted.terms.side.value,
                "price": self._price(fill.price),
                "qty": self._quantity(fill.quantity),
            }

    def _touch(self) -> str:
        """Best bid and ask as they stand: price, quantity, price, quantity."""
        book = self._book()
        bid, ask = book.bids.best, book.asks.best
        now = (*_top(bid), *_top(ask))
        if now != self.last:
            self.last, self.touch = now, self._touch_text(now)
        return self.touch

    def _touch_text(self, top: tuple[int, int, int, int]) -> str:
        bid, bid_quantity, ask, ask_quantity = top
        return (
            f"{self._price(bid)},{self._quantity(bid_quantity)},"
            f"{self._price(ask)},{self._quantity(ask_quantity)}"
        )

    def _sample(self, seq: str) -> None:
        bid, bid_quantity, ask, ask_quantity = self.touch.split(",")
        self.bbo.append(
            {
                "cmd_seq": seq,
                "bid": bid,
                "bid_qty": bid_quantity,
                "ask": ask,
                "ask_qty": ask_quantity,
                "resting_orders": str(len(self._book().orders)),
                "trades_so_far": str(len(self.trades)),
                "post_only_rejects_so_far": str(self.refusals.get("WOULD_TRADE", 0)),
            }
        )

    def outcome(self) -> Outcome:
        report, book = self.report, self._book()
        report.trades = len(self.trades)
        report.volume = self._quantity(self.volume)
        report.notional = to_text(self.value, self._value_decimals())
        report.refusals = dict(sorted(self.refusals.items()))
        report.resting_orders = len(book.orders)
        bid, bid_quantity, ask, ask_quantity = self._touch().split(",")
        report.best_bid, report.best_ask = f"{bid} × {bid_quantity}", f"{ask} × {ask_quantity}"
        ledger = self.state.ledger
        report.fees = {
            asset: to_text(ledger.balance(FEES, asset), self._asset_decimals(asset))
            for asset in (self.base, self.quote)
        }
        report.state_hash = self.state.state_hash()
        return Outcome(
            report,
            self.flow.time_column,
            self.trades,
            self._final_orders(),
            self._accounts(),
            self.bbo,
        )

    def _final_orders(self) -> list[Row]:
        """Open orders by order id."""
        rows = [
            {
                "order_id": order.terms.client_order_id or "",
                "side": order.side.value,
                "price": self._price(order.price),
                "remaining": self._quantity(order.leaves),
            }
            for order in self._book().orders.values()
        ]
        return sorted(rows, key=lambda row: (len(row["order_id"]), row["order_id"]))

    def _accounts(self) -> list[Row]:
        """What each account of the file has more or less than it was given, and what it holds."""
        rows = []
        for account in sorted({command.account for command in self.flow.commands}):
            row = {"account": account}
            for name, asset in (("base", self.base), ("quote", self.quote)):
                decimals = self._asset_decimals(asset)
                locked = self.state.ledger.balance(held(account), asset)
                free = self.state.ledger.balance(available(account), asset)
                change = free + locked - self.deposits.get((account, asset), 0)
                row[f"{name}_delta"] = to_text(change, decimals)
                row[f"{name}_locked_end"] = to_text(locked, decimals)
            columns = (
                "account",
                "base_delta",
                "quote_delta",
                "base_locked_end",
                "quote_locked_end",
            )
            rows.append({column: row[column] for column in columns})
        return rows

    def _book(self) -> Book:
        return self.state.rooms[self.listing.symbol].book

    def _asset_decimals(self, asset: str) -> int:
        return self.state.assets.by_code[asset].decimals

    def _value_decimals(self) -> int:
        return self.flow.price_decimals + self.flow.quantity_decimals

    def _price(self, units: int) -> str:
        return to_text(units, self.flow.price_decimals)

    def _quantity(self, units: int) -> str:
        return to_text(units, self.flow.quantity_decimals)

    def _time(self, at_us: int) -> str:
        return str(at_us // 1000) if self.flow.time_column == "ts_ms" else to_text(at_us, 6)


def _top(level: Level | None) -> tuple[int, int]:
    return (level.price, level.quantity) if level else (0, 0)
