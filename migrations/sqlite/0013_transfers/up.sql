-- Invitations of email addresses to links: to see them, to own them, and to become the primary owner.
-- IDs: UUIDv7, 16 bytes. Times: text in UTC, whose order is the order of time.

CREATE TABLE link_invitations (
    link_id      BLOB NOT NULL REFERENCES links (id) ON DELETE CASCADE,
    role         TEXT NOT NULL CHECK (role IN ('viewer', 'owner', 'primary_owner')),
    email        TEXT NOT NULL,                             -- as it was named, in lower case
    user_id      BLOB REFERENCES users (id) ON DELETE CASCADE,      -- NULL: no user has the address yet
    from_user_id BLOB REFERENCES users (id) ON DELETE SET NULL,     -- the owner who gives; NULL: the operator or an admin
    invited_at   TEXT NOT NULL,
    PRIMARY KEY (link_id, role, email)
) WITHOUT ROWID;
CREATE INDEX link_invitations_by_user ON link_invitations (user_id, invited_at DESC, link_id DESC);
CREATE INDEX link_invitations_by_giver ON link_invitations (from_user_id);
CREATE INDEX link_invitations_unclaimed ON link_invitations (email, link_id) WHERE user_id IS NULL;
