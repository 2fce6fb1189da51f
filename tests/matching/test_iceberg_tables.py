"""What an iceberg shows, where its next slice queues, and that hiding costs nothing else.

``A 2 of 5`` shows 2 of the 5 that are open. How icebergs meet their own account's orders stands in
``test_self_trade_tables``.
"""

import pytest

from exchange.kernel.accounts import FEES
from exchange.matching import plan
from tests.matching.tables import AS_WRITTEN, Table, View, both_sides, played, unchanged

BOOK = """
    102 | C 5
    101 | A 2 of 5, B 4
    ----
"""


# The next slice joins the back.


@both_sides
def test_a_slice_that_is_used_up_is_followed_by_the_next_at_the_back(view: View) -> None:
    played(
        view,
        BOOK,
        [("D buys 2 at 101", "2 of A at 101; filled")],
        """
        102 | C 5
        101 | B 4, A 2 of 3
        ----
        """,
    )


@both_sides
def test_a_slice_that_is_used_in_part_keeps_its_place(view: View) -> None:
    played(
        view,
        BOOK,
        [
            ("D buys 1 at 101", "1 of A at 101; filled"),
            ("D buys 2 at 101", "1 of A at 101, 1 of B at 101; filled"),
        ],
        """
        102 | C 5
        101 | B 3, A 2 of 3
        ----
        """,
    )


@both_sides
def test_all_that_is_hidden_trades_before_the_next_price(view: View) -> None:
    outcome = "2 of A at 101, 4 of B at 101, 2 of A at 101, 1 of A at 101, 1 of C at 102; filled"
    played(view, BOOK, [("D buys 10 at 102", outcome)], "102 | C 4\n----")


@both_sides
def test_several_icebergs_and_plain_orders_take_turns(view: View) -> None:
    played(
        view,
        """
        101 | A 2 of 3, B 3, C 1 of 3
        ----
        """,
        [("D buys 7 at 101", "2 of A at 101, 3 of B at 101, 1 of C at 101, 1 of A at 101; filled")],
        """
        101 | C 1 of 2
        ----
        """,
    )


@both_sides
def test_slices_queue_behind_each_other_in_the_order_in_which_they_were_used_up(
    view: View,
) -> None:
    played(
        view,
        """
        101 | A 2 of 6, B 2 of 6, C 1
        ----
        """,
        [("D buys 4 at 101", "2 of A at 101, 2 of B at 101; filled")],
        """
        101 | C 1, A 2 of 4, B 2 of 4
        ----
        """,
    )


@both_sides
def test_a_taker_may_end_within_a_slice_that_came_up_meanwhile(view: View) -> None:
    played(
        view,
        """
        101 | A 2 of 6, B 2
        ----
        """,
        [("D buys 5 at 101", "2 of A at 101, 2 of B at 101, 1 of A at 101; filled")],
        """
        101 | A 1 of 3
        ----
        """,
    )


@both_sides
def test_whoever_came_before_the_next_slice_trades_before_it(view: View) -> None:
    played(
        view,
        """
        101 | A 2 of 6
        ----
        """,
        [
            ("D buys 1 at 101", "1 of A at 101; filled"),
            ("B sells 3 at 101", "rests 3"),
            ("D buys 2 at 101", "1 of A at 101, 1 of B at 101; filled"),
            ("C sells 1 at 101", "rests 1"),
        ],
        """
        101 | B 2, A 2 of 4, C 1
        ----
        """,
    )


@both_sides
def test_the_last_slice_is_what_is_left(view: View) -> None:
    played(
        view,
        """
        101 | A 4 of 9
        ----
        """,
        [
            ("D buys 8 at 101", "4 of A at 101, 4 of A at 101; filled"),
            ("D buys 1 at 101", "1 of A at 101; filled"),
        ],
        "----",
    )


@both_sides
@pytest.mark.parametrize(
    ("words", "end"),
    [
        ("13 at 101 FOK", "filled"),
        ("13 at market FOK", "filled"),
        ("14 at 101 IOC", "immediate"),
    ],
)
def test_what_is_hidden_is_there_for_whoever_takes_it(view: View, words: str, end: str) -> None:
    table = Table("101 | A 9 of 9, B 4\n----", view)
    assert f"9 of A at 101, 4 of B at 101; {end}" == table.do(f"D buys {words}")


