-- The links that are keywords: their code routes all that a path has behind it to the {slug} of their target.

CREATE TABLE keywords (
    link_id uuid NOT NULL PRIMARY KEY REFERENCES links (id) ON DELETE CASCADE
);
