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
use waypost_core::{AcceptedLossId, Click, ClickId, JournalId, JournalOwner};

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

/// What a process says of itself and its journal when it takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalClaim {
    /// The journal.
    pub journal: JournalId,
    /// The process, as the owner to be.
    pub owner: JournalOwner,
    /// Former owners whose work the process goes on with: those of the same directory, oldest first.
    pub predecessors: Vec<Predecessor>,
    /// Owners under which the process or one before it tried to take the journal, and got no answer. None of them has
    /// added a record.
    pub tried: Vec<Tried>,
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
    /// The journal whose refused clicks this one tries again.
    pub retry_of: Option<JournalId>,
    /// When it is taken.
    pub at: OffsetDateTime,
}

/// A process that used a directory before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Predecessor {
    /// The process.
    pub owner: JournalOwner,
    /// The position behind the last record that it had when it took the journal.
    pub end: u64,
}

/// An owner under which it was tried to take a journal, without an answer: the database may know it, now or after it
/// was set back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tried {
    /// The owner.
    pub owner: JournalOwner,
    /// How many of the predecessors came before it.
    pub after: usize,
}

impl JournalClaim {
    /// Claims a journal that begins at `began` and has no records, for a process that nobody knows more of.
    #[must_use]
    pub fn new(journal: JournalId, owner: JournalOwner, began: u64, at: OffsetDateTime) -> Self {
        Self {
            journal,
            owner,
            predecessors: Vec::new(),
            tried: Vec::new(),
            began,
            end: began,
            node: String::new(),
            process: String::new(),
            split: None,
            retry_of: None,
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
        /// Where the processes of the claim and those of the owner went apart, if that is known.
        branch: Option<Branch>,
    },
}

/// Where two lines of processes went apart that have the same journal: one of them uses a copy of the directory of
/// the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Branch {
    /// The position of the journal when the other line went on by itself: everything before was settled.
    pub settled: u64,
    /// The position up to which both have the same records.
    pub shared: u64,
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

    /// Whether a claim may take it: its process goes on with the owner's work, and the owner has settled nothing
    /// since that the process does not have.
    #[must_use]
    pub fn yields_to(&self, claim: &JournalClaim) -> bool {
        let Some(owner) = self.owner else {
            return true;
        };
        // What it settled after the own line had left is not in that.
        let left = |place| claim.left_at(place);
        let has_all = |place| left(place).is_none_or(|left| self.committed <= left);
        owner == claim.owner || claim.place_of(owner).is_some_and(has_all)
    }
}

impl JournalClaim {
    /// Where the processes of the claim and those of the owner of a journal went apart, by all takes of it. `None`
    /// when they have nothing in common that is known.
    #[must_use]
    pub fn branch(&self, record: &JournalRecord, takes: &[Ownership]) -> Option<Branch> {
        // The owner is one of the own line, and went on after the others had left.
        let place = record.owner.and_then(|owner| self.place_of(owner));
        if let Some(left) = place.and_then(|place| self.left_at(place)) {
            return Some(Branch {
                settled: left,
                shared: left,
            });
        }
        let others = takes
            .iter()
            .filter(|take| self.place_of(take.owner).is_none());
        let branches = others.filter_map(|take| match take.predecessor {
            Some(predecessor) => Some((self.place_of(predecessor)?, take)),
            None => self
                .predecessors
                .is_empty()
                .then_some((Place::default(), take)),
        });
        let (place, take) = branches.max_by_key(|(place, _)| *place)?;
        // What the one before settled after the own line had left is not in that.
        let left = self.left_at(place);
        let within = |position: u64| left.map_or(position, |left| left.min(position));
        Some(Branch {
            settled: within(take.began),
            shared: within(take.end),
        })
    }

    /// Where an owner stands in the line of the process.
    fn place_of(&self, owner: JournalOwner) -> Option<Place> {
        let of_index = |index: usize| Place {
            after: index.saturating_add(1),
            was_tried: false,
        };
        let own = self.index_of(owner).map(of_index);
        own.or_else(|| {
            let after = self.tried_after(owner)?;
            Some(Place {
                after,
                was_tried: true,
            })
        })
    }

    /// How many predecessors came before an owner under which it was tried to take the journal.
    fn tried_after(&self, owner: JournalOwner) -> Option<usize> {
        let mut tried = self.tried.iter();
        let tried = tried.find(|tried| tried.owner == owner)?;
        Some(tried.after.min(self.predecessors.len()))
    }

    /// The place of a process among the predecessors.
    fn index_of(&self, owner: JournalOwner) -> Option<usize> {
        let mut own = self.predecessors.iter();
        own.position(|own| own.owner == owner)
    }

    /// The position up to which those of the line after a place have the same records as those before it; `None` when
    /// there are none: then the claim's process has all that was left in the directory.
    fn left_at(&self, place: Place) -> Option<u64> {
        let next = self.predecessors.get(place.after)?;
        Some(next.end)
    }

    /// The takes to be noted when the process takes the journal from `owner` at the position `committed`: its own,
    /// and before that those of predecessors that the database has forgotten, because it was set back to before
    /// them. Other processes tell by these what the process has.
    #[must_use]
    pub fn takes(&self, owner: Option<JournalOwner>, committed: u64) -> Vec<Ownership> {
        let place = owner.and_then(|owner| self.place_of(owner));
        let forgotten = place.map_or(0, |place| place.after);
        let forgotten = self.predecessors.iter().skip(forgotten);
        let own = Predecessor {
            owner: self.owner,
            end: self.end,
        };
        let mut predecessor = owner;
        let mut takes = Vec::new();
        for Predecessor { owner, end } in forgotten.chain([&own]) {
            takes.push(Ownership {
                owner: *owner,
                predecessor,
                began: committed,
                end: *end,
                node: self.node.clone(),
                taken_at: waypost_core::micros(self.at),
            });
            predecessor = Some(*owner);
        }
        takes
    }
}

