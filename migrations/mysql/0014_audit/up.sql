-- The audit trail: who did what to accounts, rights and rules. Entries outlive the users and links that
-- they name. The IP address of a request is stored only as a hash with the salt of the day.
-- IDs: UUIDv7, 16 bytes. Times: UTC, to the microsecond.
-- MySQL commits each statement of a migration separately, so each can be repeated.

CREATE TABLE IF NOT EXISTS audit_entries (
    id          BINARY(16)   NOT NULL PRIMARY KEY,
    created_at  DATETIME(6)  NOT NULL,
    event       VARCHAR(32)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    actor_kind  VARCHAR(16)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,  -- user, operator, server or anonymous
    actor_id    BINARY(16),                                 -- the user
    actor_name  VARCHAR(320) NOT NULL,                      -- the email address of the user at that time
    subject     VARCHAR(320) NOT NULL,
    detail      VARCHAR(320) NOT NULL,
    origin_hash BINARY(32),                                 -- NULL: not from the network
    INDEX audit_entries_newest (created_at DESC, id DESC),
    INDEX audit_entries_by_actor (actor_id, created_at DESC, id DESC)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
