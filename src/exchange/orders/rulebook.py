"""The rulebook: assets, and each market's rules and state."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from exchange.kernel.events import Event
from exchange.kernel.ids import is_name
from exchange.kernel.instruments import (
    Asset,
    FeeRates,
    Instrument,
    MarketState,
    WithdrawalTerms,
)
from exchange.kernel.money import INTEGER_MAX, PPM, UNITS_MAX
from exchange.kernel.rejects import RejectCode, Rejected
from exchange.orders.commands import ListInstrument
from exchange.orders.events import (
    AssetRegistered,
    FeeTierSet,
    InstrumentChanged,
    InstrumentListed,
    MarketStateChanged,
    VenueKilled,
    VenueReleased,
    WithdrawalTermsSet,
)
from exchange.orders.governing import ChangeInstrument

DECIMALS_MAX = 18
DAY_US = 86_400_000_000

CHANGEABLE = tuple(
    field.name for field in msgspec.structs.fields(ChangeInstrument) if field.default is None
)
"""Rules that may change while a market trades."""


class Assets:
    """Every asset of the venue; an event-sourced aggregate (stream ``assets``)."""

    __slots__ = ("by_code", "id", "version", "withdrawal_terms")

    def __init__(self, stream: str) -> None:
        self.id = stream
        self.version = 0
        self.by_code: dict[str, Asset] = {}
        self.withdrawal_terms: dict[str, WithdrawalTerms] = {}  # by code, where there are any

    def evolve(self, event: Event) -> None:
        """Follow one event of this stream."""
        self.version += 1
        match event:
            case AssetRegistered():
                self.by_code[event.asset.code] = event.asset
            case WithdrawalTermsSet():
                self.withdrawal_terms[event.asset] = event.terms
            case _:
                raise TypeError(f"{self.id} has no event {type(event).__name__}")

    def dump(self) -> dict[str, Any]:
        """All that decides what comes next, for JSON: what the state hash covers.

        An asset's row ends with its withdrawal terms where it has some.
        """
        terms = {code: [msgspec.to_builtins(it)] for code, it in self.withdrawal_terms.items()}
        assets = [[it.code, it.decimals, *terms.get(it.code, ())] for it in self.by_code.values()]
        return {"version": self.version, "assets": sorted(assets)}

    def load(self, dumped: Mapping[str, Any]) -> None:
        """Become what was dumped; only an empty aggregate can."""
        self.version = dumped["version"]
        for code, decimals, *terms in dumped["assets"]:
            self.by_code[code] = Asset(code, decimals)
            if terms:
                self.withdrawal_terms[code] = msgspec.convert(terms[0], WithdrawalTerms)


class Market:
    """One market's rules, fee tiers and state; its version is the rulebook version of its orders.

    An event-sourced aggregate (stream ``market:<symbol>``).
    """

    __slots__ = ("id", "instrument", "state", "tiers", "version")

    instrument: Instrument

    def __init__(self, stream: str) -> None:
        self.id = stream
        self.version = 0
        self.state = MarketState.CLOSED
        self.tiers: dict[str, FeeRates] = {}  # tier -> what its accounts pay here

    def evolve(self, event: Event) -> None:
        """Follow one event of this stream."""
        self.version += 1
        match event:
            case InstrumentListed():
                self.instrument = event.instrument
                self.state = event.state
            case MarketStateChanged():
                self.state = event.state
            case InstrumentChanged():
                self.instrument = event.instrument
            case FeeTierSet(tier=tier, maker_ppm=maker_ppm, taker_ppm=taker_ppm):
                self.tiers.pop(tier, None)
                if maker_ppm is not None and taker_ppm is not None:
                    self.tiers[tier] = FeeRates(maker_ppm, taker_ppm)
            case _:
                raise TypeError(f"{self.id} has no event {type(event).__name__}")

    def dump(self) -> dict[str, Any]:
        """All that decides what comes next, for JSON: what the state hash covers."""
        instrument = msgspec.to_builtins(self.instrument)
        return {
            "version": self.version,
            "state": self.state.value,
            "instrument": instrument,
            "tiers": sorted([tier, *rates] for tier, rates in self.tiers.items()),
        }

    def load(self, dumped: Mapping[str, Any]) -> None:
        """Become what was dumped; only an empty aggregate can."""
        self.version, self.state = dumped["version"], MarketState(dumped["state"])
        self.instrument = msgspec.convert(dumped["instrument"], Instrument)
        self.tiers = {tier: FeeRates(*rates) for tier, *rates in dumped["tiers"]}


class Switch:
    """The venue's kill switch; an event-sourced aggregate (stream ``switch``)."""

    __slots__ = ("id", "killed", "version")

    def __init__(self, stream: str) -> None:
        self.id = stream
        self.version = 0
        self.killed = False

    def evolve(self, event: Event) -> None:
        """Follow one event of this stream."""
        if not isinstance(event, VenueKilled | VenueReleased):
            raise TypeError(f"{self.id} has no event {type(event).__name__}")
        self.version += 1
        self.killed = isinstance(event, VenueKilled)

    def dump(self) -> dict[str, Any]:
        """All that decides what comes next, for JSON: what the state hash covers."""
        return {"version": self.version, "killed": self.killed}

    def load(self, dumped: Mapping[str, Any]) -> None:
        """Become what was dumped; only an empty aggregate can."""
        self.version, self.killed = dumped["version"], dumped["killed"]


