"""What becomes of an order that meets another of its own account or trade group.

The default, EXPIRE_TAKER, has its tables in ``test_book_tables``; here it stands beside the others.
"""

import pytest

from exchange.kernel.accounts import FEES
from exchange.kernel.orders import SelfTrade
from tests.matching.tables import AS_WRITTEN, Table, View, both_sides, played, unchanged

MODES = [mode.name for mode in SelfTrade if mode is not SelfTrade.NONE]

BOOK = """
    102 | C 5
    101 | B 2, A 3, B 4
    ----
     99 | A 5
"""
"""A's 3 stand between B's 2 and the rest."""

TOGETHER = [("A joins desk", "done"), ("D joins desk", "done")]
"""A and D are two users."""

each_mode = pytest.mark.parametrize("mode", MODES)


# The taker's mode says what becomes of both.


@both_sides
@pytest.mark.parametrize(
    ("mode", "outcome", "asks"),
    [
        ("EXPIRE_TAKER", "2 of B at 101; self_trade", "102 | C 5\n101 | A 3, B 4"),
        ("EXPIRE_MAKER", "2 of B at 101, 4 of B at 101; expired A 3 at 101; filled", "102 | C 5"),
        ("EXPIRE_BOTH", "2 of B at 101; expired A 3 at 101; self_trade", "102 | C 5\n101 | B 4"),
        (
            "DECREMENT",
            "2 of B at 101, 1 of B at 101; cut A 3 at 101; filled",
            "102 | C 5\n101 | B 3",
        ),
        (
            "NONE",
            "2 of B at 101, 3 of A at 101, 1 of B at 101; filled",
            "102 | C 5\n101 | B 3",
        ),
    ],
)
def test_the_mode_says_what_is_lost_and_earlier_trades_stand(
    view: View, mode: str, outcome: str, asks: str
) -> None:
    actions = [(f"A buys 6 at 102 {mode}", outcome)]
    played(view, BOOK, actions, f"{asks}\n----\n99 | A 5", self_trade_allowed=True)


@both_sides
@pytest.mark.parametrize("mine", MODES)
def test_the_mode_of_the_order_that_waits_does_not_matter(view: View, mine: str) -> None:
    played(
        view,
        "----",
        [
            (f"A sells 3 at 101 {mine}", "rests 3"),
            ("A buys 2 at 101 EXPIRE_TAKER", "self_trade"),
            ("A buys 2 at 101 DECREMENT", "cut A 2 at 101; self_trade"),
            ("A buys 2 at 101 EXPIRE_MAKER", "expired A 1 at 101; rests 2"),
        ],
        """
        ----
        101 | A 2
        """,
    )


@both_sides
@each_mode
@pytest.mark.parametrize(
    ("action", "outcome", "after"),
    [
        pytest.param(
            "A buys 2 at 102",
            "2 of B at 101; filled",
            "102 | C 5\n101 | A 3, B 4\n----\n99 | A 5",
            id="others fill it before",
        ),
        pytest.param(
            "C buys 7 at 101",
            "2 of B at 101, 3 of A at 101, 2 of B at 101; filled",
            "102 | C 5\n101 | B 2\n----\n99 | A 5",
            id="its price is out of reach",
        ),
    ],
)
def test_an_own_order_that_is_not_met_is_not_touched(
    view: View, mode: str, action: str, outcome: str, after: str
) -> None:
    played(view, BOOK, [(f"{action} {mode}", outcome)], after)


# EXPIRE_MAKER


@both_sides
@pytest.mark.parametrize(
    ("words", "end"),
    [
        ("at 102", "rests 2"),
        ("at 102 until 20", "rests 2"),
        ("at 102 IOC", "immediate"),
        ("at market", "no_liquidity"),
    ],
)
def test_expire_maker_takes_every_own_order_out_of_the_way(
    view: View, words: str, end: str
) -> None:
    table = Table(
        """
        102 | A 2, B 2
        101 | A 3
        ----
        """,
        view,
    )
    expected = f"2 of B at 102; expired A 3 at 101, expired A 2 at 102; {end}"
    assert expected == table.do(f"A buys 4 {words} EXPIRE_MAKER")


# EXPIRE_BOTH


