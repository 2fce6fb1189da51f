"""Who trades with whom, at which price, and what is left: rule by rule, as seen from both sides.

How tables are read stands in ``tables``.
"""

import pytest

from exchange.kernel.orders import EndReason, OrderTerms, TimeInForce
from exchange.kernel.rejects import RejectCode
from exchange.matching.events import OrderAccepted
from tests.build import BUY, SELL, Desk, desk, limit, market
from tests.matching.tables import AS_WRITTEN, Table, View, both_sides, played, unchanged

FILLS_MAX = 10_000

BOOK = """
    102 | C 5
    101 | B 2, A 1
    ----
     99 | A 5
     98 | B 3
"""


@both_sides
def test_the_best_price_trades_first_then_the_first_order_at_a_price(view: View) -> None:
    played(
        view,
        BOOK,
        [("D buys 6 at 102", "2 of B at 101, 1 of A at 101, 3 of C at 102; filled")],
        """
        102 | C 2
        ----
         99 | A 5
         98 | B 3
        """,
    )


@both_sides
def test_the_first_order_at_a_price_trades_first_however_small(view: View) -> None:
    played(
        view,
        """
        101 | A 1, B 9, C 1
        ----
        """,
        [("D buys 3 at 101", "1 of A at 101, 2 of B at 101; filled")],
        """
        101 | B 7, C 1
        ----
        """,
    )


@both_sides
def test_a_partly_filled_order_keeps_its_place(view: View) -> None:
    played(
        view,
        """
        101 | A 5, B 5
        ----
        """,
        [
            ("D buys 2 at 101", "2 of A at 101; filled"),
            ("C sells 1 at 101", "rests 1"),
            ("D buys 4 at 101", "3 of A at 101, 1 of B at 101; filled"),
        ],
        """
        101 | B 4, C 1
        ----
        """,
    )


@both_sides
def test_an_order_that_comes_back_queues_at_the_end(view: View) -> None:
    played(
        view,
        """
        101 | A 5, B 5
        ----
        """,
        [("A cancels 101", "cancelled 1"), ("A sells 5 at 101", "rests 5")],
        """
        101 | B 5, A 5
        ----
        """,
    )


@both_sides
def test_every_fill_prints_at_the_price_of_the_order_that_waited(view: View) -> None:
    played(
        view,
        BOOK,
        [("D buys 9 at 150", "2 of B at 101, 1 of A at 101, 5 of C at 102; rests 1")],
        """
        ----
        150 | D 1
         99 | A 5
         98 | B 3
        """,
    )


@both_sides
def test_a_limit_order_trades_to_its_price_and_rests_there(view: View) -> None:
    played(
        view,
        BOOK,
        [("D buys 4 at 101", "2 of B at 101, 1 of A at 101; rests 1")],
        """
        102 | C 5
        ----
        101 | D 1
         99 | A 5
         98 | B 3
        """,
    )


@both_sides
def test_a_limit_order_out_of_reach_rests(view: View) -> None:
    played(
        view,
        BOOK,
        [("D buys 4 at 100", "rests 4"), ("D buys 1 at 97", "rests 1")],
        """
        102 | C 5
        101 | B 2, A 1
        ----
        100 | D 4
         99 | A 5
         98 | B 3
         97 | D 1
        """,
    )


@both_sides
def test_a_market_order_trades_at_any_price(view: View) -> None:
    played(
        view,
        BOOK,
        [("D buys 7 at market", "2 of B at 101, 1 of A at 101, 4 of C at 102; filled")],
        """
        102 | C 1
        ----
         99 | A 5
         98 | B 3
        """,
    )


@both_sides
def test_a_market_order_never_rests(view: View) -> None:
    played(
        view,
        BOOK,
        [
            ("D buys 9 at market", "2 of B at 101, 1 of A at 101, 5 of C at 102; no_liquidity"),
            ("D buys 9 at market", "no_liquidity"),
        ],
        """
        ----
         99 | A 5
         98 | B 3
        """,
    )


