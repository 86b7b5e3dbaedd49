-- What is known of clicks: of each by itself, and of days by their rollup.

-- Clicks of before have no class; `linkctl reclassify` gives them one.
ALTER TABLE links ADD COLUMN humans BIGINT NOT NULL DEFAULT 0;         -- those of clicks that are of people

ALTER TABLE link_clicks ADD COLUMN class TEXT
    CHECK (class IN ('human', 'bot', 'preview', 'prefetch', 'self'));
ALTER TABLE link_clicks ADD COLUMN browser TEXT;                       -- family, at most 64 characters
ALTER TABLE link_clicks ADD COLUMN os TEXT;                            -- family, at most 64 characters
ALTER TABLE link_clicks ADD COLUMN device TEXT
    CHECK (device IN ('desktop', 'mobile', 'tablet', 'tv', 'console', 'other'));
ALTER TABLE link_clicks ADD COLUMN country TEXT;                       -- two letters (ISO 3166-1)
-- The id begins with the time of the click: newest first is the order of ids. A key that is shorter by
-- the time takes a quarter off what it costs to store a click in a large table.
DROP INDEX link_clicks_by_link;
CREATE INDEX link_clicks_by_link ON link_clicks (link_id, id);

-- The rollup. first_click_us, last_click_us: of the day, in microseconds since 1970.
-- facts: what the clicks are counted by, as JSON:
--   v: clicks by visit class; r: referrer hosts, b: browsers, o: operating systems, d: devices,
--   c: countries, each with [clicks, those of people]. What is missing is not known.
ALTER TABLE link_days ADD COLUMN humans BIGINT NOT NULL DEFAULT 0;     -- those of clicks that are of people
ALTER TABLE link_days ADD COLUMN visitors BIGINT NOT NULL DEFAULT 0;   -- different address hashes
ALTER TABLE link_days ADD COLUMN first_click_us BIGINT;
ALTER TABLE link_days ADD COLUMN last_click_us BIGINT;
ALTER TABLE link_days ADD COLUMN facts TEXT;

-- By what the visitors of a link and a day are told apart: the first 16 bytes of their address hash. Deleted
-- some days later.
CREATE TABLE link_visitors (
    day     TEXT NOT NULL,
    link_id BLOB NOT NULL,
    visitor BLOB NOT NULL,
    PRIMARY KEY (day, link_id, visitor)
) WITHOUT ROWID;
