-- What users sign in with, since when they may not, and their API tokens.
-- Ids: UUIDv7. Times: to the microsecond.

ALTER TABLE users ADD COLUMN password_hash text;            -- PHC string; NULL: none was set
ALTER TABLE users ADD COLUMN disabled_at   timestamptz;     -- NULL: they may
CREATE INDEX users_newest ON users (created_at DESC, id DESC);

-- The secret itself is nowhere.
CREATE TABLE api_tokens (
    id           uuid         NOT NULL PRIMARY KEY,
    user_id      uuid         NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name         varchar(100) NOT NULL,
    secret_hash  bytea        NOT NULL UNIQUE CHECK (length(secret_hash) = 32),  -- SHA-256
    scopes       varchar(64)  COLLATE "C" NOT NULL,         -- names, separated by commas
    created_at   timestamptz  NOT NULL,
    expires_at   timestamptz,                               -- NULL: never
    last_used_at timestamptz,                               -- or a little later; NULL: never
    revoked_at   timestamptz                                -- NULL: it was not
);
CREATE INDEX api_tokens_by_user ON api_tokens (user_id, created_at DESC, id DESC);
