"""Orders as every context speaks of them."""

import enum

import msgspec


class Side(enum.Enum):
    """FIX tag 54."""

    BUY = "buy"
    SELL = "sell"

    @property
    def other(self) -> "Side":
        """The side that this one trades with."""
        return SELL if self is BUY else BUY


# Reading a member through its class costs a call on Python 3.11.
BUY, SELL = Side.BUY, Side.SELL


class OrderType(enum.Enum):
    """FIX tag 40."""

    LIMIT = "limit"
    MARKET = "market"
    STOP = "stop"
    """MARKET once a print has gone through the trigger against the order."""
    STOP_LIMIT = "stop_limit"
    TAKE_PROFIT = "take_profit"
    """MARKET once a print has reached the trigger in the order's favour."""
    TAKE_PROFIT_LIMIT = "take_profit_limit"


LIMIT, MARKET = OrderType.LIMIT, OrderType.MARKET
STOP, STOP_LIMIT = OrderType.STOP, OrderType.STOP_LIMIT


class TimeInForce(enum.Enum):
    """FIX tag 59."""

    GTC = "gtc"
    IOC = "ioc"
    FOK = "fok"
    GTD = "gtd"
    """Until the deadline of the terms."""
    DAY = "day"
    """Until the instrument's next ``day_end_us``."""

    rests: bool
    """Whether it leaves the rest of a limit order in the book."""

    def __init__(self, stored: str) -> None:
        # Kept on the member: to look a member up in a set costs a call for its hash.
        self.rests = stored in {"gtc", "gtd", "day"}


GTC, FOK, GTD = TimeInForce.GTC, TimeInForce.FOK, TimeInForce.GTD


class SelfTrade(enum.Enum):
    """What happens when an order meets another of its own trade group; the taker's mode rules."""

    EXPIRE_TAKER = "expire_taker"
    EXPIRE_MAKER = "expire_maker"
    EXPIRE_BOTH = "expire_both"
    DECREMENT = "decrement"
    """Both lose the smaller open quantity; that is no print."""
    NONE = "none"
    """They trade; only where the instrument allows it."""


class EndReason(enum.Enum):
    """Why an order is no longer open."""

    FILLED = "filled"
    CANCELLED = "cancelled"
    MARKET_CLOSED = "market_closed"
    IMMEDIATE = "immediate"
    """IOC: what did not fill at once has expired."""
    NO_LIQUIDITY = "no_liquidity"
    """MARKET: the other side of the book was used up."""
    BUDGET_SPENT = "budget_spent"
    """MARKET with a budget: what is left does not buy one more lot."""
    SELF_TRADE = "self_trade"
    """What was left would have traded within one trade group."""
    FILLS_MAX = "fills_max"
    WOULD_TRADE = "would_trade"
    """It was to post only."""
    DEADLINE = "deadline"
    NOT_FILLABLE = "not_fillable"
    """FOK: it was triggered and could not be filled whole."""
    LIST = "list"
    """The other order of its list traded, was triggered or ended."""
    KILL_SWITCH = "kill_switch"
    """A kill switch or a halt took the orders of its scope with it."""
    SUSPENDED = "suspended"
    """Its owner was suspended, and its orders with it."""


class Status(enum.Enum):
    """FIX tag 39."""

    NEW = "NEW"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    UNTRIGGERED = "UNTRIGGERED"
    TRIGGERED = "TRIGGERED"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"
    REJECTED = "REJECTED"


CANCELLING = frozenset(
    {
        EndReason.CANCELLED,
        EndReason.MARKET_CLOSED,
        EndReason.LIST,
        EndReason.KILL_SWITCH,
        EndReason.SUSPENDED,
    }
)


class Fill(msgspec.Struct, frozen=True, array_like=True, gc=False, forbid_unknown_fields=True):
    """A print at the resting order's price, seen from the incoming order."""

    maker: int  # order number in the same book
    account: str  # the maker's
    price: int  # price units
    quantity: int  # quantity units, above zero
    last: bool  # the maker has nothing left to trade


class Met(msgspec.Struct, frozen=True, array_like=True, gc=False, forbid_unknown_fields=True):
    """A resting order that an incoming one met and did not trade with."""

    maker: int  # order number in the same book
    account: str  # the maker's
    price: int  # price units
    quantity: int  # quantity units taken off the maker
    reason: EndReason  # DEADLINE or SELF_TRADE
    last: bool  # nothing is left of the maker


class OrderTerms(
    msgspec.Struct, frozen=True, array_like=True, gc=False, forbid_unknown_fields=True
):
    """What a client asks for; the same words in the command, the log and the book."""

    side: Side
    type: OrderType
    price: int | None  # price units; null: MARKET
    quantity: int | None  # quantity units; null: MARKET with a budget
    time_in_force: TimeInForce = TimeInForce.GTC
    post_only: bool = False
    self_trade: SelfTrade = SelfTrade.EXPIRE_TAKER
    budget: int | None = None  # quote units
    client_order_id: str | None = None
    display: int | None = None  # quantity units shown at a time: an iceberg
    deadline_us: int | None = None  # GTD: venue time from which the order can't trade
    trigger: int | None = None  # price units; stops and take-profits sleep until then

    @property
    def rises(self) -> bool:
        """Whether it is triggered by a print at or above the trigger; else at or below."""
        return (self.type in {STOP, STOP_LIMIT}) is (self.side is BUY)
