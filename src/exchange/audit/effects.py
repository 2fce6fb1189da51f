"""Whether a command has the effects that its record calls for, in the state before it.

What the book made of an order must be what the queue asks for; all other effects follow from
that and the record. They are worked out once more and compared.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from exchange.audit import people, rules
from exchange.audit.amended import due_on_amend
from exchange.audit.blame import Effect, blame
from exchange.audit.demand import demand as _demand
from exchange.audit.ended import LEDGER, Cause
from exchange.audit.entered import due_on_run
from exchange.audit.listed import due_on_list
from exchange.audit.money import MONEY, due_on_money
from exchange.audit.orders import (
    due_on_cancel,
    due_on_cancel_all,
    due_on_expire,
    due_on_place,
    due_on_reduce,
)
from exchange.audit.people import check_right
from exchange.kernel.events import Envelope, Past, no_past
from exchange.kernel.ids import is_key, is_name
from exchange.kernel.instruments import Asset
from exchange.kernel.laws import InvariantViolation
from exchange.kernel.money import UNITS_MAX
from exchange.kernel.rejects import RejectCode, Rejected
from exchange.orders import commands, governing
from exchange.orders.commands import Command, account_of
from exchange.orders.events import AssetRegistered, InstrumentListed
from exchange.orders.records import CommandRecorded, record_stream
from exchange.orders.rulebook import DECIMALS_MAX, instrument_from
from exchange.users.events import AccountOpened, TradeGroupSet, UserRegistered
from exchange.venue.state import VenueState
from exchange.wallet import entries
from exchange.wallet.events import EntriesPosted

LAWS = {
    RejectCode.ALREADY_CORRECTED: "L6",
    RejectCode.DUPLICATE_REFERENCE: "L6",
    RejectCode.SECOND_PERSON_REQUIRED: "L8",
    RejectCode.WITHDRAWAL_STATE: "L8",
    RejectCode.MARKET_STATE: "B8",
    RejectCode.KILL_SWITCH: "B8",
    RejectCode.NOT_FOUND: "B2",
}
"""What is broken by doing what had to be refused for that reason; else R7."""


def follow(state: VenueState, command: Sequence[Envelope], past: Past = no_past) -> None:
    """Let the state follow a command, and check each effect against what is due in its turn.

    ``past`` looks back into the log before it. Laws L5 to L8, F1, F2, B1 to B6, B8, S1 to S4
    and R7.

    Raises:
        InvariantViolation: an effect is not the one that is due; the state has followed those
            before it.
    """
    record = command[0].event
    if not isinstance(record, CommandRecorded):
        raise InvariantViolation("R7", f"no command caused {record}")
    cause = (command[0].originator_id, command[0].originator_version)
    _check_record(state, record, cause[0])
    effects = [(envelope.originator_id, envelope.event) for envelope in command[1:]]
    if record.refusal is not None:
        if effects:
            raise InvariantViolation("L7", f"refused, yet it did {effects[0][1]}")
        _apply(state, command[0])
        return
    found: list[Effect] = []
    try:
        check_right(state, record)
        _apply(state, command[0])
        for due in _due(state, record, cause, effects, past):
            found.append(due)
            if effects[len(found) - 1 : len(found)] != [due]:
                blame(effects, found)
            _apply(state, command[len(found)])
    except Rejected as rejected:
        law = LAWS.get(rejected.refusal.code, "R7")
        raise InvariantViolation(law, f"this had to be refused: {rejected}") from rejected
    if len(found) != len(effects):
        blame(effects, found)


def _due(
    state: VenueState,
    record: CommandRecorded,
    cause: Cause,
    effects: Sequence[Effect],
    past: Past,
) -> Iterator[Effect]:
    """What is due, one effect after the other: each is worked out when the last was followed."""
    command, at_us = record.command, record.at_us
    if isinstance(command, commands.PlaceOrder):
        return due_on_place(state, command, cause, at_us, effects)
    if type(command) in DUE_AT:
        return DUE_AT[type(command)](state, command, cause, at_us)
    if type(command) in MONEY:
        return due_on_money(state, record, cause, past)
    return DUE[type(command)](state, command, cause)


def _apply(state: VenueState, envelope: Envelope) -> None:
    state.apply(envelope.originator_id, envelope.originator_version, envelope.event)


def _check_record(state: VenueState, record: CommandRecorded, stream: str) -> None:
    """It stands where its account's records stand, and names the rulebook of its time."""
    command = record.command
    if stream != record_stream(account_of(command)):
        raise InvariantViolation("R7", f"{record} stands on {stream}")
    room = state.rooms.get(getattr(command, "symbol", ""))
    version = room.market.version if room else 0
    if record.rulebook_version != version:
        detail = f"decided by rulebook {record.rulebook_version}, in force was {version}"
        raise InvariantViolation("R7", detail)


