"""A desk beside which a state that was loaded goes the same way, whatever is asked of it."""

from exchange.kernel.events import Envelope
from exchange.orders.commands import Request
from exchange.venue.laws import check_all
from exchange.venue.state import VenueState
from tests.build import Desk

LIFE = 9
"""Commands that a loaded state decides before it is compared whole and the next one is loaded."""


def loaded(state: VenueState) -> VenueState:
    """The same state from its encoding."""
    twin = VenueState()
    twin.load(state.encoded())
    return twin


class TwinDesk(Desk):
    """Each command is decided in both states, with the same effects."""

    def __init__(self) -> None:
        super().__init__()
        self._twin = VenueState()
        self._age = 0

    def decide(self, request: Request, at_us: int | None = None) -> list[Envelope]:
        """As at any desk."""
        if self._age == LIFE:
            self.compare()
        self._age += 1
        when_us = max(self.at_us if at_us is None else at_us, self.state.at_us)
        there = self.decided_on(self._twin, request, when_us).envelopes
        here = super().decide(request, at_us)
        assert here == there
        return here

    def compare(self) -> None:
        """The loaded state keeps every law and is the same; another one takes its place."""
        check_all(self._twin)
        assert self.state.encoded() == self._twin.encoded()
        self._twin, self._age = loaded(self.state), 0
        assert self.state.encoded() == self._twin.encoded()
