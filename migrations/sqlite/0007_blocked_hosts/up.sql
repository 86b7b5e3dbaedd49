-- Hosts that must not be destinations. A change here may affect every link: the change feed records it with
-- `*` in place of a code.
-- Times: text in UTC, whose order is the order of time.

CREATE TABLE blocked_hosts (
    pattern    TEXT NOT NULL PRIMARY KEY,                   -- a host, or *. and a host for all its subdomains
    reason     TEXT NOT NULL,                               -- at most 200 characters
    created_by BLOB REFERENCES users (id) ON DELETE SET NULL,   -- NULL: the operator, or unknown
    created_at TEXT NOT NULL
) WITHOUT ROWID;
