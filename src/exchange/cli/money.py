"""``exchange deposit|trade|claim|fees|insurance``: money moved by operators, one command each."""

from collections.abc import Callable, Sequence
from typing import Annotated

import typer

from exchange.cli.give import Giver
from exchange.cli.give import give as give_command
from exchange.cli.hand import OPERATOR, Key, numbered
from exchange.cli.look import read_state
from exchange.cli.output import JsonFlag, StoreOption, print_json, print_table
from exchange.kernel.decimals import to_text, to_units
from exchange.kernel.rejects import Refusal
from exchange.orders.commands import AnyCommand, Deposit, TransferFunds
from exchange.orders.money_commands import (
    ApproveClaim,
    BustTrade,
    DropClaim,
    FundInsurance,
    PayOutFees,
    ReverseDeposit,
)
from exchange.venue.state import VenueState
from exchange.wallet.corrections import correction_id

deposit_app = typer.Typer(
    help="Credit what custody received, or take it back.", no_args_is_help=True
)
trade_app = typer.Typer(help="Undo trades.", no_args_is_help=True)
claim_app = typer.Typer(
    help="Decide on corrections that overdraw somebody; proposed with --claim by another.",
    no_args_is_help=True,
)
fees_app = typer.Typer(help="Take fees out of the venue.", no_args_is_help=True)
insurance_app = typer.Typer(help="Add to the insurance fund.", no_args_is_help=True)

Account = Annotated[str, typer.Argument(help="The account.")]
Asset = Annotated[str, typer.Argument(help="The asset's code.")]
Amount = Annotated[str, typer.Argument(help="How much, in decimals of the asset.")]
Reference = Annotated[str, typer.Option(help="Custody's own reference, never used before.")]
Reason = Annotated[str, typer.Option(help="Why, in a few words; it stays in the log.")]
Claim = Annotated[
    bool, typer.Option("--claim", help="Propose it, whatever there is: another one decides.")
]
ClaimNumber = Annotated[int, typer.Argument(min=1, help="The claim's number.")]
Operator = Annotated[str, typer.Option("--actor", metavar="NAME", help="Which operator acts.")]
Asker = Annotated[
    str | None,
    typer.Option("--actor", metavar="NAME", help="Which operator acts; else the owner does."),
]


@deposit_app.command("make")
def make_deposit(
    account: Account,
    asset: Asset,
    amount: Amount,
    *,
    reference: Reference,
    store: StoreOption,
    actor: Operator = OPERATOR,
    key: Key = None,
    as_json: JsonFlag = False,
) -> None:
    """Credit an account with what custody received. Exit 1 when it is refused."""
    give(
        Giver(store, actor, key, as_json),
        lambda state: Deposit(account, asset, units(state, asset, amount), reference),
    )


@deposit_app.command("reverse")
def reverse_deposit(
    reference: Annotated[str, typer.Argument(help="Custody's reference of the deposit.")],
    *,
    reason: Reason,
    store: StoreOption,
    claim: Claim = False,
    actor: Operator = OPERATOR,
    key: Key = None,
    as_json: JsonFlag = False,
) -> None:
    """Take back what a deposit credited, once. Exit 1 when it is refused."""
    give(
        Giver(store, actor, key, as_json),
        lambda _: ReverseDeposit(reference, reason, claim),
        "claim",
    )


def transfer(
    account: Annotated[str, typer.Argument(help="The account that pays.")],
    target: Annotated[str, typer.Argument(help="Another account of its owner.")],
    asset: Asset,
    amount: Amount,
    *,
    store: StoreOption,
    actor: Asker = None,
    key: Key = None,
    as_json: JsonFlag = False,
) -> None:
    """Move money between two accounts of one user. Exit 1 when it is refused."""
    give(
        Giver(store, actor, key, as_json),
        lambda state: TransferFunds(account, target, asset, units(state, asset, amount)),
    )


@trade_app.command("bust")
def bust_trade(
    trade: Annotated[str, typer.Argument(help="SYMBOL:NUMBER of the trade.")],
    *,
    reason: Reason,
    store: StoreOption,
    claim: Claim = False,
    actor: Operator = OPERATOR,
    key: Key = None,
    as_json: JsonFlag = False,
) -> None:
    """Undo a trade's money, fees included, once. Exit 1 when it is refused."""
    symbol, number = numbered(trade, "trade")
    give(
        Giver(store, actor, key, as_json),
        lambda _: BustTrade(symbol, number, reason, claim),
        "claim",
    )


