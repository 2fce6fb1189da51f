"""The public sample is had, verified and turned into commands as documented, or clearly refused."""

import shutil
import zipfile
from hashlib import sha256
from pathlib import Path

import pytest

from exchange.feeds import sample
from exchange.feeds.sample import SampleUnavailable

FIRST_5_MINUTES_SHA256 = "126b76eb7df27111d50d6115e03df7483ac503771b8cf2f82a15d664b6a99c16"
STALE_ASK = min(sample.STALE_ASKS)


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty directory that is all of the package index that pip can see."""
    directory = tmp_path / "index"
    directory.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(directory))
    return directory


def put_impostor(directory: Path) -> None:
    """A wheel that pip takes for the sample, without the sample in it."""
    info = "ob_analytics-0.1.0.dist-info"
    with zipfile.ZipFile(directory / sample.WHEEL_NAME, "w") as files:
        files.writestr(
            f"{info}/METADATA", "Metadata-Version: 2.1\nName: ob-analytics\nVersion: 0.1.0\n"
        )
        files.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")


def converted(orders: str, trades: str = "") -> list[str]:
    """The commands of a small capture, without number and header.

    A row is: id time price volume action side. A trade is: buyer seller volume taker's side.
    """
    rows = [row.split() for row in orders.strip().splitlines()]
    raw = ["header", *(f"{i},0,{t},{p},{v},{did},{side}" for i, t, p, v, did, side in rows)]
    tape = [trade.split() for trade in trades.strip().splitlines()]
    raw_tape = ["header", *(f"1,0,0,0.0,{v},{buy},{sell},{side}" for buy, sell, v, side in tape)]
    _header, *lines = sample.to_commands("\n".join(raw), "\n".join(raw_tape)).decode().splitlines()
    assert [str(n) for n in range(1, len(lines) + 1)] == [line.split(",")[0] for line in lines]
    return [line.split(",", 1)[1] for line in lines]


def test_the_sample_becomes_the_documented_commands(commands: bytes) -> None:
    """206,414 commands, known byte for byte."""
    assert sample.COMMANDS_SHA256 == sha256(commands).hexdigest()
    assert 206_414 + 1 == commands.count(b"\n")


def test_the_first_five_minutes_are_the_documented_prefix(commands: bytes) -> None:
    """45,300 commands: the opening book and five minutes of live trading."""
    prefix = sample.first_minutes(commands, 5)
    assert sha256(prefix).hexdigest() == FIRST_5_MINUTES_SHA256
    assert 45_300 + 1 == prefix.count(b"\n")
    assert commands.startswith(prefix)


def test_more_minutes_than_the_file_has_are_the_whole_file(commands: bytes) -> None:
    """Nothing is lost at the end."""
    assert commands == sample.first_minutes(commands, 31)


def test_minutes_count_from_the_first_command_after_the_opening_book() -> None:
    """The opening book may be older, and the last moment of the window is out."""
    lines = [
        b"seq,ts_ms,op\n",
        b"1,1000,NEW\n",
        b"2,1000,NEW\n",
        b"3,90000,NEW\n",
        b"4,149999,NEW\n",
        b"5,150000,NEW\n",
    ]
    assert b"".join(lines[:5]) == sample.first_minutes(b"".join(lines), 1)
    assert b"".join(lines[:3]) == sample.first_minutes(b"".join(lines), 0)


@pytest.mark.parametrize("commands", [b"", b"seq,ts_ms\n", b"seq,ts_ms\n1,5\n2,5\n"])
def test_an_opening_book_alone_comes_back_whole(commands: bytes) -> None:
    """Without live trading no clock starts."""
    assert commands == sample.first_minutes(commands, 5)


def test_the_opening_book_is_placed_by_id_without_price_zero_and_stale_asks() -> None:
    """Rule 1."""
    orders = f"""
        9            10  100.5  1e-05  created  bid
        2            10  101.0  2.0    created  ask
        3            10  0.0    7.0    created  bid
        {STALE_ASK}  10  100.6  1.0    created  ask
        9            90  100.5  1e-05  deleted  bid
    """
    assert [
        "10,NEW,2,sell,LIMIT,101.00,2.00000000",
        "10,NEW,9,buy,LIMIT,100.50,0.00001000",
    ] == converted(orders)


def test_a_marker_price_is_a_market_order() -> None:
    """Rule 2: also one without a volume, which asks for what the tape gave it."""
    orders = """
        1  10  100.0        1.0  created  bid
        2  10  101.0        1.0  created  ask
        3  10  102.0        1.0  created  ask
        5  20  0.0          0.4  created  ask
        6  30  999999999.0  0.0  created  bid
        6  30  102.0        1e-08  deleted  bid
        1  90  100.0        0.6  deleted  bid
    """
    trades = """
        1  5  0.4  sell
        6  2  1.0  buy
        6  3  6.377e-05  buy
    """
    assert [
        "20,NEW,5,sell,MARKET,,0.40000000",
        "30,NEW,6,buy,MARKET,,1.00006377",
    ] == converted(orders, trades)[3:]


def test_an_order_that_would_cross_and_came_back_whole_was_post_only() -> None:
    """Rule 3: judged at the best price of the moment; its deletion is no cancel."""
    orders = """
        1  10  100.0  1.0  created  bid
        2  10  101.0  1.0  created  ask
        3  20  101.0  1.0  created  bid
        3  20  101.0  1.0  deleted  bid
        4  30  100.0  1.0  created  ask
        4  30  100.0  1.0  deleted  ask
        2  40  101.0  1.0  deleted  ask
        5  50  101.0  1.0  created  bid
        9  90  101.0  1.0  deleted  bid
    """
    assert [
        "20,NEW,3,buy,POST_ONLY,101.00,1.00000000",
        "30,NEW,4,sell,POST_ONLY,100.00,1.00000000",
        "40,CANCEL,2,sell,,,",
        "50,NEW,5,buy,LIMIT,101.00,1.00000000",
    ] == converted(orders)[2:]


def test_an_order_that_trades_is_a_limit_order_with_its_full_volume() -> None:
    """Rule 4: a taker on the tape; what is left of it rests, its makers are gone."""
    orders = """
        2  10  101.0  1.0  created  ask
        3  20  101.0  2.5  created  bid
        2  20  101.0  0.0  deleted  ask
        3  20  101.0  1.5  changed  bid
        4  30  101.0  0.5  created  ask
        4  30  101.0  0.5  deleted  ask
        5  40  101.0  0.5  created  bid
        3  50  101.0  1.5  deleted  bid
        5  90  101.0  0.5  deleted  bid
    """
    assert [
        "20,NEW,3,buy,LIMIT,101.00,2.50000000",
        "30,NEW,4,sell,POST_ONLY,101.00,0.50000000",
        "40,NEW,5,buy,LIMIT,101.00,0.50000000",
        "50,CANCEL,3,buy,,,",
    ] == converted(orders, "3 2 1.0 buy")[1:]


def test_a_crossing_order_that_came_back_smaller_is_no_post_only() -> None:
    """Rule 4: something happened to it, even if the tape doesn't know what."""
    orders = """
        2  10  101.0  1.0  created  ask
        3  20  101.0  1.0  created  bid
        3  30  101.0  0.5  deleted  bid
        2  90  101.0  1.0  deleted  ask
    """
    assert [
        "20,NEW,3,buy,LIMIT,101.00,1.00000000",
        "30,CANCEL,3,buy,,,",
    ] == converted(orders)[1:]


