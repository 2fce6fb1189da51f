"""Two orders on one hold: whatever happens to one of them first ends the other (OCO).

``D sells 7 at 105 or stop 95``: D wants 105, and out at market once somebody has sold at 95.
"""

import pytest

from exchange.kernel.accounts import FEES
from exchange.kernel.orders import OrderTerms, OrderType, SelfTrade, TimeInForce
from exchange.orders.commands import PlaceOrderList
from exchange.orders.rulebook import DAY_US
from exchange.venue import stops
from tests.build import BUY, RICH, SELL, SYMBOL, desk, limit, market
from tests.matching.tables import AS_WRITTEN, Table, View, both_sides

BOOK = """
    106 | A 9
    105 | B 1
    ----
     95 | A 1
     94 | B 9
"""
"""B's 1 stands at 105 before D's list comes; a sale of 1 prints 95."""

LIST = "D sells 7 at 105 or stop 95"
FROM_STOP = "D sells 7 stop 95 or at 105"
BRACKET = "D sells 7 profit 105 or stop 95"
"""Both sleep."""

WAITS = "rests 7 or sleeps"


def listed(view: View, book: str, order: str = LIST, **rules: int) -> Table:
    """The book with that list behind it."""
    table = Table(book, view, **rules)
    outcome = table.do(order)
    assert outcome in {WAITS, "sleeps or rests 7", "sleeps or sleeps"}, f"{order}: {outcome}"
    return table


def refused(table: Table, action: str) -> str:
    """Code and field of the refusal, which changed nothing."""
    assert table.do(action).startswith("refused"), action
    assert table.refusal is not None
    return f"{table.refusal.code.value} {table.refusal.field}"


def all_free(table: Table, account: str = "D") -> bool:
    """Whether nothing is held for the account, and none of its money was spent."""
    money = [(table.desk.free(account, it), table.desk.held(account, it)) for it in ("USD", "BTC")]
    return money == [(RICH, 0)] * 2


# Both wait.


@both_sides
@pytest.mark.parametrize("order", [LIST, FROM_STOP])
def test_the_limit_order_stands_in_the_book_and_the_stop_is_unseen(view: View, order: str) -> None:
    table = listed(view, BOOK, order)
    book = "106 | A 9\n105 | B 1, D 7\n----\n95 | A 1\n94 | B 9"
    assert (book, "D 95") == (str(table), table.asleep())
    lives = [table.life(it) for it in (table.number("D", 105), table.stop("D", 95))]
    assert ["NEW", "UNTRIGGERED"] == lives


@both_sides
def test_both_may_sleep(view: View) -> None:
    table = listed(view, BOOK, BRACKET)
    assert ("D 105, D 95", str(Table(BOOK, view))) == (table.asleep(), str(table))


@both_sides
@pytest.mark.parametrize("order", [LIST, FROM_STOP, BRACKET])
def test_prints_and_quotes_between_them_change_nothing(view: View, order: str) -> None:
    table = listed(view, "105 | B 9\n104 | A 1\n----\n96 | A 1\n94 | B 9", order)
    before = table.desk.held("D", "BTC"), table.desk.held("D", "USD")
    assert "1 of A at 104; filled" == table.do("E buys 1 at 104")
    assert "1 of A at 96; filled" == table.do("E sells 1 at 96")
    assert before == (table.desk.held("D", "BTC"), table.desk.held("D", "USD"))
    assert "95" in table.asleep()


# A fill of the limit order ends the stop.


@both_sides
@pytest.mark.parametrize("order", [LIST, FROM_STOP])
def test_a_part_of_the_limit_order_is_enough(view: View, order: str) -> None:
    table = listed(view, BOOK, order)
    stop = table.stop("D", 95)
    outcome = "1 of B at 105, 2 of D at 105; filled; dropped D 7 at 95"
    assert outcome == table.do("E buys 3 at 105")
    assert ("106 | A 9\n105 | D 5\n----\n95 | A 1\n94 | B 9", "") == (str(table), table.asleep())
    number = table.number("D", 105)
    lives = [table.life(number), table.life(stop)]
    assert ["PARTIALLY_FILLED", "CANCELED because list"] == lives


@both_sides
def test_a_full_fill_leaves_nothing_held(view: View) -> None:
    table = listed(view, BOOK)
    outcome = "1 of B at 105, 7 of D at 105; filled; dropped D 7 at 95"
    assert outcome == table.do("E buys 8 at market")
    assert (0, 0) == (table.desk.held("D", "BTC"), table.desk.held("D", "USD"))
    assert "1 of A at 95; filled" == table.do("E sells 1 at 95")


@both_sides
def test_a_fill_before_it_in_the_queue_is_none_of_its_own(view: View) -> None:
    table = listed(view, BOOK)
    assert "1 of B at 105; filled" == table.do("E buys 1 at 105")
    assert "D 95" == table.asleep()


@both_sides
def test_the_print_of_the_one_does_not_wake_the_other(view: View) -> None:
    """It ends before prints wake: else D would go on to sell 7 more at 94."""
    table = listed(view, BOOK, "D sells 7 at 105 or profit 104")
    outcome = "1 of B at 105, 1 of D at 105; filled; dropped D 7 at 104"
    assert outcome == table.do("E buys 2 at 105")
    assert "106 | A 9\n105 | D 6\n----\n95 | A 1\n94 | B 9" == str(table)


