ALTER TABLE links DROP COLUMN template;
