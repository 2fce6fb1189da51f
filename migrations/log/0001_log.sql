-- The log: one row an event, appended for ever.
-- rowid is the event's position, given by the writer, gapless from 1.
CREATE TABLE stored_events (
    rowid INTEGER PRIMARY KEY,
    originator_id TEXT NOT NULL,
    originator_version INTEGER NOT NULL,
    topic TEXT NOT NULL,
    state BLOB NOT NULL,
    UNIQUE (originator_id, originator_version)
) STRICT;

CREATE TRIGGER stored_events_never_updated BEFORE UPDATE ON stored_events
BEGIN
    SELECT RAISE(ABORT, 'the log is append-only: no row is ever changed');
END;

CREATE TRIGGER stored_events_never_deleted BEFORE DELETE ON stored_events
BEGIN
    SELECT RAISE(ABORT, 'the log is append-only: no row is ever deleted');
END;

-- INSERT OR REPLACE deletes without firing the trigger above.
CREATE TRIGGER stored_events_never_replaced BEFORE INSERT ON stored_events
WHEN EXISTS (SELECT 1 FROM stored_events WHERE rowid = NEW.rowid)
    OR EXISTS (
        SELECT 1 FROM stored_events
        WHERE originator_id = NEW.originator_id AND originator_version = NEW.originator_version
    )
BEGIN
    SELECT RAISE(ABORT, 'the log is append-only: this place is taken');
END;