@both_sides
def test_one_taker_may_fill_the_orders_of_many_lists(view: View) -> None:
    table = listed(view, "----", LIST)
    assert "rests 2 or sleeps" == table.do("C sells 2 at 105 or stop 90")
    assert "rests 2 or sleeps" == table.do("C sells 2 at 105 or stop 91")
    outcome = "7 of D at 105, 2 of C at 105, 1 of C at 105; filled"
    assert f"{outcome}; dropped D 7 at 95, dropped C 2 at 90, dropped C 2 at 91" == table.do(
        "E buys 10 at 105"
    )
    assert "105 | C 1\n----" == str(table)


@both_sides
def test_an_amended_order_that_trades_is_a_taker_like_any_other(view: View) -> None:
    table = listed(view, "----\n90 | E 2")
    assert "2 of D at 105; filled; dropped D 7 at 95" == table.do("E amends 90: price 105")


# A trigger ends the limit order.


@both_sides
@pytest.mark.parametrize("order", [LIST, FROM_STOP])
def test_the_limit_order_goes_before_the_stop_trades(view: View, order: str) -> None:
    table = listed(view, BOOK, order)
    numbers = [table.number("D", 105), table.stop("D", 95)]
    outcome = "1 of A at 95; filled; dropped D 7 at 105; triggered D: 7 of B at 94; filled"
    assert outcome == table.do("E sells 1 at 95")
    assert "106 | A 9\n105 | B 1\n----\n94 | B 2" == str(table)
    assert ["CANCELED because list", "FILLED"] == [table.life(number) for number in numbers]


@both_sides
def test_a_stop_with_a_limit_may_rest_then(view: View) -> None:
    table = listed(view, BOOK, "D sells 7 at 105 or stop 95 limit 95")
    outcome = "1 of A at 95; filled; dropped D 7 at 105; triggered D: rests 7"
    assert outcome == table.do("E sells 1 at 95")
    assert "106 | A 9\n105 | B 1\n95 | D 7\n----\n94 | B 9" == str(table)


@both_sides
def test_a_stop_that_finds_nobody_expires_and_the_limit_order_does_not_return(view: View) -> None:
    table = listed(view, "----\n95 | A 1")
    outcome = "1 of A at 95; filled; dropped D 7 at 105; triggered D: no_liquidity"
    assert outcome == table.do("E sells 1 at 95")
    assert "----" == str(table)
    assert all_free(table)


@both_sides
def test_a_take_profit_ends_the_stop(view: View) -> None:
    table = listed(view, BOOK, "D sells 7 profit 105 limit 104 or stop 95")
    outcome = "1 of B at 105; filled; dropped D 7 at 95; triggered D: rests 7"
    assert outcome == table.do("E buys 1 at 105")
    assert "106 | A 9\n104 | D 7\n----\n95 | A 1\n94 | B 9" == str(table)


# Prints that reach both.


@both_sides
def test_a_sweep_that_reaches_both_triggers_the_first_that_it_reached(view: View) -> None:
    """From 105 down to 95: the profit is taken, at what is left."""
    order = "D sells 7 profit 105 limit 94 or stop 95"
    table = listed(view, "----\n105 | A 1\n100 | A 1\n95 | A 1\n94 | B 9", order)
    swept = "1 of A at 105, 1 of A at 100, 1 of A at 95; filled"
    number = table.stop("D", 105)
    outcome = f"{swept}; dropped D 7 at 95; triggered D: 7 of B at 94; filled"
    assert outcome == table.do("E sells 3 at 95")
    assert "FILLED" == table.life(number)


@both_sides
def test_a_sweep_the_other_way_triggers_the_stop(view: View) -> None:
    table = listed(view, "105 | A 1\n95 | A 1\n----\n94 | B 9", BRACKET)
    swept = "1 of A at 95, 1 of A at 105; filled"
    outcome = f"{swept}; dropped D 7 at 105; triggered D: 7 of B at 94; filled"
    assert outcome == table.do("E buys 2 at 105")


@both_sides
@pytest.mark.parametrize(
    ("order", "dropped"),
    [("stop 100 or profit 100 limit 99", 100), ("profit 99 or stop 100 limit 99", 100)],
)
def test_by_one_print_the_first_of_the_list_is_triggered(
    view: View, order: str, dropped: int
) -> None:
    table = listed(view, "100 | A 1\n----\n97 | B 9", f"D sells 7 {order}")
    outcome = f"1 of A at 100; filled; dropped D 7 at {dropped}; triggered D: 7 of B at 97; filled"
    assert outcome == table.do("E buys 1 at 100")


@both_sides
def test_a_taker_that_fills_the_limit_order_beyond_its_stop_leaves_no_stop_to_wake(
    view: View,
) -> None:
    """One purchase prints 95, where the stop waits, and 105, where the limit order is."""
    table = listed(view, "95 | A 1\n----\n94 | B 9")
    outcome = "1 of A at 95, 2 of D at 105; filled; dropped D 7 at 95"
    assert outcome == table.do("E buys 3 at 105")
    assert "105 | D 5\n----\n94 | B 9" == str(table)


# One of them is taken back.


@both_sides
@pytest.mark.parametrize(
    ("action", "outcome"),
    [
        ("D cancels 105", "cancelled 1; dropped D 7 at 95"),
        ("D cancels the stop at 95", "cancelled 1; dropped D 7 at 105"),
        ("D reduces 105 by 7", "cancelled 1; dropped D 7 at 95"),
        ("D reduces the stop at 95 by 9", "cancelled 1; dropped D 7 at 105"),
        ("D cancels all", "cancelled 1; dropped D 7 at 95"),
        ("D cancels all sells", "cancelled 1; dropped D 7 at 95"),
        ("the market is closed", "cancelled 4; dropped D 7 at 95"),
    ],
)
def test_who_takes_one_back_takes_both_and_all_that_was_held_is_free(
    view: View, action: str, outcome: str
) -> None:
    table = listed(view, "106 | A 9\n----\n95 | A 1\n94 | B 9")
    assert outcome == table.do(action)
    assert all_free(table)
    assert "" == table.asleep()
    assert "D" not in str(table)


