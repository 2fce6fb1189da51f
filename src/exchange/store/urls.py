"""Which store a URL names: ``sqlite:///PATH`` or ``memory:``."""

import os
from pathlib import Path
from urllib.parse import quote

import msgspec

from exchange.store.errors import StoreError


class StoreUrl(msgspec.Struct, frozen=True):
    """``path`` is the file, or null for a store in memory."""

    text: str
    path: Path | None

    @classmethod
    def parse(cls, text: str) -> "StoreUrl":
        """The store that ``text`` names; three slashes before a relative path, four absolute.

        Raises:
            StoreError: no such kind of URL.
        """
        if text == "memory:":
            return cls(text, None)
        scheme, _, rest = text.partition(":///")
        if scheme != "sqlite" or not rest or str(Path(rest)) == ":memory:":
            raise StoreError(f"{text!r} is no store: write sqlite:///PATH or memory:")
        return cls(text, Path(rest))

    def beside(self, suffix: str) -> Path:
        """The file ``<store><suffix>`` beside a store that is a file."""
        assert self.path is not None  # noqa: S101 - callers ask for file stores only
        return self.path.with_name(self.path.name + suffix)

    def database(self, mode: str, name: str) -> str:
        """The SQLite URI; ``name`` tells stores in memory apart.

        A store in a folder that can't be written, with nobody at work on it, is read as it
        is: SQLite could not make the file there that its readers share.
        """
        if self.path is None:
            return f"file:{name}?mode=memory&cache=shared"
        at_rest = not (self.beside("-shm").exists() or self.beside("-wal").exists())
        if mode == "ro" and at_rest and not os.access(self.path.parent, os.W_OK):
            mode = "ro&immutable=1"
        return f"file:{quote(bytes(self.path))}?mode={mode}"
