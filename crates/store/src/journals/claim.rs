//! The owner of a journal: which process may take it, and where two lines of processes that have it
//! diverged.

use std::ops::Range;

use time::OffsetDateTime;
use waypost_core::{JournalId, JournalOwner};

use super::{JournalRecord, JournalSplit};

/// What a process reports about itself and its journal when it takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalClaim {
    /// The journal.
    pub journal: JournalId,
    /// The process that wants to become the owner.
    pub owner: JournalOwner,
    /// Former owners whose work the process continues: those of the same directory, oldest first.
    pub predecessors: Vec<Predecessor>,
    /// Owners under which the process, or an earlier one, tried to take the journal without getting
    /// an answer. None of them has added a record.
    pub tried: Vec<Tried>,
    /// The position at which the journal begins, if the database does not know it.
    pub began: u64,
    /// The position after the last record that the process has.
    pub end: u64,
    /// The host of the process, for people; at most 255 characters.
    pub node: String,
    /// The identity of the running process among all processes of all hosts; at most 255
    /// characters.
    pub process: String,
    /// The journal that this one continues from, because another process owns that one.
    pub split: Option<JournalSplit>,
    /// The journal whose rejected clicks this one tries again.
    pub retry_of: Option<JournalId>,
    /// The time of the take.
    pub at: OffsetDateTime,
}

/// A process that used a directory earlier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Predecessor {
    /// The process.
    pub owner: JournalOwner,
    /// The position after the last record that it had when it took the journal.
    pub end: u64,
}

/// An owner under which a process tried to take a journal without getting an answer: the database
/// may know it, now or after it was restored from a backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tried {
    /// The owner.
    pub owner: JournalOwner,
    /// How many of the predecessors came before it.
    pub after: usize,
}

impl JournalClaim {
    /// Claims a journal that begins at `began` and has no records, for a process without a history.
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

/// The answer to a [`JournalClaim`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claimed {
    /// The process owns the journal. [`JournalRecord::accepted`] and
    /// [`JournalRecord::pending_since`] are those of the last note of the owner before.
    Taken(JournalRecord),
    /// Another process owns it. Nothing was changed.
    Refused {
        /// The journal as it is.
        record: JournalRecord,
        /// Where the processes of the claim and those of the owner diverged, if known.
        branch: Option<Branch>,
    },
}

/// The point at which two lines of processes with the same journal diverged: one of them uses a
/// copy of the directory of the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Branch {
    /// The position of the journal when the other line went on alone: everything before was
    /// settled.
    pub settled: u64,
    /// The position up to which both have the same records.
    pub shared: u64,
}

impl Branch {
    /// Returns the position up to which settled records are settled for both lines: they were
    /// settled when the lines diverged, or both lines have them.
    #[must_use]
    pub fn common(&self) -> u64 {
        self.settled.max(self.shared)
    }
}

/// One take of a journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ownership {
    /// The process that took it.
    pub owner: JournalOwner,
    /// The owner before; `None` if the database knew of none.
    pub predecessor: Option<JournalOwner>,
    /// The position of the journal at that time: everything before was settled.
    pub began: u64,
    /// The position after the last record that the process had then.
    pub end: u64,
    /// The host of the process.
    pub node: String,
    /// When it was taken, UTC, to the microsecond.
    pub taken_at: OffsetDateTime,
}

impl JournalRecord {
    /// Returns whether a claim may take the journal: its process continues the work of the owner,
    /// and the owner has settled nothing since that the process does not have.
    #[must_use]
    pub fn yields_to(&self, claim: &JournalClaim) -> bool {
        let Some(owner) = self.owner else {
            return true;
        };
        // This does not include what the owner settled after the claim's own line had left.
        let left = |place| claim.left_at(place);
        let has_all = |place| left(place).is_none_or(|left| self.committed <= left);
        owner == claim.owner || claim.place_of(owner).is_some_and(has_all)
    }
}