@both_sides
def test_fok_counts_what_is_hidden_and_no_more(view: View) -> None:
    """5 + 4 + 5 are 14."""
    unchanged(view, BOOK, "D buys 15 at 102 FOK", "refused NOT_FILLABLE")
    assert Table(BOOK, view).do("D buys 14 at 102 FOK").endswith("5 of C at 102; filled")


def test_a_budget_buys_what_is_hidden() -> None:
    """70 buy 6 at 10, and what is left of it no seventh at 15."""
    played(
        AS_WRITTEN,
        """
        15 | C 5
        10 | A 2 of 6
        ----
        """,
        [("D buys for 70 at market", "2 of A at 10, 2 of A at 10, 2 of A at 10; budget_spent")],
        """
        15 | C 5
        ----
        """,
    )


def test_a_budget_that_ends_with_a_slice_brings_up_the_next() -> None:
    played(
        AS_WRITTEN,
        "10 | A 2 of 6, B 1\n----",
        [("D buys for 20 at market", "2 of A at 10; budget_spent")],
        "10 | B 1, A 2 of 4\n----",
    )


@both_sides
def test_each_slice_counts_towards_the_most_fills(
    view: View, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three for this once."""
    monkeypatch.setattr(plan, "FILLS_MAX", 3)
    played(
        view,
        """
        102 | C 5
        101 | A 1 of 5, B 4
        ----
        """,
        [
            ("D buys 9 at 101 FOK", "refused NOT_FILLABLE"),
            ("D buys 9 at 101", "1 of A at 101, 4 of B at 101, 1 of A at 101; fills_max"),
            ("D buys 3 at 101", "1 of A at 101, 1 of A at 101, 1 of A at 101; filled"),
        ],
        """
        102 | C 5
        ----
        """,
    )


# As it comes in.


@both_sides
def test_an_iceberg_takes_with_its_full_size_and_shows_a_slice_of_the_rest(view: View) -> None:
    outcome = "2 of A at 101, 4 of B at 101, 2 of A at 101, 1 of A at 101; rests 7"
    actions = [("D buys 16 showing 3 at 101", outcome)]
    played(view, BOOK, actions, "102 | C 5\n----\n101 | D 3 of 7")


@both_sides
def test_an_iceberg_whose_rest_is_less_than_a_slice_shows_all_of_it(view: View) -> None:
    played(
        view,
        "101 | B 4\n----",
        [("D buys 6 showing 3 at 101", "4 of B at 101; rests 2")],
        "----\n101 | D 2",
    )


@both_sides
def test_an_iceberg_may_be_post_only_and_have_a_deadline(view: View) -> None:
    played(
        view,
        BOOK,
        [
            ("D buys 6 showing 3 at 101 until 20 post-only", "refused WOULD_TRADE"),
            ("D buys 6 showing 3 at 100 until 20 post-only", "rests 6"),
        ],
        """
        102 | C 5
        101 | A 2 of 5, B 4
        ----
        100 | D 3 of 6 until 20
        """,
    )


@both_sides
@pytest.mark.parametrize(
    ("action", "outcome"),
    [
        pytest.param("D sells 100 showing 1 at 103", "rests 100", id="a hundredth"),
        pytest.param("D sells 9 showing 9 at 103", "rests 9", id="all of it"),
        pytest.param("D sells 101 showing 1 at 103", "refused QUANTITY_BOUNDS", id="less"),
        pytest.param("D sells 9 showing 10 at 103", "refused QUANTITY_BOUNDS", id="more"),
        pytest.param("D sells 9 showing 0 at 103", "refused QUANTITY_BOUNDS", id="nothing"),
        pytest.param("D sells 9 showing 2 at 103 IOC", "refused FIELD_COMBINATION", id="ioc"),
        pytest.param("D sells 9 showing 2 at 103 FOK", "refused FIELD_COMBINATION", id="fok"),
        pytest.param("D sells 9 showing 2 at market", "refused FIELD_COMBINATION", id="market"),
        pytest.param(
            "D buys for 900 showing 2 at market", "refused FIELD_COMBINATION", id="budget"
        ),
    ],
)
def test_an_iceberg_shows_a_hundredth_at_least_and_waits(
    view: View, action: str, outcome: str
) -> None:
    assert outcome == Table(BOOK, view).do(action)


@both_sides
def test_a_slice_is_whole_lots(view: View) -> None:
    table = Table("----", view, lot=10)
    assert "refused OFF_LOT" == table.do("D buys 90 showing 15 at 101")
    assert "rests 90" == table.do("D buys 90 showing 20 at 101")


# What the depth shows.


@both_sides
def test_the_depth_is_what_is_shown_and_not_what_is_open(view: View) -> None:
    table = Table(BOOK, view)
    depth = [table.depth(101)]
    for action in (
        "D buys 1 at 101",  # of A's slice
        "D buys 1 at 101",  # the rest of it: the next one comes up
        "A reduces 101 by 1",  # of what is hidden
        "D buys 4 at 101",  # all of B
        "A reduces 101 by 1",
    ):
        table.do(action)
        depth.append(table.depth(101))
    assert [6, 5, 6, 6, 2, 1] == depth


# Reduce and cancel


@both_sides
@pytest.mark.parametrize(
    ("quantity", "outcome", "queue"),
    [
        pytest.param(1, "reduced", "A 2 of 4, B 4", id="of what is hidden"),
        pytest.param(3, "reduced", "A 2, B 4", id="all that is hidden"),
        pytest.param(4, "reduced", "A 1, B 4", id="of what is shown as well"),
        pytest.param(5, "cancelled 1", "B 4", id="all"),
    ],
)
def test_a_reduced_iceberg_keeps_its_place_and_what_it_shows_as_long_as_it_can(
    view: View, quantity: int, outcome: str, queue: str
) -> None:
    actions = [(f"A reduces 101 by {quantity}", outcome)]
    played(view, BOOK, actions, f"102 | C 5\n101 | {queue}\n----")


@both_sides
def test_a_slice_that_was_used_in_part_is_reduced_like_any_other(view: View) -> None:
    played(
        view,
        BOOK,
        [
            ("D buys 1 at 101", "1 of A at 101; filled"),
            ("A reduces 101 by 2", "reduced"),
            ("D buys 3 at 101", "1 of A at 101, 2 of B at 101; filled"),
        ],
        """
        102 | C 5
        101 | B 2, A 1
        ----
        """,
    )


@both_sides
def test_a_cancelled_iceberg_leaves_with_all_that_it_hides(view: View) -> None:
    played(
        view,
        BOOK,
        [("A cancels 101", "cancelled 1")],
        """
        102 | C 5
        101 | B 4
        ----
        """,
    )


# Money


def test_an_iceberg_holds_what_it_hides() -> None:
    table = Table("101 | A 2 of 9\n----\n99 | B 1 of 5", AS_WRITTEN)
    table.do("D buys 3 at 101")
    assert (6, 5 * 99) == (table.desk.held("A", "BTC"), table.desk.held("B", "USD"))


@both_sides
@pytest.mark.parametrize("takes", [["9"], ["1", "1", "5", "2"]], ids=["at once", "bit by bit"])
@pytest.mark.parametrize("queue", ["A 9", "A 2 of 9", "A 1 of 9"])
def test_an_iceberg_pays_the_fee_of_one_fill(view: View, takes: list[str], queue: str) -> None:
    """1,500 ppm of the 900 that a seller receives, of the 9 that a buyer receives: rounded once."""
    table = Table(f"100 | {queue}\n----", view, maker_ppm=1_500, taker_ppm=0)
    for quantity in takes:
        table.do(f"D buys {quantity} at 100")
    balance = table.desk.state.ledger.balance
    expected = (0, 1) if view.mirrored else (2, 0)
    assert expected == (balance(FEES, "USD"), balance(FEES, "BTC"))


@both_sides
@pytest.mark.parametrize("queue", ["A 9", "A 2 of 9", "A 1 of 9"])
def test_whoever_takes_an_iceberg_pays_the_fee_of_one_fill(view: View, queue: str) -> None:
    """2,500 ppm of 900, or of 9."""
    table = Table(f"100 | {queue}\n----", view, maker_ppm=0, taker_ppm=2_500)
    table.do("D buys 9 at 100")
    balance = table.desk.state.ledger.balance
    expected = (3, 0) if view.mirrored else (0, 1)
    assert expected == (balance(FEES, "USD"), balance(FEES, "BTC"))
