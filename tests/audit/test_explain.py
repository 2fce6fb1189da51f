"""What an order's story says, word for word, for each way that an order may go."""

import json
import re
from pathlib import Path

import pytest

from exchange.audit.asof import Moment, NotThere
from exchange.audit.explain.order import explain, parse_name
from exchange.audit.explain.story import Checked, Step, Story
from exchange.cli.explain import lines
from exchange.kernel.orders import OrderTerms, OrderType, SelfTrade, TimeInForce
from exchange.orders.commands import (
    AmendOrder,
    CancelOrder,
    CancelOrders,
    PlaceOrder,
    PlaceOrderList,
)
from exchange.orders.money_commands import BustTrade
from exchange.venue.due import due_work
from tests.audit.logs import log_of
from tests.build import BUY, SELL, SYMBOL, Desk, desk, limit, market
from tests.command import inside, url

GTD, IOC, FOK = TimeInForce.GTD, TimeInForce.IOC, TimeInForce.FOK
PAGE = Path(__file__).parents[2] / "docs" / "explain.md"


@pytest.fixture
def told() -> Desk:
    """A market where every unit is 1; four accounts with 10,000 of each asset."""
    return desk(funds=10_000)


def story_of(told: Desk, name: str, moment: Moment = Moment()) -> Story:  # noqa: B008 - frozen
    with log_of(told.envelopes) as log:
        return explain(log, parse_name(name), moment)


def says(told: Desk, name: str) -> list[str]:
    """The story's lines behind the order itself, without its checks; commands by their times."""
    story = story_of(told, name)
    story.steps = [it for it in story.steps if not isinstance(it, Checked)]
    told_lines = [" ".join(line.split()) for line in lines(story) if line][4:]
    return [re.sub(r"^[0-9,]+ (?=1970-)", "", line) for line in told_lines]


def test_a_maker_hears_who_was_ahead_and_what_removed_them(told: Desk) -> None:
    told.place("A", limit(SELL, 100, 3))
    told.place("C", limit(SELL, 100, 2))
    told.place("B", limit(SELL, 100, 4))
    told.reduce("A", 1, 1)
    told.cancel("C", 2)
    told.place("D", limit(BUY, 101, 6))
    assert [
        "held 4 BTC (hold:BTC-USD:3)",
        "queued 4 at 100; nobody opposite",
        "2 orders ahead, 5",
        "BTC-USD:1 of A, 3: 1 reduced by A at 51; 2 filled by BTC-USD:4 at 57",
        "BTC-USD:2 of C, 2: 2 cancelled by C at 54",
        "1970-01-01T00:00:00Z place by D (orders:D:1)",
        "matched trade 2: 4 at 100 = 400 USD, as maker with BTC-USD:4 of D (trade:BTC-USD:2)",
        (
            "fee 1 USD: 400 × 1,000 ppm, 400,000 accrued in all; ceil(400,000 / 1,000,000) = 1; "
            "less 0 charged before = 1"
        ),
        "ended filled: all of it traded",
        "FILLED of 4: filled 4, fee 1 USD",
    ] == says(told, "BTC-USD:3")


def test_what_is_left_of_an_ioc_order_expires_with_the_prices_compared(told: Desk) -> None:
    told.place("A", limit(SELL, 100, 3))
    told.place("B", limit(SELL, 105, 4))
    told.place("C", limit(BUY, 101, 5, time_in_force=IOC))
    assert [
        "held 505 USD (hold:BTC-USD:3)",
        "matched trade 1: 3 at 100 = 300 USD, as taker with BTC-USD:1 of A (trade:BTC-USD:1)",
        (
            "fee 1 BTC: 3 × 2,000 ppm, 6,000 accrued in all; ceil(6,000 / 1,000,000) = 1; "
            "less 0 charged before = 1"
        ),
        "3 USD held above that price came back",
        (
            "ended 2 immediate: the best offer left, 105, was beyond its limit 101, "
            "and it was not to wait"
        ),
        "released 202 USD (release:BTC-USD:3:3)",
        "EXPIRED (immediate) of 5: filled 3, not traded 2, fee 1 BTC",
    ] == says(told, "BTC-USD:3")


