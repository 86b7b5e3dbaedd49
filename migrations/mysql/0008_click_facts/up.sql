-- What is known of clicks: of each by itself, and of days by their rollup.
-- MySQL commits each statement of a migration by itself: each can be repeated.

-- MySQL has no ADD COLUMN IF NOT EXISTS: all columns of a table come with one statement, where the first is
-- missing.
SET @links = (
    SELECT COUNT(*) FROM information_schema.columns
    WHERE table_schema = DATABASE() AND table_name = 'links' AND column_name = 'humans'
);
-- Those of clicks that are of people. Clicks of before have no class; `linkctl reclassify` gives them one.
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

-- The id begins with the time of the click: newest first is the order of ids. The other index is not dropped
-- before this one is there, which the foreign key needs.
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
-- The rollup. humans: those of clicks that are of people. visitors: different address hashes.
-- first_click_us, last_click_us: of the day, in microseconds since 1970.
-- facts: what the clicks are counted by, as JSON:
--   v: clicks by visit class; r: referrer hosts, b: browsers, o: operating systems, d: devices,
--   c: countries, each with [clicks, those of people]. What is missing is not known.
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

-- By what the visitors of a link and a day are told apart: the first 16 bytes of their address hash. Deleted
-- some days later.
CREATE TABLE IF NOT EXISTS link_visitors (
    day     DATE       NOT NULL,
    link_id BINARY(16) NOT NULL,
    visitor BINARY(16) NOT NULL,
    PRIMARY KEY (day, link_id, visitor)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
