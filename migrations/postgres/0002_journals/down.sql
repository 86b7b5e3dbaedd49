DROP TABLE link_changes;
DROP TABLE click_journals;