@claim_app.command("approve")
def approve_claim(
    claim: ClaimNumber,
    *,
    store: StoreOption,
    actor: Operator = OPERATOR,
    key: Key = None,
    as_json: JsonFlag = False,
) -> None:
    """Make a proposed correction; what is short is owed to the venue. Exit 1 when refused."""
    give(Giver(store, actor, key, as_json), lambda _: ApproveClaim(claim))


@claim_app.command("drop")
def drop_claim(
    claim: ClaimNumber,
    *,
    store: StoreOption,
    actor: Operator = OPERATOR,
    key: Key = None,
    as_json: JsonFlag = False,
) -> None:
    """Let a proposed correction be. Exit 1 when it is refused."""
    give(Giver(store, actor, key, as_json), lambda _: DropClaim(claim))


@claim_app.command("list")
def list_claims(*, store: StoreOption, as_json: JsonFlag = False) -> None:
    """Print the claims that wait for a second person."""
    claims = read_state(store).corrections.claims
    rows = [
        (number, correction_id(it.correction), it.proposer, it.reason)
        for number, it in sorted(claims.items())
    ]
    show(("claim", "correction", "proposer", "reason"), rows, as_json=as_json)


@fees_app.command("payout")
def pay_out_fees(
    asset: Asset,
    amount: Amount,
    *,
    reference: Reference,
    store: StoreOption,
    actor: Operator = OPERATOR,
    key: Key = None,
    as_json: JsonFlag = False,
) -> None:
    """Record that fees have left the venue. Exit 1 when it is refused."""
    give(
        Giver(store, actor, key, as_json),
        lambda state: PayOutFees(asset, units(state, asset, amount), reference),
    )


@insurance_app.command("fund")
def fund_insurance(
    asset: Asset,
    amount: Amount,
    *,
    reference: Reference,
    store: StoreOption,
    actor: Operator = OPERATOR,
    key: Key = None,
    as_json: JsonFlag = False,
) -> None:
    """Add what custody received to the insurance fund. Exit 1 when it is refused."""
    give(
        Giver(store, actor, key, as_json),
        lambda state: FundInsurance(asset, units(state, asset, amount), reference),
    )


def units(state: VenueState, asset: str, text: str) -> int:
    """Units of an asset, from decimal text.

    Raises:
        DecimalError: it is no number, or a finer one.
    """
    if asset not in state.assets.by_code:
        has = ", ".join(sorted(state.assets.by_code)) or "none"
        raise typer.BadParameter(f"{asset!r} is no asset of this store; it has: {has}")
    return to_units(text, state.assets.by_code[asset].decimals)


def give(
    giver: Giver, command_of: Callable[[VenueState], AnyCommand], made: str | None = None
) -> None:
    """Submit a command and print the answer; ``made`` is what its number counts, if it has one."""
    decimals: dict[str, int] = {}

    def command(state: VenueState) -> AnyCommand:
        command = command_of(state)
        decimals.update({code: it.decimals for code, it in state.assets.by_code.items()})
        decimals[""] = decimals.get(getattr(command, "asset", ""), 0)
        return command

    give_command(
        giver,
        command,
        lambda refusal: _in_decimals(refusal, decimals),
        lambda ack: {made: ack.number} if made else {},
    )


def show(columns: tuple[str, ...], rows: Sequence[tuple[object, ...]], *, as_json: bool) -> None:
    """A table, or a list of documents."""
    if as_json:
        print_json([dict(zip(columns, row, strict=True)) for row in rows])
    else:
        print_table(columns, (map(str, row) for row in rows))


COUNTS = frozenset({"withdrawal", "trade", "claim"})
"""Fields whose numbers count something."""


def _in_decimals(refusal: Refusal, decimals: dict[str, int]) -> Refusal:
    """With amounts as decimal text; a field that names a balance ends with its asset.

    Assets' decimals by code; those of the command's own asset under "".
    """
    if refusal.field in COUNTS:
        return refusal
    places = decimals.get(refusal.field.rpartition(":")[2] if ":" in refusal.field else "", 0)
    value, bound = (
        to_text(number, places) if isinstance(number, int) else number
        for number in (refusal.value, refusal.bound)
    )
    return Refusal(refusal.code, refusal.field, value, bound)
