DROP TABLE IF EXISTS link_changes;
DROP TABLE IF EXISTS click_journals;
