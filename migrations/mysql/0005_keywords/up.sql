-- The links that are keywords: their code routes all that a path has behind it to the {slug} of their target.
-- MySQL commits each statement of a migration by itself: each can be repeated.

CREATE TABLE IF NOT EXISTS keywords (
    link_id BINARY(16) NOT NULL PRIMARY KEY,
    FOREIGN KEY (link_id) REFERENCES links (id) ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
