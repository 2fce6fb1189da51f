"""What an amend does to an order's place, to its hold, and what it may trade.

``A amends 101: quantity 3`` is the first order of A at 101, whose new total is 3.
"""

import pytest

from exchange.orders.commands import AmendOrder
from exchange.venue import stops
from tests.build import RICH, SYMBOL
from tests.matching.tables import AS_WRITTEN, Table, View, both_sides, played, unchanged

BOOK = """
    103 | C 5
    101 | A 5, B 5
    ----
     99 | D 4, E 4
"""
ICEBERGS = """
    101 | A 2 of 5, B 4
    ----
"""


# Its place


@both_sides
@pytest.mark.parametrize(
    ("changes", "outcome", "queue"),
    [
        pytest.param("quantity 3", "stays 3", "101 | A 3, B 5", id="smaller"),
        pytest.param("quantity 5", "stays 5", "101 | A 5, B 5", id="the same"),
        pytest.param("price 101", "stays 5", "101 | A 5, B 5", id="the same price"),
        pytest.param("price 101, quantity 2", "stays 2", "101 | A 2, B 5", id="and smaller"),
        pytest.param("deadline 20", "stays 5", "101 | A 5 until 20, B 5", id="a deadline"),
        pytest.param("display 2", "stays 5", "101 | A 2 of 5, B 5", id="shows less"),
        pytest.param("quantity 7", "rests 7", "101 | B 5, A 7", id="larger"),
        pytest.param(
            "quantity 7, deadline 20", "rests 7", "101 | B 5, A 7 until 20", id="larger, a deadline"
        ),
        pytest.param("price 102", "rests 5", "102 | A 5\n101 | B 5", id="farther away"),
        pytest.param("price 100", "rests 5", "101 | B 5\n100 | A 5", id="nearer"),
        pytest.param(
            "price 102, quantity 3", "rests 3", "102 | A 3\n101 | B 5", id="farther, smaller"
        ),
    ],
)
def test_only_a_smaller_order_at_its_price_keeps_its_place(
    view: View, changes: str, outcome: str, queue: str
) -> None:
    after = f"103 | C 5\n{queue}\n----\n99 | D 4, E 4"
    played(view, BOOK, [(f"A amends 101: {changes}", outcome)], after)


@both_sides
def test_an_order_joins_the_back_of_its_new_price_and_of_its_old_one(view: View) -> None:
    played(
        view,
        BOOK,
        [
            ("A amends 101: price 103", "rests 5"),
            ("C amends 103: quantity 6", "rests 6"),
            ("A amends 103: price 101", "rests 5"),
        ],
        """
        103 | C 6
        101 | B 5, A 5
        ----
         99 | D 4, E 4
        """,
    )


# What it trades


@both_sides
@pytest.mark.parametrize(
    ("changes", "outcome", "after"),
    [
        pytest.param(
            "price 101",
            "4 of A at 101; filled",
            "103 | C 5\n101 | A 1, B 5\n----\n99 | E 4",
            id="at the best price",
        ),
        pytest.param(
            "price 103, quantity 7",
            "5 of A at 101, 2 of B at 101; filled",
            "103 | C 5\n101 | B 3\n----\n99 | E 4",
            id="at makers' prices",
        ),
        pytest.param(
            "price 102, quantity 12",
            "5 of A at 101, 5 of B at 101; rests 2",
            "103 | C 5\n----\n102 | D 2\n99 | E 4",
            id="the rest waits",
        ),
    ],
)
def test_an_order_that_is_moved_across_trades_at_once(
    view: View, changes: str, outcome: str, after: str
) -> None:
    played(view, BOOK, [(f"D amends 99: {changes}", outcome)], after)


@both_sides
@pytest.mark.parametrize(
    ("mode", "outcome"),
    [
        ("", "self_trade"),
        ("EXPIRE_MAKER", "3 of B at 101; expired D 2 at 101; rests 1"),
        ("EXPIRE_BOTH", "expired D 2 at 101; self_trade"),
        ("DECREMENT", "2 of B at 101; cut D 2 at 101; filled"),
    ],
)
def test_an_order_that_is_moved_across_its_own_account_keeps_its_mode(
    view: View, mode: str, outcome: str
) -> None:
    table = Table("101 | D 2, B 3\n----", view)
    table.do(f"D buys 4 at 99 {mode}".strip())
    assert outcome == table.do("D amends 99: price 101")


