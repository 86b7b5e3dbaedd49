-- Orphan paths, which people request and no link matches, as totals. Nothing is stored about the visitors.
-- Times: text in UTC, whose order is the order of time. Days: in WAYPOST_TIMEZONE.

CREATE TABLE orphan_paths (
    day      TEXT   NOT NULL,
    path     TEXT   NOT NULL,                               -- in lower case, without the slashes around it; at most 64 characters
    hits     BIGINT NOT NULL,
    first_at TEXT   NOT NULL,
    last_at  TEXT   NOT NULL,
    PRIMARY KEY (day, path)
) WITHOUT ROWID;

-- How many paths a day has had, up to a limit. Adding paths of a day locks its row.
CREATE TABLE orphan_days (
    day   TEXT   NOT NULL PRIMARY KEY,
    paths BIGINT NOT NULL
) WITHOUT ROWID;
