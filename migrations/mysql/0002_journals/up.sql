-- How far click journals are settled, and the change feed of links.
-- IDs: UUIDv7, 16 bytes. Times: UTC, to the microsecond.
-- MySQL commits each statement of a migration separately, so each can be repeated.

-- One row per data directory. Positions count the records of its journal. At rest:
-- committed - began = stored + all dropped records.
CREATE TABLE IF NOT EXISTS click_journals (
    id                   BINARY(16)  NOT NULL PRIMARY KEY,
    began                BIGINT      NOT NULL,                  -- position at which it was registered
    committed            BIGINT      NOT NULL,                  -- position before which all records are settled
    stored               BIGINT      NOT NULL DEFAULT 0,        -- rows stored in link_clicks
    dropped_link_deleted BIGINT      NOT NULL DEFAULT 0,        -- records whose link was deleted
    dropped_rejected     BIGINT      NOT NULL DEFAULT 0,        -- records that the database rejected
    dropped_unreadable   BIGINT      NOT NULL DEFAULT 0,        -- records that were damaged
    dropped_lost         BIGINT      NOT NULL DEFAULT 0,        -- records lost with a killed process
    registered_at        DATETIME(6) NOT NULL,
    updated_at           DATETIME(6) NOT NULL,                  -- when the last batch was settled
    CHECK (began >= 0 AND committed >= began)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- One row per change of a link. Numbers are never assigned twice. The newest row is never deleted. The
-- time, from the database's own clock, is used only for purging.
CREATE TABLE IF NOT EXISTS link_changes (
    seq        BIGINT      NOT NULL AUTO_INCREMENT PRIMARY KEY,
    code       VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,  -- normal form
    changed_at DATETIME(6) NOT NULL DEFAULT (UTC_TIMESTAMP(6)),
    INDEX link_changes_oldest (changed_at)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
