-- Work for one node at a time, its holder, and the end of the lease.
CREATE TABLE leases (
    name       TEXT PRIMARY KEY NOT NULL,                              -- the kind of work
    holder     BLOB NOT NULL,                                          -- ID of a process
    expires_at TEXT NOT NULL
) WITHOUT ROWID;
