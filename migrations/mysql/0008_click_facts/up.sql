-- Facts of clicks: of each click, and of days in their rollup.
-- MySQL commits each statement of a migration separately, so each can be repeated.

-- MySQL has no ADD COLUMN IF NOT EXISTS: one statement adds all columns of a table if the first is missing.
SET @links = (
    SELECT COUNT(*) FROM information_schema.columns
    WHERE table_schema = DATABASE() AND table_name = 'links' AND column_name = 'humans'
);
-- Clicks by people. Earlier clicks have no class; `linkctl reclassify` sets it.
SET @links = IF(@links = 0, 'ALTER TABLE links ADD COLUMN humans BIGINT NOT NULL DEFAULT 0', 'DO 0');
PREPARE links FROM @links;
EXECUTE links;
DEALLOCATE PREPARE links;

SET @clicks = (
    SELECT COUNT(*) FROM information_schema.columns
    WHERE table_schema = DATABASE() AND table_name = 'link_clicks' AND column_name = 'class'
);
-- browser, os: families. country: two letters (ISO 3166-1).
SET @clicks = IF(@clicks = 0, '
    ALTER TABLE link_clicks
        ADD COLUMN class   VARCHAR(8) CHARACTER SET ascii COLLATE ascii_bin
            CHECK (class IN (''human'', ''bot'', ''preview'', ''prefetch'', ''self'')),
        ADD COLUMN browser VARCHAR(64),
        ADD COLUMN os      VARCHAR(64),
        ADD COLUMN device  VARCHAR(8) CHARACTER SET ascii COLLATE ascii_bin
            CHECK (device IN (''desktop'', ''mobile'', ''tablet'', ''tv'', ''console'', ''other'')),
        ADD COLUMN country VARCHAR(2) CHARACTER SET ascii COLLATE ascii_bin
', 'DO 0');
PREPARE clicks FROM @clicks;
EXECUTE clicks;
DEALLOCATE PREPARE clicks;

-- The ID begins with the time of the click: newest first is the order of IDs. The other index is not dropped
-- before this one exists, because the foreign key needs one.
SET @new_index = (
    SELECT COUNT(*) FROM information_schema.statistics
    WHERE table_schema = DATABASE() AND table_name = 'link_clicks' AND index_name = 'link_clicks_of_link'
);
SET @new_index = IF(@new_index = 0, 'CREATE INDEX link_clicks_of_link ON link_clicks (link_id, id)', 'DO 0');
PREPARE new_index FROM @new_index;
EXECUTE new_index;
DEALLOCATE PREPARE new_index;
SET @old_index = (
    SELECT COUNT(*) FROM information_schema.statistics
    WHERE table_schema = DATABASE() AND table_name = 'link_clicks' AND index_name = 'link_clicks_by_link'
);
SET @old_index = IF(@old_index > 0, 'DROP INDEX link_clicks_by_link ON link_clicks', 'DO 0');
PREPARE old_index FROM @old_index;
EXECUTE old_index;
DEALLOCATE PREPARE old_index;

SET @days = (
    SELECT COUNT(*) FROM information_schema.columns
    WHERE table_schema = DATABASE() AND table_name = 'link_days' AND column_name = 'humans'
);
-- The rollup. humans: clicks by people. visitors: unique address hashes.
-- first_click_us, last_click_us: of the day, in microseconds since 1970.
-- facts: counts by dimension, as JSON:
--   v: clicks by visit class; r: referrer hosts, b: browsers, o: operating systems, d: devices,
--   c: countries, each with [clicks, clicks by people]. Unknown values are left out.
SET @days = IF(@days = 0, '
    ALTER TABLE link_days
        ADD COLUMN humans         BIGINT NOT NULL DEFAULT 0,
        ADD COLUMN visitors       BIGINT NOT NULL DEFAULT 0,
        ADD COLUMN first_click_us BIGINT,
        ADD COLUMN last_click_us  BIGINT,
        ADD COLUMN facts          MEDIUMTEXT
', 'DO 0');
PREPARE days FROM @days;
EXECUTE days;
DEALLOCATE PREPARE days;

-- The visitors of a link and a day: the first 16 bytes of their address hash. Deleted some days later.
CREATE TABLE IF NOT EXISTS link_visitors (
    day     DATE       NOT NULL,
    link_id BINARY(16) NOT NULL,
    visitor BINARY(16) NOT NULL,
    PRIMARY KEY (day, link_id, visitor)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