@both_sides
def test_the_list_of_the_other_side_stays(view: View) -> None:
    table = listed(view, "----")
    assert "rests 2 or sleeps" == table.do("D buys 2 at 90 or stop 110")
    assert "cancelled 1; dropped D 2 at 110" == table.do("D cancels all buys")
    assert ("105 | D 7\n----", "D 95") == (str(table), table.asleep())


@both_sides
def test_a_stranger_can_take_neither_back(view: View) -> None:
    table = listed(view, "----")
    for number in (1, 2):
        refusal = table.desk.cancel("C", number).refusal
        assert refusal is not None
        assert "NOT_FOUND" == refusal.code.value
    assert ("105 | D 7\n----", "D 95") == (str(table), table.asleep())


@both_sides
def test_a_name_is_free_again_once_its_order_has_ended(view: View) -> None:
    table = listed(view, "----", "D sells 7 at 105 as d1 or stop 95 as d2")
    table.do("D cancels 105")
    assert "rests 1 or sleeps" == table.do("D sells 1 at 105 as d2 or stop 95 as d1")


# One of them comes due.

UNTIL = "D sells 7 at 105 until 20 or stop 95"
STOP_UNTIL = "D sells 7 at 105 or stop 95 until 20"


@both_sides
@pytest.mark.parametrize(
    ("action", "outcome"),
    [
        ("E buys 8 at 105", "1 of B at 105; due D 7 at 105; rests 7; dropped D 7 at 95"),
        ("A amends 94: price 105", "1 of B at 105; due D 7 at 105; rests 2; dropped D 7 at 95"),
        ("due orders are swept", "due D 7 at 105; dropped D 7 at 95"),
        ("D amends 105: price 104", "due D 7 at 105; dropped D 7 at 95"),
    ],
)
def test_whoever_finds_the_limit_order_due_ends_the_stop_with_it(
    view: View, action: str, outcome: str
) -> None:
    table = listed(view, "105 | B 1\n----\n95 | A 1\n94 | A 3", UNTIL)
    table.do("the clock is 20")
    assert outcome == table.do(action)
    assert all_free(table)


@both_sides
@pytest.mark.parametrize("action", ["E buys 1 at 105", "A amends 95: price 105"])
def test_who_is_filled_before_it_leaves_both(view: View, action: str) -> None:
    table = listed(view, "105 | B 1\n----\n95 | A 1", UNTIL)
    table.do("the clock is 20")
    assert "1 of B at 105; filled" == table.do(action)
    assert "D 95" == table.asleep()


@both_sides
def test_a_post_only_order_expires_it_too(view: View) -> None:
    table = listed(view, "----", UNTIL)
    table.do("the clock is 20")
    outcome = "due D 7 at 105; rests 3; dropped D 7 at 95"
    assert outcome == table.do("E buys 3 at 106 post-only")


@both_sides
def test_a_due_stop_does_not_trigger_and_ends_the_limit_order_when_it_is_swept(view: View) -> None:
    table = listed(view, BOOK, STOP_UNTIL)
    table.do("the clock is 20")
    assert "1 of A at 95; filled" == table.do("E sells 1 at 95")
    assert "D 95" == table.asleep()
    assert "due D 7 at 95; dropped D 7 at 105" == table.do("due orders are swept")
    assert "106 | A 9\n105 | B 1\n----\n94 | B 9" == str(table)
    assert all_free(table)


@both_sides
def test_a_limit_order_trades_while_its_stop_is_due_and_not_swept(view: View) -> None:
    table = listed(view, "----", STOP_UNTIL)
    table.do("the clock is 20")
    assert "2 of D at 105; filled; dropped D 7 at 95" == table.do("E buys 2 at 105")
    assert "done" == table.do("due orders are swept")


@both_sides
def test_a_stop_triggers_while_its_limit_order_is_due_and_not_met(view: View) -> None:
    table = listed(view, BOOK, UNTIL)
    table.do("the clock is 20")
    outcome = "1 of A at 95; filled; dropped D 7 at 105; triggered D: 7 of B at 94; filled"
    assert outcome == table.do("E sells 1 at 95")


@both_sides
def test_of_two_that_are_reached_one_that_is_due_gives_way(view: View) -> None:
    """The profit was reached first."""
    order = "D sells 7 profit 105 limit 94 until 20 or stop 95 limit 94"
    table = listed(view, "----\n105 | A 1\n95 | A 1\n94 | B 9", order)
    table.do("the clock is 20")
    outcome = "dropped D 7 at 105; triggered D: 7 of B at 94; filled"
    assert f"1 of A at 105, 1 of A at 95; filled; {outcome}" == table.do("E sells 2 at 95")


