-- Sessions of users, the secrets for creating the first admin, and the accounts at identity providers with
-- which users sign in.
-- IDs: UUIDv7. Times: to the microsecond.

-- The secret itself is not stored.
CREATE TABLE sessions (
    id           uuid        NOT NULL PRIMARY KEY,
    user_id      uuid        NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    secret_hash  bytea       NOT NULL UNIQUE CHECK (length(secret_hash) = 32),  -- SHA-256
    created_at   timestamptz NOT NULL,                      -- when the user signed in
    last_used_at timestamptz NOT NULL,                      -- accurate to some minutes
    expires_at   timestamptz NOT NULL,                      -- moves when the session is used
    ended_at     timestamptz,                               -- NULL: not ended
    user_agent   varchar(512)                               -- NULL: unknown
);
CREATE INDEX sessions_by_user ON sessions (user_id, created_at DESC, id DESC);
CREATE INDEX sessions_oldest ON sessions (expires_at, id);

-- All are deleted when one of them is used.
CREATE TABLE setup_tokens (
    secret_hash bytea       NOT NULL PRIMARY KEY CHECK (length(secret_hash) = 32),  -- SHA-256
    expires_at  timestamptz NOT NULL
);

CREATE TABLE user_identities (
    identity_hash  bytea         NOT NULL PRIMARY KEY CHECK (length(identity_hash) = 32),  -- SHA-256 of issuer, NUL, subject
    issuer         varchar(2048) COLLATE "C" NOT NULL,
    subject        varchar(255)  COLLATE "C" NOT NULL,
    user_id        uuid          NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    admin_by_group boolean       NOT NULL,                  -- a group of the account gave the role of admin
    created_at     timestamptz   NOT NULL
);
CREATE INDEX user_identities_by_user ON user_identities (user_id);