def test_an_order_that_rests_in_part_says_what_did_not_reach_it(told: Desk) -> None:
    told.place("A", limit(SELL, 100, 3))
    told.place("B", limit(SELL, 105, 4))
    told.place("D", limit(BUY, 100, 1))
    told.place("C", limit(BUY, 100, 5))
    assert [
        "queued 3 at 100; the best opposite price, 105, does not reach it",
        "nobody ahead",
        "PARTIALLY_FILLED of 5: filled 2, open 3, fee 1 BTC; nobody ahead now",
    ] == says(told, "BTC-USD:4")[-3:]


def test_a_cancelled_order_says_who_cancelled_it(told: Desk) -> None:
    told.place("A", limit(SELL, 100, 3))
    told.cancel("A", 1)
    assert [
        "held 3 BTC (hold:BTC-USD:1)",
        "queued 3 at 100; nobody opposite",
        "nobody ahead",
        "1970-01-01T00:00:00Z cancel by A (orders:A:2)",
        "ended 3 cancelled: A cancelled it",
        "released 3 BTC (release:BTC-USD:1:2)",
        "CANCELED (cancelled) of 3: not traded 3",
    ] == says(told, "BTC-USD:1")


def test_a_refused_order_is_told_by_its_record_with_all_that_was_checked(told: Desk) -> None:
    told.place("A", limit(SELL, 100, 3))
    told.place("B", limit(BUY, 101, 5, post_only=True, client_order_id="b1"))
    assert [
        "orders:B:1, account B, market BTC-USD",
        "",
        "       44  1970-01-01T00:00:00Z  place by B (orders:B:1)",
        (
            "           asked     buy limit 5 at 101, time_in_force gtc, post_only, "
            "self_trade expire_taker, client_order_id b1"
        ),
        "                     as trader, no key, rulebook version 1",
        "           checked   account B: belongs to B",
        "                     market BTC-USD: is listed",
        "                     state continuous: takes such orders",
        "                     fields limit gtc: go together",
        "                     price 101: 1 to 1000000 in steps of 1",
        "                     quantity 5: 1 to 1000000000 in steps of 1",
        "                     notional 505 USD: 1 USD to 1000000000000000 USD",
        "                     client_order_id b1: no other open order of the account has it",
        "                     open_orders 0: fewer than 200",
        "                     FAILED liquidity 101: WOULD_TRADE, bound 100",
        (
            "           refused   WOULD_TRADE: it was to post only, "
            "and at 101 it would have traded at 100"
        ),
        "",
        "REJECTED (WOULD_TRADE) of 5",
    ] == list(lines(story_of(told, "orders:B:1")))


@pytest.mark.parametrize(
    ("terms", "words"),
    [
        (limit(BUY, 100, 500), "INSUFFICIENT_FUNDS: it needs 50000 USD, available was 10000 USD"),
        (limit(BUY, 2 * 10**6, 1), "PRICE_BOUNDS: price 2000000 lies beyond the bound 1000000"),
        (limit(BUY, 100, 0), "QUANTITY_BOUNDS: quantity 0 lies beyond the bound 1"),
        (limit(BUY, 99, 2, time_in_force=FOK), "NOT_FILLABLE: fill or kill: of 2 only 0 could"),
        (
            limit(BUY, 99, 2, time_in_force=GTD, deadline_us=0),
            "DEADLINE_PASSED: its deadline 1970-01-01T00:00:00Z is not after the venue time",
        ),
        (
            OrderTerms(BUY, OrderType.STOP, None, 2, trigger=100),
            "WOULD_TRIGGER: the last price 100 is through the trigger 100 already",
        ),
        (limit(BUY, 99, 2, budget=5), "FIELD_COMBINATION: budget does not go with the rest of it"),
    ],
)
def test_a_refusal_has_its_numbers(told: Desk, terms: OrderTerms, words: str) -> None:
    told.place("A", limit(SELL, 100, 3))
    told.place("B", limit(BUY, 100, 3))
    told.at_us = 5
    assert told.place("C", terms).refusal is not None
    assert says(told, "orders:C:1")[0].startswith(f"refused {words}")
    checked = story_of(told, "orders:C:1").steps[1]
    assert isinstance(checked, Checked)
    assert [False] == [it.ok for it in checked.checks if not it.ok]
    assert not checked.checks[-1].ok


