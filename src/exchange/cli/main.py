"""The root of the command line, and the one place where errors become exit codes."""

import sys
from typing import Annotated

import typer

from exchange import __version__
from exchange.cli import (
    account,
    bench,
    demo,
    explain,
    feed,
    follow,
    listing,
    look,
    market,
    money,
    movements,
    order,
    play,
    poison,
    reconcile,
    replay,
    show,
    snapshot,
    statement,
    user,
    venue,
    verify,
    views,
    withdrawal,
)
from exchange.cli.output import BROKEN, ENVIRONMENT, USAGE, fail
from exchange.feeds.flow import FeedError
from exchange.feeds.sample import SampleUnavailable
from exchange.kernel.laws import InvariantViolation
from exchange.processes.leash import leash
from exchange.store.errors import StoreDamaged, StoreError

app = typer.Typer(
    name="exchange",
    help="A trading venue in one process: order flow in, an auditable log out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(feed.app, name="feed")
app.add_typer(order.app, name="order")
order.app.command("show")(show.show_order)
app.add_typer(money.deposit_app, name="deposit")
app.add_typer(withdrawal.app, name="withdrawal")
app.add_typer(money.trade_app, name="trade")
app.add_typer(money.claim_app, name="claim")
app.add_typer(money.fees_app, name="fees")
app.add_typer(money.insurance_app, name="insurance")
app.add_typer(market.app, name="market")
app.add_typer(user.app, name="user")
app.add_typer(account.app, name="account")
app.add_typer(venue.app, name="venue")
app.add_typer(listing.asset_app, name="asset")
venue.app.add_typer(poison.app, name="poison")
venue.app.command("create")(listing.create_venue)
market.app.command("add")(listing.add_market)
account.app.command("transfer")(money.transfer)
app.add_typer(snapshot.app, name="snapshot")
app.add_typer(bench.app, name="bench")
app.command("demo")(demo.demo)
app.command("play")(play.play_file)
app.command("verify")(verify.verify_store)
app.command("replay")(replay.replay_store)
app.command("explain")(explain.explain_order)
app.command("events")(look.events)
app.command("book")(look.book)
app.command("balances")(look.balances)
app.command("follow")(follow.follow)
app.command("reconcile")(reconcile.reconcile_views)
app.command("statement")(statement.print_statement)
app.command("orders")(views.print_orders)
app.command("trades")(views.print_trades)
app.command("candles")(views.print_candles)
app.command("markets")(views.print_markets)
app.command("deposits")(movements.print_deposits)
app.command("withdrawals")(movements.print_withdrawals)


@app.callback(invoke_without_command=True)
def root(
    *,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
    leashed: Annotated[
        bool, typer.Option("--leashed", help="At low priority, and no longer than stdin lasts.")
    ] = False,
) -> None:
    """A trading venue in one process: order flow in, an auditable log out.

    Exit codes: 0 fine, 1 a law or an expectation is broken, 2 wrong use, 3 the store or its
    surroundings. Every command takes --json.
    """
    if version:
        sys.stdout.write(f"exchange {__version__}\n")
        raise typer.Exit
    if leashed:
        leash()


def main() -> None:
    """Run one command; errors that an operator can act on end in one line."""
    try:
        app()
    except FeedError as error:
        fail(str(error), USAGE)
    except SampleUnavailable as error:
        fail(str(error), ENVIRONMENT)
    except (InvariantViolation, StoreDamaged) as error:
        fail("; ".join([str(error), *getattr(error, "__notes__", ())]), BROKEN)
    except StoreError as error:
        fail(str(error), ENVIRONMENT)
    except OSError as error:  # a disk that is full, a path that may not be entered
        fail(str(error), ENVIRONMENT)
