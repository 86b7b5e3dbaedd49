-- Orphan paths, which people request and no link matches, as totals. Nothing is stored about the visitors.
-- Times: to the microsecond. Days: in WAYPOST_TIMEZONE.

CREATE TABLE orphan_paths (
    day      date        NOT NULL,
    path     varchar(64) COLLATE "C" NOT NULL,                        -- in lower case, without the slashes around it
    hits     bigint      NOT NULL,
    first_at timestamptz NOT NULL,
    last_at  timestamptz NOT NULL,
    PRIMARY KEY (day, path)
);

-- How many paths a day has had, up to a limit. Adding paths of a day locks its row.
CREATE TABLE orphan_days (
    day   date   NOT NULL PRIMARY KEY,
    paths bigint NOT NULL
);
