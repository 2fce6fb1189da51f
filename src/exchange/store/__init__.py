"""The log: events by ``eventsourcing`` recorders, bytes by ``msgspec``, on SQLite or in memory."""
