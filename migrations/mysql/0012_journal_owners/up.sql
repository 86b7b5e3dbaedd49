-- The owners of click journals, and the fate of clicks that were not stored.
-- MySQL commits each statement of a migration separately, so each can be repeated.

-- MySQL has no ADD COLUMN IF NOT EXISTS: one statement adds all columns if the first is missing.
SET @journals = (
    SELECT COUNT(*) FROM information_schema.columns
    WHERE table_schema = DATABASE() AND table_name = 'click_journals' AND column_name = 'owner'
);
-- owner: ID of a process; NULL: not taken since this migration. node: the owner's host, for people.
-- process: the owner among all processes; NULL: it shut down in order. noted_at: the owner's last sign of
-- life; accepted: position after the last record then;
-- pending_since: time of the oldest pending click then. duplicates: records that were already stored.
-- split_from, split_at: the journal and the position that this one continued from, because another process
-- owns that. retry_of: the journal whose rejected clicks this one tries again. forgotten_at: when it was
-- forgotten, because nothing more is expected of it.
SET @journals = IF(@journals = 0, '
    ALTER TABLE click_journals
        ADD COLUMN owner         BINARY(16),
        ADD COLUMN node          VARCHAR(255),
        ADD COLUMN process       VARCHAR(255),
        ADD COLUMN noted_at      DATETIME(6),
        ADD COLUMN accepted      BIGINT NOT NULL DEFAULT 0,
        ADD COLUMN pending_since DATETIME(6),
        ADD COLUMN duplicates    BIGINT NOT NULL DEFAULT 0,
        ADD COLUMN split_from    BINARY(16),
        ADD COLUMN split_at      BIGINT,
        ADD COLUMN retry_of      BINARY(16),
        ADD COLUMN forgotten_at  DATETIME(6)
', 'DO 0');
PREPARE journals FROM @journals;
EXECUTE journals;
DEALLOCATE PREPARE journals;

-- One row per process that took a journal. predecessor: the owner before; NULL: unknown. began:
-- position before which all was settled then. ended: position after the last record of the process then.
CREATE TABLE IF NOT EXISTS click_journal_owners (
    journal_id  BINARY(16)   NOT NULL,
    owner       BINARY(16)   NOT NULL,
    predecessor BINARY(16),
    began       BIGINT       NOT NULL,
    ended       BIGINT       NOT NULL,
    node        VARCHAR(255) NOT NULL,
    taken_at    DATETIME(6)  NOT NULL,
    PRIMARY KEY (journal_id, owner)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Losses that an operator accepted: lost clicks of a journal, or (0 clicks) two processes that used one
-- journal. losses: all losses of the journal then; rejected: those of them that the database rejected;
-- retried: those of these that were tried again.
CREATE TABLE IF NOT EXISTS accepted_losses (
    id          BINARY(16)   NOT NULL PRIMARY KEY,
    journal_id  BINARY(16)   NOT NULL,
    clicks      BIGINT       NOT NULL,
    losses      BIGINT       NOT NULL,
    rejected    BIGINT       NOT NULL,
    retried     BIGINT       NOT NULL,
    reason      VARCHAR(500) NOT NULL,
    accepted_at DATETIME(6)  NOT NULL,
    INDEX accepted_losses_of_journal (journal_id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
