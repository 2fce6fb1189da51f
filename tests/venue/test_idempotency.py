"""A key answers for the first command that was recorded under it, for ever."""

import asyncio
from pathlib import Path
from typing import NamedTuple

import pytest

from exchange.kernel.orders import TimeInForce
from exchange.kernel.rejects import RejectCode
from exchange.orders.commands import (
    AnyCommand,
    CancelOrder,
    Deposit,
    PlaceOrder,
    RegisterAsset,
    Request,
    Role,
)
from exchange.orders.governing import GrantRole, RevokeRole, SuspendUser
from exchange.orders.money_commands import (
    ApproveWithdrawal,
    RequestWithdrawal,
    SendWithdrawal,
    SetWithdrawalTerms,
)
from exchange.orders.records import CommandRecorded
from exchange.store.urls import StoreUrl
from exchange.venue.answers import Ack
from exchange.venue.batch import Bounds
from exchange.venue.sequencer import serving
from tests.build import BUY, OPERATOR, SELL, SYMBOL, desk, limit

BID = PlaceOrder("A", SYMBOL, limit(BUY, 50, 10))
NAMED = PlaceOrder("A", SYMBOL, limit(BUY, 50, 10, client_order_id="mine"))
CANCEL = CancelOrder("A", SYMBOL, 1)
DEPOSIT = Deposit("A", "USD", 5, "wire-1")

CODES = RejectCode

in_batches = pytest.mark.parametrize("most", [0, 1, 2], ids=["of all", "of one", "of two"])


class Told(NamedTuple):
    """What became of some requests, and how many of them were recorded."""

    answers: list[Ack | BaseException]
    recorded: int

    @property
    def codes(self) -> list[RejectCode | str]:
        """Each answer in a word."""
        return [
            type(it).__name__ if isinstance(it, BaseException)
            else it.refusal.code if it.refusal
            else "ok"
            for it in self.answers
        ]  # fmt: skip


def by(actor: str, command: AnyCommand, key: str | None = None) -> Request:
    """A trader's request."""
    return Request(command, actor, Role.TRADER, key)


def operators(command: AnyCommand, key: str | None = None) -> Request:
    """An operator's request."""
    return Request(command, OPERATOR, Role.OPERATOR, key)


def told(*requests: Request, most: int = 0) -> Told:
    """The requests are handed in at once, to the examples' venue with users A and B."""

    async def serve() -> Told:
        async with serving(StoreUrl.parse("memory:"), Bounds(commands=most)) as venue:
            for envelope in desk("AB").envelopes:
                if isinstance(envelope.event, CommandRecorded):
                    await venue.submit(operators(envelope.event.command))
            start = venue.log.position
            futures = [venue.submit(request) for request in requests]
            answers = await asyncio.gather(*futures, return_exceptions=True)
            events = [envelope.event for envelope in venue.log.read(start)]
            return Told(answers, sum(isinstance(it, CommandRecorded) for it in events))

    return asyncio.run(serve())


@in_batches
def test_a_repeat_gets_the_first_answer_and_does_nothing(most: int) -> None:
    sale = by("B", PlaceOrder("B", SYMBOL, limit(SELL, 50, 4)))
    found = told(by("A", BID, "k"), sale, by("A", BID, "k"), by("A", BID, "k"), most=most)
    assert found.answers[0] == found.answers[2] == found.answers[3]
    assert 2 == found.recorded


@in_batches
def test_a_repeat_gets_the_fills_of_the_first(most: int) -> None:
    sale = by("B", PlaceOrder("B", SYMBOL, limit(SELL, 50, 4)))
    found = told(sale, by("A", BID, "k"), sale, by("A", BID, "k"), most=most)
    first, again = found.answers[1], found.answers[3]
    assert isinstance(first, Ack)
    assert [4] == [fill.quantity for fill in first.fills]
    assert first == again


@in_batches
def test_a_refusal_is_bound_too_even_if_it_would_do_now(most: int) -> None:
    found = told(by("A", CANCEL, "k"), by("A", BID), by("A", CANCEL, "k"), most=most)
    assert [RejectCode.NOT_FOUND, "ok", RejectCode.NOT_FOUND] == found.codes
    assert found.answers[0] == found.answers[2]
    assert 2 == found.recorded


