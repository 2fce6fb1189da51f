"""Is all well, and if not, what is wrong? A part is green, or red with the reason."""

import msgspec


class Part(msgspec.Struct, frozen=True):
    """One part of a running venue; ``reason`` says why it is red, or is empty."""

    name: str
    green: bool
    reason: str = ""

    @classmethod
    def of(cls, name: str, wrong: str | None) -> "Part":
        """Green, unless something is wrong."""
        return cls(name, green=not wrong, reason=wrong or "")


class Health(msgspec.Struct, frozen=True):
    """All parts at one moment."""

    parts: tuple[Part, ...]

    @property
    def green(self) -> bool:
        """Whether every part is."""
        return all(part.green for part in self.parts)
