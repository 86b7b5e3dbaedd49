-- Passwords of users, when they were disabled, and their API tokens.
-- IDs: UUIDv7. Times: to the microsecond.

ALTER TABLE users ADD COLUMN password_hash text;            -- PHC string; NULL: no password
ALTER TABLE users ADD COLUMN disabled_at   timestamptz;     -- NULL: not disabled
CREATE INDEX users_newest ON users (created_at DESC, id DESC);

-- The secret itself is not stored.
CREATE TABLE api_tokens (
    id           uuid         NOT NULL PRIMARY KEY,
    user_id      uuid         NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name         varchar(100) NOT NULL,
    secret_hash  bytea        NOT NULL UNIQUE CHECK (length(secret_hash) = 32),  -- SHA-256
    scopes       varchar(64)  COLLATE "C" NOT NULL,         -- names, separated by commas
    created_at   timestamptz  NOT NULL,
    expires_at   timestamptz,                               -- NULL: never
    last_used_at timestamptz,                               -- accurate to some seconds; NULL: never
    revoked_at   timestamptz                                -- NULL: not revoked
);
CREATE INDEX api_tokens_by_user ON api_tokens (user_id, created_at DESC, id DESC);
