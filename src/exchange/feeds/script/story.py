"""The venue that a script speaks to: no store, each command decided at once, all laws checked."""

from typing import NamedTuple

from exchange.feeds.script.lives import Life, Lives
from exchange.feeds.script.words import Unreadable
from exchange.feeds.terms import Scale, scale_of
from exchange.kernel.events import Envelope, Event
from exchange.kernel.laws import hold_law
from exchange.matching.book import Book
from exchange.orders.commands import AnyCommand, Request, Role, account_of
from exchange.orders.records import content_digest
from exchange.venue.answers import Ack, answer
from exchange.venue.decide import decide
from exchange.venue.due import ACTOR
from exchange.venue.intake import admit
from exchange.venue.journal import Journal
from exchange.venue.laws import Watch, check_all
from exchange.venue.replay import replay
from exchange.venue.state import VenueState

OPERATOR = "operator"


class Named(NamedTuple):
    """The order that a name stands for."""

    symbol: str
    number: int
    account: str


class Story:
    """A venue, its clock, and what the script has named so far."""

    def __init__(self) -> None:
        self.state = VenueState()
        self.now_us = 0  # venue time of the next command
        self.symbol = ""  # the market that statements are about
        self.ack = Ack(0)  # the last command's
        self.command: AnyCommand | None = None
        self.effects: list[Event] = []  # what it did
        self.names: dict[str, Named] = {}  # client order id -> the order that had it last
        self.lives = Lives()
        self._envelopes: list[Envelope] = []
        self._watch = Watch(self.state)

    @property
    def position(self) -> int:
        """How many events were recorded: a number that no two commands begin at."""
        return len(self._envelopes)

    def do(self, *commands: AnyCommand) -> None:
        """Give the commands, up to the first that is refused.

        Each is given by the account's owner, or by whoever may. What people give has a key of its
        own, so that a name may be used again once its order has ended.

        Raises:
            Malformed: an account or symbol breaks its pattern.
            InvariantViolation: a law broke.
        """
        for command in commands:
            self._give(command)
            if self.ack.refusal is not None:
                break

    def last_order(self) -> tuple[str, int]:
        """Symbol and number of the order that the last command was about; of a list, the first.

        Raises:
            Unreadable: there is none.
        """
        return self.last_orders()[0]

    def last_orders(self) -> list[tuple[str, int]]:
        """Likewise, of a list both.

        Raises:
            Unreadable: there is none.
        """
        names = [name for name in (self.ack.order_id, self.ack.other_id) if name is not None]
        if not names:
            raise Unreadable("the last command left no order")
        parted = [name.partition(":") for name in names]
        return [(symbol, int(number)) for symbol, _, number in parted]

    def named(self, name: str) -> Named:
        """The order of that name.

        Raises:
            Unreadable: none was accepted.
        """
        if name not in self.names:
            raise Unreadable(f"no order was accepted as {name!r}")
        return self.names[name]

    def life(self, name: str) -> Life:
        """Where the order of that name stands."""
        order = self.named(name)
        return self.lives.of(order.symbol, order.number)

    def leaves(self, symbol: str, number: int) -> int:
        """Quantity units of an order that are open, 0 once it has ended."""
        order = self.book(symbol).orders.get(number)
        return order.leaves if order else 0

    def book(self, symbol: str | None = None) -> Book:
        """The book of a market, or of the one that statements are about."""
        self.scale(symbol)
        return self.state.rooms[symbol or self.symbol].book

    def scale(self, symbol: str | None = None) -> Scale:
        """The decimals of a market, or of the one that statements are about.

        Raises:
            Unreadable: there is no market.
        """
        symbol = symbol or self.symbol
        if symbol not in self.state.rooms:
            raise Unreadable(f"no market {symbol} is listed" if symbol else "no market is listed")
        return scale_of(self.state, symbol)

    def listed(self) -> str:
        """The symbol of the market that statements are about.

        Raises:
            Unreadable: there is none.
        """
        self.scale()
        return self.symbol

    def decimals(self, asset: str) -> int:
        """The decimals of an asset's amounts.

        Raises:
            Unreadable: there is no such asset.
        """
        if asset not in self.state.assets.by_code:
            raise Unreadable(f"there is no asset {asset!r}")
        return self.state.assets.by_code[asset].decimals

    def check_replay(self) -> None:
        """Law R1: the events alone give the state."""
        again = VenueState()
        replay(again, self._envelopes)
        hold_law("R1", again.state_hash() == self.state.state_hash(), "a replay differs")

    def _give(self, command: AnyCommand) -> None:
        request, journal = self._request(command), Journal(self.state, self.position)
        own = request.role is Role.SYSTEM
        digest = content_digest(command) if own else admit(request).digest
        decide(self.state, request, digest, self.now_us, journal)
        envelopes = journal.envelopes
        self._watch.check(envelopes)
        check_all(self.state)
        self._envelopes += envelopes
        self.lives.follow(envelopes)
        self.command, self.ack = command, answer(envelopes)
        self.effects = [envelope.event for envelope in envelopes[1:]]

    def _request(self, command: AnyCommand) -> Request:
        account, key = account_of(command), f"script:{self.position}"
        if command.ROLE is Role.SYSTEM:
            return Request(command, ACTOR, Role.SYSTEM)
        if account is None:
            return Request(command, OPERATOR, command.ROLE, key)
        return Request(command, self.state.owners.get(account, account), Role.TRADER, key)
