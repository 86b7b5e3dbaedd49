DROP TABLE orphan_paths;
DROP TABLE orphan_days;