@both_sides
def test_an_order_that_is_moved_across_expires_what_is_due(view: View) -> None:
    table = Table("101 | A 2 until 20, B 3\n----\n99 | D 4", view)
    table.do("the clock is 20")
    assert "3 of B at 101; due A 2 at 101; rests 1" == table.do("D amends 99: price 101")


# A total that is filled


@both_sides
@pytest.mark.parametrize(
    ("quantity", "outcome", "queue"),
    [
        pytest.param(1, "cancelled 1", "B 5", id="less than filled"),
        pytest.param(2, "cancelled 1", "B 5", id="as much as filled"),
        pytest.param(3, "stays 1", "A 1, B 5", id="one more"),
        pytest.param(5, "stays 3", "A 3, B 5", id="the same"),
        pytest.param(6, "rests 4", "B 5, A 4", id="larger"),
    ],
)
@pytest.mark.parametrize(
    "use",
    [
        ("E buys 2 at 101", "2 of A at 101; filled"),
        ("A buys 2 at 101 DECREMENT", "cut A 2 at 101; self_trade"),
    ],
    ids=["filled", "prevented"],
)
def test_the_new_total_counts_what_was_filled_or_prevented(
    view: View, use: tuple[str, str], quantity: int, outcome: str, queue: str
) -> None:
    actions = [use, (f"A amends 101: quantity {quantity}", outcome)]
    played(view, BOOK, actions, f"103 | C 5\n101 | {queue}\n----\n99 | D 4, E 4")


@both_sides
def test_what_was_reduced_is_no_part_of_the_total(view: View) -> None:
    played(
        view,
        "101 | A 5\n----",
        [
            ("E buys 1 at 101", "1 of A at 101; filled"),
            ("A reduces 101 by 2", "reduced"),
            ("A amends 101: quantity 3", "stays 2"),
            ("A amends 101: quantity 1", "cancelled 1"),
        ],
        "----",
    )


# Money


@pytest.mark.parametrize(
    ("changes", "outcome", "held"),
    [
        ("price 100", "rests 4", 400),
        ("price 98", "rests 4", 392),
        ("price 101", "refused INSUFFICIENT_FUNDS", 396),
        ("quantity 5", "refused INSUFFICIENT_FUNDS", 396),
        ("quantity 3", "stays 3", 297),
        ("quantity 5, price 80", "rests 5", 400),
    ],
)
def test_only_the_difference_must_be_free(changes: str, outcome: str, held: int) -> None:
    """Of 400, 4 at 99 leave 4."""
    table = Table("----\n99 | D 4", AS_WRITTEN, funds=400)
    assert outcome == table.do(f"D amends 99: {changes}")
    assert (held, 400 - held) == (table.desk.held("D", "USD"), table.desk.free("D", "USD"))


@pytest.mark.parametrize(
    ("quantity", "outcome"), [(9, "rests 9"), (10, "refused INSUFFICIENT_FUNDS")]
)
def test_a_sale_needs_what_it_sells_more(quantity: int, outcome: str) -> None:
    table = Table("101 | A 5\n----", AS_WRITTEN, funds=9)
    assert outcome == table.do(f"A amends 101: quantity {quantity}")


@pytest.mark.parametrize(
    ("changes", "paid", "held"),
    [
        ("price 103, quantity 6", 6 * 101, 0),
        ("price 102, quantity 12", 10 * 101, 2 * 102),
        ("price 103, quantity 12", 10 * 101 + 2 * 103, 0),
        ("price 103, quantity 20", 10 * 101 + 5 * 103, 5 * 103),
    ],
)
def test_an_order_that_trades_pays_the_makers_and_holds_its_rest(
    changes: str, paid: int, held: int
) -> None:
    table = Table(BOOK, AS_WRITTEN)
    table.do(f"D amends 99: {changes}")
    free = RICH - paid - held
    assert (free, held) == (table.desk.free("D", "USD"), table.desk.held("D", "USD"))


def test_the_difference_is_judged_at_the_price_of_the_order_and_not_of_its_trades() -> None:
    """4 at 101 would cost 4 at 98, and may need 404."""
    table = Table("98 | A 4\n----\n97 | D 4", AS_WRITTEN, funds=403)
    assert "refused INSUFFICIENT_FUNDS" == table.do("D amends 97: price 101")
    assert "4 of A at 98; filled" == table.do("D amends 97: price 100")
    assert (403 - 392, 0) == (table.desk.free("D", "USD"), table.desk.held("D", "USD"))


