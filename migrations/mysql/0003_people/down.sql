DROP TABLE IF EXISTS api_tokens;
SET @people = (
    SELECT COUNT(*) FROM information_schema.columns
    WHERE table_schema = DATABASE() AND table_name = 'users' AND column_name = 'password_hash'
);
SET @people = IF(@people > 0,
    'ALTER TABLE users DROP INDEX users_newest, DROP COLUMN disabled_at, DROP COLUMN password_hash',
    'DO 0'
);
PREPARE people FROM @people;
EXECUTE people;
DEALLOCATE PREPARE people;
