"""When an order can't trade any more, and who takes it out of the book then."""

import pytest

from exchange.kernel.orders import TimeInForce
from exchange.matching.events import OrdersCancelled
from exchange.orders.commands import ExpireOrders
from exchange.orders.rulebook import DAY_US
from exchange.venue.trading import SWEEP_MAX
from tests.build import BUY, SYMBOL, desk, limit
from tests.matching.tables import AS_WRITTEN, Table, View, both_sides, played

HOUR_US = DAY_US // 24

BOOK = """
    103 | C 5 until 20
    102 | B 4
    101 | A 3 until 20, B 2, C 1 until 30
    ----
     99 | A 5 until 20
"""

AT_THE_DEADLINE = ("the clock is 20", "done")


# An order that is due does not trade.


@both_sides
@pytest.mark.parametrize(
    ("time_us", "outcome"),
    [
        (19, "3 of A at 101, 2 of B at 101, 1 of C at 101; filled"),
        (20, "2 of B at 101, 1 of C at 101, 3 of B at 102; due A 3 at 101; filled"),
        (21, "2 of B at 101, 1 of C at 101, 3 of B at 102; due A 3 at 101; filled"),
    ],
)
def test_an_order_trades_until_its_deadline_and_not_at_it(
    view: View, time_us: int, outcome: str
) -> None:
    table = Table(BOOK, view)
    table.do(f"the clock is {time_us}")
    assert outcome == table.do("D buys 6 at 102")


@both_sides
def test_the_first_who_meets_a_due_order_expires_it_and_the_others_stay(view: View) -> None:
    """C's 5 at 103 and A's 5 on the other side are due and out of reach."""
    played(
        view,
        BOOK,
        [
            AT_THE_DEADLINE,
            ("D buys 1 at 102", "1 of B at 101; due A 3 at 101; filled"),
            ("D buys 1 at 102", "1 of B at 101; filled"),
        ],
        """
        103 | C 5 until 20
        102 | B 4
        101 | C 1 until 30
        ----
         99 | A 5 until 20
        """,
    )


@both_sides
def test_a_due_order_behind_those_that_fill_the_taker_is_not_met(view: View) -> None:
    book = "101 | B 2, A 3 until 20\n----"
    actions = [AT_THE_DEADLINE, ("D buys 2 at 101", "2 of B at 101; filled")]
    played(view, book, actions, "101 | A 3 until 20\n----")


@both_sides
@pytest.mark.parametrize(
    ("words", "end"),
    [
        ("at 101", "rests 4"),
        ("at 101 until 30", "rests 4"),
        ("at 101 IOC", "immediate"),
        ("at market", "no_liquidity"),
    ],
)
def test_whoever_finds_due_orders_only_ends_as_if_there_were_none(
    view: View, words: str, end: str
) -> None:
    table = Table("101 | A 3 until 20, B 1 until 10\n----", view)
    table.do("the clock is 20")
    assert f"due A 3 at 101, due B 1 at 101; {end}" == table.do(f"D buys 4 {words}")


@both_sides
def test_fok_fills_whole_past_due_orders(view: View) -> None:
    table = Table(BOOK, view)
    table.do("the clock is 20")
    expected = "2 of B at 101, 1 of C at 101, 4 of B at 102; due A 3 at 101; filled"
    assert expected == table.do("D buys 7 at 102 FOK")


@both_sides
@pytest.mark.parametrize(
    ("action", "outcome"),
    [
        pytest.param("D buys 8 at 102 FOK", "refused NOT_FILLABLE", id="full with due ones only"),
        pytest.param("D buys 1001 at 102", "refused INSUFFICIENT_FUNDS", id="too dear"),
        pytest.param("D buys 1 at 101 post-only", "refused WOULD_TRADE", id="to post only"),
        pytest.param("D buys 1 at 150 post-only", "refused WOULD_TRADE", id="likewise, through"),
    ],
)
def test_an_order_that_is_refused_expires_nothing(view: View, action: str, outcome: str) -> None:
    """:class:`Table` sees to it that nothing has changed."""
    table = Table(BOOK, view, funds=1_000)
    table.do("the clock is 20")
    assert outcome == table.do(action)