# Orders and markets that only post


@both_sides
@pytest.mark.parametrize(
    ("changes", "outcome"),
    [
        ("price 101", "refused WOULD_TRADE"),
        ("price 102, quantity 9", "refused WOULD_TRADE"),
        ("price 100", "rests 4"),
        ("quantity 6", "rests 6"),
        ("quantity 3", "stays 3"),
    ],
)
@pytest.mark.parametrize("posts", ["the order", "the market"])
def test_what_only_posts_is_not_moved_across(
    view: View, posts: str, changes: str, outcome: str
) -> None:
    table = Table("101 | A 5\n----", view)
    table.do("D buys 4 at 98" + (" post-only" if posts == "the order" else ""))
    if posts == "the market":
        table.do("the market is post_only")
    assert outcome == table.do(f"D amends 98: {changes}")


@both_sides
def test_a_post_only_order_is_not_moved_across_its_own_account(view: View) -> None:
    table = Table("101 | D 5\n----", view)
    table.do("D buys 4 at 98 post-only EXPIRE_MAKER")
    assert "refused WOULD_TRADE" == table.do("D amends 98: price 101")


@both_sides
def test_a_post_only_order_may_be_moved_to_where_only_due_orders_wait(view: View) -> None:
    table = Table("101 | A 5 until 20\n----", view)
    table.do("D buys 4 at 98 post-only")
    table.do("the clock is 20")
    assert "due A 5 at 101; rests 4" == table.do("D amends 98: price 101")


# Icebergs


@both_sides
@pytest.mark.parametrize(
    ("changes", "outcome", "queue"),
    [
        pytest.param("quantity 4", "stays 4", "A 2 of 4, B 4", id="of what is hidden"),
        pytest.param("quantity 2", "stays 2", "A 2, B 4", id="all that is hidden"),
        pytest.param("quantity 1", "stays 1", "A 1, B 4", id="of what is shown as well"),
        pytest.param("display 1", "stays 5", "A 1 of 5, B 4", id="shows less"),
        pytest.param("display 3", "rests 5", "B 4, A 3 of 5", id="shows more"),
        pytest.param("display 5", "rests 5", "B 4, A 5", id="shows all"),
        pytest.param("quantity 7", "rests 7", "B 4, A 2 of 7", id="larger"),
        pytest.param("quantity 4, display 3", "rests 4", "B 4, A 3 of 4", id="smaller, shows more"),
        pytest.param("quantity 4, display 1", "stays 4", "A 1 of 4, B 4", id="smaller, shows less"),
    ],
)
def test_an_iceberg_is_cut_where_it_hides_and_keeps_its_place_unless_it_grows(
    view: View, changes: str, outcome: str, queue: str
) -> None:
    played(view, ICEBERGS, [(f"A amends 101: {changes}", outcome)], f"101 | {queue}\n----")


@both_sides
def test_a_slice_that_was_used_in_part_stays_as_it_is(view: View) -> None:
    played(
        view,
        ICEBERGS,
        [
            ("E buys 1 at 101", "1 of A at 101; filled"),
            ("A amends 101: quantity 4", "stays 3"),
            ("E buys 2 at 101", "1 of A at 101, 1 of B at 101; filled"),
        ],
        "101 | B 3, A 2\n----",
    )


@both_sides
@pytest.mark.parametrize("display", [0, 6])
def test_an_iceberg_can_not_show_nothing_or_more_than_it_is(view: View, display: int) -> None:
    unchanged(view, ICEBERGS, f"A amends 101: display {display}", "refused QUANTITY_BOUNDS")


@both_sides
def test_the_depth_follows_what_an_iceberg_shows(view: View) -> None:
    table = Table(ICEBERGS, view)
    for changes, depth in [("display 1", 5), ("display 3", 7), ("quantity 2", 6)]:
        table.do(f"A amends 101: {changes}")
        assert depth == table.depth(101)


# Deadlines


