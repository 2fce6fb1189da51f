"""What each state of a market lets happen, and how an account takes its orders out at once.

Halted and closed markets have stories of their own in ``test_book_tables``.
"""

import pytest

from exchange.matching.events import OrdersCancelled
from exchange.orders.commands import CancelOrders, Deposit, RegisterAsset
from tests.build import BUY, SELL, SYMBOL, Desk, desk, limit, listing
from tests.matching.tables import AS_WRITTEN, Table, View, both_sides, played

BOOK = """
    102 | C 5
    101 | B 2, A 1
    ----
     99 | A 5
     98 | B 3 until 20
"""

LETS_HAPPEN = """
                               | continuous | post_only | halted | cancel_only | pre_open | closed
    D buys 1 at 100            | yes        |           |        |             |          |
    D buys 1 at 101            | yes        |           |        |             |          |
    D buys 1 at 101 IOC        | yes        |           |        |             |          |
    D buys 1 at 101 FOK        | yes        |           |        |             |          |
    D buys 1 at 100 until 30   | yes        |           |        |             |          |
    D buys 9 showing 3 at 100  | yes        |           |        |             |          |
    D buys 1 at market         | yes        |           |        |             |          |
    D buys for 90 at market    | yes        |           |        |             |          |
    D buys 1 at 100 post-only  | yes        | yes       |        |             |          |
    A reduces 99 by 1          | yes        | yes       |        |             |          |
    A reduces 99 by 5          | yes        | yes       |        |             |          |
    A cancels 99               | yes        | yes       | yes    | yes         | yes      |
    A cancels all              | yes        | yes       | yes    | yes         | yes      | yes
    due orders are swept       | yes        | yes       | yes    | yes         | yes      | yes
"""


def cells() -> list[tuple[str, str, bool]]:
    """State, action, and whether it happens."""
    head, *rows = [line.split("|") for line in LETS_HAPPEN.strip("\n").splitlines()]
    return [
        (state.strip(), action.strip(), mark.strip() == "yes")
        for action, *marks in rows
        for state, mark in zip(head[1:], marks, strict=True)
    ]


@both_sides
@pytest.mark.parametrize(("state", "action", "happens"), cells())
def test_a_state_lets_happen_what_its_column_says(
    view: View,
    state: str,
    action: str,
    happens: bool,  # noqa: FBT001 - a cell of the table
) -> None:
    table = Table(BOOK, view)
    if state != "continuous":
        table.do(f"the market is {state}")
    table.do("the clock is 20")
    outcome = table.do(action)
    assert happens is not outcome.startswith("refused")
    assert happens or outcome == "refused MARKET_STATE"


@both_sides
def test_a_post_only_market_takes_orders_that_wait_and_nobody_trades(view: View) -> None:
    played(
        view,
        BOOK,
        [
            ("the market is post_only", "done"),
            ("D buys 1 at 101 post-only", "refused WOULD_TRADE"),
            ("D buys 9 showing 3 at 100 until 30 post-only", "rests 9"),
            ("A reduces 99 by 4", "reduced"),
            ("B cancels 101", "cancelled 1"),
            ("the market is continuous", "done"),
            ("E sells 4 at 100", "3 of D at 100, 1 of D at 100; filled"),
        ],
        """
        102 | C 5
        101 | A 1
        ----
        100 | D 2 of 5 until 30
         99 | A 1
         98 | B 3 until 20
        """,
    )


@both_sides
def test_a_post_only_order_expires_what_is_due_in_a_post_only_market_too(view: View) -> None:
    played(
        view,
        "101 | A 3 until 20\n----",
        [
            ("the market is post_only", "done"),
            ("the clock is 20", "done"),
            ("D buys 1 at 101 post-only", "due A 3 at 101; rests 1"),
        ],
        "----\n101 | D 1",
    )


@both_sides
@pytest.mark.parametrize("state", ["pre_open", "post_only", "halted", "cancel_only"])
def test_orders_wait_through_every_state_but_closed(view: View, state: str) -> None:
    played(
        view,
        BOOK,
        [
            (f"the market is {state}", "done"),
            (f"the market is {state}", "refused MARKET_STATE"),
            ("the market is continuous", "done"),
            ("D buys 3 at 101", "2 of B at 101, 1 of A at 101; filled"),
        ],
        """
        102 | C 5
        ----
         99 | A 5
         98 | B 3 until 20
        """,
    )


