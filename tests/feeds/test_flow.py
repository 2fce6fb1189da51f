"""A file of order flow is read exactly as it stands, or refused with its line and its value."""

import gzip
import hashlib
from pathlib import Path

import pytest

from exchange.feeds.flow import Command, FeedError, Flow, account_of, funding, read_flow
from exchange.kernel.orders import Side
from tests.command import inside, url
from tests.feeds.flows import HEADER, flow_file

BUY, SELL = Side.BUY, Side.SELL
GOOD = "1,1000,NEW,1,buy,LIMIT,100.25,0.5"
SECONDS = "seq,time_s,op,order_id,side,tif,price,qty"

MALFORMED = {
    # seq
    ",1000,NEW,2,buy,LIMIT,100,1": "seq ''",
    "x,1000,NEW,2,buy,LIMIT,100,1": "seq 'x'",
    "-2,1000,NEW,2,buy,LIMIT,100,1": "seq '-2'",
    "+2,1000,NEW,2,buy,LIMIT,100,1": "seq '+2'",
    " 2,1000,NEW,2,buy,LIMIT,100,1": "seq ' 2'",
    "2.0,1000,NEW,2,buy,LIMIT,100,1": "seq '2.0'",
    "2e0,1000,NEW,2,buy,LIMIT,100,1": "seq '2e0'",
    "2_0,1000,NEW,2,buy,LIMIT,100,1": "seq '2_0'",
    "12345678901234567890,1000,NEW,2,buy,LIMIT,100,1": "seq '12345678901234567890'",
    "1,1000,NEW,2,buy,LIMIT,100,1": "seq 1 does not rise (after 1)",
    "0,1000,NEW,2,buy,LIMIT,100,1": "seq 0 does not rise (after 1)",
    # time
    "2,,NEW,2,buy,LIMIT,100,1": "ts_ms ''",
    "2,noon,NEW,2,buy,LIMIT,100,1": "ts_ms 'noon'",
    "2,-5,NEW,2,buy,LIMIT,100,1": "ts_ms '-5'",
    "2,1e5,NEW,2,buy,LIMIT,100,1": "ts_ms '1e5'",
    "2,1000.5,NEW,2,buy,LIMIT,100,1": "ts_ms '1000.5'",
    "2,1234567890123456789,NEW,2,buy,LIMIT,100,1": "ts_ms '1234567890123456789'",
    "2,999,NEW,2,buy,LIMIT,100,1": "ts_ms 999 goes back in time",
    # op
    "2,1000,,2,buy,LIMIT,100,1": "op ''",
    "2,1000,new,2,buy,LIMIT,100,1": "op 'new'",
    "2,1000,AMEND,2,buy,LIMIT,100,1": "op 'AMEND'",
    # order id
    "2,1000,NEW,,buy,LIMIT,100,1": "order_id ''",
    "2,1000,NEW,A7,buy,LIMIT,100,1": "order_id 'A7'",
    "2,1000,NEW,-7,buy,LIMIT,100,1": "order_id '-7'",
    "2,1000,NEW,7.0,buy,LIMIT,100,1": "order_id '7.0'",
    "2,1000,NEW,12345678901234567890,buy,LIMIT,100,1": "order_id '12345678901234567890'",
    "2,1000,CANCEL,,buy,,,": "order_id ''",
    # side
    "2,1000,NEW,2,,LIMIT,100,1": "side ''",
    "2,1000,NEW,2,BUY,LIMIT,100,1": "side 'BUY'",
    "2,1000,NEW,2,bid,LIMIT,100,1": "side 'bid'",
    "2,1000,CANCEL,1,,,,": "side ''",
    # type
    "2,1000,NEW,2,buy,,100,1": "type ''",
    "2,1000,NEW,2,buy,limit,100,1": "type 'limit'",
    "2,1000,NEW,2,buy,STOP,100,1": "type 'STOP'",
    # price
    "2,1000,NEW,2,buy,LIMIT,,1": "price is missing",
    "2,1000,NEW,2,buy,POST_ONLY,,1": "price is missing",
    "2,1000,NEW,2,buy,IOC,,1": "price is missing",
    "2,1000,NEW,2,buy,LIMIT,-5,1": "price '-5'",
    "2,1000,NEW,2,buy,LIMIT,+5,1": "price '+5'",
    "2,1000,NEW,2,buy,LIMIT,1e5,1": "price '1e5'",
    "2,1000,NEW,2,buy,LIMIT,.5,1": "price '.5'",
    "2,1000,NEW,2,buy,LIMIT,5.,1": "price '5.'",
    "2,1000,NEW,2,buy,LIMIT,1.2.3,1": "price '1.2.3'",
    "2,1000,NEW,2,buy,LIMIT,0x10,1": "price '0x10'",
    "2,1000,NEW,2,buy,LIMIT,1_000,1": "price '1_000'",
    "2,1000,NEW,2,buy,LIMIT, 100,1": "price ' 100'",
    "2,1000,NEW,2,buy,LIMIT,100 ,1": "price '100 '",
    "2,1000,NEW,2,buy,LIMIT,NaN,1": "price 'NaN'",
    "2,1000,NEW,2,buy,LIMIT,inf,1": "price 'inf'",
    "2,1000,NEW,2,buy,LIMIT,\x00100,1": "price '\\x00100'",
    "2,1000,NEW,2,buy,LIMIT,1234567890123456789,1": "price '1234567890123456789'",
    "2,1000,NEW,2,buy,LIMIT,1.0000000000000000001,1": "price '1.0000000000000000001'",
    "2,1000,CANCEL,1,buy,,x,": "price 'x'",
    # quantity
    "2,1000,NEW,2,buy,LIMIT,100,": "qty is missing",
    "2,1000,NEW,2,buy,MARKET,,": "qty is missing",
    "2,1000,REDUCE,1,buy,,100,": "qty is missing",
    "2,1000,NEW,2,buy,LIMIT,100,-5": "qty '-5'",
    "2,1000,NEW,2,buy,LIMIT,100,1e5": "qty '1e5'",
    "2,1000,NEW,2,buy,LIMIT,100,1.": "qty '1.'",
    "2,1000,REDUCE,1,buy,,100,x": "qty 'x'",
    "2,1000,CANCEL,1,buy,,,1e5": "qty '1e5'",
    "2,1000,NEW,2,buy,LIMIT,100,1234567890123456789": "qty '1234567890123456789'",
    # the line as a whole
    "": "'' has 1 fields instead of 8",
    "2": "'2' has 1 fields instead of 8",
    "2,1000,NEW,2,buy,LIMIT,100": "'2,1000,NEW,2,buy,LIMIT,100' has 7 fields instead of 8",
    "2,1000,NEW,2,buy,LIMIT,1,000,1": "has 9 fields instead of 8",
    ",,,,,,,": "seq ''",
    HEADER: "price 'price'",
    "2,1000,NEW,2,buy,LIMIT,100,1\r": "qty '1\\r'",
    "2,1000,NEW,2,buy,LIMIT,100,1\x0c3,1000,NEW,3,buy,LIMIT,100,1": "has 15 fields instead of 8",
}  # fmt: skip