@both_sides
def test_ioc_fills_what_it_can_and_the_rest_expires(view: View) -> None:
    played(
        view,
        BOOK,
        [
            ("D buys 4 at 101 IOC", "2 of B at 101, 1 of A at 101; immediate"),
            ("D buys 4 at 101 IOC", "immediate"),
            ("D buys 1 at 102 IOC", "1 of C at 102; filled"),
        ],
        """
        102 | C 4
        ----
         99 | A 5
         98 | B 3
        """,
    )


@both_sides
def test_fok_fills_whole(view: View) -> None:
    played(
        view,
        BOOK,
        [("D buys 8 at 102 FOK", "2 of B at 101, 1 of A at 101, 5 of C at 102; filled")],
        """
        ----
         99 | A 5
         98 | B 3
        """,
    )


@both_sides
def test_fok_by_market_fills_whole(view: View) -> None:
    played(
        view,
        BOOK,
        [("D buys 3 at market FOK", "2 of B at 101, 1 of A at 101; filled")],
        """
        102 | C 5
        ----
         99 | A 5
         98 | B 3
        """,
    )


@both_sides
@pytest.mark.parametrize(
    "action",
    [
        pytest.param("D buys 4 at 101 FOK", id="one too few within the limit"),
        pytest.param("D buys 9 at market FOK", id="one too few in the book"),
        pytest.param("B buys 1 at 101 FOK", id="its own order stands first"),
        pytest.param("A buys 8 at 102 FOK", id="full only with its own order"),
        pytest.param("C buys 4 at market FOK", id="its own order before it is full"),
    ],
)
def test_fok_that_would_not_fill_whole_leaves_the_book_as_it_was(view: View, action: str) -> None:
    unchanged(view, BOOK, action, "refused NOT_FILLABLE")


@both_sides
def test_fok_that_is_full_before_its_own_order_trades(view: View) -> None:
    played(
        view,
        BOOK,
        [("C buys 3 at 102 FOK", "2 of B at 101, 1 of A at 101; filled")],
        """
        102 | C 5
        ----
         99 | A 5
         98 | B 3
        """,
    )


@both_sides
@pytest.mark.parametrize(
    "action",
    [
        pytest.param("D buys 1 at 101 post-only", id="at the best price"),
        pytest.param("D buys 9 at 150 post-only", id="through the book"),
        pytest.param("B buys 1 at 101 post-only", id="with an own order alone"),
    ],
)
def test_post_only_is_refused_when_it_would_trade(view: View, action: str) -> None:
    unchanged(view, BOOK, action, "refused WOULD_TRADE")


@both_sides
def test_post_only_rests_when_it_would_not_trade(view: View) -> None:
    played(
        view,
        BOOK,
        [("D buys 1 at 100 post-only", "rests 1"), ("D buys 2 at 99 post-only", "rests 2")],
        """
        102 | C 5
        101 | B 2, A 1
        ----
        100 | D 1
         99 | A 5, D 2
         98 | B 3
        """,
    )


@both_sides
def test_an_order_ends_where_it_meets_one_of_its_own_account(view: View) -> None:
    """EXPIRE_TAKER: earlier fills with others stand, and the order that waited stays."""
    played(
        view,
        BOOK,
        [("A buys 7 at 102", "2 of B at 101; self_trade")],
        """
        102 | C 5
        101 | A 1
        ----
         99 | A 5
         98 | B 3
        """,
    )


@both_sides
@pytest.mark.parametrize(
    "action",
    [
        pytest.param("B buys 1 at 101", id="limit"),
        pytest.param("B buys 1 at 101 IOC", id="ioc"),
        pytest.param("B buys 1 at market", id="market"),
        pytest.param("B buys for 1000 at market", id="budget"),
    ],
)
def test_an_order_that_meets_its_own_account_first_ends_without_a_trade(
    view: View, action: str
) -> None:
    unchanged(view, BOOK, action, "self_trade")


