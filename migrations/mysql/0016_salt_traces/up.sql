-- When salts were last destroyed, and when nothing of them was left in the files of the database, as far as the
-- program can decide that. id: always 1; erased_at: NULL means not yet.
CREATE TABLE IF NOT EXISTS salt_traces (
    id           INTEGER     NOT NULL PRIMARY KEY,
    destroyed_at DATETIME(6) NOT NULL,
    erased_at    DATETIME(6)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
