SET @search = (
    SELECT COUNT(*) FROM information_schema.columns
    WHERE table_schema = DATABASE() AND table_name = 'links' AND column_name = 'search_due'
);
SET @search = IF(@search > 0, 'ALTER TABLE links DROP INDEX links_to_index, DROP COLUMN search_due', 'DO 0');
PREPARE search FROM @search;
EXECUTE search;
DEALLOCATE PREPARE search;

SET @search = (
    SELECT COUNT(*) FROM information_schema.columns
    WHERE table_schema = DATABASE() AND table_name = 'links' AND column_name = 'search_version'
);
SET @search = IF(@search > 0, 'ALTER TABLE links DROP COLUMN search_version', 'DO 0');
PREPARE search FROM @search;
EXECUTE search;
DEALLOCATE PREPARE search;
