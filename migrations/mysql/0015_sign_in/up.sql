-- Keys that all servers share, and the sign-ins at an OpenID provider that were answered.
-- Times: UTC, to the microsecond.
-- MySQL commits each statement of a migration separately, so each can be repeated.

CREATE TABLE IF NOT EXISTS server_keys (
    name   VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,  -- what the key is for
    secret BINARY(32)  NOT NULL                             -- random
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Each is answered once.
CREATE TABLE IF NOT EXISTS used_sign_ins (
    state_hash BINARY(32)  NOT NULL PRIMARY KEY,            -- SHA-256 of the state
    expires_at DATETIME(6) NOT NULL,                        -- when the state expires by itself
    INDEX used_sign_ins_oldest (expires_at)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
