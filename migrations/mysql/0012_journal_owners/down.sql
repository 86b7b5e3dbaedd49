DROP TABLE IF EXISTS accepted_losses;
DROP TABLE IF EXISTS click_journal_owners;
SET @journals = (
    SELECT COUNT(*) FROM information_schema.columns
    WHERE table_schema = DATABASE() AND table_name = 'click_journals' AND column_name = 'owner'
);
SET @journals = IF(@journals > 0, '
    ALTER TABLE click_journals
        DROP COLUMN forgotten_at,
        DROP COLUMN retry_of,
        DROP COLUMN split_at,
        DROP COLUMN split_from,
        DROP COLUMN duplicates,
        DROP COLUMN pending_since,
        DROP COLUMN accepted,
        DROP COLUMN noted_at,
        DROP COLUMN process,
        DROP COLUMN node,
        DROP COLUMN owner
', 'DO 0');
PREPARE journals FROM @journals;
EXECUTE journals;
DEALLOCATE PREPARE journals;
