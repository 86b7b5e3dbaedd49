//! The port for click journals: settling their clicks exactly once.
//!
//! A node writes accepted clicks into the journal of its data directory and settles them later, batch
//! by batch. How far it has come is kept in the database and moves in the transaction that stores the
//! clicks: whatever happens in between, no click is stored twice and none is left out.
//!
//! # Owners
//! Each journal has one *owner*: the process that took it last, under a random [`JournalOwner`]. Only the
//! owner moves the position. A process takes a journal that is new, or whose owner is a process before it on
//! the same directory. A process that finds another owner uses a copy of that directory, or its directory
//! was copied: it goes on under another id with what the owner does not have.
//!
//! Every take leaves an [`Ownership`]: by these, any process tells which of its clicks its successor has.

mod claim;

use std::sync::Arc;

use async_trait::async_trait;
use time::OffsetDateTime;
use waypost_core::{AcceptedLossId, Click, ClickId, JournalId, JournalOwner};

pub use self::claim::{Branch, Claimed, JournalClaim, Ownership, Predecessor, Tried};
use crate::{Recorded, StoreError};

/// Keeps how far each click journal is settled, and who owns it.
#[async_trait]
pub trait JournalStore: Send + Sync {
    /// Takes a journal for a process: registers it where it is not known, or makes the process the owner of
    /// one whose owner is among [`JournalClaim::predecessors`] or that never had one. A transaction of the
    /// former owner that is under way has committed before, or never will.
    ///
    /// Taking again under the same [`JournalClaim::owner`] changes nothing, and gives the same answer.
    ///
    /// # Errors
    /// [`StoreError`] as any change.
    async fn take_journal(&self, claim: &JournalClaim) -> Result<Claimed, StoreError>;

    /// Notes a sign of life of the owner. Returns whether it still is the owner; if not, nothing is noted.
    ///
    /// # Errors
    /// [`StoreError`] as any change.
    async fn note_journal(&self, note: &JournalNote) -> Result<bool, StoreError>;

    /// The record of a journal.
    ///
    /// # Errors
    /// [`StoreError`] other than `NotFound`, which is `Ok(None)`.
    async fn journal(&self, id: JournalId) -> Result<Option<JournalRecord>, StoreError>;

    /// The records of all journals that are not forgotten, in the order of their ids.
    ///
    /// # Errors
    /// [`StoreError`] as any look-up.
    async fn journals(&self) -> Result<Vec<JournalRecord>, StoreError>;

    /// Removes a finished journal from the list. Its position stays, so that nothing is stored twice if its
    /// directory turns up again. A note of its owner or a take puts it back on the list. Returns whether it still is
    /// as `seen`; if not, nothing changes.
    ///
    /// # Errors
    /// [`StoreError`] as any change.
    async fn forget_journal(
        &self,
        seen: &JournalRecord,
        at: OffsetDateTime,
    ) -> Result<bool, StoreError>;

    /// The takes of a journal, in the order in which they happened.
    ///
    /// # Errors
    /// [`StoreError`] as any look-up.
    async fn journal_owners(&self, id: JournalId) -> Result<Vec<Ownership>, StoreError>;

    /// Settles a batch exactly once: rows, totals, daily rollup and the journal's position in one
    /// transaction. Clicks on links that do not exist are left out, reported, and counted
    /// in the journal's [`Dropped::link_deleted`]. A batch may consist of dropped records alone.
    ///
    /// After an error the same batch may be tried again: if the first call had
    /// committed after all, the second one answers [`Ingested::Elsewhere`] with the batch's end.
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

    /// Those of the clicks that have rows, in no particular order.
    ///
    /// # Errors
    /// [`StoreError`] as any look-up.
    async fn stored_clicks(&self, ids: &[ClickId]) -> Result<Vec<ClickId>, StoreError>;

    /// Makes what a journal has settled as durable as the database promises its transactions to be. A
    /// database that does so at each commit has nothing to do. Returns whether `owner` still owns the
    /// journal.
    ///
    /// # Errors
    /// [`StoreError`] as any change.
    async fn make_durable(
        &self,
        journal: JournalId,
        owner: JournalOwner,
    ) -> Result<bool, StoreError>;

    /// Notes that an operator accepted a loss.
    ///
    /// # Errors
    /// [`StoreError`] as any change.
    async fn accept_loss(&self, loss: &AcceptedLoss) -> Result<(), StoreError>;

    /// All losses that were accepted, in the order of their ids.
    ///
    /// # Errors
    /// [`StoreError`] as any look-up.
    async fn accepted_losses(&self) -> Result<Vec<AcceptedLoss>, StoreError>;
}

/// What an operator accepted of a journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcceptedLoss {
    /// Which acceptance.
    pub id: AcceptedLossId,
    /// The journal.
    pub journal: JournalId,
    /// How many of its clicks are lost; 0 where two processes used it.
    pub clicks: u64,
    /// All of its clicks that were lost then, those that were accepted before included.
    pub losses: u64,
    /// How many of these the database had refused.
    pub rejected: u64,
    /// How many of these were tried again by then.
    pub retried: u64,
    /// Why that is so; at most [`AcceptedLoss::MAX_REASON`] characters.
    pub reason: String,
    /// When it was accepted, UTC, to the microsecond.
    pub accepted_at: OffsetDateTime,
}

impl AcceptedLoss {
    /// Maximum number of characters of a reason.
    pub const MAX_REASON: usize = 500;
}

