"""Which orders sleep until a print comes to their trigger, and which it has woken."""

from collections import OrderedDict
from collections.abc import Iterable

from sortedcontainers import SortedList

Place = tuple[int, int, int]
"""Trigger (below zero where prints must fall to it), arrival, order number."""


class Stops:
    """Sleeping orders by trigger; woken ones first in, first out. O(log sleeping) to change."""

    __slots__ = ("count", "falling", "rising", "woken")

    def __init__(self) -> None:
        self.rising: SortedList[Place] = SortedList()  # woken by a print at or above
        self.falling: SortedList[Place] = SortedList()  # woken by one at or below
        self.woken: OrderedDict[int, None] = OrderedDict()  # order numbers
        self.count = 0  # of both together

    def sleep(self, rises: bool, trigger: int, arrival: int, number: int) -> None:  # noqa: FBT001 - the first part of its place
        """Let an order sleep."""
        self.count += 1
        if rises:
            self.rising.add((trigger, arrival, number))
        else:
            self.falling.add((-trigger, arrival, number))

    def drop(self, rises: bool, trigger: int, arrival: int, number: int) -> None:  # noqa: FBT001 - as above
        """Forget an order, asleep or woken."""
        self.count -= 1
        if number in self.woken:
            del self.woken[number]
        elif rises:
            self.rising.remove((trigger, arrival, number))
        else:
            self.falling.remove((-trigger, arrival, number))

    def wake(self, rises: bool, trigger: int, arrival: int, number: int) -> None:  # noqa: FBT001 - as above
        """Put a sleeping order to the end of the woken ones."""
        self.drop(rises, trigger, arrival, number)
        self.count += 1
        self.woken[number] = None

    def reached(self, prints: Iterable[int]) -> list[int]:
        """Numbers of the orders that the prints wake: by print, then by arrival. Pure."""
        found: list[int] = []
        high = low = None  # of the prints so far, the second below zero like its triggers
        for price in prints:
            batch: list[tuple[int, int]] = []
            if self.rising and (high is None or price > high):
                batch += _between(self.rising, high, price)
                high = price
            if self.falling and (low is None or -price > low):
                batch += _between(self.falling, low, -price)
                low = -price
            found += [number for _, number in sorted(batch)]
        return found


def _between(
    places: "SortedList[Place]", above: int | None, upto: int
) -> Iterable[tuple[int, int]]:
    """Arrival and number of the places with ``above`` < trigger <= ``upto``."""
    least = None if above is None else (above + 1, 0, 0)
    for _, arrival, number in places.irange(least, (upto + 1, 0, 0), (True, False)):
        yield arrival, number
