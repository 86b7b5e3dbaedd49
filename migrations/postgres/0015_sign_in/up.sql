-- Keys that all servers share, and the sign-ins at an OpenID provider that were answered.
-- Times: to the microsecond.

CREATE TABLE server_keys (
    name   varchar(32) COLLATE "C" NOT NULL PRIMARY KEY,    -- what the key is for
    secret bytea       NOT NULL CHECK (length(secret) = 32) -- random
);

-- Each is answered once.
CREATE TABLE used_sign_ins (
    state_hash bytea       NOT NULL PRIMARY KEY CHECK (length(state_hash) = 32),  -- SHA-256 of the state
    expires_at timestamptz NOT NULL                         -- when the state expires by itself
);
CREATE INDEX used_sign_ins_oldest ON used_sign_ins (expires_at);
