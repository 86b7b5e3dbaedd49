DROP TABLE IF EXISTS link_invitations;
