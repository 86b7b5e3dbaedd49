-- Details of links, their owners, their search index, and their history.
-- IDs: UUIDv7, 16 bytes. Times: UTC, to the microsecond.
-- MySQL commits each statement of a migration separately, so each can be repeated.

-- MySQL has no ADD COLUMN IF NOT EXISTS: one statement adds all columns if the first is missing.
SET @links = (
    SELECT COUNT(*) FROM information_schema.columns
    WHERE table_schema = DATABASE() AND table_name = 'links' AND column_name = 'title'
);
-- The defaults are for existing links; an insertion sets all columns.
-- visibility: public, private or secure. forward_query: of visitors, to the destination. disabled:
-- it does not work. expires_at: NULL: never. version: incremented by each change. deleted_at: NULL: not deleted.
-- target_hash: SHA-256 of target_url; NULL: its words are not in link_words yet. owned: has rows in
-- link_owners.
SET @links = IF(@links = 0, '
    ALTER TABLE links
        ADD COLUMN title         VARCHAR(200)  NOT NULL DEFAULT '''',
        ADD COLUMN description   VARCHAR(2000) NOT NULL DEFAULT '''',
        ADD COLUMN visibility    VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT ''public'',
        ADD COLUMN forward_query BOOLEAN       NOT NULL DEFAULT FALSE,
        ADD COLUMN disabled      BOOLEAN       NOT NULL DEFAULT FALSE,
        ADD COLUMN expires_at    DATETIME(6),
        ADD COLUMN updated_at    DATETIME(6),
        ADD COLUMN version       INTEGER       NOT NULL DEFAULT 1,
        ADD COLUMN deleted_at    DATETIME(6),
        ADD COLUMN target_hash   BINARY(32),
        ADD COLUMN owned         BOOLEAN       NOT NULL DEFAULT FALSE,
        ADD INDEX links_by_visibility (visibility, created_at DESC, id DESC),
        ADD INDEX links_by_target (target_hash, created_at DESC, id DESC),
        ADD INDEX links_unowned (owned, created_at DESC, id DESC),
        ADD INDEX links_deleted (deleted_at, created_at DESC, id DESC)
', 'DO 0');
PREPARE links FROM @links;
EXECUTE links;
DEALLOCATE PREPARE links;
UPDATE links SET updated_at = created_at WHERE updated_at IS NULL;
ALTER TABLE links MODIFY COLUMN updated_at DATETIME(6) NOT NULL;

-- Every code of a link: its present one and its former ones. The primary key decides which link has a
-- code.
CREATE TABLE IF NOT EXISTS link_codes (
    code       VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,  -- normal form
    spelling   VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,              -- as its owner wrote it
    link_id    BINARY(16)  NOT NULL,
    created_at DATETIME(6) NOT NULL,                        -- when the link got the code
    INDEX link_codes_by_link (link_id),
    FOREIGN KEY (link_id) REFERENCES links (id) ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
INSERT IGNORE INTO link_codes (code, spelling, link_id, created_at)
    SELECT code, code_spelling, id, created_at FROM links;

-- A user who owns links cannot be deleted.
CREATE TABLE IF NOT EXISTS link_owners (
    link_id         BINARY(16)  NOT NULL,
    user_id         BINARY(16)  NOT NULL,
    is_primary      BOOLEAN     NOT NULL,                   -- true for one of the owners of a link
    since_version   INTEGER     NOT NULL,                   -- links.version that added the owner
    link_created_at DATETIME(6) NOT NULL,                   -- links.created_at, which never changes
    PRIMARY KEY (link_id, user_id),
    INDEX link_owners_by_user (user_id, link_created_at DESC, link_id DESC),
    FOREIGN KEY (link_id) REFERENCES links (id) ON DELETE CASCADE,
    FOREIGN KEY (user_id) REFERENCES users (id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS link_shares (
    link_id         BINARY(16)  NOT NULL,
    user_id         BINARY(16)  NOT NULL,
    link_created_at DATETIME(6) NOT NULL,                   -- links.created_at, which never changes
    PRIMARY KEY (link_id, user_id),
    INDEX link_shares_by_user (user_id, link_created_at DESC, link_id DESC),
    FOREIGN KEY (link_id) REFERENCES links (id) ON DELETE CASCADE,
    FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Every present or former tag of a link.
CREATE TABLE IF NOT EXISTS tags (
    name VARCHAR(64) NOT NULL PRIMARY KEY                   -- in lower case
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS link_tags (
    link_id         BINARY(16)  NOT NULL,
    tag             VARCHAR(64) NOT NULL,
    listed          BOOLEAN     NOT NULL,                   -- the link is public and not deleted
    link_created_at DATETIME(6) NOT NULL,                   -- links.created_at, which never changes
    PRIMARY KEY (link_id, tag),
    INDEX link_tags_by_tag (tag, link_created_at DESC, link_id DESC),
    INDEX link_tags_listed (tag, listed, link_created_at DESC, link_id DESC),
    FOREIGN KEY (link_id) REFERENCES links (id) ON DELETE CASCADE,
    FOREIGN KEY (tag) REFERENCES tags (name)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS link_words (
    link_id BINARY(16)  NOT NULL,
    word    VARCHAR(32) NOT NULL,                           -- letters and digits in lower case
    PRIMARY KEY (link_id, word),
    INDEX link_words_by_word (word, link_id),
    FOREIGN KEY (link_id) REFERENCES links (id) ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- The history of links, from the first change after this migration on.
CREATE TABLE IF NOT EXISTS link_versions (
    link_id    BINARY(16)  NOT NULL,
    number     INTEGER     NOT NULL,                        -- links.version after the change
    action     VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL
        CHECK (action IN ('created', 'changed', 'access_changed', 'deleted', 'restored')),
    changed_at DATETIME(6) NOT NULL,
    user_id    BINARY(16),                                  -- NULL: the operator, or unknown
    `before`   MEDIUMTEXT,                                  -- the link as JSON; NULL: it did not exist
    `after`    MEDIUMTEXT  NOT NULL,                        -- the link as JSON
    PRIMARY KEY (link_id, number),
    INDEX link_versions_by_user (user_id),
    FOREIGN KEY (link_id) REFERENCES links (id) ON DELETE CASCADE,
    FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE SET NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
