-- Sessions of users, the secrets for creating the first admin, and the accounts at identity providers with
-- which users sign in.
-- IDs: UUIDv7, 16 bytes. Times: text in UTC, whose order is the order of time.

-- The secret itself is not stored.
CREATE TABLE sessions (
    id           BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    user_id      BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    secret_hash  BLOB NOT NULL UNIQUE CHECK (length(secret_hash) = 32),  -- SHA-256
    created_at   TEXT NOT NULL,                             -- when the user signed in
    last_used_at TEXT NOT NULL,                             -- accurate to some minutes
    expires_at   TEXT NOT NULL,                             -- moves when the session is used
    ended_at     TEXT,                                      -- NULL: not ended
    user_agent   TEXT                                       -- at most 512 characters; NULL: unknown
);
CREATE INDEX sessions_by_user ON sessions (user_id, created_at DESC, id DESC);
CREATE INDEX sessions_oldest ON sessions (expires_at, id);

-- All are deleted when one of them is used.
CREATE TABLE setup_tokens (
    secret_hash BLOB NOT NULL PRIMARY KEY CHECK (length(secret_hash) = 32),  -- SHA-256
    expires_at  TEXT NOT NULL
);

CREATE TABLE user_identities (
    identity_hash  BLOB    NOT NULL PRIMARY KEY CHECK (length(identity_hash) = 32),  -- SHA-256 of issuer, NUL, subject
    issuer         TEXT    NOT NULL,                        -- at most 2,048 characters
    subject        TEXT    NOT NULL,                        -- at most 255 characters
    user_id        BLOB    NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    admin_by_group BOOLEAN NOT NULL,                        -- a group of the account gave the role of admin
    created_at     TEXT    NOT NULL
);
CREATE INDEX user_identities_by_user ON user_identities (user_id);