@both_sides
@pytest.mark.parametrize("state", ["pre_open", "post_only", "halted", "cancel_only"])
def test_a_market_closes_from_every_state(view: View, state: str) -> None:
    played(
        view,
        BOOK,
        [
            (f"the market is {state}", "done"),
            ("the market is closed", "cancelled 5"),
            ("the market is continuous", "refused MARKET_STATE"),
        ],
        "----",
    )


# Mass cancel

CROWD = """
    102 | A 1, B 1 of 4, A 2 of 6
    101 | A 3 until 20
    ----
     99 | A 4, C 2
     98 | A 5
"""


@both_sides
@pytest.mark.parametrize(
    ("action", "outcome", "after"),
    [
        ("A cancels all", "cancelled 5", "102 | B 1 of 4\n----\n99 | C 2"),
        ("A cancels all sells", "cancelled 3", "102 | B 1 of 4\n----\n99 | A 4, C 2\n98 | A 5"),
        (
            "A cancels all buys",
            "cancelled 2",
            "102 | A 1, B 1 of 4, A 2 of 6\n101 | A 3 until 20\n----\n99 | C 2",
        ),
        ("C cancels all sells", "done", CROWD),
        ("D cancels all", "done", CROWD),
    ],
)
def test_a_mass_cancel_takes_orders_of_one_account_and_no_other(
    view: View, action: str, outcome: str, after: str
) -> None:
    """Finding none is no refusal."""
    played(view, CROWD, [(action, outcome)], after)


@both_sides
def test_a_second_mass_cancel_finds_none(view: View) -> None:
    actions = [("A cancels all", "cancelled 5"), ("A cancels all", "done")]
    played(view, CROWD, actions, "102 | B 1 of 4\n----\n99 | C 2")


def test_a_mass_cancel_frees_all_that_the_orders_held() -> None:
    table = Table(CROWD, AS_WRITTEN)
    table.do("D buys 2 at 101")  # one of them has traded
    table.do("A cancels all")
    assert (0, 0) == (table.desk.held("A", "USD"), table.desk.held("A", "BTC"))
    assert ["CANCELED because cancelled"] * 2 == [table.life(1), table.life(4)]


@pytest.fixture
def markets() -> Desk:
    """A has orders in two markets, the later of which comes first by name."""
    at = desk("AB")
    at.done(RegisterAsset("ADA", 0), listing(symbol="ADA-USD", base="ADA"))
    at.done(Deposit("A", "ADA", 100, "ada"))
    for symbol in (SYMBOL, "ADA-USD"):
        for terms in (limit(SELL, 101, 1), limit(BUY, 99, 1), limit(SELL, 100, 1)):
            at.place("A", terms, symbol)
        at.place("B", limit(BUY, 98, 1), symbol)
    return at


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (CancelOrders("A"), [("ADA-USD", (1, 2, 3)), (SYMBOL, (1, 2, 3))]),
        (CancelOrders("A", side=SELL), [("ADA-USD", (1, 3)), (SYMBOL, (1, 3))]),
        (CancelOrders("A", SYMBOL), [(SYMBOL, (1, 2, 3))]),
        (CancelOrders("A", "ADA-USD", BUY), [("ADA-USD", (2,))]),
        (CancelOrders("B", "ADA-USD", SELL), []),
    ],
    ids=["all", "a side", "a market", "a side of a market", "none"],
)
def test_a_mass_cancel_goes_by_market_in_the_order_of_names_then_by_number(
    markets: Desk, command: CancelOrders, expected: list[tuple[str, tuple[int, ...]]]
) -> None:
    events = [(it.originator_id, it.event) for it in markets.decide(markets.request(command))]
    assert expected == [
        (stream.removeprefix("book:"), event.numbers)
        for stream, event in events
        if isinstance(event, OrdersCancelled)
    ]
