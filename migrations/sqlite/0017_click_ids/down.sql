DROP TABLE click_ids;
