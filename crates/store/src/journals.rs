//! The port for click journals, which settles their clicks exactly once.
//!
//! A node writes accepted clicks to the journal in its data directory and settles them later, batch
//! by batch. Its position is kept in the database and moves in the transaction that stores the
//! clicks: whatever happens in between, no click is stored twice and none is left out.
//!
//! # Owners
//! Each journal has one *owner*: the process that took it last, under a random [`JournalOwner`].
//! Only the owner moves the position. A process takes a journal that is new, or whose owner is an
//! earlier process on the same directory. A process that finds another owner uses a copy of that
//! directory, or its own directory was copied: it continues under another ID with the records that
//! the owner does not have.
//!
//! Every take leaves an [`Ownership`]. From these, any process can tell which of its clicks its
//! successor has.

mod claim;

use std::sync::Arc;

use async_trait::async_trait;
use time::OffsetDateTime;
use waypost_core::{AcceptedLossId, Click, ClickId, JournalId, JournalOwner};

pub use self::claim::{Branch, Claimed, JournalClaim, Ownership, Predecessor, Tried};
use crate::{KeptRecords, Recorded, StoreError};

/// Keeps the position and the owner of each click journal.
#[async_trait]
pub trait JournalStore: Send + Sync {
    /// Takes a journal for a process: registers a journal that is not known, or makes the process
    /// the owner of one that has no owner or whose owner is among [`JournalClaim::predecessors`]. A
    /// running transaction of the former owner has committed before, or never will.
    ///
    /// Taking it again under the same [`JournalClaim::owner`] changes nothing and returns the same
    /// answer.
    ///
    /// # Errors
    /// [`StoreError`] as for any write.
    async fn take_journal(&self, claim: &JournalClaim) -> Result<Claimed, StoreError>;

    /// Records a sign of life of the owner. Returns whether it still is the owner; if not, nothing
    /// is recorded.
    ///
    /// # Errors
    /// [`StoreError`] as for any write.
    async fn note_journal(&self, note: &JournalNote) -> Result<bool, StoreError>;

    /// Returns the record of a journal.
    ///
    /// # Errors
    /// [`StoreError`] other than `NotFound`, which is `Ok(None)`.
    async fn journal(&self, id: JournalId) -> Result<Option<JournalRecord>, StoreError>;

    /// Returns the records of all journals that are not forgotten, in the order of their IDs.
    ///
    /// # Errors
    /// [`StoreError`] as for any read.
    async fn journals(&self) -> Result<Vec<JournalRecord>, StoreError>;

    /// Removes a finished journal from the list. Its position stays, so that nothing is stored
    /// twice if its directory appears again. A note of its owner, or a take, puts it back on the
    /// list. Returns whether the journal still equals `seen`; if not, nothing changes.
    ///
    /// # Errors
    /// [`StoreError`] as for any write.
    async fn forget_journal(
        &self,
        seen: &JournalRecord,
        at: OffsetDateTime,
    ) -> Result<bool, StoreError>;

    /// Returns the takes of a journal, in the order in which they happened.
    ///
    /// # Errors
    /// [`StoreError`] as for any read.
    async fn journal_owners(&self, id: JournalId) -> Result<Vec<Ownership>, StoreError>;

    /// Settles a batch exactly once: click records, totals, daily rollup and the position of the
    /// journal in one transaction. Clicks on links that do not exist are left out, reported, and
    /// counted in [`Dropped::link_deleted`] of the journal. A batch may consist of dropped records
    /// only.
    ///
    /// After an error the same batch may be tried again: if the first call did commit, the second
    /// one returns [`Ingested::Elsewhere`] with the end of the batch.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when a click with one of the IDs is already stored, or two clicks
    /// of the batch have the same ID; [`StoreError::Refused`] when the database rejects a click. In
    /// both cases nothing of the batch is stored or counted, and the position stays. After
    /// [`StoreError::Unavailable`] the batch is settled either completely or not at all.
    async fn ingest(
        &self,
        batch: Arc<ClickBatch>,
        at: OffsetDateTime,
    ) -> Result<Ingested, StoreError>;

    /// Returns which of the clicks are known to be stored, in no particular order: those with
    /// records, and those without one whose IDs are kept ([`KeptRecords::UpTo`]).
    ///
    /// # Errors
    /// [`StoreError`] as for any read.
    async fn stored_clicks(&self, ids: &[ClickId]) -> Result<Vec<ClickId>, StoreError>;

    /// Makes what a journal has settled as durable as the database promises for its transactions.
    /// Does nothing for a database that does so at each commit. Returns whether `owner` still owns
    /// the journal.
    ///
    /// # Errors
    /// [`StoreError`] as for any write.
    async fn make_durable(
        &self,
        journal: JournalId,
        owner: JournalOwner,
    ) -> Result<bool, StoreError>;

    /// Records that an operator accepted a loss.
    ///
    /// # Errors
    /// [`StoreError`] as for any write.
    async fn accept_loss(&self, loss: &AcceptedLoss) -> Result<(), StoreError>;

    /// Returns all accepted losses, in the order of their IDs.
    ///
    /// # Errors
    /// [`StoreError`] as for any read.
    async fn accepted_losses(&self) -> Result<Vec<AcceptedLoss>, StoreError>;
}