@both_sides
@pytest.mark.parametrize("mode", ["EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH", "DECREMENT"])
def test_an_own_order_that_is_due_is_in_nobodys_way(view: View, mode: str) -> None:
    played(
        view,
        "101 | A 3 until 20, B 2\n----",
        [
            AT_THE_DEADLINE,
            (f"A buys 2 at 101 {mode}", "2 of B at 101; due A 3 at 101; filled"),
        ],
        "----",
    )


@both_sides
def test_a_due_iceberg_leaves_with_all_that_it_hides(view: View) -> None:
    played(
        view,
        "101 | A 1 of 4 until 20, B 2\n----",
        [
            ("D buys 1 at 101", "1 of A at 101; filled"),
            AT_THE_DEADLINE,
            ("D buys 3 at 101", "2 of B at 101; due A 3 at 101; rests 1"),
        ],
        "----\n101 | D 1",
    )


# Budgets: money does not mirror.


@pytest.mark.parametrize(
    ("action", "outcome", "after"),
    [
        pytest.param(
            "D buys for 40 at market",
            "2 of B at 15; due A 2 at 10; budget_spent",
            "15 | B 1\n----\n9 | A 1 until 20\n4 | B 3",
            id="a purchase passes over it",
        ),
        pytest.param(
            "D sells for 13 at market",
            "3 of B at 4; due A 1 at 9; budget_spent",
            "15 | B 3\n10 | A 2 until 20\n----",
            id="a sale passes over it",
        ),
        pytest.param(
            "D sells for 8 at market",
            "2 of B at 4; due A 1 at 9; budget_spent",
            "15 | B 3\n10 | A 2 until 20\n----\n4 | B 1",
            id="a sale passes over it though it would bring in too much",
        ),
    ],
)
def test_a_budget_trades_as_if_due_orders_were_gone(action: str, outcome: str, after: str) -> None:
    book = """
        15 | B 3
        10 | A 2 until 20
        ----
         9 | A 1 until 20
         4 | B 3
    """
    played(AS_WRITTEN, book, [AT_THE_DEADLINE, (action, outcome)], after)


# Post-only


@both_sides
def test_post_only_expires_the_due_orders_in_its_reach_and_rests(view: View) -> None:
    played(
        view,
        """
        103 | C 5 until 20
        102 | A 1 until 10, B 4 until 20
        101 | A 3 until 20
        ----
        """,
        [
            AT_THE_DEADLINE,
            (
                "D buys 1 at 102 post-only",
                "due A 3 at 101, due A 1 at 102, due B 4 at 102; rests 1",
            ),
        ],
        """
        103 | C 5 until 20
        ----
        102 | D 1
        """,
    )


@both_sides
def test_post_only_is_told_the_price_that_it_would_trade_at(view: View) -> None:
    """The best order is due: the one that is in the way waits at 102."""
    table = Table("102 | B 1\n101 | A 3 until 20\n----", view)
    table.do("the clock is 20")
    terms = limit(view.side("buys"), view.price(103), 1, post_only=True)
    refusal = table.desk.place("D", terms).refusal
    assert refusal is not None
    assert (view.price(103), view.price(102)) == (refusal.value, refusal.bound)


# Deadlines that are refused, and DAY.


@both_sides
@pytest.mark.parametrize(
    ("words", "outcome"),
    [
        ("at 101 until 21", "rests 1"),
        ("at 101 until 20", "refused DEADLINE_PASSED"),
        ("at 101 until 19", "refused DEADLINE_PASSED"),
        ("at 101 GTD", "refused FIELD_COMBINATION"),
        ("at 101 until 21 GTC", "refused FIELD_COMBINATION"),
        ("at 101 until 21 DAY", "refused FIELD_COMBINATION"),
        ("at 101 until 21 IOC", "refused FIELD_COMBINATION"),
        ("at 101 until 21 FOK", "refused FIELD_COMBINATION"),
        ("at market until 21", "refused FIELD_COMBINATION"),
    ],
)
def test_a_deadline_lies_ahead_and_belongs_to_gtd(view: View, words: str, outcome: str) -> None:
    table = Table("----", view)
    table.do("the clock is 20")
    assert outcome == table.do(f"D buys 1 {words}")


