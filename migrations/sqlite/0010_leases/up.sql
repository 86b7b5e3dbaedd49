-- What one node at a time may do, which one, and until when.
CREATE TABLE leases (
    name       TEXT PRIMARY KEY NOT NULL,                              -- what it is for
    holder     BLOB NOT NULL,                                          -- of a process
    expires_at TEXT NOT NULL
) WITHOUT ROWID;