def test_only_a_resting_order_is_cancelled_and_never_by_the_closing_dump() -> None:
    """Rules 5 and 6: orders never seen, filled orders and the last moment cancel nothing."""
    orders = """
        1  10  100.0  1.0  created  bid
        2  10  101.0  1.0  created  ask
        7  20  100.0  1.0  deleted  bid
        2  30  101.0  0.5  changed  ask
        2  30  101.0  0.0  deleted  ask
        1  90  100.0  1.0  deleted  bid
    """
    assert [] == converted(orders)[2:]


@pytest.mark.parametrize("price", ["100.001", "1e-03", "12.5e-02", "-1.0", "x", ""])
def test_a_price_that_is_not_whole_cents_is_refused(price: str) -> None:
    """Nothing is rounded."""
    with pytest.raises(ValueError, match=r"decimals|no price"):
        sample.to_commands(f"header\n1,0,10,{price},1.0,created,bid", "header")


def test_a_tape_that_trades_more_than_rests_is_refused() -> None:
    """Such a capture contradicts itself."""
    orders = """
        2  10  101.0  1.0  created  ask
        3  20  101.0  2.0  created  bid
    """
    with pytest.raises(ValueError, match="order 2"):
        converted(orders, "3 2 1.5 buy")


def test_a_verified_wheel_is_used_again_without_pip(wheel: Path, index: Path) -> None:
    """The cache is enough, also off line."""
    cache = index.parent / "cache"
    cache.mkdir()
    shutil.copy(wheel, cache)
    assert cache / sample.WHEEL_NAME == sample.fetch(cache)


