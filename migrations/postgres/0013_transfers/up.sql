-- Invitations of email addresses to links: to see them, to own them, and to become the primary owner.

CREATE TABLE link_invitations (
    link_id      uuid         NOT NULL REFERENCES links (id) ON DELETE CASCADE,
    role         varchar(16)  NOT NULL CHECK (role IN ('viewer', 'owner', 'primary_owner')),
    email        varchar(254) COLLATE "C" NOT NULL,                   -- as it was named, in lower case
    user_id      uuid         REFERENCES users (id) ON DELETE CASCADE,    -- NULL: no user has the address yet
    from_user_id uuid         REFERENCES users (id) ON DELETE SET NULL,   -- the owner who gives; NULL: the operator or an admin
    invited_at   timestamptz  NOT NULL,
    PRIMARY KEY (link_id, role, email)
);
CREATE INDEX link_invitations_by_user ON link_invitations (user_id, invited_at DESC, link_id DESC);
CREATE INDEX link_invitations_by_giver ON link_invitations (from_user_id);
CREATE INDEX link_invitations_unclaimed ON link_invitations (email, link_id) WHERE user_id IS NULL;
