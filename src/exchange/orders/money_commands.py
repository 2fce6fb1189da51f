"""Commands that move money by hand: withdrawals, corrections, fees, the insurance fund."""

from exchange.kernel.roles import Role
from exchange.orders.command import Command


class SetWithdrawalTerms(Command, frozen=True, tag="set_withdrawal_terms"):
    """Let an asset be withdrawn on these terms; those already asked for keep theirs.

    A most below the least closes its withdrawals. Whoever may approve must not set the limit of it.
    """

    ROLE = Role.ADMIN
    asset: str
    fee: int  # units of the asset, on top of the amount
    amount_min: int
    amount_max: int
    four_eyes_above: int  # an amount above it needs a second approval


class RequestWithdrawal(Command, frozen=True, tag="request_withdrawal"):
    """Set an amount and its fee aside, to leave when it is approved."""

    ROLE = Role.TRADER
    account: str
    asset: str
    amount: int  # units of the asset, the fee not included
    destination: str  # what custody knows the receiver by; addresses stand elsewhere


class CancelWithdrawal(Command, frozen=True, tag="cancel_withdrawal"):
    """Take a request back that is not sent yet."""

    ROLE = Role.TRADER
    account: str
    withdrawal: int


class ApproveWithdrawal(Command, frozen=True, tag="approve_withdrawal"):
    """Say that it may leave: not by who asked for it or is paid, and each person once."""

    withdrawal: int


class SendWithdrawal(Command, frozen=True, tag="send_withdrawal"):
    """Record that custody was told to pay; ``reference`` is its own, unique for ever."""

    withdrawal: int
    reference: str


class CompleteWithdrawal(Command, frozen=True, tag="complete_withdrawal"):
    """Record that custody has paid."""

    withdrawal: int


class RejectWithdrawal(Command, frozen=True, tag="reject_withdrawal"):
    """Give the money back; after it was sent, when custody says that it has not left."""

    withdrawal: int
    reason: str


class ReverseDeposit(Command, frozen=True, tag="reverse_deposit"):
    """Take back what a deposit credited, once, from what is available.

    ``claim``: propose to do so whatever there is; a second person decides.
    """

    reference: str
    reason: str
    claim: bool = False


class BustTrade(Command, frozen=True, tag="bust_trade"):
    """Undo a trade's money, once, fees included, from what is available.

    ``claim`` as for a deposit. Orders, last price, triggers and candles stay as they are.
    """

    symbol: str
    trade: int
    reason: str
    claim: bool = False


class ApproveClaim(Command, frozen=True, tag="approve_claim"):
    """Make the correction that another has proposed; what is short goes to ``venue:suspense``."""

    claim: int


class DropClaim(Command, frozen=True, tag="drop_claim"):
    """Let a proposed correction be."""

    claim: int


class PayOutFees(Command, frozen=True, tag="pay_out_fees"):
    """Take fees out of the venue; ``reference`` is custody's own, unique for ever."""

    asset: str
    amount: int  # units of the asset
    reference: str


class FundInsurance(Command, frozen=True, tag="fund_insurance"):
    """Add what custody received for the insurance fund; ``reference`` as for a deposit."""

    asset: str
    amount: int  # units of the asset
    reference: str


MoneyCommand = (
    SetWithdrawalTerms
    | RequestWithdrawal
    | ApproveWithdrawal
    | SendWithdrawal
    | CompleteWithdrawal
    | RejectWithdrawal
    | CancelWithdrawal
    | ReverseDeposit
    | BustTrade
    | ApproveClaim
    | DropClaim
    | PayOutFees
    | FundInsurance
)
