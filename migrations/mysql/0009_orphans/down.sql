DROP TABLE IF EXISTS orphan_paths;
DROP TABLE IF EXISTS orphan_days;
