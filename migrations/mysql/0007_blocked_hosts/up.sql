-- Hosts that must not be destinations. A change here may affect every link: the change feed records it with
-- `*` in place of a code.
-- Times: UTC, to the microsecond.
-- MySQL commits each statement of a migration separately, so each can be repeated.

CREATE TABLE IF NOT EXISTS blocked_hosts (
    pattern    VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,  -- a host, or *. and a host for all its subdomains
    reason     VARCHAR(200) NOT NULL,
    created_by BINARY(16),                                  -- NULL: the operator, or unknown
    created_at DATETIME(6)  NOT NULL,
    FOREIGN KEY (created_by) REFERENCES users (id) ON DELETE SET NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
