"""Law L6: every business id of the ledger is used once."""

from exchange.kernel.journal import Entry, EntryKind
from exchange.kernel.laws import hold_law
from exchange.venue.state import VenueState


class BusinessIds:
    """Follows the ledger's entries; ids made from counters are checked by counters."""

    def __init__(self, state: VenueState) -> None:
        self._state = state
        self._holds: dict[str, int] = {}  # symbol -> number of the last order that held
        self._trades: dict[str, int] = {}  # symbol -> number of the last trade
        self._deposits: set[str] = set()
        self._transfers = 0
        self._releases: set[str] = set()  # of one book version

    def follow(self, entries: tuple[Entry, ...]) -> None:
        """The entries of one command, after its book events.

        Raises:
            InvariantViolation: an id came before, or skips its counter.
        """
        self._releases.clear()
        for entry in entries:
            self._check(entry)

    def _check(self, entry: Entry) -> None:
        kind, _, name = entry.entry_id.partition(":")
        fine = kind == entry.kind.value
        match entry.kind:
            case EntryKind.HOLD:
                symbol, number = _numbered(name)
                fine = fine and number > self._holds.get(symbol, 0)
                self._holds[symbol] = number
            case EntryKind.TRADE:
                symbol, number = _numbered(name)
                fine = fine and number == self._trades.get(symbol, 0) + 1
                self._trades[symbol] = number
            case EntryKind.RELEASE:
                order, version = _numbered(name)
                room = self._state.rooms.get(_numbered(order)[0])
                fine = fine and room is not None and version == room.book.version
                fine = fine and order not in self._releases
                self._releases.add(order)
            case EntryKind.DEPOSIT:
                fine = fine and name not in self._deposits
                self._deposits.add(name)
            case EntryKind.TRANSFER:
                self._transfers += 1
                fine = fine and name == str(self._transfers)
        hold_law("L6", fine, f"business id {entry.entry_id} is out of turn")


def _numbered(name: str) -> tuple[str, int]:
    before, _, number = name.rpartition(":")
    return (before, int(number)) if number.isdecimal() else ("", -1)
