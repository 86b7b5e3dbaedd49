-- The words of a link are those of the rules that this release has for them. Links that an earlier release
-- stored or changed are indexed again, in the background. A later change of the rules adds a column like
-- this one, so that the release before, which does not know the column, never sets it.

-- links.version whose words are in link_words. Every change of a link increments links.version: if an earlier
-- release made it, the two differ from then on.
ALTER TABLE links ADD COLUMN search_version INTEGER NOT NULL DEFAULT 0;
CREATE INDEX links_to_index ON links (id) WHERE search_version <> version;
