-- Links, their clicks, and the daily salts of address hashes.
-- IDs: UUIDv7. Times: to the microsecond.

CREATE TABLE users (
    id           uuid        NOT NULL PRIMARY KEY,
    email        text        NOT NULL UNIQUE,
    display_name text        NOT NULL DEFAULT '',
    role         text        NOT NULL DEFAULT 'member' CHECK (role IN ('member', 'admin')),
    created_at   timestamptz NOT NULL
);

CREATE TABLE links (
    id            uuid          NOT NULL PRIMARY KEY,
    code          varchar(64)   COLLATE "C" NOT NULL UNIQUE,  -- normal form
    code_spelling varchar(64)   COLLATE "C" NOT NULL,         -- as its owner wrote it
    target_url    varchar(2048) NOT NULL,
    clicks        bigint        NOT NULL DEFAULT 0,           -- clicks ever counted
    clicks_purged bigint        NOT NULL DEFAULT 0,           -- clicks whose records were purged
    created_at    timestamptz   NOT NULL
) WITH (fillfactor = 85);                                     -- room for in-place updates of clicks
CREATE INDEX links_newest ON links (created_at DESC, id DESC);

-- One row per counted redirect, never changed. The ID begins with the time of the click.
CREATE TABLE link_clicks (
    id         uuid          NOT NULL PRIMARY KEY,
    link_id    uuid          NOT NULL REFERENCES links (id) ON DELETE CASCADE,
    user_id    uuid          REFERENCES users (id) ON DELETE SET NULL,
    ip_hash    varchar(64),                                   -- hexadecimal digits
    user_agent varchar(512),
    referrer   varchar(2048),
    clicked_at timestamptz   NOT NULL
);
CREATE INDEX link_clicks_by_link ON link_clicks (link_id, clicked_at DESC, id);

-- Clicks per link and day, the day in WAYPOST_TIMEZONE. Outlives the rows of link_clicks.
CREATE TABLE link_days (
    link_id uuid   NOT NULL REFERENCES links (id) ON DELETE CASCADE,
    day     date   NOT NULL,
    clicks  bigint NOT NULL,
    PRIMARY KEY (link_id, day)
);

-- The secret of each day, deleted after 48 hours.
CREATE TABLE daily_salts (
    day  date  NOT NULL PRIMARY KEY,
    salt bytea NOT NULL CHECK (length(salt) = 32)
);
