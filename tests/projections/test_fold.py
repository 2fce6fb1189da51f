"""The views are what the log says, whatever is traded and however it is cut into pages."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exchange.kernel.orders import OrderTerms, OrderType
from exchange.projections import follower as following
from exchange.projections.moment import Handler
from exchange.projections.schema import create
from exchange.projections.views import SHOWN_NOWHERE, Views
from exchange.store.events import EVENTS as STORE_EVENTS
from exchange.venue import stops
from exchange.venue.catalogue import EVENTS
from tests.build import BUY, SELL, desk, limit
from tests.effort import FULL
from tests.projections.world import (
    Step,
    content,
    follow,
    happenings,
    played,
    random_happenings,
    reconciled,
    rows_of,
    views_of,
    write_log,
)


@given(st.lists(happenings, min_size=10, max_size=120), st.lists(st.integers(1, 9), min_size=1))
@settings(
    max_examples=200 if FULL else 20,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
def test_whatever_is_traded_the_views_are_the_fold(steps: list[Step], sizes: list[int]) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "venue.db"
        write_log(played(steps), path, sizes)
        follow(path)
        done = reconciled(path)
        assert [] == done.findings
        assert done.position == done.log_position


def test_a_long_history_of_every_kind_of_order_is_the_fold(busy: Path) -> None:
    done = reconciled(busy)
    assert [] == done.findings
    orders = rows_of(views_of(busy), "orders")
    assert {"limit", "market", "stop"} <= {row["type"] for row in orders}
    reasons = {row["reason"] for row in orders}
    assert {None, "filled", "cancelled", "list", "deadline", "self_trade"} <= reasons
    assert done.compared["trades"] > 300
    kept = rows_of(views_of(busy), "withdrawals")
    assert {"requested", "approved", "completed", "cancelled"} <= {row["status"] for row in kept}
    assert any(row["busted_position"] for row in rows_of(views_of(busy), "trades"))
    assert any(row["reversed_position"] for row in rows_of(views_of(busy), "deposits"))
    assert done.compared["open orders"] > 5


def test_orders_that_are_woken_and_wait_to_enter_are_shown_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A command lets one of three enter; the others are left for the venue's own work."""
    monkeypatch.setattr(stops, "STOPS_MAX", 1)
    path, at = tmp_path / "venue.db", desk("AB")
    for _ in range(3):
        at.place("A", OrderTerms(BUY, OrderType.STOP, None, 2, trigger=100))
    at.place("B", limit(SELL, 100, 3))
    at.place("A", limit(BUY, 100, 1))
    write_log(at, path)
    follow(path)
    statuses = [row["status"] for row in rows_of(views_of(path), "orders")]
    assert ["FILLED", "TRIGGERED", "TRIGGERED", "FILLED", "FILLED"] == statuses
    assert [] == reconciled(path).findings


@pytest.mark.parametrize(
    ("max_events", "page"),
    [(1, 1), (1, 3), (2, 1_000), (50, 3), (50, 1_000), (777, 3), (10**9, 1_000), (10**9, 7)],
)
def test_any_cut_gives_the_same_rows(
    busy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, max_events: int, page: int
) -> None:
    """Pages may end inside a batch, inside a command; commits may be of one batch or of all."""
    monkeypatch.setattr(following, "PAGE_ROWS", page)
    path = tmp_path / "venue.db"
    path.write_bytes(busy.read_bytes())
    follow(path, max_events)
    assert content(views_of(busy)) == content(views_of(path))


def test_batches_of_any_size_give_the_same_rows(tmp_path: Path) -> None:
    """But for positions, which seals shift: nothing else depends on batches."""
    desk, found = played(random_happenings(7, 300)), []
    for name, sizes in (("one", [1]), ("some", [1, 2, 30]), ("all", [10**6])):
        path = tmp_path / f"{name}.db"
        write_log(desk, path, sizes)
        follow(path, 100)
        rows = content(views_of(path))
        found.append({
            "balances": len(rows["balances"]),
            "lines": [row[-1] for row in rows["postings"]],
            **{table: [row[1:] for row in rows[table]] for table in ("candles", "assets")},
        })  # fmt: skip
    assert found[0] == found[1] == found[2]


def test_every_event_is_followed_or_named_as_shown_nowhere(tmp_path: Path) -> None:
    views = Views(create(tmp_path / "views"))
    handlers: dict[type, tuple[Handler, ...]] = dict(views.handlers())
    views.connection.close()
    assert {*EVENTS, *STORE_EVENTS} == set(handlers)
    assert {kind for kind, them in handlers.items() if not them} == set(SHOWN_NOWHERE)
