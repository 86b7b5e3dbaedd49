-- Links, their clicks, and the daily salts of address hashes.
-- IDs: UUIDv7, 16 bytes. Times: UTC, to the microsecond.
-- MySQL commits each statement of a migration separately, so each can be repeated.

CREATE TABLE IF NOT EXISTS users (
    id           BINARY(16)   NOT NULL PRIMARY KEY,
    email        VARCHAR(254) NOT NULL UNIQUE,
    display_name VARCHAR(200) NOT NULL DEFAULT '',
    role         VARCHAR(16) CHARACTER SET ascii NOT NULL DEFAULT 'member' CHECK (role IN ('member', 'admin')),
    created_at   DATETIME(6)  NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS links (
    id            BINARY(16)  NOT NULL PRIMARY KEY,
    code          VARCHAR(64)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL UNIQUE,  -- normal form
    code_spelling VARCHAR(64)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL,         -- as its owner wrote it
    target_url    VARCHAR(2048) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    clicks        BIGINT      NOT NULL DEFAULT 0,                                       -- clicks ever counted
    clicks_purged BIGINT      NOT NULL DEFAULT 0,                                       -- clicks whose records were purged
    created_at    DATETIME(6) NOT NULL,
    INDEX links_newest (created_at DESC, id DESC)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- One row per counted redirect, never changed. The ID begins with the time of the click.
CREATE TABLE IF NOT EXISTS link_clicks (
    id         BINARY(16)    NOT NULL PRIMARY KEY,
    link_id    BINARY(16)    NOT NULL,
    user_id    BINARY(16),
    ip_hash    VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin,                       -- hexadecimal digits
    user_agent VARCHAR(512),
    referrer   VARCHAR(2048),
    clicked_at DATETIME(6)   NOT NULL,
    INDEX link_clicks_by_link (link_id, clicked_at DESC, id),
    FOREIGN KEY (link_id) REFERENCES links (id) ON DELETE CASCADE,
    FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE SET NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Clicks per link and day, the day in WAYPOST_TIMEZONE. Outlives the rows of link_clicks.
CREATE TABLE IF NOT EXISTS link_days (
    link_id BINARY(16) NOT NULL,
    day     DATE       NOT NULL,
    clicks  BIGINT     NOT NULL,
    PRIMARY KEY (link_id, day),
    FOREIGN KEY (link_id) REFERENCES links (id) ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- The secret of each day, deleted after 48 hours.
CREATE TABLE IF NOT EXISTS daily_salts (
    day  DATE       NOT NULL PRIMARY KEY,
    salt BINARY(32) NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