/// A loss of a journal that an operator accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcceptedLoss {
    /// The ID of the acceptance.
    pub id: AcceptedLossId,
    /// The journal.
    pub journal: JournalId,
    /// The number of its clicks that are lost; 0 if two processes used it.
    pub clicks: u64,
    /// All clicks of the journal lost at that time, those accepted before included.
    pub losses: u64,
    /// How many of these the database had rejected.
    pub rejected: u64,
    /// How many of these had been tried again by then.
    pub retried: u64,
    /// The reason; at most [`AcceptedLoss::MAX_REASON`] characters.
    pub reason: String,
    /// When it was accepted, UTC, to the microsecond.
    pub accepted_at: OffsetDateTime,
}

impl AcceptedLoss {
    /// Maximum number of characters of a reason.
    pub const MAX_REASON: usize = 500;
}

/// The point at which a journal continued from another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JournalSplit {
    /// The other journal.
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
    /// The position after its last record.
    pub accepted: u64,
    /// When the oldest record that is not settled happened; `None` if all are settled.
    pub pending_since: Option<OffsetDateTime>,
    /// Whether the process is shutting down in order.
    pub ends: bool,
    /// The time of the note.
    pub at: OffsetDateTime,
}

/// A run of consecutive records of one journal, to be settled in one transaction.
#[derive(Debug, Clone)]
pub struct ClickBatch {
    /// The journal.
    pub journal: JournalId,
    /// The process that owns it.
    pub owner: JournalOwner,
    /// The position before the batch: the number of settled records, those before its registration
    /// included.
    pub start: u64,
    /// The clicks to store, in the order of the journal.
    pub clicks: Vec<Click>,
    /// The records of this run that are not stored.
    pub dropped: Dropped,
    /// The records of this run that are already stored.
    pub duplicates: u64,
    /// Which of the clicks leave records.
    pub records: KeptRecords,
}

impl ClickBatch {
    /// Returns the position of the journal after the batch.
    #[must_use]
    pub fn end(&self) -> u64 {
        let clicks = u64::try_from(self.clicks.len()).unwrap_or(u64::MAX);
        self.start
            .saturating_add(clicks)
            .saturating_add(self.dropped.total())
            .saturating_add(self.duplicates)
    }
}

/// Numbers of accepted records that will never be stored, by reason.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Dropped {
    /// Their link was deleted before they were stored.
    pub link_deleted: u64,
    /// The database rejected them; they were set aside.
    pub rejected: u64,
    /// They are damaged in the journal.
    pub unreadable: u64,
    /// They were only in the memory of a process that was killed, or the database lost them and the
    /// journal no longer has them.
    pub lost: u64,
}

impl Dropped {
    /// Returns the number of all of them.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.link_deleted
            .saturating_add(self.rejected)
            .saturating_add(self.unreadable)
            .saturating_add(self.lost)
    }

    /// Returns the losses that an operator should know of: all except those on deleted links.
    #[must_use]
    pub const fn losses(&self) -> u64 {
        self.rejected
            .saturating_add(self.unreadable)
            .saturating_add(self.lost)
    }

    /// Subtracts the numbers of `fewer`.
    #[must_use]
    pub const fn minus(&self, fewer: &Self) -> Self {
        Self {
            link_deleted: self.link_deleted.saturating_sub(fewer.link_deleted),
            rejected: self.rejected.saturating_sub(fewer.rejected),
            unreadable: self.unreadable.saturating_sub(fewer.unreadable),
            lost: self.lost.saturating_sub(fewer.lost),
        }
    }

    /// Adds the numbers of `more`.
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

/// The result of settling a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ingested {
    /// It is settled: its clicks are stored, and those on deleted links are counted as dropped. The
    /// position is [`ClickBatch::end`].
    Settled(Recorded),
    /// The journal has another owner than the batch, or is not at the start of the batch; `None` if
    /// it is not registered. Nothing was changed.
    Elsewhere(Option<JournalPlace>),
}

/// The position and the owner of a journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JournalPlace {
    /// The process that owns it; `None` if no process took it since owners exist.
    pub owner: Option<JournalOwner>,
    /// The number of records before the first one that is not settled.
    pub committed: u64,
}

/// The position and the owner of a journal, and the fate of its records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalRecord {
    /// The journal.
    pub id: JournalId,
    /// The process that owns it; `None` if no process took it since owners exist.
    pub owner: Option<JournalOwner>,
    /// The host of the owner; empty if unknown.
    pub node: String,
    /// The identity of the owner among all processes; `None` if it shut down in order.
    pub process: Option<String>,
    /// The position at which it was registered.
    pub began: u64,
    /// Its position: the number of records before the first one that is not settled.
    pub committed: u64,
    /// The position after its last record, as of the last note of its owner; 0 before the first
    /// note.
    pub accepted: u64,
    /// When the oldest record that was not settled then happened.
    pub pending_since: Option<OffsetDateTime>,
    /// When that note was made, UTC, to the microsecond.
    pub noted_at: Option<OffsetDateTime>,
    /// How many of its records were stored as clicks.
    pub stored: u64,
    /// How many were already stored, from another journal.
    pub duplicates: u64,
    /// How many were not stored, by reason.
    pub dropped: Dropped,
    /// The journal that it continued from.
    pub split: Option<JournalSplit>,
    /// The journal whose rejected clicks it tries again.
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
    /// Returns the record of a journal that a process has just registered.
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

    /// Returns whether every settled record is accounted for.
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

    /// Returns the position and the owner.
    #[must_use]
    pub const fn place(&self) -> JournalPlace {
        JournalPlace {
            owner: self.owner,
            committed: self.committed,
        }
    }

    /// Returns when its owner last gave a sign of life: its last note, its last batch, or its
    /// registration.
    #[must_use]
    pub fn seen_at(&self) -> OffsetDateTime {
        self.noted_at
            .map_or(self.updated_at, |noted| noted.max(self.updated_at))
    }
}