def test_other_refused_commands_are_told_too(told: Desk) -> None:
    told.cancel("A", 7)
    story = story_of(told, "orders:A:1")
    assert {"symbol": "BTC-USD", "number": 7} == json.loads(json.dumps(story.steps[0].asked))  # type: ignore[union-attr]
    assert "refused NOT_FOUND: no open order of the account is named so" in says(told, "orders:A:1")
    told.do(PlaceOrder("A", "ETH-USD", limit(BUY, 1, 1)))
    assert "refused UNKNOWN_MARKET: there is no market ETH-USD" in says(told, "orders:A:2")


def test_a_self_trade_is_told_to_both_orders(told: Desk) -> None:
    told.place("D", limit(SELL, 101, 3))
    told.place("D", limit(BUY, 101, 1))
    assert [
        (
            "ended 1 self_trade: next in line was BTC-USD:1, of its own account or trade group: "
            "the one that comes in expires"
        ),
        "released 101 USD (release:BTC-USD:2:2)",
        "EXPIRED (self_trade) of 1: not traded 1",
    ] == says(told, "BTC-USD:2")[-3:]
    told.place("D", limit(BUY, 101, 1, self_trade=SelfTrade.DECREMENT))
    assert [
        "met BTC-USD:1, no trade: self_trade, decrement; 1 off the resting order",
        (
            "ended self_trade: next in line was BTC-USD:1, of its own account or trade group: "
            "both lose the smaller open quantity"
        ),
        "released 101 USD (release:BTC-USD:3:3)",
        "EXPIRED (self_trade) of 1: prevented 1",
    ] == says(told, "BTC-USD:3")[-4:]
    told.place("D", limit(BUY, 101, 1, self_trade=SelfTrade.EXPIRE_MAKER))
    assert [
        "met by BTC-USD:3, no trade: self_trade, decrement; 1 off the resting order",
        "released 1 BTC (release:BTC-USD:1:3)",
        "1970-01-01T00:00:00Z place by D (orders:D:4)",
        "met by BTC-USD:4, no trade: self_trade, expire_maker; 2 off the resting order",
        (
            "ended 2 self_trade: BTC-USD:4, of its own account or trade group, met it: "
            "the one that rests expires"
        ),
        "released 2 BTC (release:BTC-USD:1:4)",
        "EXPIRED (self_trade) of 3: prevented 1, not traded 2",
    ] == says(told, "BTC-USD:1")[-7:]


def test_an_order_expires_by_a_sweep_or_when_it_is_met(told: Desk) -> None:
    for account in "AB":
        told.place(account, limit(BUY, 99, 2, time_in_force=GTD, deadline_us=10))
    told.at_us = 10
    told.place("C", limit(SELL, 99, 1))
    deadline = "its deadline 1970-01-01T00:00:00.000010Z had come by 1970-01-01T00:00:00.000010Z"
    assert [
        "met by BTC-USD:3, no trade: deadline; 2 off the resting order",
        f"ended 2 deadline: {deadline} when BTC-USD:3 met it",
        "released 198 USD (release:BTC-USD:1:3)",
        "EXPIRED (deadline) of 2: not traded 2",
    ] == says(told, "BTC-USD:1")[-4:]
    told.place("D", limit(BUY, 98, 2, time_in_force=GTD, deadline_us=12))
    told.at_us = 12
    work = due_work(told.state, 12)
    assert work is not None
    told.decide(work)
    deadline = "its deadline 1970-01-01T00:00:00.000012Z had come by 1970-01-01T00:00:00.000012Z"
    assert f"ended 2 deadline: {deadline}: the venue swept it" in says(told, "BTC-USD:4")


def test_a_stop_says_which_print_woke_it_and_what_it_came_in_as(told: Desk) -> None:
    told.place("A", limit(SELL, 103, 3))
    told.place("A", limit(SELL, 105, 3))
    told.place("C", OrderTerms(BUY, OrderType.STOP, None, 5, trigger=103))
    told.place("D", limit(BUY, 103, 1))
    assert [
        "held 545 USD (hold:BTC-USD:3)",
        "asleep until a print at or above 103; nothing traded yet",
        "1970-01-01T00:00:00Z place by D (orders:D:1)",
        "triggered by trade 1 at 103, made by BTC-USD:4 (trigger 103)",
        "entered as buy limit 5 at 109, time_in_force ioc, self_trade expire_taker",
        "matched trade 2: 2 at 103 = 206 USD, as taker with BTC-USD:1 of A (trade:BTC-USD:2)",
        (
            "fee 1 BTC: 2 × 2,000 ppm, 4,000 accrued in all; ceil(4,000 / 1,000,000) = 1; "
            "less 0 charged before = 1"
        ),
        "12 USD held above that price came back",
        "matched trade 3: 3 at 105 = 315 USD, as taker with BTC-USD:2 of A (trade:BTC-USD:3)",
        (
            "fee 0 BTC: 3 × 2,000 ppm, 10,000 accrued in all; ceil(10,000 / 1,000,000) = 1; "
            "less 1 charged before = 0"
        ),
        "12 USD held above that price came back",
        "ended filled: all of it traded",
        "FILLED of 5: filled 5, fee 1 BTC",
    ] == says(told, "BTC-USD:3")