@in_batches
def test_a_key_with_other_content_is_a_conflict_and_leaves_no_record(most: int) -> None:
    other = PlaceOrder("A", SYMBOL, limit(BUY, 50, 11))
    found = told(by("A", BID, "k"), by("A", other, "k"), by("A", BID, "k"), most=most)
    assert ["ok", "KeyConflict", "ok"] == found.codes
    assert 1 == found.recorded


@in_batches
def test_a_conflict_is_heard_before_anything_that_is_wrong_with_the_command(most: int) -> None:
    wrong = PlaceOrder("A", "XRP-USD", limit(BUY, 0, 0))
    found = told(by("A", BID, "k"), by("A", wrong, "k"), most=most)
    assert ["ok", "KeyConflict"] == found.codes


def test_a_key_is_its_account_s_and_its_command_kind_s() -> None:
    others = PlaceOrder("B", SYMBOL, limit(BUY, 50, 10))
    found = told(by("A", BID, "k"), by("B", others, "k"), by("A", CANCEL, "k"))
    assert ["ok", "ok", "ok"] == found.codes


def test_an_operator_s_command_has_keys_too() -> None:
    found = told(operators(DEPOSIT, "k"), operators(DEPOSIT, "k"), operators(DEPOSIT))
    assert ["ok", "ok", RejectCode.DUPLICATE_REFERENCE] == found.codes
    assert found.answers[0] == found.answers[1]


@in_batches
def test_an_operator_s_key_is_its_own(most: int) -> None:
    """Another's command under it is another command, whatever role both act in."""
    other = Request(DEPOSIT, "deputy", Role.OPERATOR, "k")
    asset, again = (
        Request(RegisterAsset("ETH", 0), "deputy", role, "k")
        for role in (Role.ADMIN, Role.OPERATOR)
    )
    found = told(operators(DEPOSIT, "k"), other, asset, operators(DEPOSIT, "k"), again, most=most)
    assert ["ok", RejectCode.DUPLICATE_REFERENCE, "ok", "ok", "ok"] == found.codes
    assert found.answers[0] == found.answers[3]
    assert found.answers[2] == found.answers[4]
    assert 3 == found.recorded


@in_batches
def test_a_second_person_approves_by_the_same_key(most: int) -> None:
    def approve(actor: str) -> Request:
        return Request(ApproveWithdrawal(1), actor, Role.OPERATOR, "k")

    found = told(
        Request(SetWithdrawalTerms("USD", 0, 1, 100, 10), OPERATOR, Role.ADMIN),
        by("A", RequestWithdrawal("A", "USD", 50, "bank")),
        approve("one"), approve("one"), approve("two"), operators(SendWithdrawal(1, "wire")),
        most=most,
    )  # fmt: skip
    assert ["ok"] * 6 == found.codes
    assert found.answers[2] == found.answers[3] != found.answers[4]
    assert 5 == found.recorded


def test_a_key_is_its_account_s_whoever_acts_for_it() -> None:
    found = told(by("A", BID, "k"), operators(BID, "k"))
    assert found.answers[0] == found.answers[1]
    assert 1 == found.recorded


def test_a_log_keeps_its_operators_keys_apart_when_it_is_opened_again(tmp_path: Path) -> None:
    url = StoreUrl.parse(f"sqlite:///{tmp_path / 'venue.db'}")
    asset, other = RegisterAsset("BTC", 0), RegisterAsset("USD", 0)

    async def ask(*requests: Request) -> list[Ack]:
        async with serving(url) as venue:
            return [await venue.submit(request) for request in requests]

    first = [Request(asset, "one", Role.OPERATOR, "k"), Request(other, "two", Role.OPERATOR, "k")]
    answers = asyncio.run(ask(*first))
    assert answers == asyncio.run(ask(*first))
    assert [None, None] == [it.refusal for it in answers]


@in_batches
def test_without_a_key_an_accepted_client_order_id_is_one_for_ever(most: int) -> None:
    """Also after the order has ended."""
    other = PlaceOrder("A", SYMBOL, limit(BUY, 40, 10, client_order_id="mine"))
    found = told(by("A", NAMED), by("A", CANCEL), by("A", NAMED), by("A", other), most=most)
    assert ["ok", "ok", "ok", "KeyConflict"] == found.codes
    assert found.answers[0] == found.answers[2]