@both_sides
def test_an_order_ends_at_its_new_deadline(view: View) -> None:
    table = Table("101 | A 5 until 20, B 5\n----", view)
    assert "stays 5" == table.do("A amends 101: deadline 30")
    table.do("the clock is 20")
    assert "done" == table.do("due orders are swept")
    assert "refused DEADLINE_PASSED" == table.do("A amends 101: deadline 20")
    table.do("the clock is 30")
    assert "5 of B at 101; due A 5 at 101; filled" == table.do("E buys 5 at 101")


@both_sides
@pytest.mark.parametrize("changes", ["quantity 7", "price 102", "quantity 3"])
def test_an_order_keeps_its_deadline(view: View, changes: str) -> None:
    table = Table("101 | A 5 until 20\n----", view)
    table.do(f"A amends 101: {changes}")
    table.do("the clock is 20")
    assert table.do("due orders are swept").startswith("due A")


@both_sides
def test_an_order_that_is_due_does_not_trade_by_an_amend(view: View) -> None:
    table = Table("101 | A 5\n----\n99 | D 4 until 20", view)
    table.do("the clock is 20")
    assert " of A " not in table.do("D amends 99: price 101")


# Orders that sleep


def sleeping(view: View, *orders: str) -> Table:
    """A book of asks, and those orders asleep behind it."""
    table = Table("103 | A 5\n102 | A 1\n101 | A 1\n----", view)
    for order in orders:
        assert "sleeps" == table.do(order), order
    return table


@both_sides
def test_a_new_trigger_puts_a_stop_to_the_back(view: View) -> None:
    table = sleeping(view, "C stops to buy 1 at 102", "D stops to buy 1 at 101")
    assert "sleeps" == table.do("C amends the stop at 102: trigger 101")
    assert "D 101, C 101" == table.asleep()
    outcome = "triggered D: 1 of A at 102; filled; triggered C: 1 of A at 103; filled"
    assert f"1 of A at 101; filled; {outcome}" == table.do("B buys 1 at 101")


@both_sides
@pytest.mark.parametrize("changes", ["quantity 2", "quantity 4", "price 102", "deadline 20"])
def test_all_else_leaves_a_stop_in_its_place(view: View, changes: str) -> None:
    """The place of one that sleeps is its trigger's."""
    table = sleeping(view, "C stops to buy 3 at 101 limit 103", "D stops to buy 1 at 101 limit 100")
    assert table.do(f"C amends the stop at 101: {changes}").startswith("stays")
    assert "C 101, D 101" == table.asleep()


@both_sides
def test_a_stop_enters_as_it_was_amended(view: View) -> None:
    table = sleeping(view, "C stops to buy 3 at 101 limit 101")
    table.do("C amends the stop at 101: price 103, quantity 9")
    outcome = "triggered C: 1 of A at 102, 5 of A at 103; rests 3"
    assert f"1 of A at 101; filled; {outcome}" == table.do("B buys 1 at 101")


@both_sides
def test_a_new_trigger_must_not_be_reached_already(view: View) -> None:
    table = sleeping(view, "C stops to buy 1 at 102", "C stops to sell 1 at 99")
    assert "1 of A at 101; filled" == table.do("B buys 1 at 101")
    assert "refused WOULD_TRIGGER" == table.do("C amends the stop at 102: trigger 101")
    assert "refused WOULD_TRIGGER" == table.do("C amends the stop at 99: trigger 101")
    assert "sleeps" == table.do("C amends the stop at 102: trigger 103")


@pytest.mark.parametrize(
    ("changes", "outcome", "held"),
    [
        ("trigger 120", "sleeps", 378),
        ("trigger 121", "refused INSUFFICIENT_FUNDS", 321),
        ("quantity 2", "stays 2", 214),
        ("quantity 4, trigger 89", "sleeps", 376),
        ("quantity 4", "refused INSUFFICIENT_FUNDS", 321),
    ],
)
def test_a_stop_holds_what_it_needs_after_the_change(changes: str, outcome: str, held: int) -> None:
    """Of 380, 3 at 101 hold 321; 3 at 120 need 378 and at 121 384, 4 at 89 376."""
    table = Table("----", AS_WRITTEN, funds=380)
    table.do("C stops to buy 3 at 101")
    assert outcome == table.do(f"C amends the stop at 101: {changes}")
    assert (held, 380 - held) == (table.desk.held("C", "USD"), table.desk.free("C", "USD"))