def test_an_amend_says_what_changed_and_whether_the_place_was_kept(told: Desk) -> None:
    told.place("B", limit(BUY, 99, 9))
    told.place("A", limit(BUY, 98, 2))
    told.done(
        AmendOrder("B", SYMBOL, 1, quantity=8),
        AmendOrder("B", SYMBOL, 1, price=98, quantity=9),
    )
    assert [
        "1970-01-01T00:00:00Z amend by B (orders:B:2)",
        "amended quantity 9 to 8; kept its place",
        "released 99 USD (release:BTC-USD:1:3)",
        "1970-01-01T00:00:00Z amend by B (orders:B:3)",
        "amended price 99 to 98, quantity 8 to 9; out and in again",
        "held 90 USD (hold:BTC-USD:1:4)",
        "queued 9 at 98; nobody opposite",
        "1 order ahead, 2",
        "BTC-USD:2 of A, 2: still there",
        "NEW of 9: open 9; 1 order ahead, 2 now",
    ] == says(told, "BTC-USD:1")[3:]


def test_an_iceberg_goes_to_the_back_with_each_slice(told: Desk) -> None:
    told.place("D", limit(SELL, 120, 20, display=5))
    told.place("A", limit(SELL, 120, 2))
    told.place("C", limit(BUY, 120, 5))
    told.do(CancelOrders("D"))
    assert [
        "held 20 BTC (hold:BTC-USD:1)",
        "queued 20 at 120, showing 5; nobody opposite",
        "nobody ahead",
        "1970-01-01T00:00:00Z place by C (orders:C:1)",
        "matched trade 1: 5 at 120 = 600 USD, as maker with BTC-USD:3 of C (trade:BTC-USD:1)",
        (
            "fee 1 USD: 600 × 1,000 ppm, 600,000 accrued in all; ceil(600,000 / 1,000,000) = 1; "
            "less 0 charged before = 1"
        ),
        "queued 15 at 120, showing 5; nobody opposite",
        "1 order ahead, 2",
        "BTC-USD:2 of A, 2: still there",
        "1970-01-01T00:00:00Z cancel_all by D (orders:D:2)",
        "ended 15 cancelled: D cancelled all such orders of the account",
        "released 15 BTC (release:BTC-USD:1:4)",
        "CANCELED (cancelled) of 20: filled 5, not traded 15, fee 1 USD",
    ] == says(told, "BTC-USD:1")


def test_the_orders_of_a_list_know_each_other_and_their_one_hold(told: Desk) -> None:
    stop = OrderTerms(SELL, OrderType.STOP_LIMIT, 90, 2, trigger=98)
    told.done(PlaceOrderList("B", SYMBOL, limit(SELL, 110, 2), stop))
    told.place("C", limit(BUY, 110, 1))
    words = "time_in_force gtc, self_trade expire_taker"
    assert [
        f"list one cancels the other with BTC-USD:2: sell stop_limit 2 at 90, {words}, trigger 98",
        "held 2 BTC (hold:BTC-USD:1)",
        "queued 2 at 110; nobody opposite",
        "nobody ahead",
    ] == says(told, "BTC-USD:1")[:4]
    assert [
        f"list one cancels the other with BTC-USD:1: sell limit 2 at 110, {words}",
        "held 2 BTC (hold:BTC-USD:1)",
        "asleep until a print at or below 98; nothing traded yet",
        "1970-01-01T00:00:00Z place by C (orders:C:1)",
        "ended 2 list: BTC-USD:1, the other order of its list, traded",
        "CANCELED (list) of 2: not traded 2",
    ] == says(told, "BTC-USD:2")