@both_sides
def test_an_own_order_behind_those_that_fill_it_does_not_matter(view: View) -> None:
    played(
        view,
        BOOK,
        [("C buys 3 at 102", "2 of B at 101, 1 of A at 101; filled")],
        """
        102 | C 5
        ----
         99 | A 5
         98 | B 3
        """,
    )


@both_sides
def test_an_own_order_beyond_the_limit_does_not_matter(view: View) -> None:
    played(
        view,
        BOOK,
        [("C buys 4 at 101", "2 of B at 101, 1 of A at 101; rests 1")],
        """
        102 | C 5
        ----
        101 | C 1
         99 | A 5
         98 | B 3
        """,
    )


# Budgets: money does not mirror, so each side has its own tables.


@pytest.mark.parametrize(
    ("action", "outcome", "after"),
    [
        pytest.param(
            "D buys for 60 at market",
            "2 of B at 10, 1 of A at 10, 2 of C at 15; budget_spent",
            "15 | C 3\n----\n9 | A 5\n4 | B 3",
            id="to the last unit",
        ),
        pytest.param(
            "D buys for 59 at market",
            "2 of B at 10, 1 of A at 10, 1 of C at 15; budget_spent",
            "15 | C 4\n----\n9 | A 5\n4 | B 3",
            id="14 does not buy one more",
        ),
        pytest.param(
            "D buys for 9 at market",
            "budget_spent",
            "15 | C 5\n10 | B 2, A 1\n----\n9 | A 5\n4 | B 3",
            id="too small for one",
        ),
        pytest.param(
            "D buys for 200 at market",
            "2 of B at 10, 1 of A at 10, 5 of C at 15; no_liquidity",
            "----\n9 | A 5\n4 | B 3",
            id="more than the book has",
        ),
        pytest.param(
            "D buys for 105 at market",
            "2 of B at 10, 1 of A at 10, 5 of C at 15; budget_spent",
            "----\n9 | A 5\n4 | B 3",
            id="exactly what the book has",
        ),
        pytest.param(
            "A buys for 100 at market",
            "2 of B at 10; self_trade",
            "15 | C 5\n10 | A 1\n----\n9 | A 5\n4 | B 3",
            id="meets its own order",
        ),
        pytest.param(
            "C buys for 44 at market",
            "2 of B at 10, 1 of A at 10; budget_spent",
            "15 | C 5\n----\n9 | A 5\n4 | B 3",
            id="is spent before it could trade with its own order",
        ),
        pytest.param(
            "D sells for 49 at market",
            "5 of A at 9, 1 of B at 4; budget_spent",
            "15 | C 5\n10 | B 2, A 1\n----\n4 | B 2",
            id="a sale brings in all of it",
        ),
        pytest.param(
            "D sells for 30 at market",
            "3 of A at 9; budget_spent",
            "15 | C 5\n10 | B 2, A 1\n----\n9 | A 2\n4 | B 3",
            id="a sale brings in at most that, and passes nobody over",
        ),
        pytest.param(
            "D sells for 8 at market",
            "budget_spent",
            "15 | C 5\n10 | B 2, A 1\n----\n9 | A 5\n4 | B 3",
            id="one sale would bring in too much",
        ),
        pytest.param(
            "D sells for 99 at market",
            "5 of A at 9, 3 of B at 4; no_liquidity",
            "15 | C 5\n10 | B 2, A 1\n----",
            id="a sale of more than the book takes",
        ),
        pytest.param(
            "B sells for 99 at market",
            "5 of A at 9; self_trade",
            "15 | C 5\n10 | B 2, A 1\n----\n4 | B 3",
            id="a sale meets its own order",
        ),
    ],
)
def test_a_budget_trades_what_it_covers(action: str, outcome: str, after: str) -> None:
    book = """
        15 | C 5
        10 | B 2, A 1
        ----
         9 | A 5
         4 | B 3
    """
    played(AS_WRITTEN, book, [(action, outcome)], after)


