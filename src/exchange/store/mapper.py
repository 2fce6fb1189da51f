"""Events to stored bytes and back, by topic; unknown topics are refused."""

from collections.abc import Callable, Iterable

import msgspec
from eventsourcing.domain import DomainEventProtocol
from eventsourcing.persistence import (
    JSONTranscoder,
    Mapper,
    MapperDeserialisationError,
    Notification,
    StoredEvent,
)

from exchange.kernel.events import Envelope, Event
from exchange.store.errors import UnreadableEvent


class Catalogue:
    """The event types a log may hold, by topic.

    Raises:
        ValueError: two types share a topic; what one wrote would be read as the other.
    """

    def __init__(self, types: Iterable[type[Event]]) -> None:
        self._decoders: dict[str, Callable[[bytes], Event]] = {}  # topic -> what decodes it
        for event_type in types:
            if event_type.TOPIC in self._decoders:
                raise ValueError(f"two event types are stored as {event_type.TOPIC}")
            self._decoders[event_type.TOPIC] = msgspec.json.Decoder(event_type).decode
        encoder = msgspec.json.Encoder()
        self.encode, self.encode_into = encoder.encode, encoder.encode_into

    def decode(self, topic: str, state: bytes) -> Event:
        """The event that was stored.

        Raises:
            UnreadableEvent: unknown topic, or bytes that are no such event.
        """
        try:
            return self._decoders[topic](state)
        except KeyError:
            raise UnreadableEvent(f"unknown topic {topic!r}: stored by a newer version?") from None
        except ValueError as error:  # what msgspec raises is one, and so is bad UTF-8
            raise UnreadableEvent(f"no {topic}: {error}") from error


class EnvelopeMapper(Mapper[str]):
    """The library's mapper for our envelopes: stream, version and topic are columns."""

    def __init__(self, catalogue: Catalogue) -> None:
        super().__init__(JSONTranscoder())
        self.catalogue = catalogue

    def to_stored_event(self, domain_event: DomainEventProtocol[str]) -> StoredEvent:
        """The envelope's row, without its position."""
        if not isinstance(domain_event, Envelope):
            raise TypeError(f"{type(domain_event).__name__} is no envelope")
        return StoredEvent(
            originator_id=domain_event.originator_id,
            originator_version=domain_event.originator_version,
            topic=domain_event.event.TOPIC,
            state=self.catalogue.encode(domain_event.event),
        )

    def to_domain_event(self, stored_event: StoredEvent) -> DomainEventProtocol[str]:
        """The envelope of a row; its position where the row came with one.

        Raises:
            MapperDeserialisationError: the row is not readable.
        """
        try:
            event = self.catalogue.decode(stored_event.topic, stored_event.state)
        except UnreadableEvent as error:
            place = f"{stored_event.originator_id} {stored_event.originator_version}"
            raise MapperDeserialisationError(f"{place}: {error}") from error
        position = stored_event.id if isinstance(stored_event, Notification) else 0
        return Envelope(
            str(stored_event.originator_id), stored_event.originator_version, event, position
        )
