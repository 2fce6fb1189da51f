"""When stops and take-profits wake, in which order they enter, and what they hold meanwhile.

What sleeps stands in no table: nobody sees it.
"""

import pytest

from exchange.kernel.orders import OrderTerms
from exchange.venue import stops
from tests.build import BUY, RICH, limit, market
from tests.matching.tables import AS_WRITTEN, Table, View, both_sides, played

RISING = [
    "C stops to buy 3 at 103",
    "C stops to buy 3 at 103 limit 104",
    "C takes profit selling 3 at 103",
    "C takes profit selling 3 at 103 limit 102",
]
"""Woken by a print at 103 or above; mirrored, at 97 or below."""

BOOK = """
    103 | A 5
    102 | A 1
    101 | A 1
    ----
"""


def asleep(view: View, book: str, *orders: str, **rules: int) -> Table:
    """The book with those orders behind it, all asleep."""
    table = Table(book, view, **rules)
    for order in orders:
        assert "sleeps" == table.do(order), order
    return table


def prints(table: Table, price: int) -> str:
    """What comes of a print there, which leaves nothing in the book."""
    table.do(f"E sells 1 at {price}")
    return table.do(f"D buys 1 at {price}")


# Which prints wake.


@both_sides
@pytest.mark.parametrize("price", [103, 104])
@pytest.mark.parametrize("order", RISING)
def test_a_print_at_the_trigger_or_beyond_it_wakes(view: View, order: str, price: int) -> None:
    outcome = prints(asleep(view, "----", order), price)
    assert f"1 of E at {price}; filled; triggered C: " in outcome


@both_sides
@pytest.mark.parametrize("order", RISING)
def test_a_print_on_the_other_side_of_the_trigger_wakes_nobody(view: View, order: str) -> None:
    table = asleep(view, "----", order)
    assert "1 of E at 102; filled" == prints(table, 102)
    assert "C 103" == table.asleep()


@both_sides
def test_a_quote_is_no_print(view: View) -> None:
    table = asleep(view, "----", "C stops to buy 3 at 103", "C stops to sell 3 at 97")
    assert "rests 1" == table.do("D buys 1 at 104")
    table.do("D cancels 104")
    assert "rests 1" == table.do("D sells 1 at 96")


@both_sides
def test_what_self_trade_prevents_is_no_print(view: View) -> None:
    table = asleep(view, BOOK, "C stops to buy 3 at 101")
    assert "cut A 1 at 101; self_trade" == table.do("A buys 1 at 101 DECREMENT")
    assert "C 101" == table.asleep()


@both_sides
@pytest.mark.parametrize("order", RISING)
def test_an_order_whose_trigger_is_reached_already_is_refused(view: View, order: str) -> None:
    table = Table("----", view)
    prints(table, 103)
    assert "refused WOULD_TRIGGER" == table.do(order)
    assert "refused WOULD_TRIGGER" == table.do(order.replace("at 103", "at 102"))
    assert "sleeps" == table.do(order.replace("at 103", "at 104"))


@both_sides
def test_the_last_print_decides_and_not_an_earlier_one(view: View) -> None:
    table = Table("----", view)
    prints(table, 104)
    prints(table, 102)
    assert "sleeps" == table.do("C stops to buy 3 at 103")


@both_sides
@pytest.mark.parametrize("order", RISING)
def test_any_trigger_will_do_while_nothing_has_traded(view: View, order: str) -> None:
    asleep(view, "110 | A 5\n----\n105 | B 5", order)


@both_sides
def test_the_first_print_of_a_sweep_counts_like_its_last(view: View) -> None:
    """101 wakes a purchase that takes profit, 102 another's stop."""
    table = asleep(view, BOOK, "B stops to buy 1 at 102", "C takes profit buying 1 at 101 limit 99")
    outcome = "1 of A at 101, 1 of A at 102, 1 of A at 103; filled"
    woken = "triggered C: rests 1; triggered B: 1 of A at 103; filled"
    assert f"{outcome}; {woken}" == table.do("D buys 3 at 103")


# In which order they enter.


@both_sides
def test_whoever_brought_the_print_is_done_first(view: View) -> None:
    table = asleep(view, BOOK, "C stops to buy 9 at 101 limit 103")
    outcome = "1 of A at 101, 1 of A at 102, 2 of A at 103; filled"
    assert f"{outcome}; triggered C: 3 of A at 103; rests 6" == table.do("D buys 4 at 103")
    assert "----\n103 | C 6" == str(table)


