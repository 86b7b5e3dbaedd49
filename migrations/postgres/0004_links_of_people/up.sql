-- Details of links, their owners, their search index, and their history.
-- IDs: UUIDv7. Times: to the microsecond.

-- The defaults are for existing links; an insertion sets all columns.
ALTER TABLE links
    ADD COLUMN title         varchar(200)  NOT NULL DEFAULT '',
    ADD COLUMN description   varchar(2000) NOT NULL DEFAULT '',
    ADD COLUMN visibility    varchar(16)   COLLATE "C" NOT NULL DEFAULT 'public'
        CHECK (visibility IN ('public', 'private', 'secure')),
    ADD COLUMN forward_query boolean       NOT NULL DEFAULT FALSE,    -- of visitors, to the destination
    ADD COLUMN disabled      boolean       NOT NULL DEFAULT FALSE,    -- it does not work
    ADD COLUMN expires_at    timestamptz,                             -- NULL: never
    ADD COLUMN updated_at    timestamptz,
    ADD COLUMN version       integer       NOT NULL DEFAULT 1,        -- incremented by each change
    ADD COLUMN deleted_at    timestamptz,                             -- NULL: not deleted
    ADD COLUMN target_hash   bytea         CHECK (length(target_hash) = 32),  -- SHA-256 of target_url; NULL: its words are not in link_words yet
    ADD COLUMN owned         boolean       NOT NULL DEFAULT FALSE;    -- has rows in link_owners
UPDATE links SET updated_at = created_at;
ALTER TABLE links ALTER COLUMN updated_at SET NOT NULL;
DROP INDEX links_newest;
CREATE INDEX links_newest ON links (created_at DESC, id DESC) WHERE deleted_at IS NULL;
CREATE INDEX links_by_visibility ON links (visibility, created_at DESC, id DESC);
CREATE INDEX links_by_target ON links (target_hash, created_at DESC, id DESC);
CREATE INDEX links_unowned ON links (created_at DESC, id DESC) WHERE owned = FALSE;
CREATE INDEX links_deleted ON links (deleted_at) WHERE deleted_at IS NOT NULL;

-- Every code of a link: its present one and its former ones. The primary key decides which link has a
-- code.
CREATE TABLE link_codes (
    code       varchar(64) COLLATE "C" NOT NULL PRIMARY KEY,          -- normal form
    spelling   varchar(64) COLLATE "C" NOT NULL,                      -- as its owner wrote it
    link_id    uuid        NOT NULL REFERENCES links (id) ON DELETE CASCADE,
    created_at timestamptz NOT NULL                                   -- when the link got the code
);
CREATE INDEX link_codes_by_link ON link_codes (link_id);
INSERT INTO link_codes (code, spelling, link_id, created_at)
    SELECT code, code_spelling, id, created_at FROM links;

-- A user who owns links cannot be deleted.
CREATE TABLE link_owners (
    link_id         uuid        NOT NULL REFERENCES links (id) ON DELETE CASCADE,
    user_id         uuid        NOT NULL REFERENCES users (id),
    is_primary      boolean     NOT NULL,                             -- true for one of the owners of a link
    since_version   integer     NOT NULL,                             -- links.version that added the owner
    link_created_at timestamptz NOT NULL,                             -- links.created_at, which never changes
    PRIMARY KEY (link_id, user_id)
);
CREATE INDEX link_owners_by_user ON link_owners (user_id, link_created_at DESC, link_id DESC);

CREATE TABLE link_shares (
    link_id         uuid        NOT NULL REFERENCES links (id) ON DELETE CASCADE,
    user_id         uuid        NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    link_created_at timestamptz NOT NULL,                             -- links.created_at, which never changes
    PRIMARY KEY (link_id, user_id)
);
CREATE INDEX link_shares_by_user ON link_shares (user_id, link_created_at DESC, link_id DESC);

-- Every present or former tag of a link.
CREATE TABLE tags (
    name varchar(64) COLLATE "C" NOT NULL PRIMARY KEY                 -- in lower case
);

CREATE TABLE link_tags (
    link_id         uuid        NOT NULL REFERENCES links (id) ON DELETE CASCADE,
    tag             varchar(64) COLLATE "C" NOT NULL REFERENCES tags (name),
    listed          boolean     NOT NULL,                             -- the link is public and not deleted
    link_created_at timestamptz NOT NULL,                             -- links.created_at, which never changes
    PRIMARY KEY (link_id, tag)
);
CREATE INDEX link_tags_by_tag ON link_tags (tag, link_created_at DESC, link_id DESC);
CREATE INDEX link_tags_listed ON link_tags (tag, listed, link_created_at DESC, link_id DESC);

CREATE TABLE link_words (
    link_id uuid        NOT NULL REFERENCES links (id) ON DELETE CASCADE,
    word    varchar(32) COLLATE "C" NOT NULL,                         -- letters and digits in lower case
    PRIMARY KEY (link_id, word)
);
CREATE INDEX link_words_by_word ON link_words (word, link_id);

-- The history of links, from the first change after this migration on.
CREATE TABLE link_versions (
    link_id    uuid        NOT NULL REFERENCES links (id) ON DELETE CASCADE,
    number     integer     NOT NULL,                                  -- links.version after the change
    action     varchar(16) COLLATE "C" NOT NULL
        CHECK (action IN ('created', 'changed', 'access_changed', 'deleted', 'restored')),
    changed_at timestamptz NOT NULL,
    user_id    uuid        REFERENCES users (id) ON DELETE SET NULL,  -- NULL: the operator, or unknown
    before     text,                                                  -- the link as JSON; NULL: it did not exist
    after      text        NOT NULL,                                  -- the link as JSON
    PRIMARY KEY (link_id, number)
);
CREATE INDEX link_versions_by_user ON link_versions (user_id) WHERE user_id IS NOT NULL;