def instrument_from(command: ListInstrument, assets: Assets) -> Instrument:
    """The instrument that the command describes, with its unit factors.

    Raises:
        Rejected: INVALID_ID, UNKNOWN_ASSET or INVALID_INSTRUMENT with the field at fault.
    """
    if not is_name(command.symbol):
        raise Rejected(RejectCode.INVALID_ID, "symbol", command.symbol)
    for field, code in (("base", command.base), ("quote", command.quote)):
        if code not in assets.by_code:
            raise Rejected(RejectCode.UNKNOWN_ASSET, field, code)
    base, quote = assets.by_code[command.base], assets.by_code[command.quote]
    _check_listing(command)
    return Instrument(
        command.symbol, command.base, command.quote,
        command.price_decimals, command.quantity_decimals,
        _whole_units("price_decimals", quote, command.price_decimals + command.quantity_decimals),
        _whole_units("quantity_decimals", base, command.quantity_decimals),
        command.tick, command.lot, command.price_min, command.price_max,
        command.quantity_min, command.quantity_max, command.notional_min, command.notional_max,
        command.open_orders_max, command.maker_ppm, command.taker_ppm,
        command.self_trade_allowed, command.stop_slippage_ppm, command.day_end_us,
    )  # fmt: skip


def changed_instrument(command: ChangeInstrument, rules: Instrument) -> Instrument:
    """The market's rules after the change; what is asked of a listing holds of them too.

    Raises:
        Rejected: INVALID_INSTRUMENT with the rule at fault, or FIELD_COMBINATION when nothing
            would change.
    """
    changes = {name: value for name in CHANGEABLE if (value := getattr(command, name)) is not None}
    changed = msgspec.structs.replace(rules, **changes)
    if changed == rules:
        raise Rejected(RejectCode.FIELD_COMBINATION, "change")
    check_rules(changed)
    return changed


def check_rates(maker_ppm: int, taker_ppm: int) -> None:
    """Nothing, when an account can pay these: a maker may get all, a taker gets nothing back.

    Raises:
        Rejected: INVALID_INSTRUMENT with the rate at fault.
    """
    if not -PPM <= maker_ppm <= PPM:
        raise Rejected(RejectCode.INVALID_INSTRUMENT, "maker_ppm", maker_ppm)
    if not 0 <= taker_ppm <= PPM:
        raise Rejected(RejectCode.INVALID_INSTRUMENT, "taker_ppm", taker_ppm)


def _whole_units(field: str, asset: Asset, decimals: int) -> int:
    """Units of ``asset`` in ``10**-decimals`` of it: a whole number, or no such market."""
    if decimals > asset.decimals:
        raise Rejected(RejectCode.INVALID_INSTRUMENT, field, decimals, asset.decimals)
    return int(10 ** (asset.decimals - decimals))


def _check_listing(command: ListInstrument) -> None:
    rules: tuple[tuple[str, int, bool], ...] = (
        ("base", 0, command.base != command.quote),
        ("price_decimals", command.price_decimals, 0 <= command.price_decimals <= DECIMALS_MAX),
        ("quantity_decimals", command.quantity_decimals,
         0 <= command.quantity_decimals <= DECIMALS_MAX),
    )  # fmt: skip
    _demand_all(rules)
    check_rules(command)
    _demand_all([("state", 0, command.state is not MarketState.CLOSED)])


def check_rules(rules: ListInstrument | Instrument) -> None:
    """Nothing, when the rules go together.

    Raises:
        Rejected: INVALID_INSTRUMENT with the rule at fault.
    """
    _demand_all([
        ("tick", rules.tick, 0 < rules.tick <= INTEGER_MAX),
        ("lot", rules.lot, 0 < rules.lot <= INTEGER_MAX),
        ("price_min", rules.price_min, rules.price_min > 0),
        ("price_max", rules.price_max, rules.price_min <= rules.price_max <= INTEGER_MAX),
        ("quantity_min", rules.quantity_min, rules.quantity_min > 0),
        ("quantity_max", rules.quantity_max,
         rules.quantity_min <= rules.quantity_max <= INTEGER_MAX),
        ("notional_min", rules.notional_min, rules.notional_min >= 0),
        ("notional_max", rules.notional_max,
         max(1, rules.notional_min) <= rules.notional_max <= UNITS_MAX),
        ("open_orders_max", rules.open_orders_max, rules.open_orders_max > 0),
    ])  # fmt: skip
    check_rates(rules.maker_ppm, rules.taker_ppm)
    _demand_all([
        ("stop_slippage_ppm", rules.stop_slippage_ppm, 0 <= rules.stop_slippage_ppm <= PPM),
        ("day_end_us", rules.day_end_us, 0 <= rules.day_end_us < DAY_US),
    ])  # fmt: skip


def _demand_all(rules: Iterable[tuple[str, int, bool]]) -> None:
    for field, value, fine in rules:
        if not fine:
            raise Rejected(RejectCode.INVALID_INSTRUMENT, field, value)
