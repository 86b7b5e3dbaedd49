-- The audit trail: who did what to accounts, rights and rules. Entries outlive the users and links that
-- they name. The IP address of a request is stored only as a hash with the salt of the day.
-- IDs: UUIDv7. Times: to the microsecond.

CREATE TABLE audit_entries (
    id          uuid         NOT NULL PRIMARY KEY,
    created_at  timestamptz  NOT NULL,
    event       varchar(32)  NOT NULL,
    actor_kind  varchar(16)  NOT NULL,                      -- user, operator, server or anonymous
    actor_id    uuid,                                       -- the user
    actor_name  varchar(320) NOT NULL,                      -- the email address of the user at that time
    subject     varchar(320) NOT NULL,
    detail      varchar(320) NOT NULL,
    origin_hash bytea        CHECK (length(origin_hash) = 32)  -- NULL: not from the network
);
CREATE INDEX audit_entries_newest ON audit_entries (created_at DESC, id DESC);
CREATE INDEX audit_entries_by_actor ON audit_entries (actor_id, created_at DESC, id DESC);
