"""A snapshot that is not what it should be costs time and nothing else, and is told."""

import hashlib
import random
import re
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest

from exchange.audit.asof import Moment, state_at
from exchange.store.log import EventLog
from exchange.store.snapshots import SnapshotFile, SnapshotFolder
from exchange.venue.keys import Keys
from exchange.venue.opening import nearest, open_state
from exchange.venue.snapshot import FORMAT, unpack
from exchange.venue.state import STATE_ENCODING
from tests.audit.grown import copied, folded, grow, reading

SEED = 20261127


class Case(NamedTuple):
    """What is done to the newest snapshot, and what is said of it."""

    spoilt: Callable[[bytes], bytes]
    reason: str


def flip(seed: int) -> Callable[[bytes], bytes]:
    """One bit anywhere."""

    def spoil(content: bytes) -> bytes:
        at = random.Random(seed).randrange(8 * len(content))  # noqa: S311 - a place, no secret
        return content[: at // 8] + bytes([content[at // 8] ^ 1 << at % 8]) + content[at // 8 + 1 :]

    return spoil


def cut(seed: int) -> Callable[[bytes], bytes]:
    """An end is missing."""
    return lambda content: content[: random.Random(seed).randrange(len(content))]  # noqa: S311


def extend(seed: int) -> Callable[[bytes], bytes]:
    """Something more stands behind it."""
    return lambda content: content + random.Random(seed).randbytes(1 + seed % 50)  # noqa: S311


def hole(seed: int) -> Callable[[bytes], bytes]:
    """A block of it was never written: zeros, as after a power cut."""

    def spoil(content: bytes) -> bytes:
        at = random.Random(seed).randrange(len(content) - 64)  # noqa: S311
        return content[:at] + bytes(64) + content[at + 64 :]

    return spoil


def forged(body: Callable[[bytes], bytes] | None = None, **header: object) -> Callable[..., bytes]:
    """Other words in the header, another body, and the right digest over them."""

    def spoil(content: bytes) -> bytes:
        found = unpack(content)
        head = msgspec.to_builtins(found.header) | header
        return sealed(head, body(found.body) if body else found.body)

    return spoil


def sealed(header: object, body: bytes) -> bytes:
    rest = msgspec.json.encode(header) + b"\n" + body
    return hashlib.sha256(rest).hexdigest().encode() + b"\n" + rest


def state(change: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    """The state's own text changed inside the body."""
    return lambda body: zlib.compress(change(zlib.decompress(body)))


DAMAGED = "it is damaged"
CASES: dict[str, Case] = {
    **{f"bit {seed}": Case(flip(seed), DAMAGED) for seed in range(40)},
    **{f"cut {seed}": Case(cut(seed), DAMAGED) for seed in range(20)},
    **{f"extended {seed}": Case(extend(seed), DAMAGED) for seed in range(10)},
    **{f"hole {seed}": Case(hole(seed), DAMAGED) for seed in range(10)},
    "emptied": Case(lambda _: b"", DAMAGED),
    "one line": Case(lambda content: content.partition(b"\n")[0], DAMAGED),
    "newer format": Case(forged(format=FORMAT + 1), f"its format is {FORMAT + 1}"),
    "older format": Case(forged(format=FORMAT - 1), f"its format is {FORMAT - 1}"),
    "newer format of other words": Case(
        lambda _: sealed({"format": 7, "all": "else"}, b"?"), "its format is 7"
    ),
    "newer encoding": Case(forged(encoding=STATE_ENCODING + 1), "its state has encoding"),
    "older encoding": Case(forged(encoding=STATE_ENCODING - 1), "its state has encoding"),
    "no header": Case(lambda _: sealed([1, 2], b""), "its header makes no sense"),
    "half a header": Case(lambda _: sealed({"format": FORMAT}, b""), "its header makes no sense"),
    "another log": Case(forged(log_id="0" * 32), "it is of another log"),
    "another seal": Case(forged(seal="0" * 64), "the log has another seal"),
    "another place": Case(forged(position=2), "it stands at 2, its name says"),
    "another hash": Case(forged(state_hash="0" * 64), "its state has hash"),
    "another time": Case(forged(at_us=1), "its header says 1us"),
    "another state": Case(
        forged(state(lambda it: it.replace(b'"transfers":0', b'"transfers":9'))),
        "its state has hash",
    ),
    "a stream nobody has": Case(
        forged(state(lambda it: it.replace(b'"ledger":', b'"purse":'))), "its state makes no sense"
    ),
    "an order that is none": Case(
        forged(state(lambda it: it.replace(b'"buy"', b'"hold"'))), "its state makes no sense"
    ),
    "a state of another encoding": Case(
        forged(state(lambda it: b"[9" + it[2:])), "its state makes no sense"
    ),
    "no state": Case(forged(state(lambda _: b"{}")), "its state makes no sense"),
    "half a state": Case(forged(state(lambda it: it[:-9])), "its state makes no sense"),
    "no body": Case(forged(lambda _: b""), "its state makes no sense"),
}  # fmt: skip


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("grown") / "venue.db"
    grow(made, 150, 2)
    return made


@pytest.fixture(scope="module")
def log(path: Path) -> Iterator[EventLog]:
    with reading(path) as opened:
        yield opened


@pytest.fixture
def newest(log: EventLog) -> Iterator[SnapshotFile]:
    """The newest of the two, to be spoilt."""
    file = SnapshotFolder(log.url).files()[0]
    content = file.read()
    yield file
    if file.path.is_dir():
        file.path.rmdir()
    file.path.write_bytes(content)


def fallen_back(log: EventLog) -> list[str]:
    """Why the newest was passed over for the older one; the state is that of the log."""
    newest, older = SnapshotFolder(log.url).files()
    start = open_state(log, Keys())
    assert (older.position, [newest.path]) == (start.position, [it.path for it in start.passed])
    assert folded(log).encoded() == start.state.encoded()
    return [it.reason for it in start.passed]


@pytest.mark.parametrize("name", CASES)
def test_a_hundred_spoilt_snapshots_are_passed_over_for_an_older_one(
    name: str, log: EventLog, newest: SnapshotFile
) -> None:
    spoilt = CASES[name].spoilt(newest.read())
    assert newest.read() != spoilt
    newest.path.write_bytes(spoilt)
    (reason,) = fallen_back(log)
    assert CASES[name].reason in reason


def test_they_are_a_hundred() -> None:
    assert len(CASES) >= 100


def test_another_logs_snapshot_is_told(log: EventLog, newest: SnapshotFile, tmp_path: Path) -> None:
    other = grow(tmp_path / "other.db", 150, 2)[0]
    newest.path.write_bytes(other.read())
    (reason,) = fallen_back(log)
    assert re.match("it stands at|it is of another log", reason)


def test_an_older_snapshot_under_the_newest_name_is_told(
    log: EventLog, newest: SnapshotFile
) -> None:
    newest.path.write_bytes(SnapshotFolder(log.url).files()[1].read())
    (reason,) = fallen_back(log)
    assert f"its name says {newest.position}" in reason


def test_one_that_can_not_be_read_is_told(log: EventLog, newest: SnapshotFile) -> None:
    newest.path.unlink()
    newest.path.mkdir()
    (reason,) = fallen_back(log)
    assert "can't be read" in reason


def test_without_any_good_one_the_log_is_enough(path: Path, tmp_path: Path) -> None:
    store = copied(path, tmp_path / "copy")
    with reading(store) as log:
        for file in SnapshotFolder(log.url).files():
            file.path.write_bytes(b"no snapshot")
        past = state_at(log)
        assert (0, 2) == (nearest(log).position, len(past.passed))
        assert folded(log).encoded() == past.state.encoded()
        assert () == state_at(log, Moment(position=1)).passed


def test_a_missing_folder_is_nothing_to_speak_of(path: Path, tmp_path: Path) -> None:
    with reading(copied(path, tmp_path / "copy", "")) as log:
        assert (0, ()) == (nearest(log).position, nearest(log).passed)


def test_a_folder_that_is_none_is_told(path: Path, tmp_path: Path) -> None:
    store = copied(path, tmp_path / "copy", "")
    store.with_name(store.name + ".snapshots").write_text("a file")
    with reading(store) as log:
        (passed,) = nearest(log).passed
        assert "can't be read" in passed.reason
        assert folded(log).encoded() == state_at(log).state.encoded()


def test_other_files_in_the_folder_are_left_alone(path: Path, tmp_path: Path) -> None:
    with reading(copied(path, tmp_path / "copy")) as log:
        folder = SnapshotFolder(log.url)
        before = folder.files()
        for name in ("notes.txt", "1.snapshot", f"{7:020}.snapshot.bak", f"{9:020}.snapshot.new"):
            (folder.path / name).write_text("?")
        assert before == folder.files()
        assert before[0].position == nearest(log).position
        assert () == nearest(log).passed
