DROP INDEX links_to_index;
ALTER TABLE links DROP COLUMN search_version;