def _transfer(state: VenueState, command: commands.TransferFunds, cause: Cause) -> Iterator[Effect]:
    account, target = command.account, command.target
    fine = target != account and state.owners.get(target) == state.owners[account]
    _demand(fine, RejectCode.UNKNOWN_ACCOUNT)
    _check_amount(state, command.asset, command.amount)
    number = state.ledger.transfer_count + 1
    entry = entries.transfer(number, account, target, command.asset, command.amount)
    yield LEDGER, EntriesPosted(*cause, (entry,))


def _deposit(state: VenueState, command: commands.Deposit, cause: Cause) -> Iterator[Effect]:
    reference, known = command.reference, state.ledger.references
    _demand(command.account in state.owners, RejectCode.UNKNOWN_ACCOUNT)
    _check_amount(state, command.asset, command.amount)
    _demand(is_key(reference), RejectCode.INVALID_ID)
    _demand(entries.deposit_id(reference) not in known, RejectCode.DUPLICATE_REFERENCE)
    entry = entries.deposit(reference, command.account, command.asset, command.amount)
    yield LEDGER, EntriesPosted(*cause, (entry,))


def _check_amount(state: VenueState, asset: str, amount: int) -> None:
    _demand(asset in state.assets.by_code, RejectCode.UNKNOWN_ASSET)
    _demand(0 < amount <= UNITS_MAX, RejectCode.AMOUNT_BOUNDS)


def _register_user(state: VenueState, command: commands.RegisterUser, _: Cause) -> Iterator[Effect]:
    stream = f"user:{command.user}"
    _demand_new(command.user, known=stream in state.aggregates)
    yield stream, UserRegistered()


def _open_account(state: VenueState, command: commands.OpenAccount, _: Cause) -> Iterator[Effect]:
    stream = f"user:{command.user}"
    _demand(stream in state.aggregates, RejectCode.UNKNOWN_USER)
    _demand_new(command.account, known=command.account in state.owners)
    yield stream, AccountOpened(command.account)


def _set_trade_group(
    state: VenueState, command: commands.SetTradeGroup, _: Cause
) -> Iterator[Effect]:
    owner = state.owners.get(command.account)
    _demand(owner is not None, RejectCode.UNKNOWN_ACCOUNT)
    _demand(command.group is None or is_name(command.group), RejectCode.INVALID_ID)
    yield f"user:{owner}", TradeGroupSet(command.account, command.group)


def _register_asset(
    state: VenueState, command: commands.RegisterAsset, _: Cause
) -> Iterator[Effect]:
    _demand_new(command.code, known=command.code in state.assets.by_code)
    _demand(0 <= command.decimals <= DECIMALS_MAX, RejectCode.AMOUNT_BOUNDS)
    yield state.assets.id, AssetRegistered(Asset(command.code, command.decimals))


def _list_instrument(
    state: VenueState, command: commands.ListInstrument, _: Cause
) -> Iterator[Effect]:
    _demand_new(command.symbol, known=command.symbol in state.rooms)
    instrument = instrument_from(command, state.assets)
    yield f"market:{command.symbol}", InstrumentListed(instrument, command.state)


def _demand_new(name: str, *, known: bool) -> None:
    _demand(is_name(name), RejectCode.INVALID_ID)
    _demand(not known, RejectCode.ALREADY_EXISTS)


DUE: dict[type[Command], Callable[[VenueState, Any, Cause], Iterator[Effect]]] = {
    commands.CancelOrder: due_on_cancel,
    commands.CancelOrders: due_on_cancel_all,
    commands.ReduceOrder: due_on_reduce,
    commands.TransferFunds: _transfer,
    commands.Deposit: _deposit,
    commands.RegisterUser: _register_user,
    commands.OpenAccount: _open_account,
    commands.SetTradeGroup: _set_trade_group,
    commands.RegisterAsset: _register_asset,
    commands.ListInstrument: _list_instrument,
    commands.ChangeMarketState: rules.due_on_state,
    governing.ChangeInstrument: rules.due_on_change,
    governing.SetFeeTier: rules.due_on_fee_tier,
    governing.SetAccountTier: rules.due_on_account_tier,
    governing.GrantRole: people.due_on_grant,
    governing.RevokeRole: people.due_on_revoke,
    governing.SuspendUser: people.due_on_suspend,
    governing.ReinstateUser: people.due_on_reinstate,
    governing.BlacklistUser: people.due_on_blacklist,
    governing.KillAccount: people.due_on_kill,
    governing.ReleaseAccount: people.due_on_kill,
    governing.KillVenue: people.due_on_kill_venue,
    governing.ReleaseVenue: people.due_on_kill_venue,
}
"""What each kind must do; a place stands apart, for what the book made of it comes first."""

DUE_AT: dict[type[Command], Callable[[VenueState, Any, Cause, int], Iterator[Effect]]] = {
    commands.PlaceOrderList: due_on_list,
    commands.AmendOrder: due_on_amend,
    commands.ExpireOrders: due_on_expire,
    commands.RunStops: due_on_run,
}
"""The same where it depends on venue time as well."""
