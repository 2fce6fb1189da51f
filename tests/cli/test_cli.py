"""What an operator and a script get from each command: help, JSON, exit codes, whole lines."""

import json
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import typer
from typer.core import TyperCommand, TyperGroup

from exchange import __version__
from exchange.cli.main import app
from exchange.feeds.synthetic import synthetic_flow
from exchange.kernel.decimals import to_units
from tests.command import EXCHANGE, answer, exchange, inside, url
from tests.feeds.flows import flow_file

COMMANDS = 600
READERS = (["verify"], ["events"], ["book", "BTC-USD"], ["balances"])


class Sold(NamedTuple):
    """A store that has traded, and what its run reported. Only read from."""

    path: Path
    report: dict[str, Any]

    @property
    def url(self) -> str:
        return url(self.path)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Sold:
    folder = tmp_path_factory.mktemp("store")
    flow, path = folder / "flow.csv", folder / "venue.db"
    flow.write_bytes(synthetic_flow(COMMANDS))
    said, _ = inside("feed", "run", flow, "--store", url(path), "--json")
    return Sold(path, json.loads(said))


@pytest.fixture
def copy(store: Sold, tmp_path: Path) -> Path:
    """The same store, to be spoilt."""
    for path in store.path.parent.glob(f"{store.path.name}*"):
        shutil.copy(path, tmp_path)
    return tmp_path / store.path.name


def asked(*arguments: object, code: int = 0) -> Any:  # noqa: ANN401 - any JSON
    """The one JSON document that a command in this process prints."""
    return json.loads(inside(*arguments, "--json", code=code)[0])


def rows(path: Path) -> list[tuple[int, str, int, str, str]]:
    """The log as a stranger reads it."""
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as database:
        return database.execute(
            "SELECT rowid, originator_id, originator_version, topic, CAST(state AS TEXT)"
            " FROM stored_events ORDER BY rowid"
        ).fetchall()


def commands(
    group: TyperGroup, words: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], TyperCommand | TyperGroup]]:
    """Every command with the words that call it."""
    yield words, group
    for name, command in group.commands.items():
        if isinstance(command, TyperGroup):
            yield from commands(command, (*words, name))
        elif isinstance(command, TyperCommand):
            yield (*words, name), command


def all_commands() -> list[tuple[tuple[str, ...], TyperCommand | TyperGroup]]:
    root = typer.main.get_command(app)
    assert isinstance(root, TyperGroup)
    return list(commands(root))


# Help


@pytest.mark.parametrize(("words", "command"), all_commands(), ids=lambda it: str(it)[:40])
def test_every_command_and_every_option_explains_itself(
    words: tuple[str, ...], command: TyperCommand | TyperGroup
) -> None:
    said, _ = inside(*words, "--help")
    assert "Usage: " in said
    assert " ".join(words) in said
    assert command.help
    assert command.help.split()[0] in said
    for parameter in command.params:
        for word in parameter.opts:
            assert word in said
        assert getattr(parameter, "help", None), f"{words} {parameter.name}"


def test_help_states_defaults_that_are_no_values() -> None:
    """Square brackets in a help text would be taken for markup, and vanish."""
    said = " ".join(inside("feed", "run", "--help")[0].split())
    assert 2 == said.count("(the file's)")
    assert "(the store's own)" in " ".join(inside("verify", "--help")[0].split())


def test_the_command_is_installed() -> None:
    """A process of its own: the version, the help, and the help where a command is missing."""
    assert f"exchange {__version__}\n" == exchange("--version").stdout
    said = exchange("--help").stdout
    for words, _ in all_commands():
        assert not words or words[0] in said
    assert "Exit codes: 0 fine, 1 a law or an expectation is broken, 2 wrong use" in " ".join(
        app.registered_callback.callback.__doc__.split()  # type: ignore[union-attr]
    )
    assert "Usage: exchange" in exchange(code=2).stdout


