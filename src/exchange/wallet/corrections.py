"""What was taken back: trades and deposits that were undone, and claims that wait for a second
person.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from exchange.kernel.events import Event
from exchange.wallet.events import (
    Bust,
    ClaimDropped,
    ClaimProposed,
    Corrected,
    Correction,
    Reversal,
)


def correction_id(correction: Correction) -> str:
    """The business id of its entry: ``bust:BTC-USD:5``, ``reversal:<reference>``."""
    match correction:
        case Bust(symbol=symbol, trade=trade):
            return f"bust:{symbol}:{trade}"
        case Reversal(reference=reference):
            return f"reversal:{reference}"


class Corrections:
    """An event-sourced aggregate (stream ``corrections``)."""

    __slots__ = ("claim_count", "claims", "done", "id", "version")

    def __init__(self, stream: str) -> None:
        self.id = stream
        self.version = 0
        self.claim_count = 0
        self.claims: dict[int, ClaimProposed] = {}  # number -> what waits for a second person
        self.done: set[str] = set()  # business ids of all corrections ever made

    def evolve(self, event: Event) -> None:
        """Follow one event of this stream."""
        self.version += 1
        match event:
            case ClaimProposed():
                self.claim_count += 1
                self.claims[event.number] = event
            case ClaimDropped():
                del self.claims[event.number]
            case Corrected():
                self.done.add(correction_id(event.correction))
                waiting = self.claim_on(event.correction)
                if waiting is not None:
                    del self.claims[waiting.number]
            case _:
                raise TypeError(f"{self.id} has no event {type(event).__name__}")

    def claim_on(self, correction: Correction) -> ClaimProposed | None:
        """The claim that waits for ``correction``; there is one at most. O(waiting claims)."""
        return next((it for it in self.claims.values() if it.correction == correction), None)

    def dump(self) -> dict[str, Any]:
        """All that decides what comes next, for JSON: what the state hash covers."""
        return {
            "version": self.version,
            "claims": self.claim_count,
            "waiting": [msgspec.to_builtins(self.claims[it]) for it in sorted(self.claims)],
            "done": sorted(self.done),
        }

    def load(self, dumped: Mapping[str, Any]) -> None:
        """Become what was dumped; only an empty aggregate can."""
        self.version, self.claim_count = dumped["version"], dumped["claims"]
        self.done = set(dumped["done"])
        waiting = msgspec.convert(dumped["waiting"], list[ClaimProposed])
        self.claims = {it.number: it for it in waiting}