@both_sides
@pytest.mark.parametrize(
    ("order", "outcome"),
    [
        ("at 105 until 20 or stop 95 until 20", "due D 7 at 105; dropped D 7 at 95"),
        ("at 105 until 20 or stop 95 until 19", "due D 7 at 95; dropped D 7 at 105"),
        ("stop 95 until 20 or at 105 until 30", "due D 7 at 95; dropped D 7 at 105"),
        ("profit 105 until 20 or stop 95 until 20", "due D 7 at 105; dropped D 7 at 95"),
    ],
)
def test_of_two_with_a_deadline_the_earlier_ends_the_later(
    view: View, order: str, outcome: str
) -> None:
    table = listed(view, "----", f"D sells 7 {order}")
    table.do("the clock is 20")
    assert outcome == table.do("due orders are swept")
    assert all_free(table)
    table.do("the clock is 30")
    assert "done" == table.do("due orders are swept")


def test_both_may_stand_for_the_day() -> None:
    table = listed(AS_WRITTEN, "----", "D sells 7 at 105 DAY or stop 95 DAY")
    table.do(f"the clock is {DAY_US - 1}")
    assert "done" == table.do("due orders are swept")
    table.do(f"the clock is {DAY_US}")
    assert "due D 7 at 105; dropped D 7 at 95" == table.do("due orders are swept")


# Its own account or group comes along.


@both_sides
@pytest.mark.parametrize("who", ["D", "C"])
@pytest.mark.parametrize(
    ("mode", "outcome", "asks", "asleep"),
    [
        ("EXPIRE_TAKER", "self_trade", "105 | D 7", "D 95"),
        ("EXPIRE_MAKER", "expired D 7 at 105; rests 3; dropped D 7 at 95", "", ""),
        ("EXPIRE_BOTH", "expired D 7 at 105; self_trade; dropped D 7 at 95", "", ""),
        ("DECREMENT", "cut D 3 at 105; self_trade; dropped D 7 at 95", "105 | D 4", ""),
        ("NONE", "3 of D at 105; filled; dropped D 7 at 95", "105 | D 4", ""),
    ],
)
def test_an_order_of_its_own_ends_the_list_if_the_limit_order_loses_something(
    view: View, who: str, mode: str, outcome: str, asks: str, asleep: str
) -> None:
    """C is of D's group."""
    table = Table("----", view, self_trade_allowed=True)
    for account in ("C", "D"):
        table.do(f"{account} joins desk")
    assert WAITS == table.do(LIST)
    assert outcome == table.do(f"{who} buys 3 at 105 {mode}")
    rest = f"\n105 | {who} 3" if "rests" in outcome else ""
    assert (f"{asks}\n----{rest}".strip(), asleep) == (str(table), table.asleep())


@both_sides
def test_a_whole_decrement_takes_the_limit_order_and_the_stop(view: View) -> None:
    table = listed(view, BOOK)
    outcome = "1 of B at 105; cut D 7 at 105; rests 2; dropped D 7 at 95"
    assert outcome == table.do("D buys 10 at 105 DECREMENT")


@both_sides
def test_a_triggered_order_meets_its_own_account_as_the_taker(view: View) -> None:
    table = listed(view, "----\n95 | A 1\n94 | D 2, B 9", "D sells 7 at 105 or stop 95 limit 94")
    outcome = "dropped D 7 at 105; triggered D: self_trade"
    assert f"1 of A at 95; filled; {outcome}" == table.do("E sells 1 at 95")


@both_sides
def test_a_triggered_order_that_expires_one_of_another_list_ends_that_list(view: View) -> None:
    table = listed(view, "----\n95 | A 1", "D sells 7 at 105 or stop 95 limit 94 EXPIRE_MAKER")
    assert "rests 2 or sleeps" == table.do("D buys 2 at 94 or stop 110")
    outcome = "dropped D 7 at 105; triggered D: expired D 2 at 94; rests 7; dropped D 2 at 110"
    assert f"1 of A at 95; filled; {outcome}" == table.do("E sells 1 at 95")


# Post-only, icebergs, other words.


@both_sides
@pytest.mark.parametrize("words", ["", " post-only"])
@pytest.mark.parametrize("price", [94, 93])
def test_a_limit_order_that_would_trade_is_refused(view: View, words: str, price: int) -> None:
    table = Table("----\n94 | B 9", view)
    order = f"D sells 7 at {price}{words} or profit 120"
    assert "WOULD_TRADE price" == refused(table, order)
    assert table.refusal is not None
    assert (view.price(price), view.price(94)) == (table.refusal.value, table.refusal.bound)


@both_sides
@pytest.mark.parametrize("mode", [it.name for it in SelfTrade])
def test_its_own_order_in_the_way_counts_too(view: View, mode: str) -> None:
    table = Table("----\n94 | D 1", view, self_trade_allowed=True)
    assert "WOULD_TRADE price" == refused(table, f"D sells 7 at 94 {mode} or profit 120")


@both_sides
@pytest.mark.parametrize(
    ("order", "outcome"),
    [
        ("D sells 7 at 93 or stop 90", "due A 1 at 95; rests 7 or sleeps"),
        ("D sells 7 stop 90 or at 93 post-only", "sleeps or due A 1 at 95; rests 7"),
    ],
)
def test_what_is_due_in_its_way_is_expired_on_the_spot(
    view: View, order: str, outcome: str
) -> None:
    table = Table("----\n95 | A 1 until 20\n92 | B 1", view)
    table.do("the clock is 20")
    assert outcome == table.do(order)
    assert "93 | D 7\n----\n92 | B 1" == str(table)


@both_sides
def test_what_is_due_in_its_way_may_be_of_a_list(view: View) -> None:
    table = listed(view, "----", "A buys 7 at 95 until 20 or stop 110")
    table.do("the clock is 20")
    outcome = "due A 7 at 95; rests 7 or sleeps; dropped A 7 at 110"
    assert outcome == table.do("D sells 7 at 93 or stop 90")
    assert all_free(table, "A")


