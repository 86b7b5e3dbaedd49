SET @links = (
    SELECT COUNT(*) FROM information_schema.columns
    WHERE table_schema = DATABASE() AND table_name = 'links' AND column_name = 'template'
);
SET @links = IF(@links > 0, 'ALTER TABLE links DROP COLUMN template', 'DO 0');
PREPARE links FROM @links;
EXECUTE links;
DEALLOCATE PREPARE links;
