"""``exchange withdrawal``: money on its way out, step by step."""

from typing import Annotated

import typer

from exchange.cli.give import Giver
from exchange.cli.hand import OPERATOR, Key
from exchange.cli.look import read_state
from exchange.cli.money import (
    Account,
    Amount,
    Asker,
    Asset,
    Operator,
    Reason,
    Reference,
    give,
    show,
    units,
)
from exchange.cli.output import JsonFlag, StoreOption
from exchange.kernel.decimals import to_text
from exchange.orders.commands import AnyCommand
from exchange.orders.money_commands import (
    ApproveWithdrawal,
    CancelWithdrawal,
    CompleteWithdrawal,
    RejectWithdrawal,
    RequestWithdrawal,
    SendWithdrawal,
    SetWithdrawalTerms,
)
from exchange.venue.state import VenueState

app = typer.Typer(
    help="Withdrawals: requested, approved, sent, completed; or rejected, or cancelled.",
    no_args_is_help=True,
)

Number = Annotated[int, typer.Argument(min=1, help="The withdrawal's number.")]
COLUMNS = (
    "withdrawal", "account", "asset", "amount", "fee", "to", "state", "approvals", "needed", "by",
)  # fmt: skip


@app.command("terms")
def set_terms(
    asset: Asset,
    *,
    fee: Annotated[str, typer.Option(help="What each costs, on top of the amount.")] = "0",
    least: Annotated[str, typer.Option("--min", help="The least amount.")],
    most: Annotated[str, typer.Option("--max", help="The most; 0 closes withdrawals.")],
    four_eyes_above: Annotated[
        str, typer.Option(help="Above this amount two must approve.", metavar="AMOUNT")
    ],
    store: StoreOption,
    actor: Operator = OPERATOR,
    key: Key = None,
    as_json: JsonFlag = False,
) -> None:
    """Let an asset be withdrawn on these terms from now on. Exit 1 when it is refused."""

    def command(state: VenueState) -> AnyCommand:
        fees, low, high, limit = (
            units(state, asset, text) for text in (fee, least, most, four_eyes_above)
        )
        return SetWithdrawalTerms(asset, fees, low, high, limit)

    give(Giver(store, actor, key, as_json), command)


@app.command("request")
def request(
    account: Account,
    asset: Asset,
    amount: Amount,
    *,
    destination: Annotated[
        str, typer.Option("--to", metavar="NAME", help="What custody knows the receiver by.")
    ],
    store: StoreOption,
    actor: Asker = None,
    key: Key = None,
    as_json: JsonFlag = False,
) -> None:
    """Set an amount and its fee aside, and print the number. Exit 1 when it is refused."""
    give(
        Giver(store, actor, key, as_json),
        lambda state: RequestWithdrawal(account, asset, units(state, asset, amount), destination),
        "withdrawal",
    )


@app.command("approve")
def approve(
    number: Number,
    *,
    store: StoreOption,
    actor: Operator = OPERATOR,
    key: Key = None,
    as_json: JsonFlag = False,
) -> None:
    """Say that it may leave: not by who asked or is paid, each person once. Exit 1 if refused."""
    give(Giver(store, actor, key, as_json), lambda _: ApproveWithdrawal(number))


@app.command("send")
def send(
    number: Number,
    *,
    reference: Reference,
    store: StoreOption,
    actor: Operator = OPERATOR,
    key: Key = None,
    as_json: JsonFlag = False,
) -> None:
    """Record that custody was told to pay. Exit 1 when it is refused."""
    give(Giver(store, actor, key, as_json), lambda _: SendWithdrawal(number, reference))


@app.command("complete")
def complete(
    number: Number,
    *,
    store: StoreOption,
    actor: Operator = OPERATOR,
    key: Key = None,
    as_json: JsonFlag = False,
) -> None:
    """Record that custody has paid. Exit 1 when it is refused."""
    give(Giver(store, actor, key, as_json), lambda _: CompleteWithdrawal(number))


@app.command("reject")
def reject(
    number: Number,
    *,
    reason: Reason,
    store: StoreOption,
    actor: Operator = OPERATOR,
    key: Key = None,
    as_json: JsonFlag = False,
) -> None:
    """Give the money back; once it is sent, by another than who sent it. Exit 1 when refused."""
    give(Giver(store, actor, key, as_json), lambda _: RejectWithdrawal(number, reason))


@app.command("cancel")
def cancel(
    account: Account,
    number: Number,
    *,
    store: StoreOption,
    actor: Asker = None,
    key: Key = None,
    as_json: JsonFlag = False,
) -> None:
    """Take a request back that is not sent yet. Exit 1 when it is refused."""
    give(Giver(store, actor, key, as_json), lambda _: CancelWithdrawal(account, number))


@app.command("list")
def list_open(
    account: Annotated[str | None, typer.Argument(help="Only this account.")] = None,
    *,
    store: StoreOption,
    as_json: JsonFlag = False,
) -> None:
    """Print the open withdrawals, oldest first."""
    state = read_state(store)
    if account is not None and account not in state.owners:
        raise typer.BadParameter(f"{account!r} is no account of this store")
    rows = []
    for number, it in sorted(state.withdrawals.open.items()):
        asked, places = it.asked, state.assets.by_code[it.asked.asset].decimals
        if account in (None, asked.account):
            rows.append(
                (
                    number, asked.account, asked.asset, to_text(asked.amount, places),
                    to_text(asked.fee, places), asked.destination, it.stage.value,
                    len(it.approvers), asked.approvals, asked.requester,
                )
            )  # fmt: skip
    show(COLUMNS, rows, as_json=as_json)
