-- The audit trail: who did what to accounts, rights and rules. Entries outlive the users and links that
-- they name. The IP address of a request is stored only as a hash with the salt of the day.
-- IDs: UUIDv7, 16 bytes. Times: text in UTC, whose order is the order of time.

CREATE TABLE audit_entries (
    id          BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    created_at  TEXT NOT NULL,
    event       TEXT NOT NULL,                              -- at most 32 characters
    actor_kind  TEXT NOT NULL,                              -- user, operator, server or anonymous
    actor_id    BLOB,                                       -- the user
    actor_name  TEXT NOT NULL,                              -- the email address of the user at that time
    subject     TEXT NOT NULL,                              -- at most 320 characters, as the next
    detail      TEXT NOT NULL,
    origin_hash BLOB CHECK (length(origin_hash) = 32)       -- NULL: not from the network
);
CREATE INDEX audit_entries_newest ON audit_entries (created_at DESC, id DESC);
CREATE INDEX audit_entries_by_actor ON audit_entries (actor_id, created_at DESC, id DESC);
