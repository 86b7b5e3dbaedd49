-- What one node at a time may do, which one, and until when.
CREATE TABLE leases (
    name       varchar(64) PRIMARY KEY,                                -- what it is for
    holder     uuid NOT NULL,                                          -- of a process
    expires_at timestamptz NOT NULL
);

-- What a purge deletes is free for new rows after a vacuum, which by default comes when a fifth of the rows
-- is dead: late for a large table. There are no partitions, because freed pages are used again: of 1 million
-- rows the oldest fifth was purged and replaced ten times, and table and indexes grew by an eighth in all.
ALTER TABLE link_clicks SET (
    autovacuum_vacuum_scale_factor = 0.02,
    autovacuum_vacuum_insert_scale_factor = 0.05
);
ALTER TABLE link_visitors SET (autovacuum_vacuum_scale_factor = 0.05);
-- The days of today change with each batch of clicks, those of before hardly ever.
ALTER TABLE link_days SET (autovacuum_vacuum_scale_factor = 0.02);
