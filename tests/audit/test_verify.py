"""What else verify owes: a moment, a report, plain findings, and a store left as it was."""

import shutil
import sqlite3
from collections.abc import Callable, Sequence
from itertools import chain
from pathlib import Path

import msgspec
import pytest

from exchange.audit.chain import DETAIL_MAX
from exchange.audit.verify import Finding, verify
from exchange.kernel.accounts import EXTERNAL, FEES, available, held
from exchange.kernel.events import Envelope, Event, Past
from exchange.kernel.laws import InvariantViolation
from exchange.orders.commands import Deposit, PlaceOrder, RegisterAsset
from exchange.store.errors import StoreError, StoreFormat
from exchange.store.events import LOG_FORMAT, VENUE, BatchSealed, EpochStarted
from exchange.store.heads import Head, read_heads
from exchange.store.log import EventLog
from exchange.store.seal import pack, seal
from exchange.store.writer import LogWriter
from exchange.users.events import UserRegistered
from exchange.venue.catalogue import EVENTS
from exchange.venue.replay import by_command, replay
from exchange.venue.state import VenueState
from exchange.wallet.events import EntriesPosted
from tests.audit.forging import Forgery, fills, nth, trades
from tests.audit.logs import Batch, append, busy_desk, commands_of, log_of, url_of, verdict_on
from tests.audit.tampering import Act, Original, Statement
from tests.build import BUY, SELL, SYMBOL, desk, limit, listing


def batches(seed: int, commands: int = 60, size: int = 5) -> list[Batch]:
    """A busy venue's events, so many commands a batch."""
    done = commands_of(busy_desk(seed, commands))
    return [list(chain(*done[at : at + size])) for at in range(0, len(done), size)]


def test_until_ends_with_the_last_command_that_is_whole_by_then() -> None:
    """At every position: inside a command, inside a batch, at a batch's end."""
    with log_of(*batches(7)) as log:
        commands = list(by_command(log.read()))
        seals = [row[0] for row in log.rows() if row[3] == BatchSealed.TOPIC]
        for until in range(1, log.position + 1):
            verdict, state = verify(log, until=until)
            expected, whole = VenueState(), [it for it in commands if it[-1].position <= until]
            replay(expected, chain(*whole))
            assert ([], len(whole)) == (verdict.findings, verdict.commands)
            assert expected.state_hash() == state.state_hash() == verdict.state_hash
            assert min(seal for seal in seals if seal >= until) == verdict.events
        assert verify(log)[0] == verify(log, until=until + 1)[0]


def test_until_leaves_out_the_heads_behind_it(small_log: Path) -> None:
    """They are no findings then; the others still are compared."""
    heads = read_heads(small_log.with_name(small_log.name + ".heads"))
    until = heads[50].position - 1
    verdict = verdict_on(small_log, anchors=heads, until=until)
    assert ([], 51) == (verdict.findings, verdict.anchors)
    wrong = Head(51, 0, "0" * 64)
    assert 51 == verdict_on(small_log, anchors=[wrong], until=until).findings[0].batch
    verdict = verdict_on(small_log, anchors=[heads[9], Head(52, 0, "0" * 64)], until=until)
    assert ([], 1) == (verdict.findings, verdict.anchors)
    assert "behind batch 10" in verdict.not_excluded[0]


def test_until_ends_before_what_is_wrong() -> None:
    forgery = Forgery(PlaceOrder("D", SYMBOL, limit(BUY, 106, 3)), fills(nth(0, price=107)))
    with forgery.log() as (log, position):
        assert [] == verify(log, until=position - 1)[0].findings
        assert [] == verify(log, until=position + 2)[0].findings
        assert position == verify(log, until=position + 3)[0].findings[0].position


def test_progress_is_told_at_the_ends_of_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exchange.audit.verify.REPORT_EVERY", 30)
    told: list[int] = []
    with log_of(*batches(8)) as log:
        verify(log, progress=told.append)
        ends = [row[0] for row in log.rows() if row[3] == BatchSealed.TOPIC]
    assert set(told) < set(ends)
    assert all(later - earlier >= 30 for earlier, later in zip([0, *told], told, strict=False))


def test_the_store_stays_as_it_was(small_log: Path, tmp_path: Path) -> None:
    """Sound or not, its heads and its lock too."""
    for end in ("", ".heads", ".lock"):
        shutil.copy(small_log.with_name(small_log.name + end), tmp_path)
    files = sorted(tmp_path.iterdir())
    before = [file.read_bytes() for file in files]
    assert [] == verdict_on(tmp_path / small_log.name).findings
    assert 1 == len(verdict_on(tmp_path / small_log.name, anchors=[Head(1, 2, "0" * 64)]).findings)
    assert before == [file.read_bytes() for file in files]


