"""Which texts may name things, and how public ids are written."""

import re
import unicodedata

_KEY = re.compile(r"[A-Za-z0-9._:-]{1,64}", re.ASCII)
_NAME = re.compile(r"[A-Za-z0-9._-]{1,32}", re.ASCII)
TEXT_MAX = 200

_names: set[str] = set()  # that were found to be names
_NAMES_MAX = 65_536


def is_key(text: str) -> bool:
    """Whether ``text`` can be a key or an id given by a client (1 to 64 characters)."""
    return _KEY.fullmatch(text) is not None


def is_name(text: str) -> bool:
    """Whether ``text`` can name an account, a user, an asset or a symbol.

    No colon: it separates the parts of stream names and public ids.
    """
    if text in _names:
        return True
    if _NAME.fullmatch(text) is None:
        return False
    if len(_names) >= _NAMES_MAX:
        _names.clear()
    _names.add(text)
    return True


def is_text(text: str) -> bool:
    """Whether ``text`` can be a reason: NFC, up to 200 characters, no control characters."""
    return (
        len(text) <= TEXT_MAX
        and unicodedata.is_normalized("NFC", text)
        and not any(unicodedata.category(character)[0] == "C" for character in text)
    )


def group_key(account: str, group: str | None) -> str:
    """What two orders of one trade group have in common; without a group, the account.

    The colon keeps a group apart from an account of the same name.
    """
    return account if group is None else f":{group}"


def order_id(symbol: str, number: int) -> str:
    """The public id of an accepted order: ``BTC-USD:17``."""
    return f"{symbol}:{number}"