@both_sides
def test_a_refused_list_expires_nobody(view: View) -> None:
    table = Table("----\n95 | A 1 until 20\n92 | B 1", view)
    table.do("the clock is 20")
    assert "WOULD_TRADE price" == refused(table, "D sells 7 at 92 or stop 90")
    assert "----\n95 | A 1 until 20\n92 | B 1" == str(table)


@both_sides
@pytest.mark.parametrize("quantity", [1, 2, 3])
def test_an_iceberg_shows_a_part_and_any_fill_of_it_ends_the_stop(
    view: View, quantity: int
) -> None:
    table = listed(view, "----", "D sells 7 at 105 showing 2 or stop 95")
    assert ("105 | D 2 of 7\n----", 2) == (str(table), table.depth(105))
    outcome = table.do(f"E buys {quantity} at 105")
    assert outcome.endswith(" of D at 105; filled; dropped D 7 at 95")
    shown = {1: "1 of 6", 2: "2 of 5", 3: "1 of 4"}[quantity]
    assert f"105 | D {shown}\n----" == str(table)


@both_sides
def test_a_triggered_iceberg_enters_whole_and_shows_a_part_of_the_rest(view: View) -> None:
    order = "D sells 7 at 105 or stop 95 limit 94 showing 2"
    table = listed(view, "----\n95 | A 1\n94 | B 2", order)
    outcome = "dropped D 7 at 105; triggered D: 2 of B at 94; rests 5"
    assert f"1 of A at 95; filled; {outcome}" == table.do("E sells 1 at 95")
    assert "94 | D 2 of 5\n----" == str(table)


@both_sides
@pytest.mark.parametrize(
    ("words", "outcome"),
    [
        ("IOC", "2 of B at 94; immediate"),
        ("FOK", "not_fillable"),
        ("post-only", "would_trade"),
        ("until 20", "2 of B at 94; rests 5"),
    ],
)
def test_what_the_stop_is_told_counts_when_it_enters(view: View, words: str, outcome: str) -> None:
    order = f"D sells 7 at 105 or stop 95 limit 94 {words}"
    table = listed(view, "----\n95 | A 1\n94 | B 2", order)
    entered = f"1 of A at 95; filled; dropped D 7 at 105; triggered D: {outcome}"
    assert entered == table.do("E sells 1 at 95")


# Money.


@pytest.mark.parametrize(
    ("order", "asset", "held"),
    [
        ("D sells 7 at 105 or stop 95", "BTC", 7),
        ("D sells 7 profit 105 or stop 95 limit 94", "BTC", 7),
        ("D buys 7 at 95 or stop 105 limit 106", "USD", 7 * 106),
        ("D buys 7 stop 105 limit 106 or at 95", "USD", 7 * 106),
        ("D buys 7 at 95 or stop 105", "USD", 7 * 111),  # it may slip to 110.25
        ("D buys 7 profit 95 or stop 105 limit 102", "USD", 7 * 102),
        ("D buys 7 at 95 or profit 90", "USD", 7 * 95),
        ("D buys 7 at 95 or profit 94", "USD", 7 * 99),  # the take-profit is the dearer
    ],
)
def test_one_hold_serves_both_the_greater_need(order: str, asset: str, held: int) -> None:
    table = listed(AS_WRITTEN, "----", order, funds=held)
    assert (held, 0) == (table.desk.held("D", asset), table.desk.free("D", asset))
    assert "cancelled 2" not in table.do("D cancels all")
    assert (0, held) == (table.desk.held("D", asset), table.desk.free("D", asset))
    poor = Table("----", AS_WRITTEN, funds=held - 1)
    assert "INSUFFICIENT_FUNDS funds" == refused(poor, order)
    assert poor.refusal is not None
    assert (held, held - 1) == (poor.refusal.value, poor.refusal.bound)


@pytest.mark.parametrize(("quantity", "held"), [(1, 6 * 95), (6, 95), (7, 0)])
def test_what_is_bought_by_the_limit_order_frees_the_surplus_of_the_stop(
    quantity: int, held: int
) -> None:
    table = listed(AS_WRITTEN, "----", "D buys 7 at 95 or stop 105")
    table.do(f"E sells {quantity} at 95")
    left = RICH - quantity * 95 - held
    assert (left, held) == (table.desk.free("D", "USD"), table.desk.held("D", "USD"))


@pytest.mark.parametrize(
    ("order", "held"),
    [
        ("D buys 7 at 95 or stop 105 limit 108", 7 * 108),
        ("D buys 7 at 107 or stop 105 limit 106", 7 * 106),
        ("D buys 7 at 107 or stop 105", 0),
    ],
)
def test_what_the_triggered_order_needs_is_all_that_stays_held(order: str, held: int) -> None:
    """Whether it was the dearer or not."""
    table = listed(AS_WRITTEN, "112 | C 1\n----", order)
    outcome = table.do("E buys 1 at 112")
    assert outcome.startswith("1 of C at 112; filled; dropped D 7 at ")
    assert (RICH - held, held) == (table.desk.free("D", "USD"), table.desk.held("D", "USD"))


def test_the_limit_order_that_is_left_is_charged_as_one_order() -> None:
    """Of 315 and of 420 a thousandth, rounded up, would be 2; of 735 it is 1."""
    table = listed(AS_WRITTEN, "----")
    table.do("E buys 3 at 105")
    table.do("E buys 4 at 105")
    assert (RICH + 735 - 1, 0) == (table.desk.free("D", "USD"), table.desk.held("D", "USD"))
    assert 1 == table.desk.state.ledger.balance(FEES, "USD")


