"""Why the venue refuses a command: one closed list."""

import enum

import msgspec


class RejectCode(enum.Enum):
    """Stable codes; stored in the log, so a code's meaning never changes."""

    INTERNAL = "INTERNAL"
    NOT_PERMITTED = "NOT_PERMITTED"
    INVALID_ID = "INVALID_ID"
    ALREADY_EXISTS = "ALREADY_EXISTS"
    UNKNOWN_USER = "UNKNOWN_USER"
    UNKNOWN_ACCOUNT = "UNKNOWN_ACCOUNT"
    UNKNOWN_ASSET = "UNKNOWN_ASSET"
    UNKNOWN_MARKET = "UNKNOWN_MARKET"
    INVALID_INSTRUMENT = "INVALID_INSTRUMENT"
    MARKET_STATE = "MARKET_STATE"
    FIELD_COMBINATION = "FIELD_COMBINATION"
    PRICE_BOUNDS = "PRICE_BOUNDS"
    OFF_TICK = "OFF_TICK"
    QUANTITY_BOUNDS = "QUANTITY_BOUNDS"
    OFF_LOT = "OFF_LOT"
    NOTIONAL_MIN = "NOTIONAL_MIN"
    NOTIONAL_MAX = "NOTIONAL_MAX"
    DEADLINE_PASSED = "DEADLINE_PASSED"
    DUPLICATE_CLIENT_ORDER_ID = "DUPLICATE_CLIENT_ORDER_ID"
    OPEN_ORDERS_MAX = "OPEN_ORDERS_MAX"
    WOULD_TRIGGER = "WOULD_TRIGGER"
    WOULD_TRADE = "WOULD_TRADE"
    NOT_FILLABLE = "NOT_FILLABLE"
    INSUFFICIENT_FUNDS = "INSUFFICIENT_FUNDS"
    NOT_FOUND = "NOT_FOUND"
    IN_LIST = "IN_LIST"
    DEADLINE_BOUNDS = "DEADLINE_BOUNDS"
    AMOUNT_BOUNDS = "AMOUNT_BOUNDS"
    DUPLICATE_REFERENCE = "DUPLICATE_REFERENCE"
    WITHDRAWAL_TERMS = "WITHDRAWAL_TERMS"
    WITHDRAWAL_STATE = "WITHDRAWAL_STATE"
    SECOND_PERSON_REQUIRED = "SECOND_PERSON_REQUIRED"
    ALREADY_CORRECTED = "ALREADY_CORRECTED"
    UNKNOWN_TIER = "UNKNOWN_TIER"
    NOT_IN_FORCE = "NOT_IN_FORCE"
    LAST_ADMIN = "LAST_ADMIN"
    USER_SUSPENDED = "USER_SUSPENDED"
    USER_BLACKLISTED = "USER_BLACKLISTED"
    KILL_SWITCH = "KILL_SWITCH"


class Refusal(msgspec.Struct, frozen=True, array_like=True, gc=False, forbid_unknown_fields=True):
    """A code, the field it is about, and what was compared: the value given, the bound."""

    code: RejectCode
    field: str = ""
    value: int | str | None = None
    bound: int | str | None = None

    def __str__(self) -> str:
        text = f"{self.code.value} {self.field}".rstrip()
        if self.value is not None:
            text += f" {self.value}"
        return text if self.bound is None else f"{text} (bound {self.bound})"


class Rejected(Exception):  # noqa: N818 - the field's own word for it
    """The command is refused; nothing has changed and no balance has moved."""

    def __init__(
        self,
        code: RejectCode,
        field: str = "",
        value: int | str | None = None,
        bound: int | str | None = None,
    ) -> None:
        self.refusal = Refusal(code, field, value, bound)
        super().__init__(str(self.refusal))
