-- Who owns a click journal, and what became of clicks that were not stored.
-- MySQL commits each statement of a migration by itself: each can be repeated.

-- MySQL has no ADD COLUMN IF NOT EXISTS: all columns come with one statement, where the first is missing.
SET @journals = (
    SELECT COUNT(*) FROM information_schema.columns
    WHERE table_schema = DATABASE() AND table_name = 'click_journals' AND column_name = 'owner'
);
-- owner: of a process; NULL: taken by none since this migration. node: the owner's host, for people.
-- process: the owner among all processes; NULL: it ended in order. noted_at: the owner's last sign of
-- life; accepted: position behind the last record then;
-- pending_since: time of the oldest pending click then. duplicates: records that were stored already.
-- split_from, split_at: the journal and the position that this one went on from, because another process
-- owns that. retry_of: the journal whose refused clicks this one tries again. forgotten_at: when it was
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

-- One row per process that took a journal. predecessor: the owner before; NULL: none was known. began:
-- position up to which all was settled then. ended: position behind the last record that the process had then.
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

-- What an operator acknowledged: clicks of a journal that are lost, or (0 clicks) that two processes used
-- one journal. losses: all losses of the journal then; rejected: those of them that the database refused;
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
