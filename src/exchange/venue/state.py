"""Everything the venue knows, in memory: the live aggregates, and how events change them."""

import hashlib
from typing import Any, NamedTuple, TypeVar

import msgspec

from exchange.kernel.events import Event
from exchange.kernel.instruments import FeeRates
from exchange.kernel.laws import InvariantViolation, hold_law
from exchange.kernel.rejects import RejectCode, Rejected
from exchange.kernel.roles import SYSTEM, TRADER, Role
from exchange.matching.book import Book
from exchange.orders.command import givers
from exchange.orders.commands import Request, account_of
from exchange.orders.events import FeeTierSet
from exchange.orders.records import CommandLog, CommandRecorded, record_stream
from exchange.orders.rulebook import Assets, Market, Switch
from exchange.settlement.spot import Settlement
from exchange.users.events import EVENTS as USER_EVENTS
from exchange.users.events import AccountOpened, AccountTierSet, TradeGroupSet
from exchange.users.user import User
from exchange.venue.catalogue import Aggregate, make_aggregate
from exchange.wallet.corrections import Corrections
from exchange.wallet.ledger import Ledger
from exchange.wallet.withdrawals import Withdrawals

A = TypeVar("A")

STATE_ENCODING = 4
"""Version of what the state hash covers, and a snapshot holds, and how."""


INDEXED = frozenset({CommandRecorded, FeeTierSet, *USER_EVENTS})
"""Events that the indexes follow too."""


class Room(NamedTuple):
    """All that belongs to one symbol."""

    market: Market
    book: Book
    settlement: Settlement
    rates: dict[str, FeeRates]  # account -> what its tier pays here, where it has one