def read(folder: Path, *lines: str, header: str = HEADER) -> Flow:
    return read_flow(flow_file(folder, *lines, header=header))


@pytest.mark.parametrize(("line", "told"), MALFORMED.items())
def test_a_malformed_line_is_named_and_nothing_is_applied(
    line: str,
    told: str,
    tmp_path: Path,
) -> None:
    """The whole file is judged before the store is so much as made."""
    path = tmp_path / "flow.csv"
    path.write_bytes(f"{HEADER}\r\n{GOOD}\r\n{line}\r\n".encode())
    _, said = inside("feed", "run", path, "--store", url(tmp_path / "venue.db"), code=2)
    assert said.startswith("error: line 3: ")
    assert told in said
    assert [path] == list(tmp_path.iterdir())


@pytest.mark.parametrize("line", [1, 2, 3])
@pytest.mark.parametrize(
    "text", ["\N{FULLWIDTH DIGIT ONE}", "\N{NO-BREAK SPACE}", "é", "\N{ZERO WIDTH NO-BREAK SPACE}"]
)
def test_bytes_that_are_not_ascii_are_refused(text: str, line: int, tmp_path: Path) -> None:
    """A digit of another script is no digit, and a byte order mark is no header."""
    lines = [HEADER, GOOD, "2,1001,CANCEL,1,buy,,,"]
    lines[line - 1] = text + lines[line - 1]
    path = tmp_path / "flow.csv"
    path.write_bytes("\n".join(lines).encode())
    with pytest.raises(FeedError, match=rf"^line {line}: byte {text.encode()[0]:#x} is not ASCII$"):
        read_flow(path)


