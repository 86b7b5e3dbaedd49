DROP TABLE IF EXISTS user_identities;
DROP TABLE IF EXISTS setup_tokens;
DROP TABLE IF EXISTS sessions;
