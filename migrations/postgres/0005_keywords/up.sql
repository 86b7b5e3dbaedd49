-- Keywords: links that pass on the rest of the path to the {slug} of their destination.

CREATE TABLE keywords (
    link_id uuid NOT NULL PRIMARY KEY REFERENCES links (id) ON DELETE CASCADE
);
