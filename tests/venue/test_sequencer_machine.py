"""The sequencer comes to what a desk comes to that decides one command at a time.

Batches, keys, repeats and the store in between must not show.
"""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack

import msgspec
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from exchange.kernel.orders import EndReason
from exchange.matching.events import OrderAccepted
from exchange.orders.commands import (
    AnyCommand,
    CancelOrder,
    PlaceOrder,
    ReduceOrder,
    Request,
    account_of,
    kind,
)
from exchange.store.urls import StoreUrl
from exchange.venue.answers import Ack, answer
from exchange.venue.batch import Bounds, KeyConflict
from exchange.venue.laws import check_all
from exchange.venue.replay import by_command, replay
from exchange.venue.sequencer import Venue, serving
from exchange.venue.state import VenueState
from tests.build import OPERATOR, Desk, rows
from tests.effort import Effort, runs
from tests.venue.flow import (
    GENESIS,
    changes,
    deposits,
    limits,
    nonsense,
    quotes,
    takers,
    transfers,
)

Key = tuple[str | None, str, str]

keys = st.none() | st.sampled_from([f"k{number}" for number in range(60)])
Asked = tuple[AnyCommand, str | None, str | None]  # command, actor where it matters, key
trades = st.tuples(limits() | takers() | limits() | quotes(), st.none(), keys)
errands = st.tuples(changes() | deposits() | changes() | transfers(), st.none(), keys)
mistakes = st.tuples(nonsense(), keys).map(lambda it: (it[0][0], it[0][1], it[1]))
repeats = st.integers(0, 30)  # how many requests ago


AT_US = 1_000
"""Venue time of all that happens: equal states have equal times."""


class SequencerMachine(RuleBasedStateMachine):
    """Each step hands in some requests at once; a desk does them too, one by one."""

    effort = Effort()

    @initialize(most=st.sampled_from([0, 1, 3]))
    def open(self, most: int) -> None:
        """The small world, on a store in memory."""
        self.loop = asyncio.Runner()  # of the venue's server, which runs while answers are awaited
        self.stack = AsyncExitStack()
        bounds = Bounds(commands=most, deciding_ms=1_000)
        self.venue: Venue = self.loop.run(
            self.stack.enter_async_context(serving(StoreUrl.parse("memory:"), bounds))
        )
        self.desk = Desk()
        self.desk.at_us = AT_US
        self.bound: dict[Key, tuple[AnyCommand, Ack]] = {}
        self.requests: list[Request] = []
        self.first_acks: list[Ack] = []
        self.submit([self.desk.request(command) for command in GENESIS])

    @rule(batch=st.lists(trades, min_size=3, max_size=8))
    def trade(self, batch: list[Asked]) -> None:
        self.submit(self.requests_for(batch))

    @rule(batch=st.lists(trades | trades | errands | repeats, min_size=3, max_size=8))
    def trade_change_and_repeat(self, batch: list[Asked | int]) -> None:
        self.submit(self.requests_for(batch))

    @rule(batch=st.lists(mistakes | trades | trades | repeats, min_size=1, max_size=4))
    def err(self, batch: list[Asked | int]) -> None:
        self.submit(self.requests_for(batch))

    def requests_for(self, batch: Sequence[Asked | int]) -> list[Request]:
        """New requests, and earlier ones again, of the same batch too."""
        requests: list[Request] = []
        for it in batch:
            if isinstance(it, int):
                earlier = [*self.requests, *requests]
                requests.append(earlier[-1 - it % len(earlier)])
            else:
                command, actor, key = it
                request = self.desk.request(command if actor else self.aimed(command), actor)
                requests.append(msgspec.structs.replace(request, key=key))
        return requests

    def aimed(self, command: AnyCommand) -> AnyCommand:
        """A change of an order that is open, if there is one."""
        if not isinstance(command, CancelOrder | ReduceOrder):
            return command
        orders = rows(self.desk.book(command.symbol))
        if not orders:
            return command
        _, number, account, *_ = orders[(command.number or 0) % len(orders)]
        return msgspec.structs.replace(command, account=account, number=number)

    def submit(self, requests: list[Request]) -> None:
        """Each is answered as the desk does, or as its key was answered before."""
        for request, found in zip(requests, self.loop.run(self.answers(requests)), strict=True):
            self.expect(request, found)
        assert self.desk.state.dump() == self.venue.state.dump()
        check_all(self.venue.state)
        self.requests += requests

    async def answers(self, requests: list[Request]) -> list[Ack | BaseException]:
        """What became of the requests, all handed in before any is decided."""
        futures = [self.venue.submit(request, at_us=AT_US) for request in requests]
        return await asyncio.gather(*futures, return_exceptions=True)

    def expect(self, request: Request, found: Ack | BaseException) -> None:
        """A key answers for its first command and refuses any other; a stranger has no keys."""
        self.effort.steps += 1
        command, key = request.command, self.key(request)
        if key in self.bound:
            first, ack = self.bound[key]
            if first == command:
                assert ack == found
            else:
                assert isinstance(found, KeyConflict)
            return
        effects = self.desk.decide(request)
        assert isinstance(found, Ack), found
        assert answer(effects) == msgspec.structs.replace(found, position=effects[-1].position)
        self.first_acks.append(found)
        if key is not None and (request.key is not None or found.refusal is None):
            self.bound[key] = command, found
        self.effort.changed += found.refusal is None
        self.effort.trades += len(found.fills)
        ends = [it.event.ended for it in effects if isinstance(it.event, OrderAccepted)]
        self.effort.self_trades += EndReason.SELF_TRADE in ends

    def key(self, request: Request) -> Key | None:
        """What the request may bind: a client order id stands in for a missing key of a place."""
        command, key, account = request.command, request.key, account_of(request.command)
        owner = OPERATOR if account is None else self.desk.state.owners.get(account)
        if owner != request.actor:
            return None
        if key is None and isinstance(command, PlaceOrder):
            key = command.terms.client_order_id
        return None if key is None else (account, kind(command), key)

    def teardown(self) -> None:
        """The log alone tells the same story: state, answers, and what every key is bound to."""
        if hasattr(self, "venue"):
            with self.loop:
                try:
                    self.compare_log()
                finally:
                    self.loop.run(self.stack.aclose())

    def compare_log(self) -> None:
        """The store is still open: a memory store ends when it is closed."""
        state = VenueState()
        replay(state, self.venue.log.read())
        assert self.desk.state.state_hash() == self.venue.state.state_hash() == state.state_hash()
        recorded = list(by_command(self.venue.log.read()))
        assert self.first_acks == [answer(envelopes) for envelopes in recorded]
        again = [request for request in self.requests if self.key(request) in self.bound]
        self.submit(again)


def test_the_sequencer_does_what_was_asked_once_and_in_order() -> None:
    run_state_machine_as_test(SequencerMachine, settings=runs(120, 40))
    SequencerMachine.effort.assert_enough(steps=15_000, trades=600, self_trades=100)