impl JournalClaim {
    /// Returns where the processes of the claim and those of the owner of a journal diverged, from
    /// all takes of it. Returns `None` if they have nothing known in common.
    #[must_use]
    pub fn branch(&self, record: &JournalRecord, takes: &[Ownership]) -> Option<Branch> {
        // The owner belongs to the claim's own line, and went on after the others had left.
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
        // This does not include what the predecessor settled after the claim's own line had left.
        let left = self.left_at(place);
        let within = |position: u64| left.map_or(position, |left| left.min(position));
        Some(Branch {
            settled: within(take.began),
            shared: within(take.end),
        })
    }

    /// Returns the positions of the records of the claim's processes that a journal has settled,
    /// from all takes of it. Returns `None` if there are none.
    ///
    /// A journal that counted some of its records as lost or as duplicates proves nothing: the
    /// process of the claim may have the lost ones, and a duplicate was stored by another journal,
    /// in a database that may have been restored from a backup since.
    #[must_use]
    pub fn settled_by(&self, record: &JournalRecord, takes: &[Ownership]) -> Option<Range<u64>> {
        let common = self.branch(record, takes)?.common();
        let settled = record.began..record.committed.min(common);
        let has_all = record.dropped.lost == 0 && record.duplicates == 0;
        (has_all && !settled.is_empty()).then_some(settled)
    }

    /// Returns the place of an owner in the line of the process.
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

    /// Returns how many predecessors came before an owner under which the take was tried.
    fn tried_after(&self, owner: JournalOwner) -> Option<usize> {
        let mut tried = self.tried.iter();
        let tried = tried.find(|tried| tried.owner == owner)?;
        Some(tried.after.min(self.predecessors.len()))
    }

    /// Returns the index of a process among the predecessors.
    fn index_of(&self, owner: JournalOwner) -> Option<usize> {
        let mut own = self.predecessors.iter();
        own.position(|own| own.owner == owner)
    }

    /// Returns the position up to which the processes after a place have the same records as those
    /// before it. Returns `None` if there are none: the process of the claim then has all that was
    /// left in the directory.
    fn left_at(&self, place: Place) -> Option<u64> {
        let next = self.predecessors.get(place.after)?;
        Some(next.end)
    }

    /// Returns the takes to record when the process takes the journal from `owner` at the position
    /// `committed`: its own, and before it those of predecessors that the database lost because it
    /// was restored from an older backup. Other processes tell from these which records the process
    /// has.
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

/// A place in a line of processes: how many of them come before it, and whether it is between two
/// of them.
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

    /// Returns the branch of a process with these predecessors, whose ends are 10, 11, and so on,
    /// if `owner` owns the journal at the position 20.
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
        // A copy of the first one that went on alone at 11.
        assert_eq!(of(&[one, four]), branch_at(3, 8));
        assert_eq!(of(&[new, one, four]), branch_at(3, 8));
        // Before owners existed.
        assert_eq!(of(&[]), branch_at(0, 5));
        assert_eq!(of(&[four]), None);
    }

    #[test]
    fn a_process_of_the_own_line_that_went_on_later_is_another_branch() {
        let [one, copy, new] = owners();
        let mut record = JournalRecord::registered(&claim(one, &[]));
        // The copy took it at 11, in a database that was restored from a backup since.
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
        // The copy left at 11, in a database that was restored from a backup since; then the first
        // one settled 15.
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
    fn what_a_journal_has_settled_of_common_records_is_known_by_its_position() {
        let [one, copy, two] = owners();
        let taken = Ownership {
            end: 15,
            ..take(two, Some(one))
        };
        let takes = [take(one, None), taken];
        let mut record = JournalRecord::registered(&claim(two, &[]));
        // A copy of the directory of the first one, which went on at 11.
        let claim = claim(copy, &[one, copy]);
        for (committed, settled) in [(0, None), (8, Some(0..8)), (20, Some(0..11))] {
            record.committed = committed;
            assert_eq!(claim.settled_by(&record, &takes), settled);
        }
        record.dropped.lost = 1;
        assert_eq!(claim.settled_by(&record, &takes), None);
        record.dropped.lost = 0;
        record.duplicates = 1;
        assert_eq!(claim.settled_by(&record, &takes), None);
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
        // Another process went on from it before the second one had begun.
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
