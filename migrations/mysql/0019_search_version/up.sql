-- The words of a link are those of the rules that this release has for them. Links that an earlier release
-- stored or changed are indexed again, in the background. A later change of the rules adds a column like
-- this one, so that the release before, which does not know the column, never sets it.

-- search_version: links.version whose words are in link_words. Every change of a link increments links.version:
-- if an earlier release made it, the two differ from then on. search_due: whether they do; it is stored in the
-- index only. Each statement is one that a server can do without copying the table.
SET @search = (
    SELECT COUNT(*) FROM information_schema.columns
    WHERE table_schema = DATABASE() AND table_name = 'links' AND column_name = 'search_version'
);
SET @search = IF(@search = 0, 'ALTER TABLE links ADD COLUMN search_version INTEGER NOT NULL DEFAULT 0', 'DO 0');
PREPARE search FROM @search;
EXECUTE search;
DEALLOCATE PREPARE search;

SET @search = (
    SELECT COUNT(*) FROM information_schema.columns
    WHERE table_schema = DATABASE() AND table_name = 'links' AND column_name = 'search_due'
);
SET @search = IF(
    @search = 0,
    'ALTER TABLE links ADD COLUMN search_due BOOLEAN GENERATED ALWAYS AS (search_version <> version) VIRTUAL',
    'DO 0'
);
PREPARE search FROM @search;
EXECUTE search;
DEALLOCATE PREPARE search;

SET @search = (
    SELECT COUNT(*) FROM information_schema.statistics
    WHERE table_schema = DATABASE() AND table_name = 'links' AND index_name = 'links_to_index'
);
SET @search = IF(@search = 0, 'ALTER TABLE links ADD INDEX links_to_index (search_due, id)', 'DO 0');
PREPARE search FROM @search;
EXECUTE search;
DEALLOCATE PREPARE search;
