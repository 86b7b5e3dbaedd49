-- When salts were last destroyed, and when nothing of them was left in the files of the database, as far as the
-- program can decide that.
CREATE TABLE salt_traces (
    id           integer PRIMARY KEY,                                  -- always 1
    destroyed_at timestamptz NOT NULL,
    erased_at    timestamptz                                           -- NULL: not yet
);
