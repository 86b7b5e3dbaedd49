-- Hosts that must not be destinations. A change here may affect every link: the change feed records it with
-- `*` in place of a code.

CREATE TABLE blocked_hosts (
    pattern    varchar(255) COLLATE "C" NOT NULL PRIMARY KEY,         -- a host, or *. and a host for all its subdomains
    reason     varchar(200) NOT NULL,
    created_by uuid         REFERENCES users (id) ON DELETE SET NULL, -- NULL: the operator, or unknown
    created_at timestamptz  NOT NULL
);
