DROP TABLE IF EXISTS link_visitors;
SET @days = (
    SELECT COUNT(*) FROM information_schema.columns
    WHERE table_schema = DATABASE() AND table_name = 'link_days' AND column_name = 'humans'
);
SET @days = IF(@days > 0, '
    ALTER TABLE link_days
        DROP COLUMN facts,
        DROP COLUMN last_click_us,
        DROP COLUMN first_click_us,
        DROP COLUMN visitors,
        DROP COLUMN humans
', 'DO 0');
PREPARE days FROM @days;
EXECUTE days;
DEALLOCATE PREPARE days;
SET @clicks = (
    SELECT COUNT(*) FROM information_schema.columns
    WHERE table_schema = DATABASE() AND table_name = 'link_clicks' AND column_name = 'class'
);
SET @clicks = IF(@clicks > 0, '
    ALTER TABLE link_clicks
        ADD INDEX link_clicks_by_link (link_id, clicked_at DESC, id),
        DROP INDEX link_clicks_of_link,
        DROP COLUMN country,
        DROP COLUMN device,
        DROP COLUMN os,
        DROP COLUMN browser,
        DROP COLUMN class
', 'DO 0');
PREPARE clicks FROM @clicks;
EXECUTE clicks;
DEALLOCATE PREPARE clicks;
SET @links = (
    SELECT COUNT(*) FROM information_schema.columns
    WHERE table_schema = DATABASE() AND table_name = 'links' AND column_name = 'humans'
);
SET @links = IF(@links > 0, 'ALTER TABLE links DROP COLUMN humans', 'DO 0');
PREPARE links FROM @links;
EXECUTE links;
DEALLOCATE PREPARE links;
