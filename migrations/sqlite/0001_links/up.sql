-- Links, their clicks, and the daily salts of address hashes.
-- IDs: UUIDv7, 16 bytes. Times: text in UTC, whose order is the order of time.

CREATE TABLE users (
    id           BLOB   NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    email        TEXT   NOT NULL UNIQUE,
    display_name TEXT   NOT NULL DEFAULT '',
    role         TEXT   NOT NULL DEFAULT 'member' CHECK (role IN ('member', 'admin')),
    created_at   TEXT   NOT NULL
);

CREATE TABLE links (
    id            BLOB   NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    code          TEXT   NOT NULL UNIQUE,               -- normal form, 1 to 64 characters
    code_spelling TEXT   NOT NULL,                      -- as its owner wrote it
    target_url    TEXT   NOT NULL,                      -- at most 2,048 bytes
    clicks        BIGINT NOT NULL DEFAULT 0,            -- clicks ever counted
    clicks_purged BIGINT NOT NULL DEFAULT 0,            -- clicks whose records were purged
    created_at    TEXT   NOT NULL
);
CREATE INDEX links_newest ON links (created_at DESC, id DESC);

-- One row per counted redirect, never changed. The ID begins with the time of the click.
CREATE TABLE link_clicks (
    id         BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    link_id    BLOB NOT NULL REFERENCES links (id) ON DELETE CASCADE,
    user_id    BLOB REFERENCES users (id) ON DELETE SET NULL,
    ip_hash    TEXT,                                    -- 64 hexadecimal digits
    user_agent TEXT,                                    -- at most 512 characters
    referrer   TEXT,                                    -- at most 2,048 characters
    clicked_at TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX link_clicks_by_link ON link_clicks (link_id, clicked_at DESC, id);

-- Clicks per link and day, the day in WAYPOST_TIMEZONE. Outlives the rows of link_clicks.
CREATE TABLE link_days (
    link_id BLOB   NOT NULL REFERENCES links (id) ON DELETE CASCADE,
    day     TEXT   NOT NULL,
    clicks  BIGINT NOT NULL,
    PRIMARY KEY (link_id, day)
) WITHOUT ROWID;

-- The secret of each day, deleted after 48 hours.
CREATE TABLE daily_salts (
    day  TEXT NOT NULL PRIMARY KEY,
    salt BLOB NOT NULL CHECK (length(salt) = 32)
) WITHOUT ROWID;