@pytest.mark.parametrize(
    "words",
    [
        ["sell"],
        ["--venue"],
        ["verify"],
        ["verify", "--store"],
        ["verify", "--store", "memory:", "--until", "0"],
        ["verify", "--store", "memory:", "--until", "soon"],
        ["events", "--store", "memory:", "--limit", "0"],
        ["events", "--store", "memory:", "--from", "0"],
        ["book", "--store", "memory:"],
        ["book", "BTC-USD", "--store", "memory:", "--depth", "0"],
        ["feed", "run"],
        ["feed", "run", "flow.csv", "--limit", "-1"],
        ["feed", "run", "flow.csv", "--batch", "-1"],
        ["feed", "run", "flow.csv", "--fees", "some"],
        ["feed", "sample", "flow.csv", "--minutes", "0"],
    ],
    ids=" ".join,
)
def test_wrong_use_ends_with_2_and_says_what_is_wrong(words: list[str]) -> None:
    _, said = inside(*words, code=2)
    assert "Error" in said
    assert "Traceback" not in said


# Readers


def test_verify_tells_what_it_saw(store: Sold) -> None:
    verdict = answer("verify", "--store", store.url)
    log = rows(store.path)
    assert (
        verdict
        | {
            "ok": True,
            "findings": [],
            "not_excluded": [],
            "events": len(log),
            "batches": sum(topic == "store.BatchSealed.v1" for _, _, _, topic, _ in log),
            "commands": sum(topic == "orders.CommandRecorded.v1" for _, _, _, topic, _ in log),
            "epochs": 1,
            "state_hash": store.report["state_hash"],
            "anchors": verdict["batches"],
        }
        == verdict
    )
    head = verdict["head"]
    assert (verdict["batches"], len(log)) == (head["batch"], head["position"])
    assert head["hash"] in log[-1][4]
    said = exchange("verify", "--store", store.url).stdout
    assert "every seal and every law holds" in said
    assert f"{head['batch']}:{head['hash']}\n" in said


def test_events_are_the_rows_letter_by_letter(store: Sold, tmp_path: Path) -> None:
    """Nothing in an id is taken for markup or an emoji, as the `:100:` of order 100 would be."""
    orders = [f"{n},1,NEW,{n},buy,LIMIT,5,1" for n in range(1, 101)]
    flow = flow_file(tmp_path, *orders, "101,1,CANCEL,100,buy,,,")
    hundred = tmp_path / "venue.db"
    inside("feed", "run", flow, "--store", url(hundred))
    assert any(":BTC-USD:100:" in state for _, _, _, _, state in rows(hundred))
    for path in (hundred, store.path):
        said = exchange("events", "--store", url(path), "--limit", 10**9).stdout
        assert [
            f"{position} {stream}@{version} {topic} {state}"
            for position, stream, version, topic, state in rows(path)
        ] == said.splitlines()


def test_events_as_json_are_one_document_a_line(store: Sold) -> None:
    log = rows(store.path)
    lines = exchange("events", "--store", store.url, "--limit", 10**9, "--json").stdout.splitlines()
    assert [
        {
            "position": n,
            "stream": stream,
            "version": version,
            "topic": topic,
            "event": json.loads(s),
        }
        for n, stream, version, topic, s in log
    ] == [json.loads(line) for line in lines]


def test_events_can_be_narrowed_to_a_stream_a_start_and_a_number(store: Sold) -> None:
    def places(*options: object) -> list[tuple[int, str, int]]:
        said, _ = inside("events", "--store", store.url, *options, "--json")
        found = [json.loads(line) for line in said.splitlines()]
        return [(event["position"], event["stream"], event["version"]) for event in found]

    log = [row[:3] for row in rows(store.path)]
    ledger = [row for row in log if row[1] == "ledger"]
    assert log[:100] == places()
    assert log[4:7] == places("--from", 5, "--limit", 3)
    assert log[-1:] == places("--from", len(log))
    assert [] == places("--from", len(log) + 1)
    assert ledger[:100] == places("--stream", "ledger")
    assert ledger[50:60] == places("--stream", "ledger", "--from", ledger[50][0], "--limit", 10)
    assert [] == places("--stream", "ledge")