@in_batches
def test_without_a_key_a_refused_client_order_id_may_be_sent_again(most: int) -> None:
    fok = limit(BUY, 50, 4, client_order_id="mine", time_in_force=TimeInForce.FOK)
    order = by("A", PlaceOrder("A", SYMBOL, fok))
    sale = by("B", PlaceOrder("B", SYMBOL, limit(SELL, 50, 4)))
    found = told(order, sale, order, order, most=most)
    assert [RejectCode.NOT_FILLABLE, "ok", "ok", "ok"] == found.codes
    assert found.answers[2] == found.answers[3]
    assert 3 == found.recorded


@in_batches
def test_with_a_key_a_client_order_id_is_one_among_open_orders_only(most: int) -> None:
    found = told(
        by("A", NAMED, "k1"), by("A", NAMED, "k2"), by("A", CANCEL), by("A", NAMED, "k3"), most=most
    )
    assert ["ok", RejectCode.DUPLICATE_CLIENT_ORDER_ID, "ok", "ok"] == found.codes


# Strangers.


@in_batches
def test_a_stranger_gets_nobody_s_answer(most: int) -> None:
    """Who repeats another's order must not learn its id and fills."""
    found = told(by("A", BID, "k"), by("B", BID, "k"), most=most)
    assert ["ok", RejectCode.UNKNOWN_ACCOUNT] == found.codes


@in_batches
def test_a_stranger_does_not_learn_which_keys_are_used(most: int) -> None:
    other = PlaceOrder("A", SYMBOL, limit(BUY, 50, 11))
    found = told(by("A", NAMED), by("A", BID, "k"), by("B", other, "k"), by("B", other), most=most)
    assert [RejectCode.UNKNOWN_ACCOUNT] * 2 == found.codes[2:]


@in_batches
@pytest.mark.parametrize("theirs", [BID, PlaceOrder("A", SYMBOL, limit(BUY, 50, 11))])
def test_a_stranger_binds_nobody_s_key(most: int, theirs: PlaceOrder) -> None:
    found = told(by("B", theirs, "k"), by("A", BID, "k"), most=most)
    assert [RejectCode.UNKNOWN_ACCOUNT, "ok"] == found.codes


@in_batches
def test_a_trader_binds_no_operator_s_key(most: int) -> None:
    found = told(by("B", DEPOSIT, "k"), operators(DEPOSIT, "k"), most=most)
    assert [RejectCode.NOT_PERMITTED, "ok"] == found.codes


@in_batches
def test_a_suspended_user_gets_the_answer_that_it_had_and_no_other(most: int) -> None:
    suspend = operators(SuspendUser("A", "case-1"))
    other = by("A", BID, "k2")
    found = told(by("A", BID, "k"), suspend, by("A", BID, "k"), other, other, most=most)
    assert ["ok", "ok", "ok", CODES.USER_SUSPENDED, CODES.USER_SUSPENDED] == found.codes
    assert found.answers[0] == found.answers[2]
    assert 3 == found.recorded  # the refusal is bound as any other


@in_batches
def test_a_key_that_a_revoked_operator_repeats_is_not_answered(most: int) -> None:
    """Nor does the refusal take the key away from whoever may."""
    appoint = [
        Request(command, OPERATOR, Role.ADMIN)
        for command in (GrantRole("B", Role.OPERATOR), GrantRole("A", Role.ADMIN))
    ]
    deposit = Request(DEPOSIT, "B", Role.OPERATOR, "k")
    revoke = Request(RevokeRole("B", Role.OPERATOR), "A", Role.ADMIN)
    grant = Request(GrantRole("B", Role.OPERATOR), "A", Role.ADMIN)
    found = told(*appoint, deposit, deposit, revoke, deposit, grant, deposit, most=most)
    assert [*["ok"] * 5, CODES.NOT_PERMITTED, "ok", "ok"] == found.codes
    assert found.answers[2] == found.answers[3] == found.answers[7]
