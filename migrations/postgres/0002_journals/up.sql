-- How far click journals are settled, and the change feed of links.
-- IDs: UUIDv7. Times: to the microsecond.

-- One row per data directory. Positions count the records of its journal. At rest:
-- committed - began = stored + all dropped records.
CREATE TABLE click_journals (
    id                   uuid        NOT NULL PRIMARY KEY,
    began                bigint      NOT NULL CHECK (began >= 0),          -- position at which it was registered
    committed            bigint      NOT NULL CHECK (committed >= began),  -- position before which all records are settled
    stored               bigint      NOT NULL DEFAULT 0,                   -- rows stored in link_clicks
    dropped_link_deleted bigint      NOT NULL DEFAULT 0,                   -- records whose link was deleted
    dropped_rejected     bigint      NOT NULL DEFAULT 0,                   -- records that the database rejected
    dropped_unreadable   bigint      NOT NULL DEFAULT 0,                   -- records that were damaged
    dropped_lost         bigint      NOT NULL DEFAULT 0,                   -- records lost with a killed process
    registered_at        timestamptz NOT NULL,
    updated_at           timestamptz NOT NULL                              -- when the last batch was settled
) WITH (fillfactor = 50);                                                  -- room for in-place updates

-- One row per change of a link. Numbers are never assigned twice. The newest row is never deleted. The
-- time, from the database's own clock, is used only for purging.
CREATE TABLE link_changes (
    seq        bigint      NOT NULL GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code       varchar(64) COLLATE "C" NOT NULL,                           -- normal form
    changed_at timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE INDEX link_changes_oldest ON link_changes (changed_at);
