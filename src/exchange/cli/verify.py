"""``exchange verify``: whether a store's log is whole and every law holds in it."""

from pathlib import Path
from typing import Annotated, Any

import typer

from exchange.audit.verify import Verdict, verify
from exchange.cli.look import open_log
from exchange.cli.output import (
    BROKEN,
    JsonFlag,
    StoreOption,
    plain,
    print_facts,
    print_json,
    progress,
    stderr,
    stdout,
)
from exchange.store.errors import StoreError
from exchange.store.heads import Head, read_heads
from exchange.store.log import EventLog

HASH_DIGITS = 64


def verify_store(
    *,
    store: StoreOption,
    until: Annotated[int | None, typer.Option(min=1, help="Last position to fold.")] = None,
    head: Annotated[
        list[str] | None,
        typer.Option(
            metavar="BATCH:HASH|FILE",
            help="A head that was written down, or a heads file.",
            show_default="the store's own",
        ),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Read the whole log: seals, places, every event and every law. Exit 1 on any finding."""
    log = open_log(store)
    verdict = verify_log(log, until=until, heads=head, quiet=as_json)
    if as_json:
        print_json(facts(verdict))
    else:
        print_verdict(store, verdict)
    if verdict.findings:
        raise typer.Exit(BROKEN)


def verify_log(
    log: EventLog, *, until: int | None = None, heads: list[str] | None = None, quiet: bool
) -> Verdict:
    """The verdict on ``log``, against the given heads or else the store's own heads file."""
    if heads is None and log.url.path is not None and log.url.beside(".heads").is_file():
        heads = [str(log.url.beside(".heads"))]
    anchors = [anchor for text in heads or [] for anchor in _anchors(text)]
    with progress("verifying", log.last_position, quiet=quiet) as report:
        verdict, _ = verify(log, until=until, anchors=anchors, progress=report)
    return verdict


def facts(verdict: Verdict) -> dict[str, Any]:
    """The verdict as plain data."""
    return {"ok": not verdict.findings, **plain(verdict)}


def print_verdict(store: str, verdict: Verdict) -> None:
    """The verdict for people."""
    shown = facts(verdict)
    shown["head"] = f"{verdict.head.batch}:{verdict.head.hash}" if verdict.head else "none"
    for name in ("findings", "not_excluded", "ok"):
        del shown[name]
    print_facts(f"verify {store}", shown)
    for doubt in verdict.not_excluded:
        stdout.print(f"not excluded: {doubt}")
    for finding in verdict.findings:
        at = f" at {finding.position}" if finding.position else ""
        stderr.print(f"broken: {finding.law}{at}: {finding.detail}")
    if not verdict.findings:
        stdout.print("every seal and every law holds")


def _anchors(text: str) -> list[Head]:
    batch, colon, digits = text.partition(":")
    if colon and batch.isascii() and batch.isdigit() and len(digits) == HASH_DIGITS:
        return [Head(int(batch), 0, digits.lower())]
    if not Path(text).is_file():
        raise typer.BadParameter(f"{text!r} is neither BATCH:HASH nor a heads file")
    try:
        return read_heads(Path(text))
    except OSError as error:
        raise StoreError(f"{text} can't be read: {error.strerror}") from error
