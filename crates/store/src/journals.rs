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

use std::sync::Arc;

use async_trait::async_trait;
use time::OffsetDateTime;
use waypost_core::{Click, ClickId, JournalId, JournalOwner};

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

    /// The records of all journals, in the order of their ids.
    ///
    /// # Errors
    /// [`StoreError`] as any look-up.
    async fn journals(&self) -> Result<Vec<JournalRecord>, StoreError>;

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
}

/// What a process says of itself and its journal when it takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalClaim {
    /// The journal.
    pub journal: JournalId,
    /// The process, as the owner to be.
    pub owner: JournalOwner,
    /// Former owners whose work the process goes on with: those of the same directory before.
    pub predecessors: Vec<JournalOwner>,
    /// The position at which the journal begins, where the database does not know it.
    pub began: u64,
    /// The position behind the last record that the process has.
    pub end: u64,
    /// The host of the process, for people; at most 255 characters.
    pub node: String,
    /// The process among all processes of all hosts, while it runs; at most 255 characters.
    pub process: String,
    /// The journal that this one goes on from because another process owns that one.
    pub split: Option<JournalSplit>,
    /// When it is taken.
    pub at: OffsetDateTime,
}

impl JournalClaim {
    /// Claims a journal that begins at `began` and has no records, for a process that nobody knows more of.
    #[must_use]
    pub fn new(journal: JournalId, owner: JournalOwner, began: u64, at: OffsetDateTime) -> Self {
        Self {
            journal,
            owner,
            predecessors: Vec::new(),
            began,
            end: began,
            node: String::new(),
            process: String::new(),
            split: None,
            at,
        }
    }
}

/// Where a journal went on from another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JournalSplit {
    /// The other one.
    pub from: JournalId,
    /// The position in both.
    pub at: u64,
}

/// The answer to a [`JournalClaim`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claimed {
    /// The process owns the journal. What [`JournalRecord::accepted`] and
    /// [`JournalRecord::pending_since`] say is the last note of the owner before.
    Taken(JournalRecord),
    /// Another process owns it. Nothing was changed.
    Refused {
        /// The journal as it is.
        record: JournalRecord,
        /// The first take after the last predecessor of the claim, if that is known.
        successor: Option<Ownership>,
    },
}

/// One take of a journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ownership {
    /// The process that took it.
    pub owner: JournalOwner,
    /// The owner before; `None` where the database knew of none.
    pub predecessor: Option<JournalOwner>,
    /// The position of the journal then: everything before was settled.
    pub began: u64,
    /// The position behind the last record that the process had then.
    pub end: u64,
    /// The host of the process.
    pub node: String,
    /// When that was, UTC, to the microsecond.
    pub taken_at: OffsetDateTime,
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

    /// Whether a claim may take it.
    #[must_use]
    pub fn yields_to(&self, claim: &JournalClaim) -> bool {
        self.owner
            .is_none_or(|owner| owner == claim.owner || claim.predecessors.contains(&owner))
    }
}

impl JournalClaim {
    /// The first take after the last predecessor of the claim, of all takes of its journal in their order.
    #[must_use]
    pub fn successor(&self, takes: &[Ownership]) -> Option<Ownership> {
        let is_own = |owner: &JournalOwner| self.predecessors.contains(owner);
        let follows = |take: &&Ownership| {
            let follows_own = match &take.predecessor {
                Some(predecessor) => is_own(predecessor),
                None => self.predecessors.is_empty(),
            };
            follows_own && !is_own(&take.owner)
        };
        takes.iter().rfind(follows).cloned()
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;
    use waypost_core::SeededRandom;

    use super::*;

    const AT: OffsetDateTime = datetime!(2026-03-01 12:00 UTC);

    fn owners<const N: usize>() -> [JournalOwner; N] {
        let random = SeededRandom::new(1);
        std::array::from_fn(|_| JournalOwner::new(AT, &random))
    }

    fn take(owner: JournalOwner, predecessor: Option<JournalOwner>) -> Ownership {
        Ownership {
            owner,
            predecessor,
            began: 0,
            end: 0,
            node: String::new(),
            taken_at: AT,
        }
    }

    fn claim(owner: JournalOwner, predecessors: &[JournalOwner]) -> JournalClaim {
        let journal = JournalId::new(AT, &SeededRandom::new(2));
        JournalClaim {
            predecessors: predecessors.to_vec(),
            ..JournalClaim::new(journal, owner, 0, AT)
        }
    }

    #[test]
    fn the_successor_of_a_process_is_whoever_took_the_journal_from_it_or_from_one_before_it() {
        let [one, two, three, four, new] = owners();
        let takes = [
            take(one, None),
            take(two, Some(one)),
            take(three, Some(two)),
            take(four, Some(three)),
        ];
        let of = |own: &[JournalOwner]| claim(new, own).successor(&takes).map(|take| take.owner);
        assert_eq!(of(&[one]), Some(two));
        assert_eq!(of(&[one, two]), Some(three));
        assert_eq!(of(&[one, two, three]), Some(four));
        assert_eq!(of(&[one, two, three, four]), None);
        // Before there were owners.
        assert_eq!(of(&[]), Some(one));
        // The database was set back to the time of `one`, and `four` took it from there.
        let takes = [take(one, None), take(four, Some(one))];
        let of = |own: &[JournalOwner]| claim(new, own).successor(&takes).map(|take| take.owner);
        assert_eq!(of(&[one, two]), Some(four));
        assert_eq!(of(&[two]), None);
    }

    #[test]
    fn a_journal_yields_to_its_owner_and_to_those_who_follow_it() {
        let [one, two, new] = owners();
        let mut record = JournalRecord::registered(&claim(one, &[]));
        assert!(record.yields_to(&claim(one, &[])));
        assert!(record.yields_to(&claim(new, &[two, one])));
        assert!(!record.yields_to(&claim(new, &[two])));
        assert!(!record.yields_to(&claim(new, &[])));
        record.owner = None;
        assert!(record.yields_to(&claim(new, &[])));
    }
}
