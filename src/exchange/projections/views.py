"""All read models of the venue together: one file, one follower, one moment."""

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import msgspec

from exchange.kernel.events import Event
from exchange.orders.events import VenueKilled, VenueReleased, WithdrawalTermsSet
from exchange.orders.records import CommandRecorded
from exchange.projections.bulk import Script
from exchange.projections.keys import BoundKeys
from exchange.projections.ledger import Ledger
from exchange.projections.markets import Markets
from exchange.projections.moment import Handler, Now, Projection
from exchange.projections.orders import Orders
from exchange.projections.schema import connect, explained, migrations, version_of
from exchange.projections.trades import Trades
from exchange.projections.withdrawals import Withdrawals
from exchange.store.events import BatchSealed, EpochStarted
from exchange.users.events import (
    AccountKilled,
    AccountOpened,
    AccountReleased,
    AccountTierSet,
    RoleGranted,
    RoleRevoked,
    TradeGroupSet,
    UserBlacklisted,
    UserRegistered,
    UserReinstated,
    UserSuspended,
)
from exchange.wallet.events import ClaimDropped, ClaimProposed

NAME = "views"
SHOWN_NOWHERE: tuple[type[Event], ...] = (
    EpochStarted,
    BatchSealed,
    UserRegistered,
    AccountOpened,
    TradeGroupSet,
    AccountTierSet,
    RoleGranted,
    RoleRevoked,
    UserSuspended,
    UserReinstated,
    UserBlacklisted,
    AccountKilled,
    AccountReleased,
    VenueKilled,
    VenueReleased,
    WithdrawalTermsSet,
    ClaimProposed,
    ClaimDropped,
)
"""Events that no table shows. One that stands neither here nor in a projection stops the
follower: it must not be skipped unseen."""


class Anchor(msgspec.Struct, frozen=True):
    """Where in which log a follower stands: behind a seal, or at 0 before the first."""

    log_id: str = ""
    position: int = 0
    hash: str = ""  # of the seal at that position
    at_us: int = 0  # venue time there


class Views:
    """The tables, fed event by event. A further read model joins ``projections`` here.

    What was followed is in memory until ``commit``; after an error it is of no more use.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        markets = Markets()
        self.connection = connection
        self.projections: tuple[Projection, ...] = (
            markets,
            Orders(markets),
            Trades(markets),
            Ledger(),
            Withdrawals(),
            BoundKeys(),
        )
        self.now = Now()
        for projection in self.projections:
            projection.load(connection)
        self.anchor = read_anchor(connection)
        self.now.at_us = self.anchor.at_us

    def handlers(self) -> Mapping[type[Event], tuple[Handler, ...]]:
        """Event type -> all that follow it, in order."""
        found: dict[type[Event], tuple[Handler, ...]] = dict.fromkeys(SHOWN_NOWHERE, ())
        found[CommandRecorded] = (self._record,)
        for projection in self.projections:
            for kind, handler in projection.handlers().items():
                found[kind] = (*found.get(kind, ()), handler)
        return found

    def script(self, anchor: Anchor) -> Script:
        """What it takes to write everything that was followed, and the place."""
        script = Script()
        for projection in self.projections:
            projection.flush(script)
        script.execute(
            "INSERT OR REPLACE INTO followers VALUES (?,?,?,?,?)",
            (NAME, anchor.log_id, anchor.position, anchor.hash, anchor.at_us),
        )
        return script

    def commit(self, script: Script) -> None:
        """Write it in one transaction; from any one thread.

        Raises:
            Unstorable: a number is beyond 64 bits, or a text has the character NUL.
            sqlite3.Error: it can't be written.
        """
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            script.run(self.connection)
            self.connection.execute("COMMIT")
        except BaseException:
            self.connection.rollback()
            raise

    def _record(self, _: str, event: CommandRecorded, now: Now) -> None:
        now.at_us, now.rulebook_version = event.at_us, event.rulebook_version


def read_anchor(connection: sqlite3.Connection) -> Anchor:
    """Where the views stand; position 0 for empty ones."""
    row = connection.execute(
        "SELECT log_id, position, hash, at_us FROM followers WHERE name=?", (NAME,)
    ).fetchone()
    return Anchor(*row) if row else Anchor()


def anchor_in(path: Path) -> Anchor | None:
    """Where the views in a file stand; null when they are of an older version.

    Raises:
        StoreFormat: they are of a newer version, or none at all.
        StoreError: the file can't be read.
    """
    with closing(connect(path, "ro")) as connection, explained(path):
        if version_of(connection, path) != len(migrations()):
            return None
        return read_anchor(connection)
