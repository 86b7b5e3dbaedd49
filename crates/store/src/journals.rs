//! The port for click journals: settling their clicks exactly once.
//!
//! A node writes accepted clicks into the journal of its data directory and settles them later, batch
//! by batch. How far it has come is kept in the database and moves in the transaction that stores the
//! clicks: whatever happens in between, no click is stored twice and none is left out.

use std::sync::Arc;

use async_trait::async_trait;
use time::OffsetDateTime;
use waypost_core::{Click, JournalId};

use crate::{Recorded, StoreError};

/// Keeps how far each click journal is settled.
#[async_trait]
pub trait JournalStore: Send + Sync {
    /// Registers a journal at position `began` unless it is registered already; gives back its record
    /// either way.
    ///
    /// # Errors
    /// [`StoreError`] as any change.
    async fn register_journal(
        &self,
        id: JournalId,
        began: u64,
        at: OffsetDateTime,
    ) -> Result<JournalRecord, StoreError>;

    /// The record of a journal.
    ///
    /// # Errors
    /// [`StoreError`] other than `NotFound`, which is `Ok(None)`.
    async fn journal(&self, id: JournalId) -> Result<Option<JournalRecord>, StoreError>;

    /// The records of all journals, in the order of their ids.
    ///
    /// # Errors
    /// [`StoreError`] as any look-up.
    async fn journals(&self) -> Result<Vec<JournalRecord>, StoreError>;

    /// Settles a batch exactly once: rows, totals, daily rollup and the journal's position in one
    /// transaction. Clicks on links that do not exist (any more) are left out, reported, and counted
    /// in the journal's [`Dropped::link_deleted`]. A batch may consist of dropped records alone.
    ///
    /// Whoever gets an error may call again with the same batch, always: if the first call had
    /// committed after all, the second one answers [`Ingested::PositionMoved`] with the batch's end.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when a click with one of the ids is stored already, or two of the
    /// batch have the same id, [`StoreError::Refused`] when the database refuses one of the clicks: then
    /// nothing of the batch is stored or counted and the position stays.
    /// After [`StoreError::Unavailable`] the batch is settled either whole or not at all.
    async fn ingest(
        &self,
        batch: Arc<ClickBatch>,
        at: OffsetDateTime,
    ) -> Result<Ingested, StoreError>;
}

/// A run of consecutive records of one journal, to be settled in one transaction.
#[derive(Debug, Clone)]
pub struct ClickBatch {
    /// The journal.
    pub journal: JournalId,
    /// Its position before the batch: how many of its records were settled, those before it was
    /// registered included.
    pub start: u64,
    /// The clicks that can be stored, in the order of the journal.
    pub clicks: Vec<Click>,
    /// The records of this run that are not stored.
    pub dropped: Dropped,
    /// Whether the clicks leave rows. Without, they are counted in totals and rollups alone, as if their
    /// rows had been purged at once.
    pub keep_rows: bool,
}

impl ClickBatch {
    /// The position of the journal behind the batch.
    #[must_use]
    pub fn end(&self) -> u64 {
        let clicks = u64::try_from(self.clicks.len()).unwrap_or(u64::MAX);
        self.start
            .saturating_add(clicks)
            .saturating_add(self.dropped.total())
    }
}

/// Numbers of records that were accepted and never will be stored, by reason.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Dropped {
    /// Their link was deleted before they were stored.
    pub link_deleted: u64,
    /// The database refused them; they were set aside.
    pub rejected: u64,
    /// They are damaged in the journal.
    pub unreadable: u64,
    /// They were only in the memory of a process that was killed.
    pub lost: u64,
}

impl Dropped {
    /// All of them.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.link_deleted
            .saturating_add(self.rejected)
            .saturating_add(self.unreadable)
            .saturating_add(self.lost)
    }

    /// These and those together.
    #[must_use]
    pub const fn plus(&self, more: &Self) -> Self {
        Self {
            link_deleted: self.link_deleted.saturating_add(more.link_deleted),
            rejected: self.rejected.saturating_add(more.rejected),
            unreadable: self.unreadable.saturating_add(more.unreadable),
            lost: self.lost.saturating_add(more.lost),
        }
    }
}

/// What became of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ingested {
    /// It is settled: its clicks are stored, those on deleted links counted as dropped. The position
    /// is [`ClickBatch::end`].
    Settled(Recorded),
    /// The position of the journal is this one and not the batch's start; `None` when the journal is
    /// not registered. Nothing was changed.
    PositionMoved(Option<u64>),
}

/// How far a journal is settled, and what became of its records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalRecord {
    /// The journal.
    pub id: JournalId,
    /// The position at which it was registered.
    pub began: u64,
    /// Its position: the number of records before the first one that is not settled.
    pub committed: u64,
    /// How many of its records were stored as clicks.
    pub stored: u64,
    /// How many were not, by reason.
    pub dropped: Dropped,
    /// When it was registered, UTC, to the microsecond.
    pub registered_at: OffsetDateTime,
    /// When its last batch was settled, UTC, to the microsecond; before the first one, when it was
    /// registered.
    pub updated_at: OffsetDateTime,
}

impl JournalRecord {
    /// Whether every settled record is accounted for.
    #[must_use]
    pub const fn agrees(&self) -> bool {
        match self.committed.checked_sub(self.began) {
            Some(settled) => settled == self.stored.saturating_add(self.dropped.total()),
            None => false,
        }
    }
}
