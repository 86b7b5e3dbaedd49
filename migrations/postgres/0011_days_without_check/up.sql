-- Days are only added under the lock of their link, and go with it: looking the link up once more for each
-- new day is a sixth of what it takes to store a click.
ALTER TABLE link_days DROP CONSTRAINT link_days_link_id_fkey;