@both_sides
def test_a_triggered_order_waits_as_it_is(view: View, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stops, "STOPS_MAX", 1)
    table = sleeping(view, "C stops to buy 1 at 101", "D stops to buy 1 at 101")
    table.do("B buys 1 at 101")
    assert "refused FIELD_COMBINATION" == table.do("D amends the stop at 101: quantity 2")


@both_sides
def test_a_stop_that_rests_is_a_limit_order(view: View) -> None:
    table = sleeping(view, "C stops to buy 3 at 101 limit 100")
    assert "1 of A at 101; filled; triggered C: rests 3" == table.do("B buys 1 at 101")
    assert "refused FIELD_COMBINATION" == table.do("C amends 100: trigger 104")
    assert "1 of A at 102; rests 2" == table.do("C amends 100: price 102")
    assert "stays 1" == table.do("C amends 102: quantity 2")


@both_sides
@pytest.mark.parametrize("changes", ["price 103", "display 1"])
def test_a_stop_takes_no_field_of_another_type(view: View, changes: str) -> None:
    table = sleeping(view, "C stops to buy 3 at 102")
    assert "refused FIELD_COMBINATION" == table.do(f"C amends the stop at 102: {changes}")


@both_sides
def test_a_deadline_ends_a_stop_that_had_none(view: View) -> None:
    table = sleeping(view, "C stops to buy 3 at 101")
    assert "stays 3" == table.do("C amends the stop at 101: deadline 20")
    table.do("the clock is 20")
    assert "1 of A at 101; filled" == table.do("B buys 1 at 101")
    assert "due C 3 at 101" == table.do("due orders are swept")


def test_a_budget_that_sleeps_keeps_its_hold() -> None:
    table = sleeping(AS_WRITTEN, "C stops to buy for 300 at 102")
    assert "refused FIELD_COMBINATION" == table.do("C amends the stop at 102: quantity 3")
    assert "sleeps" == table.do("C amends the stop at 102: trigger 101")
    assert 300 == table.desk.held("C", "USD")
    outcome = "triggered C: 1 of A at 102, 1 of A at 103; budget_spent"
    assert f"1 of A at 101; filled; {outcome}" == table.do("B buys 1 at 101")


# What is refused


@both_sides
@pytest.mark.parametrize(
    ("changes", "outcome"),
    [
        pytest.param("nothing", "refused FIELD_COMBINATION", id="nothing changed"),
        pytest.param("trigger 105", "refused FIELD_COMBINATION", id="a trigger"),
        pytest.param("quantity 15", "refused OFF_LOT", id="off lot"),
        pytest.param("price 105", "refused OFF_TICK", id="off tick"),
        pytest.param("quantity 1010", "refused QUANTITY_BOUNDS", id="too much"),
        pytest.param("quantity 0", "refused QUANTITY_BOUNDS", id="none at all"),
        pytest.param("price 60, quantity 1000", "refused NOTIONAL_MAX", id="too expensive"),
    ],
)
def test_the_changed_order_is_judged_like_a_new_one(view: View, changes: str, outcome: str) -> None:
    """Mirrored, 60 is 140."""
    table = Table("102 | A 10\n----", view, tick=2, lot=10, quantity_max=1_000, notional_max=50_000)
    assert outcome == table.do(f"A amends 102: {changes}")


@both_sides
@pytest.mark.parametrize("state", ["halted", "cancel_only", "closed"])
def test_a_market_that_does_not_trade_lets_nothing_change(view: View, state: str) -> None:
    table = Table("101 | A 5\n----", view)
    table.do(f"the market is {state}")
    assert "refused MARKET_STATE" == table.do("A amends 101: quantity 3")


def test_a_foreign_order_is_not_found_like_one_that_is_unknown_or_finished() -> None:
    table = Table("101 | A 5\n----", AS_WRITTEN)
    number = table.number("A", 101)
    refusals = [table.desk.do(AmendOrder("C", SYMBOL, number, quantity=3)).refusal]
    refusals.append(table.desk.do(AmendOrder("A", SYMBOL, 404, quantity=3)).refusal)
    table.do("A cancels 101")
    refusals.append(table.desk.do(AmendOrder("A", SYMBOL, number, quantity=3)).refusal)
    assert ["NOT_FOUND"] * 3 == [it.code.value for it in refusals if it]
    assert 1 == len(set(refusals))
