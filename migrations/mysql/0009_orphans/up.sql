-- Orphan paths, which people request and no link matches, as totals. Nothing is stored about the visitors.
-- Times: UTC, to the microsecond. Days: in WAYPOST_TIMEZONE.
-- MySQL commits each statement of a migration separately, so each can be repeated.

CREATE TABLE IF NOT EXISTS orphan_paths (
    day      DATE        NOT NULL,
    path     VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,  -- in lower case, without the slashes around it
    hits     BIGINT      NOT NULL,
    first_at DATETIME(6) NOT NULL,
    last_at  DATETIME(6) NOT NULL,
    PRIMARY KEY (day, path)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- How many paths a day has had, up to a limit. Adding paths of a day locks its row.
CREATE TABLE IF NOT EXISTS orphan_days (
    day   DATE   NOT NULL PRIMARY KEY,
    paths BIGINT NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