@both_sides
@pytest.mark.parametrize("words", ["at 102", "at 101 IOC", "at market"])
def test_expire_both_ends_the_taker_and_the_one_order_that_it_met(view: View, words: str) -> None:
    played(
        view,
        """
        101 | A 3, A 1, B 4
        ----
        """,
        [(f"A buys 9 {words} EXPIRE_BOTH", "expired A 3 at 101; self_trade")],
        """
        101 | A 1, B 4
        ----
        """,
    )


# DECREMENT


@both_sides
@pytest.mark.parametrize(
    ("quantity", "outcome", "after"),
    [
        pytest.param(2, "cut A 2 at 101; self_trade", "101 | A 1, B 4\n----", id="a smaller one"),
        pytest.param(3, "cut A 3 at 101; self_trade", "101 | B 4\n----", id="an equal one"),
        pytest.param(
            5, "2 of B at 101; cut A 3 at 101; filled", "101 | B 2\n----", id="a larger one"
        ),
        pytest.param(
            9, "4 of B at 101; cut A 3 at 101; rests 2", "----\n101 | A 2", id="one that rests"
        ),
    ],
)
def test_decrement_cuts_both_by_the_smaller_quantity(
    view: View, quantity: int, outcome: str, after: str
) -> None:
    """The order that waits keeps its place; the taker trades on with what is left of it."""
    book = "101 | A 3, B 4\n----"
    played(view, book, [(f"A buys {quantity} at 101 DECREMENT", outcome)], after)


@both_sides
def test_decrement_cuts_one_own_order_after_the_other(view: View) -> None:
    played(
        view,
        """
        102 | A 4
        101 | A 1, B 2, A 3
        ----
        """,
        [
            (
                "A buys 9 at 102 DECREMENT",
                "2 of B at 101; cut A 1 at 101, cut A 3 at 101, cut A 3 at 102; self_trade",
            )
        ],
        """
        102 | A 1
        ----
        """,
    )


@both_sides
def test_decrement_cuts_what_is_left_of_a_partly_filled_order(view: View) -> None:
    played(
        view,
        """
        101 | A 5, B 5
        ----
        """,
        [
            ("D buys 3 at 101", "3 of A at 101; filled"),
            ("A buys 1 at 101 DECREMENT", "cut A 1 at 101; self_trade"),
            ("D buys 2 at 101", "1 of A at 101, 1 of B at 101; filled"),
        ],
        """
        101 | B 4
        ----
        """,
    )


@both_sides
@pytest.mark.parametrize(
    ("words", "end"), [("at 101 IOC", "immediate"), ("at market", "no_liquidity")]
)
def test_decrement_ends_as_any_order_does_when_something_is_left(
    view: View, words: str, end: str
) -> None:
    table = Table("101 | B 1, A 3\n----", view)
    assert f"1 of B at 101; cut A 3 at 101; {end}" == table.do(f"A buys 9 {words} DECREMENT")
    assert "----" == str(table)


@both_sides
@pytest.mark.parametrize(
    ("quantity", "after"),
    [
        pytest.param(5, "101 | A 2 of 4, B 1\n----", id="the hidden part is cut first"),
        pytest.param(8, "101 | A 1, B 1\n----", id="then what is shown"),
        pytest.param(9, "101 | B 1\n----", id="all of it"),
    ],
)
def test_decrement_cuts_an_iceberg_with_what_it_hides(
    view: View, quantity: int, after: str
) -> None:
    """It keeps its place whatever is left of it."""
    outcome = f"cut A {quantity} at 101; self_trade"
    actions = [(f"A buys {quantity} at 101 DECREMENT", outcome)]
    played(view, "101 | A 2 of 9, B 1\n----", actions, after)


@both_sides
def test_decrement_cuts_an_iceberg_that_comes_in_by_its_full_size(view: View) -> None:
    played(
        view,
        """
        101 | A 5, B 1
        ----
        """,
        [("A buys 9 showing 2 at 101 DECREMENT", "1 of B at 101; cut A 5 at 101; rests 3")],
        """
        ----
        101 | A 2 of 3
        """,
    )


# Budgets: money does not mirror.


