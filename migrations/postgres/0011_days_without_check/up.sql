-- Days are only added under the lock of their link, and deleted with it: checking the link again for each
-- new day takes a sixth of the time of storing a click.
ALTER TABLE link_days DROP CONSTRAINT link_days_link_id_fkey;
