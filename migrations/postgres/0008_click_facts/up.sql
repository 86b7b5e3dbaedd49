-- Facts of clicks: of each click, and of days in their rollup.

-- Earlier clicks have no class; `linkctl reclassify` sets it.
ALTER TABLE links ADD COLUMN humans bigint NOT NULL DEFAULT 0;         -- clicks by people

ALTER TABLE link_clicks
    ADD COLUMN class   varchar(8) CHECK (class IN ('human', 'bot', 'preview', 'prefetch', 'self')),
    ADD COLUMN browser varchar(64),                                    -- family
    ADD COLUMN os      varchar(64),                                    -- family
    ADD COLUMN device  varchar(8) CHECK (device IN ('desktop', 'mobile', 'tablet', 'tv', 'console', 'other')),
    ADD COLUMN country varchar(2);                                     -- two letters (ISO 3166-1)
-- The ID begins with the time of the click: newest first is the order of IDs.
DROP INDEX link_clicks_by_link;
CREATE INDEX link_clicks_by_link ON link_clicks (link_id, id);

-- The rollup. first_click_us, last_click_us: of the day, in microseconds since 1970.
-- facts: counts by dimension, as JSON:
--   v: clicks by visit class; r: referrer hosts, b: browsers, o: operating systems, d: devices,
--   c: countries, each with [clicks, clicks by people]. Unknown values are left out.
ALTER TABLE link_days
    ADD COLUMN humans         bigint NOT NULL DEFAULT 0,               -- clicks by people
    ADD COLUMN visitors       bigint NOT NULL DEFAULT 0,               -- unique address hashes
    ADD COLUMN first_click_us bigint,
    ADD COLUMN last_click_us  bigint,
    ADD COLUMN facts          text;
ALTER TABLE link_days SET (fillfactor = 80);                           -- room for in-place updates

-- The visitors of a link and a day: the first 16 bytes of their address hash. Deleted some days later.
CREATE TABLE link_visitors (
    day     date NOT NULL,
    link_id uuid NOT NULL,
    visitor uuid NOT NULL,
    PRIMARY KEY (day, link_id, visitor)
);