@pytest.mark.parametrize("time", ["ts_ms", "time_s"])
@pytest.mark.parametrize("kind", ["type", "tif"])
def test_both_names_of_time_and_type_make_a_header(time: str, kind: str, tmp_path: Path) -> None:
    flow = read(tmp_path, GOOD, header=f"seq,{time},op,order_id,side,{kind},price,qty")
    assert time == flow.time_column
    assert [1_000_000 if time == "ts_ms" else 1_000_000_000] == [c.at_us for c in flow.commands]


@pytest.mark.parametrize(
    "header",
    [
        "",
        GOOD,
        HEADER.upper(),
        HEADER.replace(",", ";"),
        HEADER.replace(",", ", "),
        f"{HEADER},note",
        HEADER.removesuffix(",qty"),
        "seq,ts_ms,op,order_id,side,type,qty,price",
        "seq,time_ms,op,order_id,side,type,price,qty",
        '"seq",ts_ms,op,order_id,side,type,price,qty',
    ],
)
def test_any_other_header_is_refused(header: str, tmp_path: Path) -> None:
    with pytest.raises(FeedError, match=r"^line 1: .*is no header; expected seq,ts_ms\|time_s,"):
        read(tmp_path, GOOD, header=header)


def test_an_empty_file_has_no_header(tmp_path: Path) -> None:
    path = tmp_path / "flow.csv"
    path.touch()
    with pytest.raises(FeedError, match=r"^line 1: '' is no header"):
        read_flow(path)


def test_a_header_alone_is_a_flow_without_commands(tmp_path: Path) -> None:
    flow = read(tmp_path)
    assert [] == flow.commands
    assert {} == funding(flow)


def test_every_kind_of_line_says_what_it_asks(tmp_path: Path) -> None:
    """Times come in microseconds, amounts in units of the file's finest decimals."""
    flow = read(
        tmp_path,
        "1,1000,NEW,101,buy,LIMIT,100.25,0.5",
        "2,1000,NEW,102,sell,GTC,101,1",
        "4,1001,NEW,103,sell,POST_ONLY,101.5,0.125",
        "5,1001,NEW,104,buy,IOC,101,1",
        "6,1001,NEW,150,buy,FOK,101,1",
        "7,1001,NEW,149,sell,MARKET,,2.0",
        "8,1002,REDUCE,101,buy,,,0.2",
        "9,1002,REDUCE,101,buy,LIMIT,100.25,0.2",
        "10,1003,CANCEL,101,buy,,,",
        "99,1003,CANCEL,102,sell,GTC,101,1",
    )
    assert (2, 3) == (flow.price_decimals, flow.quantity_decimals)
    assert [
        Command(1, 1_000_000, "NEW", "101", "B01", BUY, "LIMIT", 100_25, 500),
        Command(2, 1_000_000, "NEW", "102", "S02", SELL, "GTC", 101_00, 1_000),
        Command(4, 1_001_000, "NEW", "103", "S03", SELL, "POST_ONLY", 101_50, 125),
        Command(5, 1_001_000, "NEW", "104", "B04", BUY, "IOC", 101_00, 1_000),
        Command(6, 1_001_000, "NEW", "150", "B00", BUY, "FOK", 101_00, 1_000),
        Command(7, 1_001_000, "NEW", "149", "S49", SELL, "MARKET", None, 2_000),
        Command(8, 1_002_000, "REDUCE", "101", "B01", BUY, "", None, 200),
        Command(9, 1_002_000, "REDUCE", "101", "B01", BUY, "LIMIT", None, 200),
        Command(10, 1_003_000, "CANCEL", "101", "B01", BUY, "", None, None),
        Command(99, 1_003_000, "CANCEL", "102", "S02", SELL, "GTC", None, None),
    ] == flow.commands


