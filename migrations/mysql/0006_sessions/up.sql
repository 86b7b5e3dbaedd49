-- Sessions of users, the secrets for creating the first admin, and the accounts at identity providers with
-- which users sign in.
-- IDs: UUIDv7, 16 bytes. Times: UTC, to the microsecond.
-- MySQL commits each statement of a migration separately, so each can be repeated.

CREATE TABLE IF NOT EXISTS sessions (
    id           BINARY(16)   NOT NULL PRIMARY KEY,
    user_id      BINARY(16)   NOT NULL,
    secret_hash  BINARY(32)   NOT NULL UNIQUE,              -- SHA-256; the secret itself is not stored
    created_at   DATETIME(6)  NOT NULL,                     -- when the user signed in
    last_used_at DATETIME(6)  NOT NULL,                     -- accurate to some minutes
    expires_at   DATETIME(6)  NOT NULL,                     -- moves when the session is used
    ended_at     DATETIME(6),                               -- NULL: not ended
    user_agent   VARCHAR(512),                              -- NULL: unknown
    INDEX sessions_by_user (user_id, created_at DESC, id DESC),
    INDEX sessions_oldest (expires_at, id),
    FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- All are deleted when one of them is used.
CREATE TABLE IF NOT EXISTS setup_tokens (
    secret_hash BINARY(32)  NOT NULL PRIMARY KEY,           -- SHA-256
    expires_at  DATETIME(6) NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS user_identities (
    identity_hash  BINARY(32)    NOT NULL PRIMARY KEY,      -- SHA-256 of issuer, NUL, subject
    issuer         VARCHAR(2048) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    subject        VARCHAR(255)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    user_id        BINARY(16)    NOT NULL,
    admin_by_group BOOLEAN       NOT NULL,                  -- a group of the account gave the role of admin
    created_at     DATETIME(6)   NOT NULL,
    INDEX user_identities_by_user (user_id),
    FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
