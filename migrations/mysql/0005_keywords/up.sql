-- Keywords: links that pass on the rest of the path to the {slug} of their destination.
-- MySQL commits each statement of a migration separately, so each can be repeated.

CREATE TABLE IF NOT EXISTS keywords (
    link_id BINARY(16) NOT NULL PRIMARY KEY,
    FOREIGN KEY (link_id) REFERENCES links (id) ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