def test_the_documented_example_is_read_as_documented(tmp_path: Path) -> None:
    """Decimal seconds, GTC and IOC, whole quantities, and a cancel of what never was."""
    flow = read(
        tmp_path,
        "1,36000.000000125,NEW,700001,buy,GTC,50.25,18",
        "2,36000.189600000,REDUCE,700001,buy,,50.25,8",
        "3,36000.220512004,NEW,700002,sell,IOC,50.20,10",
        "4,36001.000000001,CANCEL,700003,sell,,51.10,18",
        header=SECONDS,
    )
    assert ("time_s", 2, 0) == (flow.time_column, flow.price_decimals, flow.quantity_decimals)
    assert [
        Command(1, 36_000_000_000, "NEW", "700001", "B01", BUY, "GTC", 50_25, 18),
        Command(2, 36_000_189_600, "REDUCE", "700001", "B01", BUY, "", None, 8),
        Command(3, 36_000_220_512, "NEW", "700002", "S02", SELL, "IOC", 50_20, 10),
        Command(4, 36_001_000_000, "CANCEL", "700003", "S03", SELL, "", None, None),
    ] == flow.commands
    assert {"B01": 18 * 50_25, "S02": 10, "S03": 0} == funding(flow)


@pytest.mark.parametrize(
    ("text", "at_us"),
    [
        ("0", 0),
        ("5", 5_000_000),
        ("5.0", 5_000_000),
        ("0.000001", 1),
        ("0.0000009", 0),
        ("0.999999999999999999", 999_999),
        ("36000.220512004", 36_000_220_512),
        ("1777689383.817", 1_777_689_383_817_000),
    ],
)
def test_seconds_are_cut_to_microseconds(text: str, at_us: int, tmp_path: Path) -> None:
    flow = read(tmp_path, f"1,{text},CANCEL,1,buy,,,", header=SECONDS)
    assert [at_us] == [command.at_us for command in flow.commands]


@pytest.mark.parametrize("text", ["5.", ".5", "-1", "1e3", "1.0000000000000000001", "1 ", ""])
def test_seconds_that_are_no_plain_number_are_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(FeedError, match=r"^line 2: time_s '"):
        read(tmp_path, f"1,{text},CANCEL,1,buy,,,", header=SECONDS)


def test_seconds_that_go_back_are_refused(tmp_path: Path) -> None:
    """By one microsecond; standing still is no going back."""
    lines = ("1,5.000001,CANCEL,1,buy,,,", "2,5.000001,CANCEL,1,buy,,,")
    assert 2 == len(read(tmp_path, *lines, header=SECONDS).commands)
    with pytest.raises(FeedError, match=r"^line 4: time_s 5\.000000 goes back in time"):
        read(tmp_path, *lines, "3,5.000000,CANCEL,1,buy,,,", header=SECONDS)


def test_the_largest_numbers_come_back_exactly(tmp_path: Path) -> None:
    """18 digits before the point and 18 behind it; nothing passes through a float."""
    digits = "9" * 18
    flow = read(
        tmp_path,
        f"9{digits},{digits},NEW,9{digits},sell,LIMIT,{digits}.{digits},{digits}.{digits}",
    )
    (command,) = flow.commands
    assert (int("9" + digits), int(digits) * 1_000) == (command.seq, command.at_us)
    assert ("9" + digits, "S49") == (command.order_id, command.account)
    assert int(digits * 2) == command.price == command.quantity


def test_zeros_written_behind_the_point_count_as_decimals(tmp_path: Path) -> None:
    """The market's units follow from what the file writes, also on lines that need no price."""
    flow = read(
        tmp_path,
        "1,1,NEW,1,buy,LIMIT,100,2",
        "2,1,CANCEL,1,buy,,100.000,2.0",
    )
    assert (3, 1) == (flow.price_decimals, flow.quantity_decimals)
    assert [(100_000, 20), (None, None)] == [(c.price, c.quantity) for c in flow.commands]


def test_a_finer_unit_can_be_asked_for(tmp_path: Path) -> None:
    """As a finer tick or lot does; a coarser one changes nothing."""
    path = flow_file(tmp_path, GOOD)
    finer = read_flow(path, price_decimals=4, quantity_decimals=3)
    assert [(100_2500, 500)] == [(c.price, c.quantity) for c in finer.commands]
    assert read_flow(path) == read_flow(path, price_decimals=1, quantity_decimals=0)


def test_price_zero_and_quantity_zero_are_the_venues_to_refuse(tmp_path: Path) -> None:
    flow = read(tmp_path, "1,1,NEW,1,buy,LIMIT,0.00,0")
    assert [(0, 0)] == [(command.price, command.quantity) for command in flow.commands]


