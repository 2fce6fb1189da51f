"""What tests of order flow share: known facts, the exchange's tape, flow files, stored rows."""

import csv
import io
import sqlite3
import zipfile
from collections.abc import Iterable, Mapping
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

from exchange.feeds import sample
from exchange.feeds.tables import TAPE, TAPE_COLUMNS
from exchange.store.events import VENUE

Tape = list[tuple[str, ...]]
"""Trades in order: maker's id, taker's id, taker's side, price, quantity."""

HEADER = "seq,ts_ms,op,order_id,side,type,price,qty"

FIVE_MINUTES: Mapping[str, Any] = {
    "commands": 45_300,
    "trades": 47,
    "volume": "2.15078907",
    "refusals": {"WOULD_TRADE": 26_599},
    "resting_orders": 6_502,
    "best_bid": "78387.00 × 0.41178116",
    "best_ask": "78388.00 × 0.33217927",
    "bbo_sha256": "04e4eeac443228cc27f0f989a690263865f7a71bbe11aee46447edb6bd48a448",
}
ALL_MINUTES: Mapping[str, Any] = {
    "commands": 206_414,
    "trades": 284,
    "volume": "15.02983915",
    "notional": "1178422.0120948200",
    "refusals": {"WOULD_TRADE": 100_518},
    "resting_orders": 6_494,
    "best_bid": "78350.00 × 0.23815070",
    "best_ask": "78351.00 × 2.20347504",
    "bbo_sha256": "94810de32aaf608356748c54df74cbf02168875508f0574f89bd0eb1ebcf7534",
}


def same_facts(facts: Mapping[str, Any], report: Mapping[str, Any]) -> bool:
    """Whether the report says what is known; for an assert, which then shows both."""
    told = {name: report[name] for name in facts}
    assert facts == told
    return True


def flow_file(folder: Path, *lines: str, header: str = HEADER, name: str = "flow.csv") -> Path:
    """A commands file with these lines."""
    path = folder / name
    path.write_text("".join(f"{line}\n" for line in (header, *lines)), encoding="ascii")
    return path


def table(path: Path) -> list[str]:
    """A written table's rows, without the header."""
    return path.read_text(encoding="ascii").splitlines()[1:]


def orders_and_money(path: Path) -> list[tuple[str, int, str, bytes]]:
    """All rows but the store's own stream: stream, version, topic, payload, in the log's order."""
    columns = "originator_id, originator_version, topic, state"
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
        return connection.execute(
            f"SELECT {columns} FROM stored_events WHERE originator_id <> ? ORDER BY rowid",  # noqa: S608
            (VENUE,),
        ).fetchall()


def acknowledged(path: Path) -> list[int]:
    """The seqs in a file of acknowledgements; a line torn by a kill says nothing."""
    text = path.read_text(encoding="ascii") if path.exists() else ""
    return [int(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]


def tape_of(wheel: Path) -> Tape:
    """The trades in the wheel, written as the venue writes them."""
    with zipfile.ZipFile(wheel) as files:
        text = files.read(sample.TRADES_PATH).decode("ascii")
    return [_trade(row) for row in csv.DictReader(io.StringIO(text))]


def write_tape(folder: Path, trades: Iterable[tuple[str, ...]]) -> Path:
    """A folder of expectations that holds the exchange's tape."""
    folder.mkdir(exist_ok=True)
    with (folder / TAPE).open("w", newline="", encoding="ascii") as file:
        writer = csv.writer(file)
        writer.writerow(TAPE_COLUMNS)
        writer.writerows(trades)
    return folder


def _trade(row: Mapping[str, str]) -> tuple[str, ...]:
    buyer, seller = row["buy_order_id"], row["sell_order_id"]
    maker, taker = (seller, buyer) if row["side"] == "buy" else (buyer, seller)
    return maker, taker, row["side"], _places(row["price"], 2), _places(row["amount"], 8)


def _places(text: str, places: int) -> str:
    written = f"{Decimal(text):.{places}f}"
    assert Decimal(written) == Decimal(text), text
    return written
