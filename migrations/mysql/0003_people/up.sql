-- Passwords of users, when they were disabled, and their API tokens.
-- IDs: UUIDv7, 16 bytes. Times: UTC, to the microsecond.
-- MySQL commits each statement of a migration separately, so each can be repeated.

-- MySQL has no ADD COLUMN IF NOT EXISTS: one statement adds all columns if the first is missing.
SET @people = (
    SELECT COUNT(*) FROM information_schema.columns
    WHERE table_schema = DATABASE() AND table_name = 'users' AND column_name = 'password_hash'
);
-- password_hash: PHC string; NULL: no password. disabled_at: NULL: not disabled.
SET @people = IF(@people = 0, '
    ALTER TABLE users
        ADD COLUMN password_hash VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin,
        ADD COLUMN disabled_at   DATETIME(6),
        ADD INDEX users_newest (created_at DESC, id DESC)
', 'DO 0');
PREPARE people FROM @people;
EXECUTE people;
DEALLOCATE PREPARE people;

CREATE TABLE IF NOT EXISTS api_tokens (
    id           BINARY(16)   NOT NULL PRIMARY KEY,
    user_id      BINARY(16)   NOT NULL,
    name         VARCHAR(100) NOT NULL,
    secret_hash  BINARY(32)   NOT NULL UNIQUE,              -- SHA-256; the secret itself is not stored
    scopes       VARCHAR(64)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,  -- names, separated by commas
    created_at   DATETIME(6)  NOT NULL,
    expires_at   DATETIME(6),                               -- NULL: never
    last_used_at DATETIME(6),                               -- accurate to some seconds; NULL: never
    revoked_at   DATETIME(6),                               -- NULL: not revoked
    INDEX api_tokens_by_user (user_id, created_at DESC, id DESC),
    FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