def test_a_store_whose_writer_was_killed_stays_as_it_was(tmp_path: Path) -> None:
    """Its last batches are in the write-ahead log alone, where they are left."""
    written, copy = tmp_path / "written.db", tmp_path / "venue.db"
    with log_of(*batches(9), path=written) as log:
        for end in ("", "-wal"):
            shutil.copy(written.with_name(written.name + end), copy.with_name(copy.name + end))
        batches_ = log.batch
    wal = copy.with_name(copy.name + "-wal")
    before = copy.read_bytes(), wal.read_bytes()
    verdict = verdict_on(copy)
    assert ([], batches_) == (verdict.findings, verdict.batches)
    assert before == (copy.read_bytes(), wal.read_bytes())


def test_what_is_appended_meanwhile_is_left_for_the_next_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A batch comes after each that is read; the verdict is on the log as it was at first."""
    monkeypatch.setattr("exchange.audit.verify.REPORT_EVERY", 1)
    path, done = tmp_path / "venue.db", batches(10, 200)
    half = len(done) // 2 - 1
    with log_of(*done[:half], path=path) as writer:
        heads, coming = read_heads(tmp_path / "venue.db.heads"), iter(done[half:])
        verdict = verdict_on(path, anchors=heads, progress=lambda _: append(writer, next(coming)))
        assert ([], [], half + 1) == (verdict.findings, verdict.not_excluded, verdict.batches)
        assert 2 * half + 2 == writer.batch
        verdict = verdict_on(path, anchors=heads)
        assert ([], writer.batch) == (verdict.findings, verdict.batches)
        assert f"behind batch {half + 1}" in verdict.not_excluded[0]


def test_a_billion_whole_units_of_eighteen_decimals_stay_exact(tmp_path: Path) -> None:
    """Far beyond 64 bits: deposited, held, traded with fees, stored, verified."""
    units, price, quantity = 10**27, 999_999_999, 10**18
    value, symbol = price * quantity, "WEI-ATTO"
    rich = desk("AB", funds=0)
    rich.done(
        RegisterAsset("WEI", 18),
        RegisterAsset("ATTO", 18),
        listing(
            symbol=symbol, base="WEI", quote="ATTO", price_decimals=9, quantity_decimals=9,
            price_max=10**10, quantity_max=quantity, notional_max=units,
        ),
        Deposit("A", "WEI", units, "first"),
        Deposit("B", "ATTO", units, "second"),
        PlaceOrder("A", symbol, limit(SELL, price, quantity)),
        PlaceOrder("B", symbol, limit(BUY, price, quantity // 2)),
    )  # fmt: skip
    with log_of(rich.envelopes, path=tmp_path / "venue.db"):
        pass
    log = EventLog(url_of(tmp_path / "venue.db"), EVENTS)
    verdict, state = verify(log)
    log.close()
    assert [] == verdict.findings
    assert rich.state.state_hash() == state.state_hash()
    assert {
        (EXTERNAL, "WEI"): -units,
        (EXTERNAL, "ATTO"): -units,
        (held("A"), "WEI"): units // 2,
        (available("A"), "ATTO"): value // 2 * 999 // 1_000,
        (available("B"), "WEI"): units // 2 * 998 // 1_000,
        (available("B"), "ATTO"): units - value // 2,
        (FEES, "WEI"): units // 2 * 2 // 1_000,
        (FEES, "ATTO"): value // 2 // 1_000,
    } == {(name, asset): units for name, asset, units in state.ledger.balances()}


class Rained(Event, frozen=True):
    """Something that this version does not know yet."""

    TOPIC = "weather.Rained.v1"
    drops: int


class Posted(Event, frozen=True):
    """Stored as entries, but none."""

    TOPIC = EntriesPosted.TOPIC
    drops: int


@pytest.mark.parametrize(
    ("kind", "words"),
    [(Rained, "unknown topic 'weather.Rained.v1'"), (Posted, "no wallet.EntriesPosted.v1")],
)
def test_a_sealed_event_that_can_t_be_read_is_named(
    kind: type[Rained | Posted], words: str, tmp_path: Path
) -> None:
    """Nothing was changed, so it is no broken seal: a newer version may have written it."""
    others = [event for event in EVENTS if event.TOPIC != kind.TOPIC]
    log = LogWriter(url_of(tmp_path / "venue.db"), [*others, kind], at_us=0)
    story = [it for it in desk(funds=0).envelopes if it.event.TOPIC != kind.TOPIC]
    append(log, story)
    position = append(log, [Envelope("ledger", 1, kind(3))])
    log.close()
    (finding,) = verdict_on(tmp_path / "venue.db").findings
    assert ("R1", position, 3) == (finding.law, finding.position, finding.batch)
    assert words in finding.detail


def test_a_sealed_log_of_another_format_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An older version wrote it; nobody writes on behind it."""
    path = tmp_path / "venue.db"
    with monkeypatch.context() as older:
        older.setattr("exchange.store.writer.LOG_FORMAT", 1)
        with log_of(desk().envelopes, path=path):
            pass
    (finding,) = verdict_on(path).findings
    assert ("R1", 1, 1) == (finding.law, finding.position, finding.batch)
    assert "format 1" in finding.detail
    with pytest.raises(StoreFormat, match=f"has format 1, this program writes {LOG_FORMAT}"):
        LogWriter(url_of(path), EVENTS, at_us=0)


