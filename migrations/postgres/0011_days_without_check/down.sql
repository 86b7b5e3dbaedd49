ALTER TABLE link_days ADD CONSTRAINT link_days_link_id_fkey
    FOREIGN KEY (link_id) REFERENCES links (id) ON DELETE CASCADE;