@both_sides
def test_they_enter_by_print_and_then_by_arrival(view: View) -> None:
    table = asleep(
        view,
        BOOK,
        "B stops to buy 1 at 103 limit 99",
        "C stops to buy 2 at 101 limit 98",
        "B stops to buy 3 at 102 limit 98",
        "D stops to buy 4 at 101 limit 98",
        "C stops to buy 5 at 100 limit 98",
    )
    fills, *woken = table.do("E buys 3 at 103").split("; triggered ")
    assert "1 of A at 101, 1 of A at 102, 1 of A at 103; filled" == fills
    assert ["C: rests 2", "D: rests 4", "C: rests 5", "B: rests 3", "B: rests 1"] == woken


@both_sides
def test_whom_the_woken_wake_joins_the_back(view: View) -> None:
    """C's print at 102 wakes E, who enters behind D."""
    table = asleep(
        view,
        "104 | A 5\n103 | A 1\n102 | A 1\n101 | A 1\n----",
        "E stops to buy 2 at 102",
        "C stops to buy 1 at 101",
        "D stops to buy 1 at 101",
    )
    fills, *woken = table.do("B buys 1 at 101").split("; triggered ")
    assert "1 of A at 101; filled" == fills
    assert [
        "C: 1 of A at 102; filled",
        "D: 1 of A at 103; filled",
        "E: 2 of A at 104; filled",
    ] == woken


@both_sides
def test_an_amended_order_that_trades_wakes_like_any_other(view: View) -> None:
    table = asleep(view, "103 | A 5\n101 | A 1\n----\n99 | D 1", "C stops to buy 2 at 101")
    outcome = "1 of A at 101; filled; triggered C: 2 of A at 103; filled"
    assert outcome == table.do("D amends 99: price 101")


