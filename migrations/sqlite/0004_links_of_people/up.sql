-- Details of links, their owners, their search index, and their history.
-- IDs: UUIDv7, 16 bytes. Times: text in UTC, whose order is the order of time.

-- The defaults are for existing links; an insertion sets all columns.
ALTER TABLE links ADD COLUMN title         TEXT    NOT NULL DEFAULT '';     -- at most 200 characters
ALTER TABLE links ADD COLUMN description   TEXT    NOT NULL DEFAULT '';     -- at most 2,000 characters
ALTER TABLE links ADD COLUMN visibility    TEXT    NOT NULL DEFAULT 'public'
    CHECK (visibility IN ('public', 'private', 'secure'));
ALTER TABLE links ADD COLUMN forward_query BOOLEAN NOT NULL DEFAULT FALSE;  -- of visitors, to the destination
ALTER TABLE links ADD COLUMN disabled      BOOLEAN NOT NULL DEFAULT FALSE;  -- it does not work
ALTER TABLE links ADD COLUMN expires_at    TEXT;                            -- NULL: never
ALTER TABLE links ADD COLUMN updated_at    TEXT    NOT NULL DEFAULT '';
ALTER TABLE links ADD COLUMN version       INTEGER NOT NULL DEFAULT 1;      -- incremented by each change
ALTER TABLE links ADD COLUMN deleted_at    TEXT;                            -- NULL: not deleted
ALTER TABLE links ADD COLUMN target_hash   BLOB;                            -- SHA-256 of target_url; NULL: its words are not in link_words yet
ALTER TABLE links ADD COLUMN owned         BOOLEAN NOT NULL DEFAULT FALSE;  -- has rows in link_owners
UPDATE links SET updated_at = created_at;
DROP INDEX links_newest;
CREATE INDEX links_newest ON links (created_at DESC, id DESC) WHERE deleted_at IS NULL;
CREATE INDEX links_by_visibility ON links (visibility, created_at DESC, id DESC);
CREATE INDEX links_by_target ON links (target_hash, created_at DESC, id DESC);
CREATE INDEX links_unowned ON links (created_at DESC, id DESC) WHERE owned = FALSE;
CREATE INDEX links_deleted ON links (deleted_at) WHERE deleted_at IS NOT NULL;

-- Every code of a link: its present one and its former ones. The primary key decides which link has a
-- code.
CREATE TABLE link_codes (
    code       TEXT NOT NULL PRIMARY KEY,                   -- normal form
    spelling   TEXT NOT NULL,                               -- as its owner wrote it
    link_id    BLOB NOT NULL REFERENCES links (id) ON DELETE CASCADE,
    created_at TEXT NOT NULL                                -- when the link got the code
) WITHOUT ROWID;
CREATE INDEX link_codes_by_link ON link_codes (link_id);
INSERT INTO link_codes (code, spelling, link_id, created_at)
    SELECT code, code_spelling, id, created_at FROM links;

-- A user who owns links cannot be deleted.
CREATE TABLE link_owners (
    link_id         BLOB    NOT NULL REFERENCES links (id) ON DELETE CASCADE,
    user_id         BLOB    NOT NULL REFERENCES users (id),
    is_primary      BOOLEAN NOT NULL,                       -- true for one of the owners of a link
    since_version   INTEGER NOT NULL,                       -- links.version that added the owner
    link_created_at TEXT    NOT NULL,                       -- links.created_at, which never changes
    PRIMARY KEY (link_id, user_id)
) WITHOUT ROWID;
CREATE INDEX link_owners_by_user ON link_owners (user_id, link_created_at DESC, link_id DESC);

CREATE TABLE link_shares (
    link_id         BLOB NOT NULL REFERENCES links (id) ON DELETE CASCADE,
    user_id         BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    link_created_at TEXT NOT NULL,                          -- links.created_at, which never changes
    PRIMARY KEY (link_id, user_id)
) WITHOUT ROWID;
CREATE INDEX link_shares_by_user ON link_shares (user_id, link_created_at DESC, link_id DESC);

-- Every present or former tag of a link.
CREATE TABLE tags (
    name TEXT NOT NULL PRIMARY KEY                          -- 1 to 64 characters in lower case
) WITHOUT ROWID;

CREATE TABLE link_tags (
    link_id         BLOB    NOT NULL REFERENCES links (id) ON DELETE CASCADE,
    tag             TEXT    NOT NULL REFERENCES tags (name),
    listed          BOOLEAN NOT NULL,                       -- the link is public and not deleted
    link_created_at TEXT    NOT NULL,                       -- links.created_at, which never changes
    PRIMARY KEY (link_id, tag)
) WITHOUT ROWID;
CREATE INDEX link_tags_by_tag ON link_tags (tag, link_created_at DESC, link_id DESC);
CREATE INDEX link_tags_listed ON link_tags (tag, listed, link_created_at DESC, link_id DESC);

CREATE TABLE link_words (
    link_id BLOB NOT NULL REFERENCES links (id) ON DELETE CASCADE,
    word    TEXT NOT NULL,                                  -- 1 to 32 letters and digits in lower case
    PRIMARY KEY (link_id, word)
) WITHOUT ROWID;
CREATE INDEX link_words_by_word ON link_words (word, link_id);

-- The history of links, from the first change after this migration on.
CREATE TABLE link_versions (
    link_id    BLOB    NOT NULL REFERENCES links (id) ON DELETE CASCADE,
    number     INTEGER NOT NULL,                            -- links.version after the change
    action     TEXT    NOT NULL CHECK (action IN ('created', 'changed', 'access_changed', 'deleted', 'restored')),
    changed_at TEXT    NOT NULL,
    user_id    BLOB    REFERENCES users (id) ON DELETE SET NULL,    -- NULL: the operator, or unknown
    before     TEXT,                                        -- the link as JSON; NULL: it did not exist
    after      TEXT    NOT NULL,                            -- the link as JSON
    PRIMARY KEY (link_id, number)
) WITHOUT ROWID;
CREATE INDEX link_versions_by_user ON link_versions (user_id) WHERE user_id IS NOT NULL;
