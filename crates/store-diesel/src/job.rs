//! Clicks to store in one transaction, and the step of their journal. Their sums are computed in
//! `tally`.

use std::sync::Arc;

use time::OffsetDateTime;
use uuid::Uuid;
use waypost_core::{Click, JournalOwner, micros};
use waypost_store::{ClickBatch, JournalPlace, KeptRecords, StoreError};

/// What to store.
#[derive(Debug, Clone)]
pub(crate) enum Job {
    /// Clicks without a journal.
    Clicks(Arc<[Click]>),
    /// Clicks of a journal whose position moves with them, at this time.
    Batch(Arc<ClickBatch>, OffsetDateTime),
}

impl Job {
    pub(crate) fn clicks(&self) -> &[Click] {
        match self {
            Self::Clicks(clicks) => clicks,
            Self::Batch(batch, _) => &batch.clicks,
        }
    }

    /// Returns which of the clicks leave records.
    pub(crate) fn records(&self) -> KeptRecords {
        match self {
            Self::Clicks(_) => KeptRecords::All,
            Self::Batch(batch, _) => batch.records,
        }
    }

    /// Returns how the position of the journal moves, if there is a journal.
    pub(crate) fn step(&self) -> Result<Option<Step>, StoreError> {
        match self {
            Self::Clicks(_) => Ok(None),
            Self::Batch(batch, at) => Step::of(batch, *at).map(Some),
        }
    }
}

/// A step of a journal, in the integers of a database. It assumes that every link exists; deleted
/// ones are corrected before the commit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Step {
    pub(crate) journal: Uuid,
    pub(crate) owner: Uuid,
    pub(crate) start: i64,
    pub(crate) end: i64,
    pub(crate) stored: i64,
    pub(crate) link_deleted: i64,
    pub(crate) rejected: i64,
    pub(crate) unreadable: i64,
    pub(crate) lost: i64,
    pub(crate) duplicates: i64,
    pub(crate) at: OffsetDateTime,
}

impl Step {
    fn of(batch: &ClickBatch, at: OffsetDateTime) -> Result<Self, StoreError> {
        let number = |number: u64| i64::try_from(number).map_err(StoreError::internal);
        Ok(Self {
            journal: *batch.journal.as_uuid(),
            owner: *batch.owner.as_uuid(),
            // No journal can be at a position beyond the integers of the database, so the batch
            // does not fit it.
            start: i64::try_from(batch.start).unwrap_or(-1),
            end: i64::try_from(batch.end()).unwrap_or(i64::MAX),
            stored: count(batch.clicks.len()),
            link_deleted: number(batch.dropped.link_deleted)?,
            rejected: number(batch.dropped.rejected)?,
            unreadable: number(batch.dropped.unreadable)?,
            lost: number(batch.dropped.lost)?,
            duplicates: number(batch.duplicates)?,
            at: micros(at),
        })
    }
}

/// Converts a length to an integer of the database.
pub(crate) fn count(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}

/// Converts the owner and the position of a journal to those of the port.
pub(crate) fn place(owner: Option<Uuid>, committed: i64) -> Result<JournalPlace, StoreError> {
    let committed = u64::try_from(committed).map_err(|_| StoreError::Corrupt {
        table: "click_journals",
        column: "committed",
    })?;
    Ok(JournalPlace {
        owner: owner.map(JournalOwner::from_uuid),
        committed,
    })
}