def test_a_budget_says_what_was_left_of_it(told: Desk) -> None:
    told.place("A", limit(SELL, 100, 3))
    told.place("C", market(BUY, budget=250))
    assert (
        "ended budget_spent: 50 USD of the budget were left, "
        "and one lot at the best offer comes to 100 USD"
    ) in says(told, "BTC-USD:2")


def test_a_trade_that_was_busted_is_told_after_the_order_ended(told: Desk) -> None:
    told.place("A", limit(SELL, 100, 3))
    told.place("C", limit(BUY, 100, 3))
    told.cancel("A", 9)
    told.done(BustTrade(SYMBOL, 1, "a typing error"))
    assert [
        "1970-01-01T00:00:00Z bust_trade by operator (commands:20)",
        "busted trade 1: a typing error (bust:BTC-USD:1)",
        "moved for the account: 300 USD, -2 BTC",
        "FILLED of 3: filled 3, fee 1 BTC",
    ] == says(told, "BTC-USD:2")[-4:]


def test_a_story_ends_at_the_moment_that_is_asked_for(told: Desk) -> None:
    told.place("A", limit(SELL, 100, 3))
    told.place("B", limit(BUY, 100, 1))
    told.cancel("A", 1)
    end = told.envelopes[-1].position + 1  # the log's first event is its epoch, a seal follows
    assert "CANCELED" == story_of(told, "BTC-USD:1").status
    assert "PARTIALLY_FILLED" == story_of(told, "BTC-USD:1", Moment(position=end - 1)).status
    with pytest.raises(NotThere, match="no BTC-USD:1 up to then"):
        story_of(told, "BTC-USD:1", Moment(position=9))


def test_what_names_no_order_is_told(told: Desk) -> None:
    told.place("A", limit(SELL, 100, 3))
    told.done(CancelOrder("A", SYMBOL, 1))
    assert "BTC-USD:1" == story_of(told, "orders:A:1").order
    for name in ("BTC-USD:2", "ETH-USD:1", "orders:A:9", "orders:Z:1"):
        with pytest.raises(NotThere, match=f"no {name}"):
            story_of(told, name)
    with pytest.raises(NotThere, match="orders:A:2 is no order but an accepted cancel"):
        story_of(told, "orders:A:2")
    for text in ("BTC-USD", "orders:A:", "BTC-USD:x", ":1", "a:b:c"):
        with pytest.raises(ValueError, match="names no order"):
            parse_name(text)


def test_the_page_knows_every_step_and_every_field() -> None:
    """The JSON's shape is documented, and the documentation complete."""
    page = PAGE.read_text()
    fields = {"the story": Story.__struct_fields__}
    for kind in Step.__subclasses__():
        own = [it for it in kind.__struct_fields__ if it not in {"position", "cause"}]
        fields[str(kind.__struct_config__.tag)] = tuple(own)
    for name, expected in fields.items():
        (row,) = [line for line in page.splitlines() if line.startswith(f"| `{name}` |")]
        assert [] == [it for it in expected if f"`{it}`" not in row], name


def test_the_commands_print_stories_and_standings(told: Desk, tmp_path: Path) -> None:
    told.place("A", limit(SELL, 100, 3))
    told.place("B", limit(BUY, 100, 1))
    path = tmp_path / "venue.db"
    with log_of(told.envelopes, path=path):
        pass
    store = ("--store", url(path))
    said, _ = inside("explain", "BTC-USD:1", *store)
    assert said.splitlines()[-1].startswith("PARTIALLY_FILLED of 3: filled 1, open 2")
    story = json.loads(inside("explain", "BTC-USD:1", *store, "--json")[0])
    assert ["received", "checked", "held", "queued", "matched"] == [
        it["step"] for it in story["steps"]
    ]
    shown = json.loads(inside("order", "show", "BTC-USD:1", *store, "--json")[0])
    assert {name: it for name, it in story.items() if name != "steps"} == shown
    assert {"price": "100"} == shown["now"]
    before = json.loads(inside("order", "show", "BTC-USD:1", *store, "--as-of", 43, "--json")[0])
    assert ("NEW", "3", 43) == (before["status"], before["open"], before["position"])
    said, _ = inside("order", "show", "BTC-USD:1", *store)
    assert "asked           sell limit 3 at 100" in said
    for name, complaint in (("BTC-USD:9", "the log has no BTC-USD:9"), ("x", "names no order")):
        for words in (("explain", name), ("order", "show", name)):
            assert complaint in " ".join(inside(*words, *store, code=2)[1].split())
