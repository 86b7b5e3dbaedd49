ALTER TABLE link_days RESET (autovacuum_vacuum_scale_factor);
ALTER TABLE link_visitors RESET (autovacuum_vacuum_scale_factor);
ALTER TABLE link_clicks RESET (
    autovacuum_vacuum_scale_factor,
    autovacuum_vacuum_insert_scale_factor
);
DROP TABLE leases;