def test_the_stop_that_is_left_is_charged_as_one_order() -> None:
    """Two thousandths of the 282 that it takes, then a thousandth of the 376: 0.94, 1 in all."""
    table = listed(AS_WRITTEN, "----\n95 | A 1\n94 | B 3", "D sells 7 at 105 or stop 95 limit 94")
    outcome = "dropped D 7 at 105; triggered D: 3 of B at 94; rests 4"
    assert f"1 of A at 95; filled; {outcome}" == table.do("E sells 1 at 95")
    table.do("E buys 4 at 94")
    assert (RICH + 658 - 1, 0) == (table.desk.free("D", "USD"), table.desk.held("D", "USD"))


# What is left is an order like any other.


@both_sides
def test_while_both_are_open_neither_is_amended_or_reduced(view: View) -> None:
    """The refusal names the other one."""
    table = listed(view, "----")
    for which, other in (("105", "BTC-USD:2"), ("the stop at 95", "BTC-USD:1")):
        for action in (
            f"D amends {which}: quantity 3",
            f"D amends {which}: deadline 30",
            f"D reduces {which} by 1",
        ):
            assert "IN_LIST order" == refused(table, action)
            assert table.refusal is not None
            assert (other, None) == (table.refusal.value, table.refusal.bound)


@both_sides
@pytest.mark.parametrize(
    ("action", "outcome", "asks"),
    [
        ("D amends 105: quantity 4", "stays 2", "105 | D 2"),
        ("D amends 105: price 104", "rests 5", "104 | D 5"),
        ("D amends 105: quantity 9", "rests 7", "105 | D 7"),
        ("D amends 105: quantity 2", "cancelled 1", ""),
        ("D reduces 105 by 3", "reduced", "105 | D 2"),
        ("D cancels 105", "cancelled 1", ""),
    ],
)
def test_after_a_fill_the_limit_order_can_be_changed(
    view: View, action: str, outcome: str, asks: str
) -> None:
    table = listed(view, "----")
    table.do("E buys 2 at 105")
    assert outcome == table.do(action)
    assert f"{asks}\n----".strip() == str(table)


@both_sides
def test_after_the_trigger_the_stop_can_be_changed(view: View) -> None:
    table = listed(view, "----\n95 | A 1", "D sells 7 at 105 or stop 95 limit 96")
    table.do("E sells 1 at 95")
    assert "stays 6" == table.do("D amends 96: quantity 6")
    assert "reduced" == table.do("D reduces 96 by 2")
    assert "4 of D at 96; filled" == table.do("E buys 4 at 96")


@both_sides
def test_the_limit_order_that_is_left_keeps_its_place(view: View) -> None:
    table = listed(view, "----")
    table.do("C sells 2 at 105")
    table.do("E buys 1 at 105")
    assert "6 of D at 105, 1 of C at 105; filled" == table.do("E buys 7 at 105")


@both_sides
def test_a_print_where_the_stop_was_wakes_nobody(view: View) -> None:
    table = listed(view, BOOK)
    table.do("E buys 2 at 105")
    assert "1 of A at 95; filled" == table.do("E sells 1 at 95")
    assert "106 | A 9\n105 | D 6\n----\n94 | B 9" == str(table)


# In the middle of other things.


@both_sides
def test_a_halt_lets_both_wait_and_cancels_take_both(view: View) -> None:
    table = listed(view, BOOK)
    table.do("the market is halted")
    assert "MARKET_STATE state" == refused(table, "C sells 1 at 105 or stop 95")
    assert "MARKET_STATE state" == refused(table, "D amends 105: quantity 3")
    assert "cancelled 1; dropped D 7 at 105" == table.do("D cancels the stop at 95")
    assert all_free(table)


@both_sides
def test_a_halt_expires_what_is_due(view: View) -> None:
    table = listed(view, "----", UNTIL)
    table.do("the market is halted")
    table.do("the clock is 20")
    assert "due D 7 at 105; dropped D 7 at 95" == table.do("due orders are swept")


@both_sides
def test_after_a_halt_all_is_as_before(view: View) -> None:
    table = listed(view, BOOK)
    table.do("the market is halted")
    table.do("the market is continuous")
    outcome = "dropped D 7 at 105; triggered D: 7 of B at 94; filled"
    assert f"1 of A at 95; filled; {outcome}" == table.do("E sells 1 at 95")


@both_sides
def test_a_market_for_posts_only_takes_no_list_but_of_two_that_post(view: View) -> None:
    table = Table("----", view)
    table.do("the market is post_only")
    assert "MARKET_STATE state" == refused(table, "D sells 7 at 105 post-only or stop 95")
    order = "D sells 7 at 105 post-only or stop 95 limit 94 post-only"
    assert WAITS == table.do(order)


@both_sides
def test_a_list_in_a_cascade_goes_on_with_it(view: View) -> None:
    """C's stop prints 95, which triggers D's; D's print at 94 wakes B's."""
    table = listed(view, "----\n97 | A 1\n95 | A 1\n94 | A 7\n93 | A 9")
    assert "sleeps" == table.do("B stops to sell 2 at 94")
    assert "sleeps" == table.do("C stops to sell 1 at 97")
    outcome = [
        "1 of A at 97; filled",
        "triggered C: 1 of A at 95; filled",
        "dropped D 7 at 105",
        "triggered D: 7 of A at 94; filled",
        "triggered B: 2 of A at 93; filled",
    ]
    assert "; ".join(outcome) == table.do("E sells 1 at 97")