@both_sides
def test_what_a_command_leaves_stays_triggered_and_enters_by_itself(
    view: View, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two for this once."""
    monkeypatch.setattr(stops, "STOPS_MAX", 2)
    table = asleep(
        view,
        BOOK,
        "C stops to buy 1 at 101",
        "D stops to buy 1 at 101",
        "E stops to buy 1 at 101",
        "D stops to buy 2 at 102",
    )
    numbers = table.stop("E", 101), table.stop("D", 102)
    outcome = "triggered C: 1 of A at 102; filled; triggered D: 1 of A at 103; filled"
    assert f"1 of A at 101; filled; {outcome}" == table.do("B buys 1 at 101")
    assert "E, D" == table.woken()
    assert ["TRIGGERED", "TRIGGERED"] == [table.life(number) for number in numbers]
    outcome = "triggered E: 1 of A at 103; filled; triggered D: 2 of A at 103; filled"
    assert outcome == table.do("the woken enter")
    assert ("", "done") == (table.woken(), table.do("the woken enter"))
    assert ["FILLED", "FILLED"] == [table.life(number) for number in numbers]


@both_sides
@pytest.mark.parametrize(
    ("action", "outcome"),
    [
        ("E cancels the stop at 101", "cancelled 1"),
        ("E cancels all", "cancelled 1"),
        ("E reduces the stop at 101 by 2", "cancelled 1"),
        ("E reduces the stop at 101 by 1", "reduced"),
    ],
)
def test_what_waits_for_its_turn_can_still_be_taken_back(
    view: View, monkeypatch: pytest.MonkeyPatch, action: str, outcome: str
) -> None:
    monkeypatch.setattr(stops, "STOPS_MAX", 1)
    table = asleep(view, BOOK, "C stops to buy 1 at 101", "E stops to buy 2 at 101")
    table.do("B buys 1 at 101")
    assert outcome == table.do(action)
    found = "triggered E: 1 of A at 103; filled" if outcome == "reduced" else "done"
    assert found == table.do("the woken enter")


@both_sides
def test_what_is_left_enters_before_whom_the_next_print_wakes(
    view: View, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stops, "STOPS_MAX", 1)
    table = asleep(
        view,
        BOOK,
        "D stops to buy 1 at 103",
        "C stops to buy 1 at 101 limit 100",
        "E stops to buy 1 at 101",
    )
    assert "1 of A at 101; filled; triggered C: rests 1" == table.do("B buys 1 at 101")
    outcome = "1 of A at 102, 1 of A at 103; filled; triggered E: 1 of A at 103; filled"
    assert outcome == table.do("B buys 2 at 103")
    assert "D" == table.woken()
    assert "triggered D: 1 of A at 103; filled" == table.do("the woken enter")


@both_sides
def test_what_comes_due_before_its_turn_does_not_trade(
    view: View, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stops, "STOPS_MAX", 1)
    table = asleep(view, BOOK, "C stops to buy 1 at 101", "E stops to buy 2 at 101 until 20")
    table.do("B buys 1 at 101")
    table.do("the clock is 20")
    assert "triggered E: deadline" == table.do("the woken enter")


# What becomes of them.


@both_sides
@pytest.mark.parametrize(
    ("order", "outcome", "left"),
    [
        ("3 at 101 limit 102", "1 of A at 102; rests 2", "103 | A 5\n----\n102 | C 2"),
        ("3 at 101 limit 100", "rests 3", "103 | A 5\n102 | A 1\n----\n100 | C 3"),
        ("3 showing 1 at 101 limit 103", "1 of A at 102, 2 of A at 103; filled", "103 | A 3\n----"),
        (
            "9 showing 4 at 101 limit 102",
            "1 of A at 102; rests 8",
            "103 | A 5\n----\n102 | C 4 of 8",
        ),
        ("3 at 101 limit 100 until 9", "rests 3", "103 | A 5\n102 | A 1\n----\n100 | C 3 until 9"),
        ("3 at 101 limit 102 IOC", "1 of A at 102; immediate", "103 | A 5\n----"),
        ("3 at 101 limit 102 FOK", "not_fillable", "103 | A 5\n102 | A 1\n----"),
        ("3 at 101 limit 103 FOK", "1 of A at 102, 2 of A at 103; filled", "103 | A 3\n----"),
        ("3 at 101 limit 102 post-only", "would_trade", "103 | A 5\n102 | A 1\n----"),
        ("3 at 101 limit 101 post-only", "rests 3", "103 | A 5\n102 | A 1\n----\n101 | C 3"),
    ],
)
def test_one_with_a_limit_enters_as_a_limit_order(
    view: View, order: str, outcome: str, left: str
) -> None:
    played(
        view,
        BOOK,
        [
            (f"C stops to buy {order}", "sleeps"),
            ("B buys 1 at 101", f"1 of A at 101; filled; triggered C: {outcome}"),
        ],
        left,
    )


@both_sides
def test_one_at_market_takes_what_is_there_and_never_rests(view: View) -> None:
    played(
        view,
        BOOK,
        [
            ("C stops to buy 9 at 101", "sleeps"),
            (
                "B buys 1 at 101",
                "1 of A at 101; filled; triggered C: 1 of A at 102, 5 of A at 103; no_liquidity",
            ),
        ],
        "----",
    )


@both_sides
def test_one_at_market_that_finds_an_empty_book_expires(view: View) -> None:
    table = asleep(view, "101 | A 1\n----", "C stops to buy 9 at 101")
    number = table.stop("C", 101)
    assert "UNTRIGGERED" == table.life(number)
    outcome = table.do("B buys 1 at 101")
    assert "1 of A at 101; filled; triggered C: no_liquidity" == outcome
    assert "EXPIRED because no_liquidity" == table.life(number)


@both_sides
@pytest.mark.parametrize(
    ("mode", "outcome"),
    [
        ("", "self_trade"),
        ("EXPIRE_MAKER", "3 of A at 102; expired C 1 at 102; filled"),
        ("EXPIRE_BOTH", "expired C 1 at 102; self_trade"),
        ("DECREMENT", "2 of A at 102; cut C 1 at 102; filled"),
    ],
)
def test_a_woken_order_that_meets_its_own_account_is_the_taker(
    view: View, mode: str, outcome: str
) -> None:
    table = asleep(
        view,
        "102 | C 1, A 5\n101 | A 1\n----",
        f"C stops to buy 3 at 101 limit 102 {mode}".strip(),
    )
    assert f"1 of A at 101; filled; triggered C: {outcome}" == table.do("B buys 1 at 101")


@both_sides
def test_a_woken_order_expires_what_is_due_in_its_way(view: View) -> None:
    table = asleep(
        view, "103 | A 5\n102 | A 1 until 20\n101 | A 1\n----", "C stops to buy 3 at 101"
    )
    table.do("the clock is 20")
    outcome = "triggered C: 3 of A at 103; due A 1 at 102; filled"
    assert f"1 of A at 101; filled; {outcome}" == table.do("B buys 1 at 101")


@both_sides
def test_a_due_order_never_wakes(view: View) -> None:
    table = asleep(view, BOOK, "C stops to buy 3 at 101 until 20")
    table.do("the clock is 20")
    assert "1 of A at 101; filled" == table.do("B buys 1 at 101")
    assert "due C 3 at 101" == table.do("due orders are swept")


@both_sides
@pytest.mark.parametrize("order", RISING)
@pytest.mark.parametrize(
    ("action", "outcome"),
    [
        ("C cancels the stop at 103", "cancelled 1"),
        ("C reduces the stop at 103 by 3", "cancelled 1"),
        ("C cancels all", "cancelled 1"),
        ("the market is closed", "cancelled 1"),
    ],
)
def test_what_ends_asleep_frees_all_that_it_held(
    view: View, order: str, action: str, outcome: str
) -> None:
    table = asleep(view, "----", order)
    assert outcome == table.do(action)
    for asset in ("USD", "BTC"):
        assert (RICH, 0) == (table.desk.free("C", asset), table.desk.held("C", asset))


@both_sides
def test_a_side_is_cancelled_asleep_or_not(view: View) -> None:
    table = asleep(
        view, "----\n99 | C 1", "C stops to buy 3 at 103", "C takes profit selling 3 at 105"
    )
    assert "cancelled 2" == table.do("C cancels all buys")
    assert "C 105" == table.asleep()


@both_sides
def test_a_reduced_one_keeps_its_place(view: View) -> None:
    table = asleep(view, BOOK, "C stops to buy 3 at 101", "D stops to buy 3 at 101")
    assert "reduced" == table.do("C reduces the stop at 101 by 2")
    outcome = "triggered C: 1 of A at 102; filled; triggered D: 3 of A at 103; filled"
    assert f"1 of A at 101; filled; {outcome}" == table.do("B buys 1 at 101")


# Money


@pytest.mark.parametrize(("trigger", "held"), [(100, 315), (101, 321), (119, 375), (120, 378)])
def test_a_purchase_at_market_holds_a_twentieth_more_than_its_trigger(
    trigger: int, held: int
) -> None:
    """Three at 105, at 106.05, at 124.95 and at 126, rounded up."""
    for words in ("stops to buy", "takes profit buying"):
        order = f"C {words} 3 at {trigger}"
        assert held == asleep(AS_WRITTEN, "----", order, funds=held).desk.held("C", "USD")
        poor = Table("----", AS_WRITTEN, funds=held - 1)
        assert "refused INSUFFICIENT_FUNDS" == poor.do(order)


@pytest.mark.parametrize(
    ("order", "asset", "held"),
    [
        ("C stops to buy 3 at 101 limit 104", "USD", 312),
        ("C stops to buy for 500 at 101", "USD", 500),
        ("C stops to sell 3 at 99", "BTC", 3),
        ("C takes profit selling 3 at 105 limit 104", "BTC", 3),
    ],
)
def test_all_others_hold_what_they_can_use(order: str, asset: str, held: int) -> None:
    table = asleep(AS_WRITTEN, "----", order, funds=held)
    assert (held, 0) == (table.desk.held("C", asset), table.desk.free("C", asset))
    poor = Table("----", AS_WRITTEN, funds=held - 1)
    assert "refused INSUFFICIENT_FUNDS" == poor.do(order)


def test_what_it_holds_is_the_most_that_it_pays() -> None:
    """107 is the most at 101; the rest expires, and what was held for it comes back."""
    book = "108 | A 5\n107 | A 1\n103 | A 1\n101 | A 1\n----"
    table = asleep(AS_WRITTEN, book, "C stops to buy 3 at 101")
    outcome = "triggered C: 1 of A at 103, 1 of A at 107; no_liquidity"
    assert f"1 of A at 101; filled; {outcome}" == table.do("B buys 1 at 101")
    assert (RICH - 103 - 107, 0) == (table.desk.free("C", "USD"), table.desk.held("C", "USD"))
    assert "108 | A 5\n----" == str(table)


def test_one_that_is_filled_pays_the_makers_prices() -> None:
    book = "103 | A 5\n102 | A 1\n101 | A 1\n----"
    table = asleep(AS_WRITTEN, book, "C stops to buy 3 at 101")
    table.do("B buys 1 at 101")
    assert (RICH - 102 - 206, 0) == (table.desk.free("C", "USD"), table.desk.held("C", "USD"))


@pytest.mark.parametrize(
    ("ask", "outcome", "paid"),
    [
        ("103 | A 9", "4 of A at 103; budget_spent", 412),
        ("150 | A 9", "3 of A at 150; budget_spent", 450),
        ("103 | A 2", "2 of A at 103; no_liquidity", 206),
        ("600 | A 2", "budget_spent", 0),
    ],
)
def test_a_budget_buys_what_it_can_and_the_rest_returns(ask: str, outcome: str, paid: int) -> None:
    table = asleep(AS_WRITTEN, f"{ask}\n101 | A 1\n----", "C stops to buy for 500 at 101")
    assert f"1 of A at 101; filled; triggered C: {outcome}" == table.do("B buys 1 at 101")
    assert (RICH - paid, 0) == (table.desk.free("C", "USD"), table.desk.held("C", "USD"))


def test_one_with_a_limit_holds_what_rests_of_it() -> None:
    """Of 3 at 103 one was bought at 102."""
    table = asleep(AS_WRITTEN, "102 | A 1\n101 | A 1\n----", "C stops to buy 3 at 101 limit 103")
    table.do("B buys 1 at 101")
    held = 2 * 103
    assert (RICH - 102 - held, held) == (table.desk.free("C", "USD"), table.desk.held("C", "USD"))


# What is refused.


@both_sides
@pytest.mark.parametrize("reached", [False, True])
def test_one_at_market_by_quantity_has_a_notional_at_once(view: View, reached: bool) -> None:  # noqa: FBT001 - a case
    """It is judged before the trigger is."""
    table = Table("----", view, notional_max=1_000)
    if reached:
        prints(table, 103)
    assert "refused NOTIONAL_MAX" == table.do("C stops to buy 30 at 103")


@both_sides
def test_triggers_are_judged_before_funds_and_behind_all_else(view: View) -> None:
    table = Table("----", view, funds=500, notional_max=1_000, open_orders_max=1)
    prints(table, 103)
    assert "refused WOULD_TRIGGER" == table.do("C stops to buy 9 at 103 limit 100")
    assert "refused NOTIONAL_MAX" == table.do("C stops to buy 30 at 103 limit 100")
    table.do("the clock is 20")
    assert "refused DEADLINE_PASSED" == table.do("C stops to buy 1 at 103 until 20")
    assert "rests 1" == table.do("C buys 1 at 99")
    assert "refused OPEN_ORDERS_MAX" == table.do("C stops to buy 1 at 103")


@both_sides
@pytest.mark.parametrize(
    "order",
    [
        pytest.param("C stops to buy 3 at 103 post-only", id="post-only stop"),
        pytest.param("C takes profit selling 3 at 103 post-only", id="post-only take-profit"),
        pytest.param("C stops to buy 3 at 103 IOC", id="ioc stop"),
        pytest.param("C takes profit selling 3 at 103 FOK", id="fok take-profit"),
        pytest.param("C stops to buy 3 showing 1 at 103", id="display on a stop"),
        pytest.param("C stops to buy 3 showing 1 at 103 limit 104 IOC", id="display with ioc"),
        pytest.param("C stops to buy 3 at 103 limit 104 FOK post-only", id="post-only fok"),
        pytest.param("C stops to buy for 500 at 103 limit 104", id="budget and limit"),
        pytest.param("C stops to buy 3", id="stop without trigger"),
        pytest.param("C stops to buy 3 limit 104", id="stop limit without trigger"),
        pytest.param("C takes profit selling 3 limit 104", id="take-profit without trigger"),
    ],
)
def test_what_does_not_go_together_is_refused(view: View, order: str) -> None:
    assert "refused FIELD_COMBINATION" == Table("----", view).do(order)


@pytest.mark.parametrize("words", ["stops to sell", "takes profit selling"])
def test_no_sale_waits_with_a_budget(words: str) -> None:
    assert "refused FIELD_COMBINATION" == Table("----", AS_WRITTEN).do(f"C {words} for 500 at 99")


@pytest.mark.parametrize("terms", [limit(BUY, 104, 3, trigger=103), market(BUY, 3, trigger=103)])
def test_nothing_else_has_a_trigger(terms: OrderTerms) -> None:
    refusal = Table("----", AS_WRITTEN).desk.place("C", terms).refusal
    assert refusal is not None
    assert ("FIELD_COMBINATION", "trigger") == (refusal.code.value, refusal.field)


@both_sides
def test_a_trigger_is_a_price(view: View) -> None:
    table = Table("----", view, tick=2)
    assert "refused OFF_TICK" == table.do("C stops to buy 3 at 103")
    assert "refused OFF_TICK" == table.do("C stops to buy 3 at 103 limit 104")
    assert "refused PRICE_BOUNDS" == table.do(f"C stops to buy 3 at {200 if view.mirrored else 0}")
    assert "sleeps" == table.do("C stops to buy 3 at 104")


@both_sides
def test_what_sleeps_counts_as_an_open_order(view: View) -> None:
    table = asleep(view, "----", "C stops to buy 1 at 103", open_orders_max=1)
    assert "refused OPEN_ORDERS_MAX" == table.do("C stops to buy 1 at 104")
    assert "refused OPEN_ORDERS_MAX" == table.do("C buys 1 at 99")