/// Where a journal went on from another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JournalSplit {
    /// The other one.
    pub from: JournalId,
    /// The position in both.
    pub at: u64,
}

/// A sign of life of the owner of a journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalNote {
    /// The journal.
    pub journal: JournalId,
    /// The process that owns it.
    pub owner: JournalOwner,
    /// The position behind its last record.
    pub accepted: u64,
    /// When the oldest record happened that is not settled; `None` where all are.
    pub pending_since: Option<OffsetDateTime>,
    /// Whether the process ends now, in order.
    pub ends: bool,
    /// When.
    pub at: OffsetDateTime,
}

/// A run of consecutive records of one journal, to be settled in one transaction.
#[derive(Debug, Clone)]
pub struct ClickBatch {
    /// The journal.
    pub journal: JournalId,
    /// The process that owns it.
    pub owner: JournalOwner,
    /// Its position before the batch: how many of its records were settled, those before it was
    /// registered included.
    pub start: u64,
    /// The clicks that can be stored, in the order of the journal.
    pub clicks: Vec<Click>,
    /// The records of this run that are not stored.
    pub dropped: Dropped,
    /// The records of this run that are stored already.
    pub duplicates: u64,
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
            .saturating_add(self.duplicates)
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
    /// They were only in the memory of a process that was killed, or the database forgot them and the
    /// journal has them no longer.
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

    /// Those that an operator should know of: all but the ones on deleted links.
    #[must_use]
    pub const fn losses(&self) -> u64 {
        self.rejected
            .saturating_add(self.unreadable)
            .saturating_add(self.lost)
    }

    /// These without those.
    #[must_use]
    pub const fn minus(&self, fewer: &Self) -> Self {
        Self {
            link_deleted: self.link_deleted.saturating_sub(fewer.link_deleted),
            rejected: self.rejected.saturating_sub(fewer.rejected),
            unreadable: self.unreadable.saturating_sub(fewer.unreadable),
            lost: self.lost.saturating_sub(fewer.lost),
        }
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
    /// The journal has another owner than the batch says, or is not at the batch's start; `None` when it
    /// is not registered. Nothing was changed.
    Elsewhere(Option<JournalPlace>),
}

/// Where a journal is, and whose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JournalPlace {
    /// The process that owns it; `None` where none took it since there are owners.
    pub owner: Option<JournalOwner>,
    /// The number of records before the first one that is not settled.
    pub committed: u64,
}

/// How far a journal is settled, whose it is, and what became of its records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalRecord {
    /// The journal.
    pub id: JournalId,
    /// The process that owns it; `None` where none took it since there are owners.
    pub owner: Option<JournalOwner>,
    /// The host of the owner; empty where it is not known.
    pub node: String,
    /// The owner among all processes; `None` when it ended in order.
    pub process: Option<String>,
    /// The position at which it was registered.
    pub began: u64,
    /// Its position: the number of records before the first one that is not settled.
    pub committed: u64,
    /// The position behind its last record, as its owner said in its last note; 0 before the first one.
    pub accepted: u64,
    /// When the oldest record happened that was not settled then.
    pub pending_since: Option<OffsetDateTime>,
    /// When that note was made, UTC, to the microsecond.
    pub noted_at: Option<OffsetDateTime>,
    /// How many of its records were stored as clicks.
    pub stored: u64,
    /// How many were stored already, from another journal.
    pub duplicates: u64,
    /// How many were not stored, by reason.
    pub dropped: Dropped,
    /// The journal that it went on from.
    pub split: Option<JournalSplit>,
    /// The journal whose refused clicks it tries again.
    pub retry_of: Option<JournalId>,
    /// When it was forgotten, UTC, to the microsecond.
    pub forgotten_at: Option<OffsetDateTime>,
    /// When it was registered, UTC, to the microsecond.
    pub registered_at: OffsetDateTime,
    /// When its last batch was settled, UTC, to the microsecond; before the first one, when it was
    /// registered.
    pub updated_at: OffsetDateTime,
}

impl JournalRecord {
    /// The record of a journal that a process has just registered.
    #[must_use]
    pub fn registered(claim: &JournalClaim) -> Self {
        let at = waypost_core::micros(claim.at);
        Self {
            id: claim.journal,
            owner: Some(claim.owner),
            node: claim.node.clone(),
            process: Some(claim.process.clone()),
            began: claim.began,
            committed: claim.began,
            accepted: 0,
            pending_since: None,
            noted_at: None,
            stored: 0,
            duplicates: 0,
            dropped: Dropped::default(),
            split: claim.split,
            retry_of: claim.retry_of,
            forgotten_at: None,
            registered_at: at,
            updated_at: at,
        }
    }

    /// Whether every settled record is accounted for.
    #[must_use]
    pub const fn agrees(&self) -> bool {
        let known = self
            .stored
            .saturating_add(self.dropped.total())
            .saturating_add(self.duplicates);
        match self.committed.checked_sub(self.began) {
            Some(settled) => settled == known,
            None => false,
        }
    }

    /// Where it is, and whose.
    #[must_use]
    pub const fn place(&self) -> JournalPlace {
        JournalPlace {
            owner: self.owner,
            committed: self.committed,
        }
    }

    /// When its owner was last heard of: its last note, its last batch, or when it was registered.
    #[must_use]
    pub fn seen_at(&self) -> OffsetDateTime {
        self.noted_at
            .map_or(self.updated_at, |noted| noted.max(self.updated_at))
    }
}