@pytest.mark.parametrize(
    ("action", "outcome", "after"),
    [
        pytest.param(
            "A buys for 60 at market EXPIRE_MAKER",
            "1 of B at 10, 3 of C at 15; expired A 2 at 10; budget_spent",
            "15 | C 2\n----\n9 | A 4\n4 | B 3",
            id="expire maker: goes on with all of it",
        ),
        pytest.param(
            "A buys for 60 at market EXPIRE_BOTH",
            "1 of B at 10; expired A 2 at 10; self_trade",
            "15 | C 5\n----\n9 | A 4\n4 | B 3",
            id="expire both: ends",
        ),
        pytest.param(
            "A buys for 60 at market DECREMENT",
            "1 of B at 10, 2 of C at 15; cut A 2 at 10; budget_spent",
            "15 | C 3\n----\n9 | A 4\n4 | B 3",
            id="decrement: 20 of it are lost",
        ),
        pytest.param(
            "A buys for 20 at market DECREMENT",
            "1 of B at 10; cut A 1 at 10; self_trade",
            "15 | C 5\n10 | A 1\n----\n9 | A 4\n4 | B 3",
            id="decrement: the last 10 are lost",
        ),
        pytest.param(
            "A buys for 19 at market DECREMENT",
            "1 of B at 10; budget_spent",
            "15 | C 5\n10 | A 2\n----\n9 | A 4\n4 | B 3",
            id="decrement: 9 buy no lot that could be lost",
        ),
        pytest.param(
            "A buys for 30 at market DECREMENT",
            "1 of B at 10; cut A 2 at 10; self_trade",
            "15 | C 5\n----\n9 | A 4\n4 | B 3",
            id="decrement: all that is left and all that waits are lost, whoever stands behind",
        ),
        pytest.param(
            "A buys for 900 at market DECREMENT",
            "1 of B at 10, 5 of C at 15; cut A 2 at 10; no_liquidity",
            "----\n9 | A 4\n4 | B 3",
            id="decrement: the book ends before the budget",
        ),
        pytest.param(
            "A sells for 40 at market EXPIRE_MAKER",
            "3 of B at 4; expired A 4 at 9; no_liquidity",
            "15 | C 5\n10 | B 1, A 2\n----",
            id="a sale: expire maker",
        ),
        pytest.param(
            "A sells for 40 at market DECREMENT",
            "1 of B at 4; cut A 4 at 9; budget_spent",
            "15 | C 5\n10 | B 1, A 2\n----\n4 | B 2",
            id="a sale: 36 of it are lost",
        ),
        pytest.param(
            "A sells for 20 at market DECREMENT",
            "cut A 2 at 9; self_trade",
            "15 | C 5\n10 | B 1, A 2\n----\n9 | A 2\n4 | B 3",
            id="a sale: passes nobody over",
        ),
    ],
)
def test_a_budget_goes_the_way_of_its_mode(action: str, outcome: str, after: str) -> None:
    book = """
        15 | C 5
        10 | B 1, A 2
        ----
         9 | A 4
         4 | B 3
    """
    played(AS_WRITTEN, book, [(action, outcome)], after)


def test_a_budget_that_is_cut_is_cut_by_what_an_iceberg_hides() -> None:
    played(
        AS_WRITTEN,
        """
        15 | C 5
        10 | A 1 of 4
        ----
        """,
        [("A buys for 55 at market DECREMENT", "1 of C at 15; cut A 4 at 10; budget_spent")],
        """
        15 | C 4
        ----
        """,
    )


# NONE


@both_sides
@pytest.mark.parametrize("words", ["A buys 1 at 102", "A buys 1 at market", "D buys 1 at 90"])
def test_none_is_refused_where_the_market_does_not_allow_it(view: View, words: str) -> None:
    """Whether or not the order would meet one of its own."""
    unchanged(view, BOOK, f"{words} NONE", "refused FIELD_COMBINATION")


@both_sides
@pytest.mark.parametrize("words", ["at 102", "at 102 FOK", "at 102 IOC", "at market FOK"])
def test_none_trades_within_the_account_where_the_market_allows_it(view: View, words: str) -> None:
    played(
        view,
        BOOK,
        [(f"A buys 5 {words} NONE", "2 of B at 101, 3 of A at 101; filled")],
        """
        102 | C 5
        101 | B 4
        ----
         99 | A 5
        """,
        self_trade_allowed=True,
    )


