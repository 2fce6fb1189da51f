"""The tables of an outcome as CSV files: written, and compared with expected ones."""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

from exchange.feeds.flow import FeedError
from exchange.feeds.report import ACCOUNT_COLUMNS, Outcome, Row

TAPE = "exchange_trade_tape.csv"
"""An exchange's own record of its trades."""

TAPE_COLUMNS = ("maker_order_id", "taker_order_id", "taker_side", "price", "qty")


def write_tables(outcome: Outcome, folder: Path) -> None:
    """``trades.csv``, ``final_orders.csv`` and ``accounts.csv``.

    Raises:
        FeedError: the folder can't be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, rows, columns in _written(outcome):
            with (folder / f"{name}.csv").open("w", newline="", encoding="ascii") as file:
                writer = csv.DictWriter(file, columns, lineterminator="\n")
                writer.writeheader()
                writer.writerows(rows)
    except OSError as error:
        raise FeedError(f"{folder} can't be written: {error.strerror}") from error


def compare_tables(outcome: Outcome, folder: Path, *, zero_fees: bool) -> tuple[list[str], str]:
    """What was found equal, and the first difference ("" when there is none).

    Reads those of ``expected_trades.csv`` (or ``trades.csv``), the exchange's tape,
    ``final_orders``, ``accounts`` (``expected_accounts_zero_fee.csv`` only after a run
    without fees) and ``expected_bbo_every_5000.csv`` that are there.

    Raises:
        FeedError: none is there, or one can't be read.
    """
    names = {
        "trades": ("expected_trades.csv", "trades.csv"),
        "final orders": ("expected_final_orders.csv", "final_orders.csv"),
        "accounts": ("accounts.csv", *(("expected_accounts_zero_fee.csv",) if zero_fees else ())),
        "best bid and offer": ("expected_bbo_every_5000.csv",),
        "exchange's tape": (TAPE,),
    }
    found = {
        "trades": outcome.trades,
        "final orders": outcome.final_orders,
        "accounts": outcome.accounts,
        "best bid and offer": outcome.bbo,
        "exchange's tape": [{c: row[c] for c in TAPE_COLUMNS} for row in outcome.trades],
    }
    equal: list[str] = []
    for what, candidates in names.items():
        path = next((folder / name for name in candidates if (folder / name).is_file()), None)
        if path is None:
            continue
        expected = _read(path, TAPE_COLUMNS if path.name == TAPE else ())
        difference = _difference(expected, found[what])
        if difference:
            return equal, f"{path.name} {difference}"
        equal.append(f"{len(expected)}/{len(expected)} {what}")
    if not equal:
        raise FeedError(f"{folder} holds none of the expected files")
    return equal, ""


def _written(outcome: Outcome) -> Iterable[tuple[str, list[Row], Sequence[str]]]:
    trade = ("trade_no", "cmd_seq", outcome.time_column, *TAPE_COLUMNS)
    yield "trades", outcome.trades, trade
    yield "final_orders", outcome.final_orders, ("order_id", "side", "price", "remaining")
    yield "accounts", outcome.accounts, ACCOUNT_COLUMNS


def _read(path: Path, columns: tuple[str, ...]) -> list[Row]:
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file, strict=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise FeedError(f"{path} can't be read: {error}") from error
    if not columns:
        return rows
    missing = [column for column in columns if rows and column not in rows[0]]
    if missing:
        raise FeedError(f"{path} has no column {missing[0]}")
    return [{column: row[column] for column in columns} for row in rows]


def _difference(expected: list[Row], found: list[Row]) -> str:
    """The first row and column that differ, in words; "" when there is none."""
    for number, (want, have) in enumerate(zip(expected, found, strict=False), 2):
        for column in want:
            if have.get(column) != want[column]:
                return (
                    f"line {number}: {column} is {want[column]} there, "
                    f"{have.get(column, 'missing')} here (row {','.join(map(str, want.values()))})"
                )
    if len(expected) > len(found):
        missing = ",".join(map(str, expected[len(found)].values()))
        return f"line {len(found) + 2}: {missing} is missing here ({len(found)} rows here)"
    if len(found) > len(expected):
        follows = ",".join(found[len(expected)].values())
        return f"ends after {len(expected)} rows; here follows {follows}"
    return ""
