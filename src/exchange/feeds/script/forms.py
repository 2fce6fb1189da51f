"""The form of every statement, and the function that it calls."""

import re
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from exchange.feeds.script import expectations as expect
from exchange.feeds.script import opening, trading
from exchange.kernel.orders import Side


class Form(NamedTuple):
    """How a statement is written: ``{name}`` is one word, ``{name...}`` any number of them, and
    ``[…]`` may be left out. Each name is an argument of ``act``, behind the story.
    """

    text: str
    act: Callable[..., None]
    block: bool = False
    """Lines up to ``end`` belong to it, and come as the argument ``lines``."""


buy, sell = partial(trading.place, Side.BUY), partial(trading.place, Side.SELL)
buy_either, sell_either = (partial(trading.place_list, side) for side in (Side.BUY, Side.SELL))

EITHER = "{quantity} at {price} {options...} or at {other_price} {other_options...}"
"""Two orders of one side and quantity, of which one cancels the other."""

FORMS = (
    Form("market {symbol} {settings...}", opening.list_market),
    Form("on {symbol}", opening.choose_market),
    Form("asset {asset} {decimals}", opening.register_asset),
    Form("account {account} of {user}", opening.open_account),
    Form("account {account}", opening.open_user),
    Form("{account} joins {group}", opening.join_group),
    Form("{account} leaves its group", opening.leave_group),
    Form("deposit {account} {amount} {asset}", opening.deposit),
    Form("transfer {amount} {asset} from {account} to {target}", opening.transfer),
    Form("clock {time}", opening.set_clock),
    Form("state {state}", opening.change_state),
    Form(f"{{account}} buys {EITHER}", buy_either),
    Form(f"{{account}} sells {EITHER}", sell_either),
    Form("{account} buys {quantity} at {price} {options...}", buy),
    Form("{account} sells {quantity} at {price} {options...}", sell),
    Form("{account} buys for {budget} at market {options...}", buy),
    Form("{account} sells for {budget} at market {options...}", sell),
    Form("cancel {name} [by {account}]", trading.cancel),
    Form("cancel {orders} of {account} [on {symbol}]", trading.cancel_all),
    Form("reduce {name} by {quantity}", trading.reduce),
    Form("amend {name} {changes...}", trading.amend),
    Form("sweep", trading.sweep),
    Form("run stops", trading.run_stops),
    Form("expect fills {fills...}", expect.expect_fills),
    Form("expect refused {code} [{field}]", expect.expect_refused),
    Form("expect status {name} {status} [because {reason}]", expect.expect_status),
    Form("expect rests {quantity}", expect.expect_rests),
    Form("expect rests {name} {quantity}", expect.expect_rests),
    Form("expect balance {account} {asset} {amount} [held {on_hold}]", expect.expect_balance),
    Form("expect fees {asset} {amount}", expect.expect_fees),
    Form("expect book", expect.expect_book, block=True),
)
"""The first that fits a line is meant."""


def pattern_of(form: Form) -> re.Pattern[str]:
    """What the lines look like that have this form, words parted by one blank."""
    many = re.sub(r" \{(\w+)\.\.\.\}", r"(?P<\1>(?: \\S+)*)", form.text)
    one = re.sub(r"\{(\w+)\}", r"(?P<\1>\\S+)", many)
    return re.compile(one.replace(" [", "(?: ").replace("]", ")?"))


PATTERNS = tuple((pattern_of(form), form) for form in FORMS)