@both_sides
def test_a_fill_of_one_list_may_trigger_another(view: View) -> None:
    """The print at 105 fills D's limit order and wakes C's purchase."""
    table = listed(view, "106 | A 9\n----")
    assert WAITS == table.do("C buys 7 at 90 or stop 105 limit 107")
    outcome = [
        "2 of D at 105; filled",
        "dropped D 7 at 95",
        "dropped C 7 at 90",
        "triggered C: 5 of D at 105, 2 of A at 106; filled",
    ]
    assert "; ".join(outcome) == table.do("E buys 2 at 105")
    assert "106 | A 7\n----" == str(table)


@both_sides
def test_a_triggered_order_that_fills_the_limit_order_of_another_list_ends_its_stop(
    view: View,
) -> None:
    """D's stop sells to C at 94: so C's profit at 94, which that print reaches, is gone."""
    table = listed(view, "----\n95 | A 1")
    assert "rests 9 or sleeps" == table.do("C buys 9 at 94 or profit 94")
    outcome = [
        "1 of A at 95; filled",
        "dropped D 7 at 105",
        "triggered D: 7 of C at 94; filled",
        "dropped C 9 at 94",
    ]
    assert "; ".join(outcome) == table.do("E sells 1 at 95")
    assert ("----\n94 | C 2", "") == (str(table), table.asleep())


@both_sides
def test_lists_that_one_print_triggers_enter_as_they_came(view: View) -> None:
    table = listed(view, BOOK)
    assert "rests 2 or sleeps" == table.do("C sells 2 at 106 or stop 95")
    outcome = [
        "1 of A at 95; filled",
        "dropped D 7 at 105, dropped C 2 at 106",
        "triggered D: 7 of B at 94; filled",
        "triggered C: 2 of B at 94; filled",
    ]
    assert "; ".join(outcome) == table.do("E sells 1 at 95")