class VenueState:
    """The live aggregates by stream, and the indexes derived from them."""

    def __init__(self) -> None:
        self.aggregates: dict[str, Aggregate] = {}  # stream -> its aggregate
        self.rooms: dict[str, Room] = {}  # symbol -> listed market
        self.owners: dict[str, str] = {}  # account -> user
        self._records: dict[str | None, CommandLog] = {}  # account -> its records
        self.groups: dict[str, str] = {}  # account -> trade group, where it has one
        self.tiers: dict[str, str] = {}  # account -> fee tier, where it has one
        self.at_work = False  # whether the last command was the venue's own
        self.at_us = 0  # venue time of the last command
        self.admins: set[str] = set()  # users who are granted ADMIN; none: an open house
        self.barred: set[str] = set()  # accounts that a suspension or switch may concern
        self.assets = self._make("assets", Assets)
        self.ledger = self._make("ledger", Ledger)
        self.withdrawals = self._make("withdrawals", Withdrawals)
        self.corrections = self._make("corrections", Corrections)
        self.switch = self._make("switch", Switch)

    def index(self, aggregate: Aggregate, event: Event) -> None:
        """Let the indexes follow an ``INDEXED`` event that ``aggregate`` has followed."""
        if type(event) is CommandRecorded:
            if event.at_us < self.at_us:
                raise InvariantViolation("R3", f"venue time {event.at_us} went back")
            self.at_us = event.at_us
            self.at_work = event.role is SYSTEM
        elif isinstance(event, FeeTierSet):
            room = self.rooms[aggregate.id.removeprefix("market:")]
            for account, tier in self.tiers.items():
                _index_rates(room, account, tier)
        elif isinstance(aggregate, User):
            self._index_user(aggregate, event)

    def _index_user(self, user: User, event: Event) -> None:
        name = user.id.removeprefix("user:")
        if isinstance(event, AccountOpened):
            self.owners[event.account] = name
        elif isinstance(event, TradeGroupSet):
            if event.group is None:
                self.groups.pop(event.account, None)
            else:
                self.groups[event.account] = event.group
        elif isinstance(event, AccountTierSet):
            if event.tier is None:
                self.tiers.pop(event.account, None)
            else:
                self.tiers[event.account] = event.tier
            for room in self.rooms.values():
                _index_rates(room, event.account, event.tier)
        elif Role.ADMIN in user.roles:
            self.admins.add(name)
        else:
            self.admins.discard(name)
        self.barred.difference_update(user.accounts)
        self.barred.update(user.barred())

    def apply(self, stream: str, version: int, event: Event) -> None:
        """Follow a stored event.

        Raises:
            InvariantViolation: the stream's versions have a gap, or nobody has that stream.
        """
        aggregate = self.aggregates.get(stream) or self.aggregate(stream)
        aggregate.evolve(event)
        if type(event) in INDEXED:
            self.index(aggregate, event)
        if aggregate.version != version:
            raise InvariantViolation("R3", f"{stream} is at {aggregate.version}, not {version}")

    def aggregate(self, stream: str) -> Aggregate:
        """The aggregate of ``stream``, made when missing."""
        found = self.aggregates.get(stream)
        if found is None:
            found = self.aggregates[stream] = make_aggregate(stream)
            if isinstance(found, Market):
                symbol = stream.removeprefix("market:")
                book = self._make(f"book:{symbol}", Book)
                settlement = self._make(f"settlement:{symbol}", Settlement)
                self.rooms[symbol] = Room(found, book, settlement, {})
        return found

    def records(self, account: str | None) -> CommandLog:
        """Where commands of ``account`` (null: operators) are recorded, made when missing."""
        found = self._records.get(account)
        if found is None:
            found = self._records[account] = self._make(record_stream(account), CommandLog)
        return found

    def user(self, user: str) -> User:
        """The aggregate of ``user``, made when missing; registered from version 1 on."""
        return self._narrow(self.aggregate(f"user:{user}"), User)

    def room(self, symbol: str) -> Room:
        """All that belongs to a market that is or was listed.

        Raises:
            Rejected: UNKNOWN_MARKET.
        """
        room = self.rooms.get(symbol)
        if room is None:
            raise Rejected(RejectCode.UNKNOWN_MARKET, "symbol", symbol)
        return room

    def check_account(self, account: str, request: Request) -> None:
        """Nothing, when the actor may act for ``account``; a foreign one is as if unknown.

        Raises:
            Rejected: UNKNOWN_ACCOUNT.
        """
        if not self.may_act(account, request):
            raise Rejected(RejectCode.UNKNOWN_ACCOUNT, "account", account)

    def may_give(self, request: Request) -> bool:
        """Whether the actor may give this kind of command, for this account."""
        account = account_of(request.command)
        return self.has_right(request) and (account is None or self.may_act(account, request))

    def may_act(self, account: str, request: Request) -> bool:
        """Whether there is such an account and the actor is its owner, or no trader."""
        owner = self.owners.get(account)
        return owner is not None and (request.role is not TRADER or owner == request.actor)

    def has_right(self, request: Request) -> bool:
        """Whether the kind may be given in the request's role, and the actor holds that role."""
        kind, role = type(request.command), request.role
        if role is TRADER:
            return kind.ROLE is role
        return role in givers(kind) and (role is Role.SYSTEM or self.holds(request.actor, role))

    def holds(self, user: str, role: Role) -> bool:
        """Whether the log says that the user may act so; anybody may before the first admin."""
        if not self.admins:
            return True
        found = self.aggregates.get(f"user:{user}")
        return isinstance(found, User) and role in found.roles

    def dump(self) -> dict[str, dict[str, Any]]:
        """Stream -> its state for JSON, for every stream that has an event."""
        return {
            stream: self.aggregates[stream].dump()
            for stream in sorted(self.aggregates)
            if self.aggregates[stream].version
        }

    def encoded(self) -> bytes:
        """The canonical encoding of the whole state: JSON, markets in the order of listing.

        Positions, epochs, seals, keys and trace ids are no part of it.
        """
        whole = [STATE_ENCODING, self.at_us, self.at_work, list(self.rooms), self.dump()]
        return msgspec.json.encode(whole, order="sorted")

    def state_hash(self) -> str:
        """SHA-256 of the canonical encoding, 64 hex digits.

        Equal for equal commands at equal venue times, whatever the batches, restarts, store
        or hash seed.
        """
        return hashlib.sha256(self.encoded()).hexdigest()

    def load(self, encoded: bytes) -> None:
        """Become what was encoded; only an empty state can. The indexes are made anew.

        Raises:
            InvariantViolation: it is of another encoding, or has a stream that nobody has.
            ValueError, LookupError, TypeError: or no state at all.
        """
        encoding, at_us, at_work, symbols, dumped = msgspec.json.decode(encoded)
        hold_law("R1", encoding == STATE_ENCODING, f"the state's encoding is {encoding}")
        self.at_us, self.at_work = at_us, at_work
        for symbol in symbols:
            self.aggregate(f"market:{symbol}")
        for stream, it in dumped.items():
            self.aggregate(stream).load(it)
        for aggregate in self.aggregates.values():
            if isinstance(aggregate, User):
                self._index_loaded(aggregate)

    def _index_loaded(self, user: User) -> None:
        name = user.id.removeprefix("user:")
        self.owners.update(dict.fromkeys(user.accounts, name))
        self.groups.update(user.groups)
        self.tiers.update(user.tiers)
        for account, tier in user.tiers.items():
            for room in self.rooms.values():
                _index_rates(room, account, tier)
        if Role.ADMIN in user.roles:
            self.admins.add(name)
        self.barred.update(user.barred())

    def _make(self, stream: str, kind: type[A]) -> A:
        return self._narrow(self.aggregate(stream), kind)

    @staticmethod
    def _narrow(aggregate: Aggregate, kind: type[A]) -> A:
        if not isinstance(aggregate, kind):
            raise TypeError(f"{aggregate.id} is no {kind.__name__}")
        return aggregate


def _index_rates(room: Room, account: str, tier: str | None) -> None:
    """What the account pays there, if it is in a tier that the market knows."""
    room.rates.pop(account, None)
    if tier in room.market.tiers:
        room.rates[account] = room.market.tiers[tier]