def test_an_account_that_trades_with_itself_pays_both_fees_and_nothing_else() -> None:
    """1,000 ppm of 1,000 USD for the order that waited, 2,000 ppm of 10 BTC for the other."""
    table = Table("100 | A 10\n----", AS_WRITTEN, self_trade_allowed=True)
    ledger, assets = table.desk.state.ledger, ("USD", "BTC")
    owned = [table.desk.free("A", "USD"), table.desk.free("A", "BTC") + 10]
    table.do("A buys 10 at 100 NONE")
    assert [1, 1] == [ledger.balance(FEES, asset) for asset in assets]
    assert [units - 1 for units in owned] == [table.desk.free("A", asset) for asset in assets]


@both_sides
def test_a_market_that_allows_none_prevents_self_trades_as_any_other(view: View) -> None:
    played(
        view,
        BOOK,
        [("A buys 5 at 102", "2 of B at 101; self_trade")],
        """
        102 | C 5
        101 | A 3, B 4
        ----
         99 | A 5
        """,
        self_trade_allowed=True,
    )


# FOK


@both_sides
@pytest.mark.parametrize("mode", ["EXPIRE_TAKER", "EXPIRE_BOTH", "DECREMENT"])
@pytest.mark.parametrize("words", ["3 at 102", "9 at 101", "3 at market"])
def test_fok_that_meets_an_own_order_before_it_is_full_is_killed(
    view: View, mode: str, words: str
) -> None:
    """Nothing has expired and nothing was cut."""
    unchanged(view, BOOK, f"A buys {words} FOK {mode}", "refused NOT_FILLABLE")


@both_sides
@each_mode
def test_fok_that_is_full_before_its_own_order_trades(view: View, mode: str) -> None:
    played(
        view,
        BOOK,
        [(f"A buys 2 at 102 FOK {mode}", "2 of B at 101; filled")],
        """
        102 | C 5
        101 | A 3, B 4
        ----
         99 | A 5
        """,
    )


@both_sides
@pytest.mark.parametrize("words", ["at 102", "at market"])
def test_fok_with_expire_maker_fills_whole_with_others(view: View, words: str) -> None:
    """2 + 4 + 5 of others are 11."""
    outcome = "2 of B at 101, 4 of B at 101, 5 of C at 102; expired A 3 at 101; filled"
    actions = [(f"A buys 11 {words} FOK EXPIRE_MAKER", outcome)]
    played(view, BOOK, actions, "----\n99 | A 5")
    unchanged(view, BOOK, f"A buys 12 {words} FOK EXPIRE_MAKER", "refused NOT_FILLABLE")


# Post-only


@both_sides
@each_mode
def test_post_only_is_refused_in_every_mode_when_only_its_own_order_is_in_the_way(
    view: View, mode: str
) -> None:
    unchanged(view, "101 | A 3\n----", f"A buys 1 at 101 post-only {mode}", "refused WOULD_TRADE")


# Trade groups


@both_sides
@pytest.mark.parametrize(
    ("mode", "outcome", "after"),
    [
        ("EXPIRE_TAKER", "self_trade", "101 | A 3, B 4\n----"),
        ("EXPIRE_MAKER", "2 of B at 101; expired A 3 at 101; filled", "101 | B 2\n----"),
        ("EXPIRE_BOTH", "expired A 3 at 101; self_trade", "101 | B 4\n----"),
        ("DECREMENT", "cut A 2 at 101; self_trade", "101 | A 1, B 4\n----"),
    ],
)
def test_orders_of_one_trade_group_do_not_trade_whoever_owns_them(
    view: View, mode: str, outcome: str, after: str
) -> None:
    played(
        view,
        "----",
        [
            *TOGETHER,
            ("A sells 3 at 101", "rests 3"),
            ("B sells 4 at 101", "rests 4"),
            (f"D buys 2 at 101 {mode}", outcome),
        ],
        after,
    )


@both_sides
def test_orders_of_two_trade_groups_trade(view: View) -> None:
    played(
        view,
        "----",
        [
            ("A joins desk", "done"),
            ("D joins other", "done"),
            ("A sells 3 at 101", "rests 3"),
            ("D buys 1 at 101", "1 of A at 101; filled"),
            ("B buys 2 at 101", "2 of A at 101; filled"),
        ],
        "----",
    )