def test_the_book_has_the_best_levels_first(store: Sold) -> None:
    """As the run reported them; every resting order stands in one level."""
    book = answer("book", "BTC-USD", "--store", store.url, "--depth", 10**6)
    assert ("BTC-USD", "continuous") == (book["symbol"], book["state"])
    top = {
        side: f"{book[side][0]['price']} × {book[side][0]['quantity']}" for side in ("bids", "asks")
    }
    assert {"bids": store.report["best_bid"], "asks": store.report["best_ask"]} == top
    bids, asks = ([to_units(level["price"], 2) for level in book[s]] for s in ("bids", "asks"))
    assert all(better > worse for better, worse in pairwise(bids))
    assert all(better < worse for better, worse in pairwise(asks))
    levels = [*book["bids"], *book["asks"]]
    assert store.report["resting_orders"] == sum(level["orders"] for level in levels)
    shallow = asked("book", "BTC-USD", "--store", store.url, "--depth", 1)
    assert (book["bids"][:1], book["asks"][:1]) == (shallow["bids"], shallow["asks"])
    assert book["bids"][:10] == asked("book", "BTC-USD", "--store", store.url)["bids"]


def test_balances_sum_to_zero_asset_by_asset(store: Sold) -> None:
    """The venue's own accounts included; fees are those of the report."""
    balances = answer("balances", "--store", store.url)
    totals = {"BTC": 0, "USD": 0}
    for row in balances:
        units = to_units(row["balance"].removeprefix("-"), 6)
        totals[row["asset"]] += -units if row["balance"].startswith("-") else units
    assert {"BTC": 0, "USD": 0} == totals
    fees = {row["asset"]: row["balance"] for row in balances if row["account"] == "venue:fees"}
    assert store.report["fees"] == fees
    assert balances == sorted(balances, key=lambda row: (row["account"], row["asset"]))


def test_balances_of_one_account_are_its_own(store: Sold) -> None:
    balances = asked("balances", "--store", store.url)
    own = [row for row in balances if row["account"].startswith("acct:B07:")]
    assert own
    assert own == asked("balances", "B07", "--store", store.url)


@pytest.mark.parametrize("command", [["book", "BTC-USD"], ["balances"], ["verify"]])
def test_no_number_is_cut_or_broken_however_narrow_the_terminal(
    command: list[str], store: Sold, monkeypatch: pytest.MonkeyPatch
) -> None:
    wide, _ = inside(*command, "--store", store.url)
    monkeypatch.setenv("COLUMNS", "12")
    assert wide == inside(*command, "--store", store.url)[0]
    assert "…" not in wide


def test_people_see_the_numbers_that_machines_see(store: Sold) -> None:
    book = asked("book", "BTC-USD", "--store", store.url, "--depth", 3)
    shown = inside("book", "BTC-USD", "--store", store.url, "--depth", 3)[0].split()
    for level in (*book["bids"], *book["asks"]):
        assert level["price"] in shown
        assert level["quantity"] in shown
    shown = inside("balances", "--store", store.url)[0].split()
    for row in asked("balances", "--store", store.url):
        assert row["balance"] in shown


def test_an_unknown_market_and_an_unknown_account_are_wrong_use(store: Sold) -> None:
    said = exchange("book", "ETH-USD", "--store", store.url, code=2).stderr
    assert "'ETH-USD' is no market of this store; it has: BTC-USD" in said
    said = exchange("balances", "B99", "--store", store.url, code=2).stderr
    assert "'B99' is no account of this store" in said