def test_a_corrupted_wheel_is_replaced(wheel: Path, index: Path) -> None:
    """The new one is right, and nothing else stays in the cache."""
    shutil.copy(wheel, index)
    cache = index.parent / "cache"
    cache.mkdir()
    (cache / sample.WHEEL_NAME).write_bytes(wheel.read_bytes()[:-1])
    assert wheel.read_bytes() == sample.fetch(cache).read_bytes()
    assert [cache / sample.WHEEL_NAME] == list(cache.iterdir())


def test_a_corrupted_wheel_is_deleted_even_when_no_other_can_be_had(index: Path) -> None:
    """A wrong file is worse than none."""
    cache = index.parent / "cache"
    cache.mkdir()
    (cache / sample.WHEEL_NAME).write_bytes(b"half a wheel")
    with pytest.raises(SampleUnavailable):
        sample.fetch(cache)
    assert [] == list(cache.iterdir())


def test_a_download_with_another_checksum_is_refused(index: Path) -> None:
    """It never reaches the cache."""
    put_impostor(index)
    cache = index.parent / "cache"
    with pytest.raises(SampleUnavailable, match=f"expected {sample.WHEEL_SHA256}"):
        sample.fetch(cache)
    assert [] == list(cache.iterdir())


def test_no_package_index_is_told_in_one_line(index: Path) -> None:
    """The reason is pip's own."""
    with pytest.raises(SampleUnavailable, match=r"ob-analytics==0\.1\.0") as refusal:
        sample.fetch(index.parent / "cache")
    assert "No matching distribution" in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_slow_download_is_given_up(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hanging network doesn't hang the caller."""
    monkeypatch.setattr(sample, "DOWNLOAD_TIMEOUT_S", 0)
    with pytest.raises(SampleUnavailable, match="within 0 s"):
        sample.fetch(index.parent / "cache")


def test_another_wheel_is_not_converted(tmp_path: Path) -> None:
    """Not even opened."""
    put_impostor(tmp_path)
    with pytest.raises(SampleUnavailable, match="SHA-256"):
        sample.convert(tmp_path / sample.WHEEL_NAME)


def test_other_commands_than_the_documented_are_refused(
    wheel: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A change of the rules can't pass unseen."""
    monkeypatch.setattr(sample, "STALE_ASKS", frozenset[int]())
    with pytest.raises(SampleUnavailable, match="commands file"):
        sample.convert(wheel)


@pytest.mark.parametrize(
    ("own", "shared", "expected"),
    [
        ("/a", "/b", Path("/a")),
        ("", "/b", Path("/b/exchange")),
        ("", "", Path("/users/trader/.cache/exchange")),
    ],
)
def test_the_cache_is_where_the_environment_says(
    own: str, shared: str, expected: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Our own variable, then the desktop's, then the home directory."""
    monkeypatch.setenv("EXCHANGE_CACHE", own)
    monkeypatch.setenv("XDG_CACHE_HOME", shared)
    monkeypatch.setenv("HOME", "/users/trader")
    assert expected == sample.cache_dir()