def epoch(number: int, log_id: str = "") -> Callable[[str], Event]:
    """The start of an epoch, of this log where no other is named."""
    return lambda own: EpochStarted(log_id or own, number, LOG_FORMAT, "", 0)


@pytest.mark.parametrize(
    ("begin", "words"),
    [
        pytest.param([epoch(3)], "epoch 2 should start", id="one left out"),
        pytest.param([epoch(1)], "epoch 2 should start", id="the same again"),
        pytest.param([epoch(2, "f" * 32)], f"another log, {'f' * 32}", id="of another log"),
        pytest.param([epoch(2), epoch(3)], "more on the stream venue", id="two at once"),
        pytest.param([epoch(2), lambda _: UserRegistered()], "more on", id="a stranger behind"),
        pytest.param([lambda _: UserRegistered()], "epoch 2 should start", id="a stranger"),
        pytest.param([lambda _: Rained(1)], "not readable", id="an unknown stranger"),
    ],
)
def test_an_epoch_that_does_not_follow_is_found(
    begin: list[Callable[[str], Event]], words: str, tmp_path: Path
) -> None:
    """Sealed all the same, by a writer that counts as it likes."""
    log = LogWriter(url_of(tmp_path / "venue.db"), [*EVENTS, Rained], at_us=0)
    versions = range(log.venue_version + 1, log.venue_version + 1 + len(begin))
    log.epoch, log.venue_version = 2, versions[-1]
    events = [make(log.log_id) for make in begin]
    append(log, [Envelope(VENUE, *it) for it in zip(versions, events, strict=True)])
    log.close()
    (finding,) = verdict_on(tmp_path / "venue.db").findings
    assert ("R4", 2) == (finding.law, finding.batch)
    assert words in finding.detail


def test_a_log_that_does_not_begin_with_an_epoch_is_found(small_log: Path, tmp_path: Path) -> None:
    """Its batches are whole and numbered, but who wrote them is lost."""
    original = Original(small_log)
    users = [row for row in original.rows if row[1] == "user:B00"]
    sealed = BatchSealed(0, 1, 1, 1, seal(b"", 0, 1, 1, 1, pack([(1, *users[0][1:])])).hex())
    rows = [(1, *users[0][1:]), (2, VENUE, 1, BatchSealed.TOPIC, msgspec.json.encode(sealed))]
    insert: Statement = ("INSERT INTO stored_events VALUES (?, ?, ?, ?, ?)", ())
    clear: Statement = ("DELETE FROM stored_events", ())
    original.tampered(
        tmp_path / "venue.db", Act("", 1, [clear, *((insert[0], row) for row in rows)])
    )
    (finding,) = verdict_on(tmp_path / "venue.db").findings
    assert ("R4", 1) == (finding.law, finding.batch)
    assert "does not begin with an epoch" in finding.detail


def test_what_no_law_foresaw_is_a_finding_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the state can't follow, that is said, and at which command."""

    def credulous(state: VenueState, command: Sequence[Envelope], _: Past) -> None:
        for it in command:
            state.apply(it.originator_id, it.originator_version, it.event)

    monkeypatch.setattr("exchange.audit.verify.follow", credulous)
    forgery = Forgery(PlaceOrder("D", SYMBOL, limit(BUY, 106, 3)), fills(nth(0, maker=77)))
    with forgery.log() as (log, position):
        (finding,) = verify(log)[0].findings
    assert ("R1", position) == (finding.law, finding.position)
    assert "KeyError(77)" in finding.detail


def test_a_law_that_only_the_end_shows_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    """It belongs to no command."""

    def broken(_: VenueState) -> None:
        raise InvariantViolation("L1", "money is missing")

    monkeypatch.setattr("exchange.audit.verify.check_all", broken)
    with log_of(desk().envelopes) as log:
        assert [Finding("L1", 0, "money is missing")] == verify(log)[0].findings


def test_a_finding_is_no_longer_than_it_helps() -> None:
    """A command may have thousands of fills, all of them wrong."""
    many = 500
    busy = desk(open_orders_max=many)
    busy.done(*[PlaceOrder("A", SYMBOL, limit(SELL, 100, 1)) for _ in range(many)])
    command = PlaceOrder("B", SYMBOL, limit(BUY, 100, many))
    turned = trades(lambda old: [*old[1:], old[0]])
    with Forgery(command, turned, here=lambda: busy).log() as (log, position):
        (finding,) = verify(log)[0].findings
    assert ("S3", position, DETAIL_MAX) == (finding.law, finding.position, len(finding.detail))


def test_a_store_that_can_t_be_read_is_no_finding(small_log: Path, tmp_path: Path) -> None:
    """Without its table there is nothing to judge."""
    copy = Path(shutil.copy(small_log, tmp_path))
    connection = sqlite3.connect(copy)
    connection.execute("DROP TABLE stored_events")
    connection.close()
    with pytest.raises(StoreError):
        verdict_on(copy)
