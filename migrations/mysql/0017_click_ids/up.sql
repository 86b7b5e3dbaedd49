-- The IDs of clicks that left no record, because their link had its number of records of the day. They are
-- recognised by them when they are stored again, for example from a copy of a data directory. The IDs begin with
-- the time of the click; those older than 30 days are deleted.
CREATE TABLE IF NOT EXISTS click_ids (
    id BINARY(16) NOT NULL PRIMARY KEY
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
