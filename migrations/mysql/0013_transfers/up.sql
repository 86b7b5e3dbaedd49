-- Invitations of email addresses to links: to see them, to own them, and to become the primary owner.
-- IDs: UUIDv7, 16 bytes. Times: UTC, to the microsecond.
-- MySQL commits each statement of a migration separately, so each can be repeated.

CREATE TABLE IF NOT EXISTS link_invitations (
    link_id      BINARY(16)   NOT NULL,
    role         VARCHAR(16)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL
        CHECK (role IN ('viewer', 'owner', 'primary_owner')),
    email        VARCHAR(254) NOT NULL,                     -- as it was named, in lower case
    user_id      BINARY(16),                                -- NULL: no user has the address yet
    from_user_id BINARY(16),                                -- the owner who gives; NULL: the operator or an admin
    invited_at   DATETIME(6)  NOT NULL,
    PRIMARY KEY (link_id, role, email),
    INDEX link_invitations_by_user (user_id, invited_at DESC, link_id DESC),
    INDEX link_invitations_by_giver (from_user_id),
    INDEX link_invitations_unclaimed (email, user_id, link_id),
    FOREIGN KEY (link_id) REFERENCES links (id) ON DELETE CASCADE,
    FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
    FOREIGN KEY (from_user_id) REFERENCES users (id) ON DELETE SET NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
