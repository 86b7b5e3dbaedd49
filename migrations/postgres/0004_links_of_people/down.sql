-- Deleted, disabled and expired links work again; former codes no longer work.
DROP TABLE link_versions;
DROP TABLE link_words;
DROP TABLE link_tags;
DROP TABLE tags;
DROP TABLE link_shares;
DROP TABLE link_owners;
DROP TABLE link_codes;
DROP INDEX links_deleted;
DROP INDEX links_unowned;
DROP INDEX links_by_target;
DROP INDEX links_by_visibility;
DROP INDEX links_newest;
CREATE INDEX links_newest ON links (created_at DESC, id DESC);
ALTER TABLE links
    DROP COLUMN owned,
    DROP COLUMN target_hash,
    DROP COLUMN deleted_at,
    DROP COLUMN version,
    DROP COLUMN updated_at,
    DROP COLUMN expires_at,
    DROP COLUMN disabled,
    DROP COLUMN forward_query,
    DROP COLUMN visibility,
    DROP COLUMN description,
    DROP COLUMN title;
