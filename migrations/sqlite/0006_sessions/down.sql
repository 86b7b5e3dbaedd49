DROP TABLE user_identities;
DROP TABLE setup_tokens;
DROP TABLE sessions;
