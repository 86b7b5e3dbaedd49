-- Hosts to which no link leads. What changes here may change every link: the change feed tells it with `*`
-- in place of a code.
-- Times: UTC, to the microsecond.
-- MySQL commits each statement of a migration by itself: each can be repeated.

CREATE TABLE IF NOT EXISTS blocked_hosts (
    pattern    VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,  -- a host, or *. and a host for all below it
    reason     VARCHAR(200) NOT NULL,
    created_by BINARY(16),                                  -- NULL: the operator, or unknown
    created_at DATETIME(6)  NOT NULL,
    FOREIGN KEY (created_by) REFERENCES users (id) ON DELETE SET NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
