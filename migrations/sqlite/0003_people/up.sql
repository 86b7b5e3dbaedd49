-- What users sign in with, since when they may not, and their API tokens.
-- Ids: UUIDv7, 16 bytes. Times: text in UTC, whose order is the order of time.

ALTER TABLE users ADD COLUMN password_hash TEXT;            -- PHC string; NULL: none was set
ALTER TABLE users ADD COLUMN disabled_at   TEXT;            -- NULL: they may
CREATE INDEX users_newest ON users (created_at DESC, id DESC);

-- The secret itself is nowhere.
CREATE TABLE api_tokens (
    id           BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    user_id      BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name         TEXT NOT NULL,                             -- 1 to 100 characters
    secret_hash  BLOB NOT NULL UNIQUE CHECK (length(secret_hash) = 32),  -- SHA-256
    scopes       TEXT NOT NULL,                             -- names, separated by commas
    created_at   TEXT NOT NULL,
    expires_at   TEXT,                                      -- NULL: never
    last_used_at TEXT,                                      -- or a little later; NULL: never
    revoked_at   TEXT                                       -- NULL: it was not
);
CREATE INDEX api_tokens_by_user ON api_tokens (user_id, created_at DESC, id DESC);
