DROP TABLE link_visitors;
ALTER TABLE link_days RESET (fillfactor);
ALTER TABLE link_days
    DROP COLUMN facts,
    DROP COLUMN last_click_us,
    DROP COLUMN first_click_us,
    DROP COLUMN visitors,
    DROP COLUMN humans;
DROP INDEX link_clicks_by_link;
CREATE INDEX link_clicks_by_link ON link_clicks (link_id, clicked_at DESC, id);
ALTER TABLE link_clicks
    DROP COLUMN country,
    DROP COLUMN device,
    DROP COLUMN os,
    DROP COLUMN browser,
    DROP COLUMN class;
ALTER TABLE links DROP COLUMN humans;
