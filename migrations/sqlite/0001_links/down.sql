DROP TABLE daily_salts;
DROP TABLE link_days;
DROP TABLE link_clicks;
DROP TABLE links;
DROP TABLE users;
