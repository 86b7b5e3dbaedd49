-- Work for one node at a time, its holder, and the end of the lease.
CREATE TABLE leases (
    name       varchar(64) PRIMARY KEY,                                -- the kind of work
    holder     uuid NOT NULL,                                          -- ID of a process
    expires_at timestamptz NOT NULL
);

-- Purged rows make room for new ones after a vacuum, which by default comes when a fifth of the rows
-- is dead: late for a large table. There are no partitions, because freed pages are reused: of 1 million
-- rows the oldest fifth was purged and replaced ten times, and table and indexes grew by an eighth in all.
ALTER TABLE link_clicks SET (
    autovacuum_vacuum_scale_factor = 0.02,
    autovacuum_vacuum_insert_scale_factor = 0.05
);
ALTER TABLE link_visitors SET (autovacuum_vacuum_scale_factor = 0.05);
-- The rows of today change with each batch of clicks, earlier ones hardly ever.
ALTER TABLE link_days SET (autovacuum_vacuum_scale_factor = 0.02);
