"""What can be asked for beside trading: other rules, fee tiers, roles, suspensions, switches."""

from exchange.kernel.roles import Role
from exchange.orders.command import Command


class ChangeInstrument(Command, frozen=True, tag="change_instrument"):
    """Change a market's rules for new orders and amends; null leaves a rule as it is.

    Resting orders stay as they are. Units and decimals never change.
    """

    ROLE = Role.ADMIN
    symbol: str
    reason: str
    tick: int | None = None
    lot: int | None = None
    price_min: int | None = None
    price_max: int | None = None
    quantity_min: int | None = None
    quantity_max: int | None = None
    notional_min: int | None = None
    notional_max: int | None = None
    open_orders_max: int | None = None
    maker_ppm: int | None = None
    taker_ppm: int | None = None
    self_trade_allowed: bool | None = None
    stop_slippage_ppm: int | None = None
    day_end_us: int | None = None


class SetFeeTier(Command, frozen=True, tag="set_fee_tier"):
    """Let accounts of a tier pay these rates in a market; both null: the market's own again."""

    ROLE = Role.ADMIN
    symbol: str
    tier: str
    maker_ppm: int | None
    taker_ppm: int | None


class SetAccountTier(Command, frozen=True, tag="set_account_tier"):
    """Put an account into a fee tier; null: it pays each market's own rates."""

    ROLE = Role.ADMIN
    account: str
    tier: str | None


class GrantRole(Command, frozen=True, tag="grant_role"):
    """Let a user act as operator, auditor or admin. The first admin ends the open house."""

    ROLE = Role.ADMIN
    user: str
    role: Role


class RevokeRole(Command, frozen=True, tag="revoke_role"):
    """Take a granted role back; the last admin stays."""

    ROLE = Role.ADMIN
    user: str
    role: Role


class SuspendUser(Command, frozen=True, tag="suspend_user"):
    """Stop a user's new flow: as a trader it can only cancel and reduce.

    Its orders stay unless ``cancel_orders``. ``reference`` names the case outside the log.
    """

    user: str
    reference: str
    cancel_orders: bool = False


class ReinstateUser(Command, frozen=True, tag="reinstate_user"):
    """End a suspension."""

    user: str
    reference: str


class BlacklistUser(Command, frozen=True, tag="blacklist_user"):
    """Stop a user like a suspension, before a venue time; null takes the reference off.

    ``reference`` names an entry of a list kept outside the log, with its reasons.
    """

    user: str
    reference: str
    until_us: int | None


class KillAccount(Command, frozen=True, tag="kill_account"):
    """Kill switch: no new orders and no amends of an account, whoever gives them.

    ``cancel_orders`` takes out its open ones too. Once more is no refusal.
    """

    account: str
    reason: str
    cancel_orders: bool = False


class ReleaseAccount(Command, frozen=True, tag="release_account"):
    """Put an account's kill switch back."""

    account: str
    reason: str


class KillVenue(Command, frozen=True, tag="kill_venue"):
    """Kill switch of the whole venue, as that of an account."""

    reason: str
    cancel_orders: bool = False


class ReleaseVenue(Command, frozen=True, tag="release_venue"):
    """Put the venue's kill switch back."""

    reason: str


Governing = (
    ChangeInstrument
    | SetFeeTier
    | SetAccountTier
    | GrantRole
    | RevokeRole
    | SuspendUser
    | ReinstateUser
    | BlacklistUser
    | KillAccount
    | ReleaseAccount
    | KillVenue
    | ReleaseVenue
)
