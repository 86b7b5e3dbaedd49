-- Facts of clicks: of each click, and of days in their rollup.

-- Earlier clicks have no class; `linkctl reclassify` sets it.
ALTER TABLE links ADD COLUMN humans BIGINT NOT NULL DEFAULT 0;         -- clicks by people

ALTER TABLE link_clicks ADD COLUMN class TEXT
    CHECK (class IN ('human', 'bot', 'preview', 'prefetch', 'self'));
ALTER TABLE link_clicks ADD COLUMN browser TEXT;                       -- family, at most 64 characters
ALTER TABLE link_clicks ADD COLUMN os TEXT;                            -- family, at most 64 characters
ALTER TABLE link_clicks ADD COLUMN device TEXT
    CHECK (device IN ('desktop', 'mobile', 'tablet', 'tv', 'console', 'other'));
ALTER TABLE link_clicks ADD COLUMN country TEXT;                       -- two letters (ISO 3166-1)
-- The ID begins with the time of the click: newest first is the order of IDs. Leaving
-- the time out of the key reduces the cost of storing a click in a large table by a quarter.
DROP INDEX link_clicks_by_link;
CREATE INDEX link_clicks_by_link ON link_clicks (link_id, id);

-- The rollup. first_click_us, last_click_us: of the day, in microseconds since 1970.
-- facts: counts by dimension, as JSON:
--   v: clicks by visit class; r: referrer hosts, b: browsers, o: operating systems, d: devices,
--   c: countries, each with [clicks, clicks by people]. Unknown values are left out.
ALTER TABLE link_days ADD COLUMN humans BIGINT NOT NULL DEFAULT 0;     -- clicks by people
ALTER TABLE link_days ADD COLUMN visitors BIGINT NOT NULL DEFAULT 0;   -- unique address hashes
ALTER TABLE link_days ADD COLUMN first_click_us BIGINT;
ALTER TABLE link_days ADD COLUMN last_click_us BIGINT;
ALTER TABLE link_days ADD COLUMN facts TEXT;

-- The visitors of a link and a day: the first 16 bytes of their address hash. Deleted some days later.
CREATE TABLE link_visitors (
    day     TEXT NOT NULL,
    link_id BLOB NOT NULL,
    visitor BLOB NOT NULL,
    PRIMARY KEY (day, link_id, visitor)
) WITHOUT ROWID;
