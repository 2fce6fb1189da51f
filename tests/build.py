"""How tests get a venue: a desk without a store, where each command is decided at once."""

from typing import Any, TypeVar

from exchange.kernel.accounts import available, held
from exchange.kernel.events import Envelope, Event
from exchange.kernel.orders import OrderTerms, OrderType, Side
from exchange.matching.book import Book
from exchange.orders.commands import (
    AnyCommand,
    CancelOrder,
    Deposit,
    ListInstrument,
    OpenAccount,
    PlaceOrder,
    ReduceOrder,
    RegisterAsset,
    RegisterUser,
    Request,
    Role,
    account_of,
)
from exchange.orders.records import content_digest
from exchange.venue.answers import Ack, answer
from exchange.venue.decide import decide
from exchange.venue.intake import admit
from exchange.venue.journal import Journal
from exchange.venue.laws import Watch
from exchange.venue.state import VenueState

E = TypeVar("E", bound=Event)

OPERATOR = "operator"
SYMBOL = "BTC-USD"
BUY, SELL = Side.BUY, Side.SELL
RICH = 10**12
"""Funds that no example uses up."""

LISTING: dict[str, Any] = {
    "symbol": SYMBOL, "base": "BTC", "quote": "USD", "price_decimals": 0, "quantity_decimals": 0,
    "tick": 1, "lot": 1, "price_min": 1, "price_max": 10**6, "quantity_min": 1,
    "quantity_max": 10**9, "notional_min": 0, "notional_max": 10**15, "open_orders_max": 200,
    "maker_ppm": 1_000, "taker_ppm": 2_000,
}  # fmt: skip
"""A market whose every unit is 1, so that an example's numbers are its money."""


def listing(**changes: object) -> ListInstrument:
    """The command that opens the examples' market, with changes."""
    return ListInstrument(**(LISTING | changes))


def limit(side: Side, price: int, quantity: int, **more: Any) -> OrderTerms:  # noqa: ANN401 - fields
    """A limit order's terms."""
    return OrderTerms(side, OrderType.LIMIT, price, quantity, **more)


def market(side: Side, quantity: int | None = None, **more: Any) -> OrderTerms:  # noqa: ANN401 - fields
    """A market order's terms, by quantity or ``budget``."""
    return OrderTerms(side, OrderType.MARKET, None, quantity, **more)


class Desk:
    """A venue's state, and everything that was recorded on it since its genesis."""

    def __init__(self) -> None:
        self.state = VenueState()
        self.envelopes: list[Envelope] = []
        self.effects: list[Event] = []  # of the last command
        self.at_us = 0  # venue time of what comes next
        self._watch = Watch(self.state)
        self._at: dict[tuple[str, int], Event] = {}  # (stream, version) -> event

    def decide(self, request: Request, at_us: int | None = None) -> list[Envelope]:
        """Record the command with its effects, as the sequencer would; the laws are watched."""
        at_us = max(self.at_us if at_us is None else at_us, self.state.at_us)
        journal = self.decided_on(self.state, request, at_us)
        self._watch.check(journal.envelopes)
        self.envelopes += journal.envelopes
        for it in journal.envelopes:
            self._at[it.originator_id, it.originator_version] = it.event
        self.effects = [envelope.event for envelope in journal.envelopes[1:]]
        return journal.envelopes

    def decided_on(self, state: VenueState, request: Request, at_us: int) -> Journal:
        """The command decided in a state that stands where the desk's does."""
        journal = Journal(state, len(self.envelopes), self.past)
        own = request.role is Role.SYSTEM
        digest = content_digest(request.command) if own else admit(request).digest
        decide(state, request, digest, at_us, journal)
        return journal

    def past(self, stream: str, version: int) -> Event | None:
        """What was recorded there, as a log would tell."""
        return self._at.get((stream, version))

    def by(self, operator: str, command: AnyCommand) -> Ack:
        """The answer to a command of the operator with that name."""
        return answer(self.decide(Request(command, operator, Role.OPERATOR)))

    def do(self, command: AnyCommand, actor: str | None = None) -> Ack:
        """The answer to a command of the account's owner, or of an operator.

        An ``actor`` that is named acts as a trader.
        """
        return answer(self.decide(self.request(command, actor)))

    def request(self, command: AnyCommand, actor: str | None = None) -> Request:
        """The command as given by whoever may, or by the trader ``actor``."""
        account = account_of(command)
        if account is None and actor is None:
            return Request(command, OPERATOR, command.ROLE)
        return Request(
            command, actor or self.state.owners.get(account or "", "nobody"), Role.TRADER
        )

    def done(self, *commands: AnyCommand) -> None:
        """Do them all; none may be refused."""
        for command in commands:
            refusal = self.do(command).refusal
            assert refusal is None, f"{command}: {refusal}"

    def place(self, account: str, terms: OrderTerms, symbol: str = SYMBOL) -> Ack:
        """The answer to an order."""
        return self.do(PlaceOrder(account, symbol, terms))

    def cancel(self, account: str, number: int, symbol: str = SYMBOL) -> Ack:
        """The answer to a cancel by number."""
        return self.do(CancelOrder(account, symbol, number))

    def reduce(self, account: str, number: int, quantity: int, symbol: str = SYMBOL) -> Ack:
        """The answer to a reduce by number."""
        return self.do(ReduceOrder(account, symbol, quantity, number))

    def effect(self, kind: type[E]) -> E:
        """What the last command did of that kind."""
        return next(event for event in self.effects if isinstance(event, kind))

    def book(self, symbol: str = SYMBOL) -> Book:
        """A market's open orders."""
        return self.state.rooms[symbol].book

    def free(self, account: str, asset: str) -> int:
        """What the account can spend."""
        return self.state.ledger.balance(available(account), asset)

    def held(self, account: str, asset: str) -> int:
        """What the account's open orders hold."""
        return self.state.ledger.balance(held(account), asset)

    def money(self) -> dict[str, Any]:
        """The whole state but for the records of commands."""
        dump = self.state.dump()
        return {
            name: it for name, it in dump.items() if not name.startswith(("orders:", "commands"))
        }


def desk(accounts: str = "ABCD", /, *, funds: int = RICH, **rules: int) -> Desk:
    """A desk with one market; each letter is a user with an account of that name and funds."""
    opened = Desk()
    opened.done(RegisterAsset("BTC", 0), RegisterAsset("USD", 0), listing(**rules))
    for name in accounts:
        opened.done(RegisterUser(name), OpenAccount(name, name))
        for asset in ("BTC", "USD") if funds else ():
            opened.done(Deposit(name, asset, funds, f"{name}-{asset}"))
    return opened


def rows(book: Book) -> list[tuple[int, int, str, str | None, int, int]]:
    """Asks, then bids, as queued: price, number, account, client order id, quantity, leaves."""
    dump = book.dump()
    return [
        (price, it.number, it.account, it.terms.client_order_id, it.quantity, it.leaves)
        for price, queue in [*dump["asks"], *dump["bids"]]
        for it in queue
    ]


def sleeping(book: Book) -> list[list[Any]]:
    """As they arrived: number, account, client order id, trigger, price, quantity, leaves."""
    return [
        [it.number, it.account, it.terms.client_order_id, it.trigger, it.price, it.quantity,
         it.leaves]
        for it in book.dump()["asleep"]
    ]  # fmt: skip