@both_sides
def test_an_order_that_waits_keeps_the_group_that_its_account_had_when_it_came(
    view: View,
) -> None:
    """A joins behind its order at 101, and leaves behind the one at 102."""
    played(
        view,
        "101 | A 3\n----",
        [
            *TOGETHER,
            ("A sells 3 at 102", "rests 3"),
            ("D buys 4 at 102", "3 of A at 101; self_trade"),
            ("A leaves its group", "done"),
            ("D buys 1 at 102", "self_trade"),
            ("D leaves its group", "done"),
            ("D buys 1 at 102", "1 of A at 102; filled"),
        ],
        "102 | A 2\n----",
    )


@both_sides
@pytest.mark.parametrize(
    "moves",
    [
        pytest.param(["A sells 3 at 101", "A joins desk"], id="joins a group"),
        pytest.param(["A joins desk", "A sells 3 at 101", "A joins other"], id="joins another"),
        pytest.param(["A joins desk", "A sells 3 at 101", "A leaves its group"], id="leaves it"),
    ],
)
def test_an_account_never_trades_with_itself_however_its_group_has_changed(
    view: View, moves: list[str]
) -> None:
    table = Table("----", view)
    for move in moves:
        table.do(move)
    assert "self_trade" == table.do("A buys 1 at 101")


@both_sides
def test_a_group_that_is_called_like_an_account_is_not_that_account(view: View) -> None:
    played(
        view,
        "101 | B 3\n----",
        [("A joins B", "done"), ("A buys 1 at 101", "1 of B at 101; filled")],
        "101 | B 2\n----",
    )


@both_sides
def test_fok_counts_nothing_of_its_own_group(view: View) -> None:
    played(
        view,
        "----",
        [
            *TOGETHER,
            ("B sells 2 at 101", "rests 2"),
            ("A sells 3 at 101", "rests 3"),
            ("D buys 3 at 101 FOK", "refused NOT_FILLABLE"),
            ("D buys 3 at 101 FOK EXPIRE_MAKER", "refused NOT_FILLABLE"),
            ("D buys 2 at 101 FOK", "2 of B at 101; filled"),
        ],
        "101 | A 3\n----",
    )


# Where the orders stand, and what they hold.


@both_sides
@pytest.mark.parametrize(
    ("mode", "taker", "maker"),
    [
        ("EXPIRE_TAKER", "EXPIRED because self_trade", "PARTIALLY_FILLED"),
        ("EXPIRE_MAKER", "PARTIALLY_FILLED", "EXPIRED because self_trade"),
        ("EXPIRE_BOTH", "EXPIRED because self_trade", "EXPIRED because self_trade"),
        ("DECREMENT", "PARTIALLY_FILLED", "EXPIRED because self_trade"),
    ],
)
def test_both_orders_are_told_where_they_stand(
    view: View, mode: str, taker: str, maker: str
) -> None:
    """B's 1 trades first; A's order that waits has traded before."""
    table = Table("101 | A 4\n----", view)
    table.do("D buys 1 at 101")
    table.do("B sells 1 at 100")
    table.do(f"A buys 9 at 101 {mode}")
    assert (maker, taker) == (table.life(1), table.life(4))


@both_sides
@pytest.mark.parametrize(("quantity", "status"), [(3, "EXPIRED because self_trade"), (4, "FILLED")])
def test_an_order_whose_last_part_is_cut_has_expired_and_one_whose_last_part_trades_is_filled(
    view: View, quantity: int, status: str
) -> None:
    table = Table("101 | B 1, A 2, B 1\n----", view)
    table.do(f"A buys {quantity} at 101 DECREMENT")
    assert status == table.life(4)


def test_what_is_cut_is_no_longer_held_and_nothing_is_paid_for_it() -> None:
    """A sells 5 and buys 3 at 101 of its own: 2 BTC and nothing else stay on hold."""
    table = Table("101 | A 5\n----", AS_WRITTEN)
    owned = table.desk.free("A", "USD")
    table.do("A buys 3 at 101 DECREMENT")
    assert (0, 2) == (table.desk.held("A", "USD"), table.desk.held("A", "BTC"))
    assert owned == table.desk.free("A", "USD")


def test_a_budget_that_is_cut_pays_for_its_trades_alone() -> None:
    table = Table("15 | C 5\n10 | A 2\n----", AS_WRITTEN)
    owned = table.desk.free("A", "USD")
    table.do("A buys for 60 at market DECREMENT")  # 20 are cut, 30 are paid
    assert (owned - 30, 0) == (table.desk.free("A", "USD"), table.desk.held("A", "USD"))