def test_a_sell_budget_goes_on_at_the_next_price_when_the_best_order_is_used_up() -> None:
    """4 of the 10 are left after the first sale: too little at 6, but just enough at 4."""
    played(
        AS_WRITTEN,
        """
        ----
        6 | A 1
        4 | B 1
        """,
        [("D sells for 10 at market", "1 of A at 6, 1 of B at 4; budget_spent")],
        "----",
    )


@pytest.mark.parametrize(
    ("action", "outcome"),
    [
        ("D buys for 399 at market", "20 of B at 10, 10 of C at 15; budget_spent"),
        ("D buys for 500 at market", "20 of B at 10, 20 of C at 15; budget_spent"),
        ("D sells for 100 at market", "10 of A at 9; budget_spent"),
        ("D sells for 90 at market", "10 of A at 9; budget_spent"),
        ("D sells for 89 at market", "budget_spent"),
    ],
)
def test_a_budget_trades_whole_lots(action: str, outcome: str) -> None:
    """The lot is 10: what does not cover ten more is left."""
    table = Table("15 | C 30\n10 | B 20\n----\n9 | A 30", AS_WRITTEN, lot=10)
    assert outcome == table.do(action)


# Reduce and cancel.


@both_sides
def test_a_reduced_order_keeps_its_place(view: View) -> None:
    played(
        view,
        """
        101 | A 5, B 5
        ----
        """,
        [
            ("A reduces 101 by 4", "reduced"),
            ("D buys 2 at 101", "1 of A at 101, 1 of B at 101; filled"),
        ],
        """
        101 | B 4
        ----
        """,
    )


@both_sides
@pytest.mark.parametrize("quantity", [5, 6, 10**30])
def test_to_reduce_by_all_that_is_open_or_more_cancels(view: View, quantity: int) -> None:
    played(
        view,
        """
        102 | A 5, B 5
        ----
        """,
        [(f"A reduces 102 by {quantity}", "cancelled 1")],
        """
        102 | B 5
        ----
        """,
    )


@both_sides
def test_to_reduce_a_partly_filled_order_by_its_rest_cancels(view: View) -> None:
    played(
        view,
        """
        101 | A 5
        ----
        """,
        [
            ("D buys 3 at 101", "3 of A at 101; filled"),
            ("A reduces 101 by 1", "reduced"),
            ("A reduces 101 by 1", "cancelled 1"),
        ],
        "----",
    )


@both_sides
def test_a_cancelled_order_leaves_its_queue_alone(view: View) -> None:
    played(
        view,
        """
        102 | A 1, B 2, C 3
        ----
         99 | A 4
        """,
        [("B cancels 102", "cancelled 1")],
        """
        102 | A 1, C 3
        ----
         99 | A 4
        """,
    )


@pytest.mark.parametrize("number", [0, -1, 99, 10**30])
def test_an_unknown_order_is_not_found(number: int) -> None:
    at = desk()
    at.place("A", limit(BUY, 99, 1))
    for ack in (at.cancel("A", number), at.reduce("A", number, 1)):
        assert ack.refusal is not None
        assert (RejectCode.NOT_FOUND, "order") == (ack.refusal.code, ack.refusal.field)


def test_unknown_finished_and_foreign_orders_are_refused_in_the_same_words() -> None:
    at = desk()
    at.place("A", limit(BUY, 99, 1))  # 1 is cancelled
    at.cancel("A", 1)
    at.place("A", limit(BUY, 99, 1))  # 2 is filled
    at.place("B", limit(SELL, 99, 1))
    at.place("A", limit(BUY, 99, 1, time_in_force=TimeInForce.IOC))  # 4 has expired
    at.place("B", limit(BUY, 99, 1, client_order_id="mine"))  # 5 belongs to B
    acks = [at.cancel("A", number) for number in (1, 2, 4, 5, 6)]
    assert {RejectCode.NOT_FOUND} == {ack.refusal and ack.refusal.code for ack in acks}
    assert 1 == len({(ack.refusal, ack.order_id, ack.status, ack.fills) for ack in acks})


