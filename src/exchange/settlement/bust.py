"""The entry that undoes a trade: each side gives back what it got net, and gets what it paid."""

from exchange.kernel.accounts import available, held
from exchange.kernel.instruments import Instrument
from exchange.kernel.journal import Entry, EntryKind
from exchange.settlement.events import Settled
from exchange.settlement.spot import trade_entry


def bust_entry(instrument: Instrument, trade: Settled) -> Entry:
    """The trade's own entry turned round, to and from what is available; a line a balance.

    Fees return to whom they came from. Without lines where an account has traded with itself
    for nothing.
    """
    spendable = {held(it.account): available(it.account) for it in (trade.buy, trade.sell)}
    units: dict[tuple[str, str], int] = {}  # (account, asset) -> units
    for name, asset, amount in trade_entry(instrument, trade, trade.price).lines:
        key = spendable.get(name, name), asset
        units[key] = units.get(key, 0) - amount
    lines = tuple([(*key, amount) for key, amount in units.items() if amount])
    return Entry(f"bust:{instrument.symbol}:{trade.trade}", EntryKind.BUST, lines)
