-- When salts were last destroyed, and when nothing of them was left in the files of the database.
CREATE TABLE salt_traces (
    id           INTEGER PRIMARY KEY NOT NULL,                         -- always 1
    destroyed_at TEXT NOT NULL,
    erased_at    TEXT                                                  -- NULL: not yet
);