# The bound on fills.


@pytest.fixture
def crowd() -> Desk:
    """10,001 sales of 1 at 1 by two accounts, and one at 2."""
    at = desk(open_orders_max=FILLS_MAX)
    for number in range(FILLS_MAX + 1):
        assert at.place("AB"[number % 2], limit(SELL, 1, 1)).refusal is None
    assert at.place("C", limit(SELL, 2, 1)).refusal is None
    return at


@pytest.mark.parametrize(
    "terms",
    [
        limit(BUY, 2, FILLS_MAX + 1),
        market(BUY, FILLS_MAX + 5),
        market(BUY, budget=10**9),
        limit(BUY, 1, FILLS_MAX + 1, time_in_force=TimeInForce.IOC),
    ],
    ids=["limit", "market", "budget", "ioc"],
)
def test_after_ten_thousand_fills_the_rest_of_an_order_expires(
    crowd: Desk, terms: OrderTerms
) -> None:
    ack = crowd.place("D", terms)
    assert FILLS_MAX == len(ack.fills)
    assert EndReason.FILLS_MAX is crowd.effect(OrderAccepted).ended
    assert [FILLS_MAX + 1, FILLS_MAX + 2] == sorted(crowd.book().orders)
    assert 0 == crowd.held("D", "USD")


def test_fok_of_more_than_ten_thousand_fills_is_refused(crowd: Desk) -> None:
    before = crowd.money()
    terms = limit(BUY, 1, FILLS_MAX + 1, time_in_force=TimeInForce.FOK)
    ack = crowd.place("D", terms)
    assert ack.refusal is not None
    assert RejectCode.NOT_FILLABLE is ack.refusal.code
    assert before == crowd.money()


def test_ten_thousand_fills_that_fill_an_order_are_no_excess(crowd: Desk) -> None:
    ack = crowd.place("D", limit(BUY, 1, FILLS_MAX, time_in_force=TimeInForce.FOK))
    assert FILLS_MAX == len(ack.fills)
    assert EndReason.FILLED is crowd.effect(OrderAccepted).ended


# Market states.


@both_sides
def test_a_halted_market_takes_cancels_only(view: View) -> None:
    played(
        view,
        BOOK,
        [
            ("the market is halted", "done"),
            ("D buys 1 at 101", "refused MARKET_STATE"),
            ("D buys 1 at 90", "refused MARKET_STATE"),
            ("D buys 1 at market", "refused MARKET_STATE"),
            ("A reduces 99 by 1", "refused MARKET_STATE"),
            ("A cancels 99", "cancelled 1"),
            ("the market is continuous", "done"),
            ("D buys 1 at 101", "1 of B at 101; filled"),
        ],
        """
        102 | C 5
        101 | B 1, A 1
        ----
         98 | B 3
        """,
    )


@both_sides
def test_a_closed_market_has_no_orders_and_takes_nothing(view: View) -> None:
    played(
        view,
        BOOK,
        [
            ("the market is closed", "cancelled 5"),
            ("D buys 1 at 90", "refused MARKET_STATE"),
            ("A cancels 99", "refused MARKET_STATE"),
            ("A reduces 99 by 1", "refused MARKET_STATE"),
            ("the market is continuous", "refused MARKET_STATE"),
            ("the market is halted", "refused MARKET_STATE"),
            ("the market is closed", "refused MARKET_STATE"),
        ],
        "----",
    )


def test_a_market_that_closes_gives_back_all_that_its_orders_hold() -> None:
    table = Table(BOOK, AS_WRITTEN)
    table.do("D buys 1 at 101")
    assert table.desk.held("A", "USD")
    table.do("the market is closed")
    assert not any(table.desk.held(name, asset) for name in "ABCD" for asset in ("BTC", "USD"))