def test_gzip_and_windows_line_ends_change_no_command(tmp_path: Path) -> None:
    """The digest is that of the unpacked bytes."""
    plain = flow_file(tmp_path, GOOD, "2,1000,CANCEL,1,buy,,,")
    packed, windows = tmp_path / "packed", tmp_path / "windows"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    windows.write_bytes(plain.read_bytes().replace(b"\n", b"\r\n"))
    flow = read_flow(plain)
    assert hashlib.sha256(plain.read_bytes()).hexdigest()[:16] == flow.digest
    assert flow == read_flow(packed)
    assert flow.commands == read_flow(windows).commands
    assert flow.digest != read_flow(windows).digest


def test_a_last_line_needs_no_line_end(tmp_path: Path) -> None:
    path = tmp_path / "flow.csv"
    path.write_text(f"{HEADER}\n{GOOD}")
    assert 1 == len(read_flow(path).commands)


@pytest.mark.parametrize("change", ["cut", "flipped", "followed"])
def test_a_damaged_archive_is_refused(change: str, tmp_path: Path) -> None:
    """Not a prefix of it is run."""
    packed = gzip.compress(f"{HEADER}\n{GOOD}\n".encode() * 50)
    damaged = {
        "cut": packed[:-9],
        "flipped": packed[:-8] + bytes([packed[-8] ^ 1]) + packed[-7:],
        "followed": packed + b"more",
    }
    path = tmp_path / "flow.csv.gz"
    path.write_bytes(damaged[change])
    with pytest.raises(FeedError, match=r"flow\.csv\.gz can't be read: "):
        read_flow(path)


def test_the_account_follows_from_side_and_id() -> None:
    """A hundred accounts, fifty a side."""
    assert ["B00", "B49", "S00", "S01"] == [
        account_of(BUY, 50),
        account_of(BUY, 2002347637526549),
        account_of(SELL, 100),
        account_of(SELL, 1),
    ]
    assert 100 == len({account_of(side, number) for side in Side for number in range(1_000)})


def test_funding_is_the_peak_of_what_is_not_cancelled(tmp_path: Path) -> None:
    """Price × quantity for a buyer, quantity for a seller; a trade or a reduction frees nothing."""
    flow = read(
        tmp_path,
        #                                     B01          S01   B02
        "1,1,NEW,1,buy,LIMIT,10,5",         #  50
        "2,1,NEW,51,buy,LIMIT,20,1",        #  70
        "3,1,NEW,1,sell,LIMIT,30,4",        #               4
        "4,2,CANCEL,1,buy,,,",              #  20
        "5,2,NEW,101,buy,MARKET,,1",        #  50 (at 30, the file's highest price)
        "6,2,NEW,151,buy,IOC,11,1",         #  61
        "7,2,NEW,51,sell,MARKET,,3",        #               7
        "8,2,REDUCE,51,sell,,,3",           #               7
        "9,3,CANCEL,1,sell,,,",             #               3
        "10,3,CANCEL,1,sell,,,",            #               3 (again: frees nothing)
        "11,3,NEW,1,sell,GTC,30,5",         #               8 (an id used anew)
        "12,3,CANCEL,2,buy,,,",             #                      0 (never created)
        "13,3,NEW,1,buy,POST_ONLY,3,3",     #  70
        "14,3,NEW,201,buy,FOK,1,1",         #  71
        "15,4,CANCEL,51,buy,,,",            #  51
    )  # fmt: skip
    assert {"B01": 71, "B02": 0, "S01": 8} == funding(flow)


def test_funding_takes_the_same_id_on_two_sides_for_two_orders(tmp_path: Path) -> None:
    flow = read(
        tmp_path,
        "1,1,NEW,7,buy,LIMIT,10,5",
        "2,1,NEW,7,sell,LIMIT,11,5",
        "3,2,CANCEL,7,sell,,,",
        "4,2,NEW,57,buy,LIMIT,10,1",
    )
    assert {"B07": 60, "S07": 5} == funding(flow)


@pytest.mark.parametrize("name", ["missing.csv", "."])
def test_what_is_no_file_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(FeedError, match="can't be read: "):
        read_flow(tmp_path / name)