@both_sides
@pytest.mark.parametrize(
    ("day_end_us", "now_us", "deadline_us"),
    [
        pytest.param(0, 0, DAY_US, id="midnight: a whole day"),
        pytest.param(0, 1, DAY_US, id="just after midnight"),
        pytest.param(0, DAY_US - 1, DAY_US, id="just before midnight"),
        pytest.param(0, DAY_US, 2 * DAY_US, id="the next midnight"),
        pytest.param(17 * HOUR_US, 0, 17 * HOUR_US, id="the same day"),
        pytest.param(17 * HOUR_US, 17 * HOUR_US - 1, 17 * HOUR_US, id="just before the end"),
        pytest.param(17 * HOUR_US, 17 * HOUR_US, 41 * HOUR_US, id="at the end: the next one"),
        pytest.param(17 * HOUR_US, 20 * HOUR_US, 41 * HOUR_US, id="after it"),
        pytest.param(DAY_US - 1, 3 * DAY_US, 4 * DAY_US - 1, id="the last microsecond"),
    ],
)
def test_a_day_order_ends_with_the_day_of_its_market(
    view: View, day_end_us: int, now_us: int, deadline_us: int
) -> None:
    played(
        view,
        "----",
        [
            (f"the clock is {now_us}", "done"),
            ("A sells 3 at 101 DAY", "rests 3"),
            (f"the clock is {deadline_us - 1}", "done"),
            ("D buys 1 at 101", "1 of A at 101; filled"),
            (f"the clock is {deadline_us}", "done"),
            ("D buys 1 at 100", "rests 1"),
            ("D buys 1 at 101", "due A 2 at 101; rests 1"),
        ],
        "----\n101 | D 1\n100 | D 1",
        day_end_us=day_end_us,
    )


# Sweeps


@both_sides
def test_a_sweep_takes_what_is_due_the_earliest_first(view: View) -> None:
    """On both sides and at any price; of two that fall due together, the first come."""
    played(
        view,
        """
        103 | A 1 until 20
        101 | B 2, C 3 of 6 until 10, D 4 until 21
        ----
         99 | B 5 until 20
         98 | A 6 until 15
        """,
        [
            ("due orders are swept", "done"),
            AT_THE_DEADLINE,
            (
                "due orders are swept",
                "due C 6 at 101, due A 6 at 98, due A 1 at 103, due B 5 at 99",
            ),
            ("due orders are swept", "done"),
        ],
        """
        101 | B 2, D 4 until 21
        ----
        """,
    )


@both_sides
@pytest.mark.parametrize("state", ["pre_open", "post_only", "halted", "cancel_only"])
def test_a_sweep_takes_what_is_due_whatever_the_market_does(view: View, state: str) -> None:
    played(
        view,
        "101 | A 3 until 20, B 2\n----",
        [
            (f"the market is {state}", "done"),
            AT_THE_DEADLINE,
            ("due orders are swept", "due A 3 at 101"),
        ],
        "101 | B 2\n----",
    )


def test_a_sweep_has_a_bound() -> None:
    """The last come are due first."""
    at, count = desk("A", open_orders_max=2 * SWEEP_MAX), SWEEP_MAX + 2
    for number in range(1, count + 1):
        terms = limit(BUY, 1, 1, time_in_force=TimeInForce.GTD, deadline_us=2 * count - number)
        assert at.place("A", terms).refusal is None
    at.at_us = 2 * count
    at.done(ExpireOrders(SYMBOL))
    assert tuple(range(count, 2, -1)) == at.effect(OrdersCancelled).numbers
    assert 2 == at.held("A", "USD")
    at.done(ExpireOrders(SYMBOL))
    assert (2, 1) == at.effect(OrdersCancelled).numbers
    assert 0 == at.held("A", "USD")


@both_sides
@pytest.mark.parametrize(
    "action",
    [
        pytest.param("D buys 1 at 101", id="a taker"),
        pytest.param("D buys 1 at 101 post-only", id="a post-only order"),
        pytest.param("due orders are swept", id="a sweep"),
    ],
)
def test_a_due_order_has_expired_and_holds_nothing_whoever_takes_it_out(
    view: View, action: str
) -> None:
    table = Table("101 | A 5 until 20\n----", view)
    table.do("D buys 2 at 101")
    table.do("the clock is 20")
    assert table.do(action).startswith("due A 3 at 101")
    assert "EXPIRED because deadline" == table.life(1)
    assert (0, 0) == (table.desk.held("A", "USD"), table.desk.held("A", "BTC"))
