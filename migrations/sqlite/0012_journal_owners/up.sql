-- The owners of click journals, and the fate of clicks that were not stored.

ALTER TABLE click_journals ADD COLUMN owner BLOB;                           -- ID of a process; NULL: not taken since this migration
ALTER TABLE click_journals ADD COLUMN node TEXT;                            -- the owner's host, for people
ALTER TABLE click_journals ADD COLUMN process TEXT;                         -- the owner among all processes; NULL: it shut down in order
ALTER TABLE click_journals ADD COLUMN noted_at TEXT;                        -- last sign of life of the owner
ALTER TABLE click_journals ADD COLUMN accepted BIGINT NOT NULL DEFAULT 0;   -- position after the last record then
ALTER TABLE click_journals ADD COLUMN pending_since TEXT;                   -- time of the oldest pending click then
ALTER TABLE click_journals ADD COLUMN duplicates BIGINT NOT NULL DEFAULT 0; -- records that were already stored
ALTER TABLE click_journals ADD COLUMN split_from BLOB;                      -- the journal that this one continued from...
ALTER TABLE click_journals ADD COLUMN split_at BIGINT;                      -- ...at this position, because another process owns that
ALTER TABLE click_journals ADD COLUMN retry_of BLOB;                        -- the journal whose rejected clicks this one tries again
ALTER TABLE click_journals ADD COLUMN forgotten_at TEXT;                    -- when it was forgotten, because nothing more is expected of it

-- One row per process that took a journal.
CREATE TABLE click_journal_owners (
    journal_id  BLOB   NOT NULL,
    owner       BLOB   NOT NULL,
    predecessor BLOB,                                                       -- the owner before; NULL: unknown
    began       BIGINT NOT NULL,                                            -- position before which all was settled then
    ended       BIGINT NOT NULL,                                            -- position after the last record of the process then
    node        TEXT   NOT NULL,
    taken_at    TEXT   NOT NULL,
    PRIMARY KEY (journal_id, owner)
) WITHOUT ROWID;

-- Losses that an operator accepted: lost clicks of a journal, or two processes that used one journal.
CREATE TABLE accepted_losses (
    id          BLOB    NOT NULL PRIMARY KEY,
    journal_id  BLOB    NOT NULL,
    clicks      BIGINT  NOT NULL,                                           -- 0 for two processes
    losses      BIGINT  NOT NULL,                                           -- all losses of the journal then...
    rejected    BIGINT  NOT NULL,                                           -- ...of which the database rejected these...
    retried     BIGINT  NOT NULL,                                           -- ...and these were tried again
    reason      TEXT    NOT NULL,                                           -- at most 500 characters
    accepted_at TEXT    NOT NULL
) WITHOUT ROWID;
CREATE INDEX accepted_losses_of_journal ON accepted_losses (journal_id);