@both_sides
def test_what_waits_for_its_turn_is_alone_already(
    view: View, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One enters for this once: the limit orders of both lists go at once."""
    monkeypatch.setattr(stops, "STOPS_MAX", 1)
    table = listed(view, BOOK)
    assert "rests 3 or sleeps" == table.do("C sells 3 at 106 or stop 95")
    number = table.stop("C", 95)
    assert "dropped D 7 at 105, dropped C 3 at 106" in table.do("E sells 1 at 95")
    assert ("C", "TRIGGERED") == (table.woken(), table.life(number))
    assert "reduced" == table.do("C reduces the stop at 95 by 1")
    assert "triggered C: 2 of B at 94; filled" == table.do("the woken enter")


# What is refused.


@both_sides
def test_a_trigger_that_is_reached_already_is_refused(view: View) -> None:
    table = Table("----", view)
    table.do("E sells 1 at 95")
    table.do("B buys 1 at 95")
    for order in (LIST, FROM_STOP, "D sells 7 profit 95 or stop 90"):
        assert "WOULD_TRIGGER trigger" == refused(table, order)
        assert table.refusal is not None
        assert (view.price(95), view.price(95)) == (table.refusal.value, table.refusal.bound)
    assert WAITS == table.do("D sells 7 at 105 or stop 94")


@both_sides
def test_a_list_is_two_open_orders(view: View) -> None:
    table = Table("----\n90 | D 1", view, open_orders_max=2)
    assert "OPEN_ORDERS_MAX open_orders" == refused(table, LIST)
    table.do("D cancels 90")
    assert WAITS == table.do(LIST)
    assert "OPEN_ORDERS_MAX open_orders" == refused(table, "D buys 1 at 90")
    table.do("E buys 1 at 105")
    assert "rests 1" == table.do("D buys 1 at 90")


@both_sides
@pytest.mark.parametrize("name", ["d1", "d2"])
def test_a_name_is_given_once(view: View, name: str) -> None:
    table = listed(view, "----", "D sells 7 at 105 as d1 or stop 95 as d2")
    refusal = "DUPLICATE_CLIENT_ORDER_ID client_order_id"
    assert refusal == refused(table, f"D sells 1 at 105 as d3 or stop 95 as {name}")
    assert refusal == refused(table, f"D sells 1 at 105 as {name} or stop 95")
    assert refusal == refused(table, "D sells 1 at 105 as d3 or stop 95 as d3")
    assert "rests 1 or sleeps" == table.do(f"C sells 1 at 105 as {name} or stop 95")


@both_sides
def test_a_deadline_must_lie_ahead_for_both(view: View) -> None:
    table = Table("----", view)
    table.do("the clock is 20")
    for order in ("at 105 until 20 or stop 95", "at 105 until 21 or stop 95 until 20"):
        assert "DEADLINE_PASSED deadline_us" == refused(table, f"D sells 7 {order}")


@both_sides
@pytest.mark.parametrize(
    ("order", "field"),
    [
        pytest.param("at 105 or buys 7 stop 110", "side", id="one buys"),
        pytest.param("at 105 or sells 6 stop 95", "quantity", id="two quantities"),
        pytest.param("at 105 or at 106", "trigger", id="two limit orders"),
        pytest.param("at market or at 106", "trigger", id="nothing sleeps"),
        pytest.param("at market or stop 95", "time_in_force", id="one at market"),
        pytest.param("at 105 IOC or stop 95", "time_in_force", id="one is immediate"),
        pytest.param("at 105 FOK or stop 95", "time_in_force", id="one fills whole"),
        pytest.param("stop 95 or at 105 IOC", "time_in_force", id="the second is immediate"),
        pytest.param("at 105 or stop 95 post-only", "post_only", id="a stop that posts"),
        pytest.param("at 105 or stop 95 showing 2", "display", id="a stop with a display"),
        pytest.param("at 105 or stop 95 IOC", "time_in_force", id="a stop that is immediate"),
        pytest.param("at 105 NONE or stop 95", "self_trade", id="trading with oneself"),
    ],
)
def test_what_does_not_go_together_is_refused(view: View, order: str, field: str) -> None:
    table = Table("----", view)
    assert f"FIELD_COMBINATION {field}" == refused(table, f"D sells 7 {order}")


@pytest.mark.parametrize(
    "order",
    ["buys for 500 stop 105 or buys for 500 profit 95", "buys 7 at 95 or buys for 500 stop 105"],
)
def test_a_budget_has_no_quantity_to_share(order: str) -> None:
    table = Table("----", AS_WRITTEN)
    assert "FIELD_COMBINATION quantity" == refused(table, f"D {order}")


@both_sides
@pytest.mark.parametrize(
    ("order", "rule", "refusal"),
    [
        (LIST, {"tick": 2}, "OFF_TICK price"),
        ("D sells 7 at 104 or stop 95", {"tick": 2}, "OFF_TICK trigger"),
        ("D sells 7 at 104 or stop 96 limit 95", {"tick": 2}, "OFF_TICK price"),
        (LIST, {"lot": 2}, "OFF_LOT quantity"),
        (LIST, {"quantity_max": 6}, "QUANTITY_BOUNDS quantity"),
        ("D sells 7 at 105 showing 8 or stop 95", {}, "QUANTITY_BOUNDS display"),
    ],
)
def test_each_keeps_the_bounds_of_an_order(
    view: View, order: str, rule: dict[str, int], refusal: str
) -> None:
    assert refusal == refused(Table("----", view, **rule), order)


@pytest.mark.parametrize(
    ("order", "refusal"),
    [
        ("D sells 7 at 195 or stop 95", "NOTIONAL_MAX notional"),
        ("D sells 7 at 105 or stop 99 limit 1", "NOTIONAL_MIN notional"),
        ("D buys 7 at 95 or stop 105 limit 195", "NOTIONAL_MAX notional"),
        ("D buys 7 at 95 or stop 180", "NOTIONAL_MAX notional"),
        ("D buys 7 at 1 or stop 105", "NOTIONAL_MIN notional"),
    ],
)
def test_each_keeps_the_bounds_of_a_notional(order: str, refusal: str) -> None:
    table = Table("----", AS_WRITTEN, notional_min=100, notional_max=1_300)
    assert refusal == refused(table, order)


STOP = OrderTerms(SELL, OrderType.STOP, None, 7, trigger=95)


@pytest.mark.parametrize(
    ("first", "second", "field"),
    [
        (limit(SELL, 105, 7), STOP, None),
        (STOP, STOP, None),
        (limit(BUY, 90, 7), STOP, "side"),
        (limit(SELL, 105, 8), STOP, "quantity"),
        (STOP, market(SELL, 7), "time_in_force"),
        (market(SELL, budget=500), STOP, "quantity"),
        (limit(SELL, 105, 7, time_in_force=TimeInForce.GTD), STOP, "deadline_us"),
        (limit(SELL, 105, 7, trigger=95), STOP, "trigger"),
    ],
)
def test_terms_that_the_tables_do_not_write_are_judged_too(
    first: OrderTerms, second: OrderTerms, field: str | None
) -> None:
    refusal = desk("D").do(PlaceOrderList("D", SYMBOL, first, second)).refusal
    found = refusal and (refusal.code.value, refusal.field)
    assert (field and ("FIELD_COMBINATION", field)) == found


@both_sides
def test_the_checks_have_the_order_of_those_of_one_order(view: View) -> None:
    """Each fault is mended in turn, and the next one is told; the first is mended by the market."""
    rules = {"funds": 900, "quantity_max": 9_000, "notional_max": 10**6, "open_orders_max": 3}
    table = Table("104 | A 1\n----\n102 | B 1", view, **rules)
    table.do("E buys 1 at 104")
    table.do("D sells 1 at 180 as x or stop 20")
    table.do("the clock is 20")
    table.do("the market is halted")
    told = [
        ("MARKET_STATE state", "9999 at 102 until 20 as x or stop 104"),
        ("QUANTITY_BOUNDS quantity", "9999 at 102 until 20 as x or stop 104"),
        ("NOTIONAL_MAX notional", "9000 at 140 until 20 as x or stop 140 limit 140"),
        ("DEADLINE_PASSED deadline_us", "5000 at 102 until 20 as x or stop 104"),
        ("DUPLICATE_CLIENT_ORDER_ID client_order_id", "5000 at 102 as x or stop 104"),
        ("OPEN_ORDERS_MAX open_orders", "5000 at 102 or stop 104"),
        ("WOULD_TRIGGER trigger", "5000 at 102 or stop 104"),
        ("WOULD_TRADE price", "5000 at 102 or stop 103"),
        ("INSUFFICIENT_FUNDS funds", "5000 at 103 or stop 103"),
    ]
    mended = {"QUANTITY_BOUNDS": "the market is continuous", "WOULD_TRIGGER": "D cancels all"}
    for refusal, order in told:
        table.do(mended.get(refusal.split()[0], "the clock is 20"))
        if view.mirrored and "NOTIONAL" in refusal:
            continue  # its price is too low there
        assert refusal == refused(table, f"D sells {order}")