@pytest.mark.parametrize("command", READERS, ids=" ".join)
@pytest.mark.parametrize(
    ("store_url", "told"),
    [
        ("memory:", "a store in memory ends with its process"),
        ("sqlite:///missing.db", "there is no store missing.db"),
        ("sqlite:///.", "there is no store ."),
        ("venue.db", "'venue.db' is no store: write sqlite:///PATH or memory:"),
        ("sqlite:///" + "a" * 300, "File name too long"),
    ],
)
def test_readers_need_a_store_that_is_there(
    store_url: str, told: str, command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Looking for one makes none."""
    monkeypatch.chdir(tmp_path)
    _, said = inside(*command, "--store", store_url, code=3)
    assert said.startswith("error: ")
    assert told in said
    assert [] == list(tmp_path.iterdir())


def test_an_empty_file_is_no_store(tmp_path: Path) -> None:
    path = tmp_path / "venue.db"
    path.touch()
    assert "the file is empty" in inside("verify", "--store", url(path), code=3)[1]
    assert b"" == path.read_bytes()


@pytest.mark.parametrize("command", READERS, ids=" ".join)
def test_readers_leave_the_store_as_it_is(command: list[str], copy: Path) -> None:
    """Not a byte of the log and of the heads file changes, and nobody is locked out."""
    before = {path: path.read_bytes() for path in (copy, copy.with_name(f"{copy.name}.heads"))}
    exchange(*command, "--store", url(copy))
    assert before == {path: path.read_bytes() for path in before}


@pytest.mark.parametrize("command", READERS, ids=" ".join)
def test_a_refused_command_with_json_says_so_in_json(command: list[str]) -> None:
    told = answer(*command, "--store", "memory:", code=3)
    assert {
        "error": "a store in memory ends with its process: name one on disk",
        "exit_code": 3,
    } == told


# Heads


def test_verify_stops_where_it_is_told_to(store: Sold) -> None:
    """The batch that holds the position is still checked whole."""
    log = rows(store.path)
    seals = [n for n, _, _, topic, _ in log if topic == "store.BatchSealed.v1"]
    for until in (1, 2, seals[5] - 1, seals[5], len(log) - 1):
        verdict = asked("verify", "--store", store.url, "--until", until)
        assert (True, until) == (verdict["ok"], min(until, verdict["events"]))
        assert next(n for n in seals if n >= until) == verdict["events"]
    whole = asked("verify", "--store", store.url)
    for until in (len(log), len(log) + 1, 10**12):
        verdict = asked("verify", "--store", store.url, "--until", until)
        assert (whole["state_hash"], whole["head"]) == (verdict["state_hash"], verdict["head"])


def test_a_head_that_was_written_down_is_compared(store: Sold) -> None:
    head = asked("verify", "--store", store.url)["head"]
    heads = store.path.with_name(f"{store.path.name}.heads")
    first = heads.read_text().split()[2]
    for given, anchors in (
        ([f"{head['batch']}:{head['hash']}"], 1),
        ([f"{head['batch']}:{head['hash'].upper()}"], 1),
        ([f"1:{first}", f"{head['batch']}:{head['hash']}"], 2),
        ([heads], head["batch"]),
        ([f"1:{first}", heads], head["batch"]),  # the same head twice is one
    ):
        options = [word for each in given for word in ("--head", each)]
        verdict = asked("verify", "--store", store.url, *options)
        assert (True, anchors, []) == (verdict["ok"], verdict["anchors"], verdict["not_excluded"])
    verdict = asked("verify", "--store", store.url, "--head", f"1:{first}")
    assert verdict["ok"]
    assert len(verdict["not_excluded"]) == 1
    assert "behind batch 1" in verdict["not_excluded"][0]


def test_another_head_than_the_logs_is_a_finding(store: Sold) -> None:
    head = asked("verify", "--store", store.url)["head"]
    last = head["batch"]
    for given, batch in ((f"{last}:{'0' * 64}", last), (f"{last + 1}:{head['hash']}", last + 1)):
        done = exchange("verify", "--store", store.url, "--head", given, code=1)
        assert "broken: R4" in done.stderr
        assert f"batch {batch}" in done.stderr
        verdict = asked("verify", "--store", store.url, "--head", given, code=1)
        assert (False, "R4") == (verdict["ok"], verdict["findings"][0]["law"])


@pytest.mark.parametrize("head", ["", "7", "7:", ":", "7:abc", "x:" + "0" * 64, "²:" + "0" * 64])
def test_a_head_that_is_none_is_wrong_use(
    head: str, store: Sold, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    _, said = inside("verify", "--store", store.url, "--head", head, code=2)
    assert "is neither BATCH:HASH nor a heads file" in said


def test_without_its_heads_file_a_store_verifies_with_a_doubt(copy: Path) -> None:
    copy.with_name(f"{copy.name}.heads").unlink()
    verdict = asked("verify", "--store", url(copy))
    assert (True, 0) == (verdict["ok"], verdict["anchors"])
    assert "behind batch" not in verdict["not_excluded"][0]
    assert "not excluded: " in inside("verify", "--store", url(copy))[0]


def test_a_spoilt_heads_file_is_told(copy: Path) -> None:
    heads = copy.with_name(f"{copy.name}.heads")
    heads.write_bytes(heads.read_bytes() + b"all is well\n")
    _, said = inside("verify", "--store", url(copy), code=1)
    assert "'all is well' is no head" in said


# Pipes


@pytest.mark.parametrize("lines", [0, 1])
@pytest.mark.parametrize(
    "words",
    [
        ["events", "--limit", "1000000"],
        ["events", "--limit", "1000000", "--json"],
        ["balances"],
        ["verify", "--json"],
        ["book", "BTC-USD"],
    ],
    ids=" ".join,
)
def test_a_reader_that_goes_away_is_no_fault(words: list[str], lines: int, store: Sold) -> None:
    """As `| head -1` does, or `| true`."""
    with subprocess.Popen(  # noqa: S603 - our own command
        [EXCHANGE, *words, "--store", store.url], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        for _ in range(lines):
            assert running.stdout.readline()
        running.stdout.close()
        assert b"" == running.stderr.read()
        assert running.wait(timeout=60) >= 0


# Demo


def test_the_demo_runs_made_up_flow_and_verifies_it(tmp_path: Path) -> None:
    """A second one replaces the first and comes to the same; what else lies there stays."""
    folder = tmp_path / "demo"
    folder.mkdir()
    (folder / "notes.txt").write_text("mine")
    first = answer("demo", "--synthetic", "--dir", folder, "--json")
    assert "made-up order flow" == first["source"]
    assert first["verify"]["ok"]
    assert 20_000 == first["report"]["commands"]
    verdict = answer("verify", "--store", first["store"])
    assert first["verify"] == verdict | {"ok": True}
    again = asked("demo", "--synthetic", "--dir", folder)
    assert first["report"]["state_hash"] == again["report"]["state_hash"]
    assert first["verify"]["log_id"] != again["verify"]["log_id"]
    assert "mine" == (folder / "notes.txt").read_text()


@pytest.mark.slow
def test_the_demo_without_a_download_says_so_and_runs_made_up_flow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    monkeypatch.setenv("EXCHANGE_CACHE", str(tmp_path / "cache"))
    said = exchange("demo", "--dir", tmp_path / "demo").stdout
    assert "the sample can't be had (" in said
    assert "running made-up flow instead" in said
    assert "every seal and every law holds" in said
    assert "look further: exchange book BTC-USD --store" in said
    said = exchange("feed", "sample", tmp_path / "flow.csv", code=3).stderr
    assert said.startswith("error: pip can't download")
    assert not (tmp_path / "flow.csv").exists()


def test_a_demo_that_can_not_be_made_is_told(tmp_path: Path) -> None:
    """Also where its folder is called like markup."""
    (tmp_path / "[b]").touch()
    _, said = inside("demo", "--synthetic", "--dir", tmp_path / "[b]", code=2)
    assert f"error: {tmp_path / '[b]'} can't be written: " in said
