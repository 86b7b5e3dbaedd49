-- Deleted, disabled and expired links work again; former codes no longer work.
DROP TABLE IF EXISTS link_versions;
DROP TABLE IF EXISTS link_words;
DROP TABLE IF EXISTS link_tags;
DROP TABLE IF EXISTS tags;
DROP TABLE IF EXISTS link_shares;
DROP TABLE IF EXISTS link_owners;
DROP TABLE IF EXISTS link_codes;
SET @links = (
    SELECT COUNT(*) FROM information_schema.columns
    WHERE table_schema = DATABASE() AND table_name = 'links' AND column_name = 'title'
);
SET @links = IF(@links > 0, '
    ALTER TABLE links
        DROP INDEX links_deleted,
        DROP INDEX links_unowned,
        DROP INDEX links_by_target,
        DROP INDEX links_by_visibility,
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
        DROP COLUMN title
', 'DO 0');
PREPARE links FROM @links;
EXECUTE links;
DEALLOCATE PREPARE links;
