-- How far click journals are settled, and the change feed of links.
-- IDs: UUIDv7, 16 bytes. Times: text in UTC, whose order is the order of time.

-- One row per data directory. Positions count the records of its journal. At rest:
-- committed - began = stored + all dropped records.
CREATE TABLE click_journals (
    id                   BLOB   NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    began                BIGINT NOT NULL CHECK (began >= 0),            -- position at which it was registered
    committed            BIGINT NOT NULL CHECK (committed >= began),    -- position before which all records are settled
    stored               BIGINT NOT NULL DEFAULT 0,                     -- rows stored in link_clicks
    dropped_link_deleted BIGINT NOT NULL DEFAULT 0,                     -- records whose link was deleted
    dropped_rejected     BIGINT NOT NULL DEFAULT 0,                     -- records that the database rejected
    dropped_unreadable   BIGINT NOT NULL DEFAULT 0,                     -- records that were damaged
    dropped_lost         BIGINT NOT NULL DEFAULT 0,                     -- records lost with a killed process
    registered_at        TEXT   NOT NULL,
    updated_at           TEXT   NOT NULL                                -- when the last batch was settled
) WITHOUT ROWID;

-- One row per change of a link. The newest row is never deleted, so that numbering continues from it and
-- no number is assigned twice. The time, from the database's own clock, is used only for purging.
CREATE TABLE link_changes (
    seq        INTEGER NOT NULL PRIMARY KEY,
    code       TEXT    NOT NULL,                                        -- normal form
    changed_at TEXT    NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f+00:00', 'now'))
);
CREATE INDEX link_changes_oldest ON link_changes (changed_at);