/// A place in a line of processes: after how many of them, and whether between two of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    after: usize,
    was_tried: bool,
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

    fn pair(take: &Ownership) -> (JournalOwner, Option<JournalOwner>) {
        (take.owner, take.predecessor)
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
        let predecessors = predecessors.iter().zip(10..);
        JournalClaim {
            predecessors: predecessors
                .map(|(owner, end)| Predecessor { owner: *owner, end })
                .collect(),
            ..JournalClaim::new(journal, owner, 0, AT)
        }
    }

    /// The branch of a process with these predecessors, whose ends are 10, 11, and so on, when this one owns the
    /// journal at the position 20.
    fn branch(owner: JournalOwner, own: &[JournalOwner], takes: &[Ownership]) -> Option<Branch> {
        let [.., new] = owners::<9>();
        let record = JournalRecord {
            committed: 20,
            ..JournalRecord::registered(&claim(owner, &[]))
        };
        claim(new, own).branch(&record, takes)
    }

    #[test]
    fn a_branch_is_where_another_process_took_the_journal_from_one_of_the_own_line() {
        let [one, two, three, four, new] = owners();
        let at = |began| Ownership {
            began,
            end: began + 5,
            ..take(one, None)
        };
        let takes = [
            at(0),
            Ownership {
                owner: two,
                predecessor: Some(one),
                ..at(3)
            },
            Ownership {
                owner: three,
                predecessor: Some(two),
                ..at(6)
            },
        ];
        let of = |own: &[JournalOwner]| branch(three, own, &takes);
        let branch_at = |settled, shared| Some(Branch { settled, shared });
        assert_eq!(of(&[one]), branch_at(3, 8));
        assert_eq!(of(&[one, two]), branch_at(6, 11));
        // A copy that went on by itself at 11, from the first one.
        assert_eq!(of(&[one, four]), branch_at(3, 8));
        assert_eq!(of(&[new, one, four]), branch_at(3, 8));
        // Before there were owners.
        assert_eq!(of(&[]), branch_at(0, 5));
        assert_eq!(of(&[four]), None);
    }

    #[test]
    fn a_process_of_the_own_line_that_went_on_later_is_another_branch() {
        let [one, copy, new] = owners();
        let mut record = JournalRecord::registered(&claim(one, &[]));
        // The copy took it at 11, in a database that was set back since.
        let claim = claim(new, &[one, copy]);
        for (committed, yields) in [(0, true), (11, true), (12, false)] {
            record.committed = committed;
            assert_eq!(record.yields_to(&claim), yields, "{committed}");
        }
        let branch = Branch {
            settled: 11,
            shared: 11,
        };
        assert_eq!(claim.branch(&record, &[take(one, None)]), Some(branch));
    }

    #[test]
    fn what_was_settled_after_the_own_line_had_left_is_not_in_that() {
        let [one, copy, two, new] = owners();
        // The copy left at 11, in a database that was set back since; then the first one settled 15.
        let takes = [
            take(one, None),
            Ownership {
                began: 15,
                end: 19,
                ..take(two, Some(one))
            },
        ];
        let record = JournalRecord::registered(&claim(two, &[]));
        let branch = Branch {
            settled: 11,
            shared: 11,
        };
        assert_eq!(
            claim(new, &[one, copy]).branch(&record, &takes),
            Some(branch)
        );
    }

    #[test]
    fn an_owner_that_was_tried_stands_between_those_before_and_after_it() {
        let [one, tried, two, other, new] = owners();
        let claim = JournalClaim {
            tried: vec![Tried {
                owner: tried,
                after: 1,
            }],
            ..claim(new, &[one, two])
        };
        let record = |owner| JournalRecord::registered(&self::claim(owner, &[]));
        assert!(record(tried).yields_to(&claim));
        // The process of a copy got the answer, and went on.
        let further = JournalRecord {
            committed: 12,
            ..record(tried)
        };
        assert!(!further.yields_to(&claim));
        let left = Branch {
            settled: 11,
            shared: 11,
        };
        assert_eq!(claim.branch(&further, &[take(one, None)]), Some(left));
        let noted: Vec<_> = claim.takes(Some(tried), 5).iter().map(pair).collect();
        assert_eq!(noted, [(two, Some(tried)), (new, Some(two))]);
        // Another one went on from it, when the second one had not begun.
        let taken = Ownership {
            began: 4,
            end: 20,
            ..take(other, Some(tried))
        };
        let takes = [take(one, None), take(tried, Some(one)), taken];
        let branch = Branch {
            settled: 4,
            shared: 11,
        };
        assert_eq!(claim.branch(&record(other), &takes), Some(branch));
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

    #[test]
    fn takes_that_the_database_has_forgotten_are_noted_again() {
        let [one, two, three, new] = owners();
        let claim = JournalClaim {
            end: 99,
            ..claim(new, &[one, two, three])
        };
        let noted = |owner| -> Vec<_> {
            let takes = claim.takes(owner, 5);
            assert!(takes.iter().all(|take| take.began == 5));
            let takes = takes.iter();
            takes
                .map(|take| (take.owner, take.predecessor, take.end))
                .collect()
        };
        assert_eq!(noted(Some(three)), [(new, Some(three), 99)]);
        let after_one = [
            (two, Some(one), 11),
            (three, Some(two), 12),
            (new, Some(three), 99),
        ];
        assert_eq!(noted(Some(one)), after_one);
        assert_eq!(noted(None)[0], (one, None, 10));
        assert_eq!(noted(None)[1..], after_one);
    }
}
