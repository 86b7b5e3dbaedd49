-- The IDs of clicks that left no record, because their link had its number of records of the day. They are
-- recognised by them when they are stored again, for example from a copy of a data directory. The IDs begin with
-- the time of the click; those older than 30 days are deleted.
CREATE TABLE click_ids (
    id BLOB NOT NULL PRIMARY KEY
) WITHOUT ROWID;
