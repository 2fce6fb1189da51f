"""``exchange reconcile``: whether log, fold and read models agree."""

from typing import Any

import typer

from exchange.audit.reconcile.compare import Reconciliation, reconcile
from exchange.audit.reconcile.findings import Finding
from exchange.cli.asking import ViewsOption, open_views
from exchange.cli.look import open_log
from exchange.cli.output import (
    BROKEN,
    JsonFlag,
    StoreOption,
    plain,
    print_facts,
    print_json,
    print_table,
    progress,
    stdout,
)

COLUMNS = ("law", "check", "subject", "expected", "found", "positions", "involved")


def reconcile_views(
    *, store: StoreOption, views: ViewsOption = None, as_json: JsonFlag = False
) -> None:
    """Compare log, fold and read models at the views' position. Exit 1 on any difference."""
    log, reader = open_log(store), open_views(store, views)
    with progress("reconciling", log.last_position, quiet=as_json) as report:
        done = reconcile(log, reader, progress=report)
    if as_json:
        print_json({"ok": not done.findings, **plain(done)})
    else:
        _print(store, done)
    if done.findings:
        raise typer.Exit(BROKEN)


def _print(store: str, done: Reconciliation) -> None:
    behind = done.log_position - done.position
    facts: dict[str, Any] = {"position": done.position, "behind": behind, **done.compared}
    print_facts(f"reconcile {store}", facts)
    if not done.findings:
        stdout.print("log, fold and views agree")
        return
    print_table(COLUMNS, [_row(finding) for finding in done.findings])
    for check, count in done.differing.items():
        stdout.print(f"{check}: {count:,} differ")


def _row(finding: Finding) -> list[str]:
    facts = plain(finding)
    facts["positions"] = " ".join(map(str, finding.positions))
    facts["involved"] = " ".join(finding.involved)
    return [facts[name] for name in COLUMNS]
