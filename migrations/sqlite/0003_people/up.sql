-- Passwords of users, when they were disabled, and their API tokens.
-- IDs: UUIDv7, 16 bytes. Times: text in UTC, whose order is the order of time.

ALTER TABLE users ADD COLUMN password_hash TEXT;            -- PHC string; NULL: no password
ALTER TABLE users ADD COLUMN disabled_at   TEXT;            -- NULL: not disabled
CREATE INDEX users_newest ON users (created_at DESC, id DESC);

-- The secret itself is not stored.
CREATE TABLE api_tokens (
    id           BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    user_id      BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name         TEXT NOT NULL,                             -- 1 to 100 characters
    secret_hash  BLOB NOT NULL UNIQUE CHECK (length(secret_hash) = 32),  -- SHA-256
    scopes       TEXT NOT NULL,                             -- names, separated by commas
    created_at   TEXT NOT NULL,
    expires_at   TEXT,                                      -- NULL: never
    last_used_at TEXT,                                      -- accurate to some seconds; NULL: never
    revoked_at   TEXT                                       -- NULL: not revoked
);
CREATE INDEX api_tokens_by_user ON api_tokens (user_id, created_at DESC, id DESC);
