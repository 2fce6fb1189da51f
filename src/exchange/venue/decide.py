"""One command in, its effects out: the one place where refusals are caught."""

from collections.abc import Callable
from typing import Any

from exchange.kernel.laws import InvariantViolation
from exchange.kernel.rejects import Refusal, RejectCode, Rejected
from exchange.kernel.roles import TRADER
from exchange.orders import commands, governing
from exchange.orders import money_commands as money
from exchange.orders.commands import Request
from exchange.venue import (
    admin,
    amending,
    corrections,
    funds,
    lists,
    rules,
    stops,
    switches,
    trading,
    users,
    withdrawals,
)
from exchange.venue.journal import Journal
from exchange.venue.state import VenueState

DECISIONS: dict[type[commands.Command], Callable[[VenueState, Any, Journal], None]] = {
    commands.PlaceOrder: trading.place_order,
    commands.PlaceOrderList: lists.place_order_list,
    commands.CancelOrder: trading.cancel_order,
    commands.ReduceOrder: trading.reduce_order,
    commands.AmendOrder: amending.amend_order,
    commands.CancelOrders: trading.cancel_orders,
    commands.ExpireOrders: trading.expire_orders,
    commands.RunStops: stops.run_stops,
    commands.TransferFunds: funds.transfer,
    commands.Deposit: funds.deposit,
    money.PayOutFees: funds.pay_out_fees,
    money.FundInsurance: funds.fund_insurance,
    money.SetWithdrawalTerms: withdrawals.set_terms,
    money.RequestWithdrawal: withdrawals.request,
    money.ApproveWithdrawal: withdrawals.approve,
    money.SendWithdrawal: withdrawals.send,
    money.CompleteWithdrawal: withdrawals.complete,
    money.RejectWithdrawal: withdrawals.reject,
    money.CancelWithdrawal: withdrawals.cancel,
    money.ReverseDeposit: corrections.reverse_deposit,
    money.BustTrade: corrections.bust_trade,
    money.ApproveClaim: corrections.approve_claim,
    money.DropClaim: corrections.drop_claim,
    commands.RegisterUser: admin.register_user,
    commands.OpenAccount: admin.open_account,
    commands.SetTradeGroup: admin.set_trade_group,
    commands.RegisterAsset: admin.register_asset,
    commands.ListInstrument: admin.list_instrument,
    commands.ChangeMarketState: admin.change_market_state,
    governing.ChangeInstrument: rules.change_instrument,
    governing.SetFeeTier: rules.set_fee_tier,
    governing.SetAccountTier: rules.set_account_tier,
    governing.GrantRole: users.grant_role,
    governing.RevokeRole: users.revoke_role,
    governing.SuspendUser: users.suspend_user,
    governing.ReinstateUser: users.reinstate_user,
    governing.BlacklistUser: users.blacklist_user,
    governing.KillAccount: switches.kill_account,
    governing.ReleaseAccount: switches.release_account,
    governing.KillVenue: switches.kill_venue,
    governing.ReleaseVenue: switches.release_venue,
}


POISON = "poison"
"""The field of a refusal that no decision made: the command had stopped the venue before."""


def decide(
    state: VenueState,
    request: Request,
    digest: str,
    at_us: int,
    journal: Journal,
    poison: str | None = None,
) -> None:
    """Judge the command and record what follows from it, a refusal included.

    ``digest`` is the content's, ``at_us`` the venue time, not before the last command's.
    ``poison`` says what broke when the command was recorded before: it is refused for that,
    once its actor may give it at all.

    Raises:
        InvariantViolation: the state contradicts itself; memory is of no more use.
        Exception: a fault while recording, with the same consequence.
    """
    command = request.command
    before = journal.position
    journal.take(request, digest, at_us)
    try:
        _check_actor(state, request, journal.account, at_us)
        _check_poison(poison)
        DECISIONS[type(command)](state, command, journal)
    except Rejected as rejected:
        if journal.position != before:
            raise InvariantViolation("L7", f"refused after recording: {rejected}") from rejected
        journal.begin(_rulebook_version(state, command), rejected.refusal)
    except InvariantViolation:
        raise
    except Exception as error:
        # A fault while judging has changed nothing: it refuses this command alone.
        if journal.position != before:
            raise
        journal.begin(_rulebook_version(state, command), _internal(error))


def poison_of(refusal: Refusal | None) -> str | None:
    """What a recorded refusal says of an earlier stop: as much an input as the command itself."""
    if refusal is None or (refusal.code, refusal.field) != (RejectCode.INTERNAL, POISON):
        return None
    return str(refusal.value)


def _check_actor(state: VenueState, request: Request, account: str | None, at_us: int) -> None:
    """The first check of every command: right, then account, then what stops the account.

    A foreign account is as if unknown.
    """
    if account is None or request.role is not TRADER:
        if not state.has_right(request):
            raise Rejected(RejectCode.NOT_PERMITTED, "role", request.role.value)
        if account is not None:
            state.check_account(account, request)
    elif state.owners.get(account) != request.actor:
        raise Rejected(RejectCode.UNKNOWN_ACCOUNT, "account", account)
    if account is not None and (account in state.barred or state.switch.killed):
        switches.check_flow(state, request, account, at_us)


def _check_poison(poison: str | None) -> None:
    """Behind the right to give it: a stranger's key must not be bound by it."""
    if poison is not None:
        raise Rejected(RejectCode.INTERNAL, POISON, poison)


def _internal(error: Exception) -> Refusal:
    return Refusal(RejectCode.INTERNAL, type(error).__name__)


def _rulebook_version(state: VenueState, command: commands.Command) -> int:
    room = state.rooms.get(getattr(command, "symbol", ""))
    return room.market.version if room else 0
