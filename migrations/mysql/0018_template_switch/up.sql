-- Whether each $name in the destination of a link is a placeholder. NULL: the link was written by a release
-- without this column, for which every $name was one. It is read like that until the link is changed, so that
-- links keep working, also those that such a release writes while it still runs beside this one.
-- MySQL has no ADD COLUMN IF NOT EXISTS.
SET @links = (
    SELECT COUNT(*) FROM information_schema.columns
    WHERE table_schema = DATABASE() AND table_name = 'links' AND column_name = 'template'
);
SET @links = IF(@links = 0, 'ALTER TABLE links ADD COLUMN template BOOLEAN', 'DO 0');
PREPARE links FROM @links;
EXECUTE links;
DEALLOCATE PREPARE links;
