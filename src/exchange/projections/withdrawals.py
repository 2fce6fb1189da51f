"""Withdrawals: what was asked for, and how far each has come."""

import sqlite3
from collections.abc import Mapping

import msgspec

from exchange.kernel.events import Event
from exchange.projections.bulk import Bulk, Script
from exchange.projections.moment import Handler, Now
from exchange.wallet.events import (
    WithdrawalApproved,
    WithdrawalCancelled,
    WithdrawalCompleted,
    WithdrawalRejected,
    WithdrawalRequested,
    WithdrawalSent,
)

REQUESTED, APPROVED, SENT = "requested", "approved", "sent"
COMPLETED, REJECTED, CANCELLED = "completed", "rejected", "cancelled"


class Row(msgspec.Struct, array_like=True, gc=False):
    """A row of ``withdrawals``, its columns in their order."""

    number: int
    account: str
    asset: str
    amount: str
    fee: str
    destination: str
    requester: str
    approvals_needed: int
    approvals: int
    status: str
    reference: str | None
    reason: str | None
    created_position: int
    created_us: int
    updated_position: int
    updated_us: int


COLUMNS = Row.__struct_fields__


class Withdrawals:
    """Follows stream ``withdrawals``; open ones stay in memory."""

    def __init__(self) -> None:
        self._open: dict[int, Row] = {}  # number -> open withdrawal
        self._changed: dict[int, Row] = {}
        self._bulk = Bulk("withdrawals", COLUMNS, key=("number",))

    def handlers(self) -> Mapping[type[Event], Handler]:
        """Every step."""
        return {
            WithdrawalRequested: self._request,
            WithdrawalApproved: self._approve,
            WithdrawalSent: self._send,
            WithdrawalCompleted: self._complete,
            WithdrawalRejected: self._reject,
            WithdrawalCancelled: self._cancel,
        }

    def load(self, connection: sqlite3.Connection) -> None:
        """The open ones."""
        query = f"SELECT {','.join(COLUMNS)} FROM withdrawals WHERE status IN (?,?,?)"  # noqa: S608 - our names
        for values in connection.execute(query, (REQUESTED, APPROVED, SENT)):
            row = Row(*values)
            self._open[row.number] = row

    def flush(self, script: Script) -> None:
        """Write each that changed, once."""
        self._bulk.rows += self._changed.values()
        self._bulk.flush(script)
        self._changed.clear()

    def _request(self, _: str, event: WithdrawalRequested, now: Now) -> None:
        number, at = event.number, (now.position, now.at_us)
        self._open[number] = self._changed[number] = Row(
            number, event.account, event.asset, str(event.amount), str(event.fee),
            event.destination, event.requester, event.approvals, 0,
            REQUESTED if event.approvals else APPROVED, None, None, *at, *at,
        )  # fmt: skip

    def _approve(self, _: str, event: WithdrawalApproved, now: Now) -> None:
        row = self._touch(event.number, now)
        row.approvals += 1
        if row.approvals >= row.approvals_needed:
            row.status = APPROVED

    def _send(self, _: str, event: WithdrawalSent, now: Now) -> None:
        row = self._touch(event.number, now)
        row.status, row.reference = SENT, event.reference

    def _complete(self, _: str, event: WithdrawalCompleted, now: Now) -> None:
        self._touch(event.number, now).status = COMPLETED
        del self._open[event.number]

    def _reject(self, _: str, event: WithdrawalRejected, now: Now) -> None:
        row = self._touch(event.number, now)
        row.status, row.reason = REJECTED, event.reason
        del self._open[event.number]

    def _cancel(self, _: str, event: WithdrawalCancelled, now: Now) -> None:
        self._touch(event.number, now).status = CANCELLED
        del self._open[event.number]

    def _touch(self, number: int, now: Now) -> Row:
        """The open withdrawal, to be written again."""
        row = self._changed[number] = self._open[number]
        row.updated_position, row.updated_us = now.position, now.at_us
        return row
