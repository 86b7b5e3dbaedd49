//! The database: taking journals, and settling.

use std::collections::BTreeSet;

use time::OffsetDateTime;
use uuid::Uuid;
use waypost_core::{JournalId, JournalOwner};
use waypost_store::{Branch, Dropped, JournalClaim, JournalRecord, Ownership, Predecessor, Tried};

use super::{
    Answer, Database, Directory, Fault, Id, Owner, Place, Position, Record, Request, Sizes, Take,
};

/// The answer to a process that wants to take a journal.
pub(super) enum Claimed {
    /// Its position.
    Taken(Position),
    Refused(Record, Option<Branch>),
}

fn owner(number: Owner) -> JournalOwner {
    JournalOwner::from_uuid(Uuid::from_u128(number.into()))
}

fn number(owner: JournalOwner) -> Owner {
    u8::try_from(owner.as_uuid().as_u128()).unwrap()
}

fn position(position: u64) -> Position {
    u8::try_from(position).unwrap()
}

/// Returns the claim of a process.
pub(super) fn claim(
    directory: &Directory,
    tried: &[(Owner, u8)],
    new: Owner,
    began: Position,
) -> JournalClaim {
    let journal = JournalId::from_uuid(Uuid::nil());
    let at = OffsetDateTime::UNIX_EPOCH;
    let predecessors = directory.owners.iter().map(|(before, end)| Predecessor {
        owner: owner(*before),
        end: (*end).into(),
    });
    let tried = tried.iter().map(|(tried, after)| Tried {
        owner: owner(*tried),
        after: (*after).into(),
    });
    JournalClaim {
        predecessors: predecessors.collect(),
        tried: tried.collect(),
        end: directory.end().into(),
        ..JournalClaim::new(journal, owner(new), began.into(), at)
    }
}

impl Record {
    fn real(&self) -> JournalRecord {
        let journal = JournalId::from_uuid(Uuid::nil());
        let at = OffsetDateTime::UNIX_EPOCH;
        JournalRecord {
            began: self.began.into(),
            committed: self.committed.into(),
            duplicates: self.duplicates.into(),
            dropped: Dropped {
                lost: self.lost.into(),
                ..Dropped::default()
            },
            ..JournalRecord::registered(&JournalClaim::new(journal, owner(self.owner), 0, at))
        }
    }

    pub(super) fn place(&self) -> Place {
        Place {
            owner: self.owner,
            committed: self.committed,
        }
    }
}

impl Take {
    fn real(self) -> Ownership {
        Ownership {
            owner: owner(self.owner),
            predecessor: self.predecessor.map(owner),
            began: self.began.into(),
            end: self.end.into(),
            node: String::new(),
            taken_at: OffsetDateTime::UNIX_EPOCH,
        }
    }

    fn of(take: &Ownership) -> Self {
        Self {
            owner: number(take.owner),
            predecessor: take.predecessor.map(number),
            began: position(take.began),
            end: position(take.end),
        }
    }
}

impl Database {
    /// Takes a journal; a new one continued from `split`.
    pub(super) fn take(
        &mut self,
        id: Id,
        claim: &JournalClaim,
        split: Option<Id>,
        sizes: &Sizes,
    ) -> Claimed {
        let Some(record) = self.journals.get_mut(&id) else {
            let takes = claim.takes(None, claim.began);
            let record = Record {
                owner: number(claim.owner),
                committed: position(claim.began),
                takes: takes.iter().map(Take::of).collect(),
                lost: 0,
                duplicates: 0,
                began: position(claim.began),
                split,
            };
            self.journals.insert(id, record);
            return Claimed::Taken(position(claim.began));
        };
        let real = record.real();
        let keeps_id = sizes.fault == Some(Fault::CopyKeepsId) || !sizes.has_owners();
        let yields = real.yields_to(claim) || keeps_id;
        if !yields {
            let takes: Vec<Ownership> = record.takes.iter().map(|take| take.real()).collect();
            return Claimed::Refused(record.clone(), claim.branch(&real, &takes));
        }
        if real.owner != Some(claim.owner) {
            let takes = claim.takes(real.owner, real.committed);
            record.takes.extend(takes.iter().map(Take::of));
            record.owner = number(claim.owner);
        }
        Claimed::Taken(record.committed)
    }

    pub(super) fn place(&self, id: Id) -> Option<Place> {
        self.journals.get(&id).map(Record::place)
    }

    pub(super) fn is_stored(&self, click: u8) -> bool {
        let counted = self.counted.get(usize::from(click)).copied();
        counted.unwrap_or(0) > 0 && !self.purged.contains(&click)
    }

    pub(super) fn purge(&mut self) {
        let counted = (0..).zip(&self.counted).filter(|(_, times)| **times > 0);
        self.purged.extend(counted.map(|(click, _)| click));
    }

    /// Returns the journals with records in common with one, following their origins.
    pub(super) fn relatives(&self, own: Id, before: &BTreeSet<Id>) -> BTreeSet<Id> {
        let mut found = before.clone();
        found.insert(own);
        loop {
            let descendants = self.journals.iter().filter(|(_, record)| {
                let from = record.split;
                from.is_some_and(|from| found.contains(&from))
            });
            let descendants: Vec<Id> = descendants.map(|(id, _)| *id).collect();
            let count = found.len();
            found.extend(descendants);
            if found.len() == count {
                break;
            }
        }
        found.remove(&own);
        found
    }

    /// Returns the position up to which one of these journals has settled the records of a process
    /// from a position on.
    pub(super) fn settled_by(
        &self,
        relatives: &BTreeSet<Id>,
        line: &JournalClaim,
        settled: Position,
    ) -> Option<Position> {
        let records = relatives.iter().filter_map(|id| self.journals.get(id));
        let ranges = records.filter_map(|record| {
            let takes: Vec<Ownership> = record.takes.iter().map(|take| take.real()).collect();
            line.settled_by(&record.real(), &takes)
        });
        let ranges = ranges.filter(|range| range.contains(&settled.into()));
        ranges.map(|range| position(range.end)).max()
    }

    /// Settles a batch completely or not at all.
    pub(super) fn settle(&mut self, batch: &Request, sizes: &Sizes) -> Answer {
        let place = self.place(batch.journal);
        let start = Place {
            owner: batch.owner,
            committed: batch.start,
        };
        if !sizes.is_here(place, start) {
            return Answer::Elsewhere(place);
        }
        let looks_for_ids = sizes.keeps_rows && sizes.fault != Some(Fault::NoIds);
        if looks_for_ids && batch.clicks.iter().any(|click| self.is_stored(*click)) {
            return Answer::Conflict;
        }
        for click in &batch.clicks {
            if let Some(counted) = self.counted.get_mut(usize::from(*click)) {
                *counted += 1;
            }
        }
        if let Some(record) = self.journals.get_mut(&batch.journal) {
            record.committed = batch.end;
            record.lost += batch.lost;
            record.duplicates += batch.duplicates;
        }
        Answer::Settled
    }
}
