-- Hosts to which no link leads. What changes here may change every link: the change feed tells it with `*`
-- in place of a code.
-- Times: text in UTC, whose order is the order of time.

CREATE TABLE blocked_hosts (
    pattern    TEXT NOT NULL PRIMARY KEY,                   -- a host, or *. and a host for all below it
    reason     TEXT NOT NULL,                               -- at most 200 characters
    created_by BLOB REFERENCES users (id) ON DELETE SET NULL,   -- NULL: the operator, or unknown
    created_at TEXT NOT NULL
) WITHOUT ROWID;
