-- The owners of click journals, and the fate of clicks that were not stored.

ALTER TABLE click_journals
    ADD COLUMN owner         uuid,                                          -- ID of a process; NULL: not taken since this migration
    ADD COLUMN node          varchar(255),                                  -- the owner's host, for people
    ADD COLUMN process       varchar(255),                                  -- the owner among all processes; NULL: it shut down in order
    ADD COLUMN noted_at      timestamptz,                                   -- last sign of life of the owner
    ADD COLUMN accepted      bigint NOT NULL DEFAULT 0,                     -- position after the last record then
    ADD COLUMN pending_since timestamptz,                                   -- time of the oldest pending click then
    ADD COLUMN duplicates    bigint NOT NULL DEFAULT 0,                     -- records that were already stored
    ADD COLUMN split_from    uuid,                                          -- the journal that this one continued from...
    ADD COLUMN split_at      bigint,                                        -- ...at this position, because another process owns that
    ADD COLUMN retry_of      uuid,                                         -- the journal whose rejected clicks this one tries again
    ADD COLUMN forgotten_at  timestamptz;                                  -- when it was forgotten, because nothing more is expected of it

-- One row per process that took a journal.
CREATE TABLE click_journal_owners (
    journal_id  uuid         NOT NULL,
    owner       uuid         NOT NULL,
    predecessor uuid,                                                       -- the owner before; NULL: unknown
    began       bigint       NOT NULL,                                      -- position before which all was settled then
    ended       bigint       NOT NULL,                                      -- position after the last record of the process then
    node        varchar(255) NOT NULL,
    taken_at    timestamptz  NOT NULL,
    PRIMARY KEY (journal_id, owner)
);

-- Losses that an operator accepted: lost clicks of a journal, or two processes that used one journal.
CREATE TABLE accepted_losses (
    id          uuid         NOT NULL PRIMARY KEY,
    journal_id  uuid         NOT NULL,
    clicks      bigint       NOT NULL,                                      -- 0 for two processes
    losses      bigint       NOT NULL,                                      -- all losses of the journal then...
    rejected    bigint       NOT NULL,                                      -- ...of which the database rejected these...
    retried     bigint       NOT NULL,                                      -- ...and these were tried again
    reason      varchar(500) NOT NULL,
    accepted_at timestamptz  NOT NULL
);
CREATE INDEX accepted_losses_of_journal ON accepted_losses (journal_id);
