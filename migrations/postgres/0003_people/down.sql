DROP TABLE api_tokens;
DROP INDEX users_newest;
ALTER TABLE users DROP COLUMN disabled_at;
ALTER TABLE users DROP COLUMN password_hash;
