//! Accounts of journals: how each accepted click ended.

use std::collections::BTreeMap;
use std::path::Path;

use waypost_core::{JournalId, JournalOwner};
use waypost_store::{AcceptedLoss, Dropped, JournalRecord, Ownership, Store, StoreError};

use crate::JournalError;
use crate::journal::JournalStatus;

/// The account of one journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalLedger {
    /// Its record in the database; `None` for a local journal that is unknown to the database.
    pub settled: Option<JournalRecord>,
    /// The journal.
    pub id: JournalId,
    /// Number of its rejected clicks that were retried, as another journal.
    pub retried: u64,
    /// Number of pending clicks: read locally, or last reported by its owner; `None` if unknown.
    pub pending: Option<u64>,
    /// The problems of the journal.
    pub problems: Vec<JournalProblem>,
}

/// A problem of a journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JournalProblem {
    /// Its settled records are not the sum of stored clicks, dropped clicks and duplicates.
    Sum,
    /// Clicks were lost, unreadable or rejected, and the loss is not accepted.
    Lost {
        /// Number of clicks.
        clicks: u64,
    },
    /// It continues another journal, which another process owns: two servers used one data
    /// directory, or copies of it. This is not accepted.
    TwoOwners {
        /// The other journal.
        other: JournalId,
        /// The position from which it has the clicks of this process.
        at: u64,
    },
    /// The local journal is owned by a process that used another directory.
    OtherOwner,
    /// Two processes took it over from the same predecessor, or at positions that were not settled:
    /// the database is damaged or was changed by hand.
    Takes,
    /// Pending records are missing in the local journal. Its server will count them as lost.
    Gap {
        /// Number of clicks.
        clicks: u64,
    },
    /// The local journal is unknown to the database, which was restored from a backup or is another
    /// one.
    Unknown,
}

impl JournalProblem {
    /// Whether an operator can accept the problem.
    #[must_use]
    pub const fn may_be_accepted(self) -> bool {
        matches!(self, Self::Lost { .. } | Self::TwoOwners { .. })
    }
}

impl JournalLedger {
    /// Returns the number of accepted clicks, as far as known.
    #[must_use]
    pub fn accepted(&self) -> u64 {
        let settled = self
            .settled
            .as_ref()
            .map_or(0, |settled| settled.committed.saturating_sub(settled.began));
        settled.saturating_add(self.pending.unwrap_or(0))
    }

    /// Whether all accepted clicks are accounted for, without a loss that is not accepted.
    #[must_use]
    pub const fn agrees(&self) -> bool {
        self.problems.is_empty()
    }

    /// Returns the losses that an operator can accept, each as the number of clicks of an
    /// [`AcceptedLoss`].
    #[must_use]
    pub fn to_accept(&self) -> Vec<u64> {
        let clicks = |problem: &JournalProblem| match problem {
            JournalProblem::Lost { clicks } => Some(*clicks),
            JournalProblem::TwoOwners { .. } => Some(0),
            _ => None,
        };
        self.problems.iter().filter_map(clicks).collect()
    }
}

/// Why journals could not be accounted for.
#[derive(Debug, thiserror::Error)]
pub enum JournalLedgerError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The local journal cannot be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// Accounts for every journal in the store. `local` is the directory of the local journal, if there
/// is one. May run while clicks are recorded.
///
/// # Errors
/// [`JournalLedgerError`].
pub async fn journals(
    store: &dyn Store,
    local: &Path,
) -> Result<Vec<JournalLedger>, JournalLedgerError> {
    // Read the store first: clicks that are settled in between then count as pending and are never
    // left out.
    let mut records = store.journals().await?;
    let local = match JournalStatus::id_in(local)? {
        Some(id) => {
            if !records.iter().any(|record| record.id == id) {
                // A journal that was forgotten is in use again.
                records.extend(store.journal(id).await?);
            }
            let known = records.iter().find(|record| record.id == id);
            JournalStatus::read(local, known.map_or(0, |record| record.committed))?
        }
        None => None,
    };
    Ok(accounts(store, records, local.as_ref()).await?)
}

/// Accounts for the journals of these records.
pub(super) async fn accounts(
    store: &dyn Store,
    records: Vec<JournalRecord>,
    local: Option<&JournalStatus>,
) -> Result<Vec<JournalLedger>, StoreError> {
    let accepted = accepted(&store.accepted_losses().await?);
    let retried = retried(&records);
    let mut ledgers = Vec::new();
    for record in records {
        let takes = store.journal_owners(record.id).await?;
        let local = local.filter(|local| local.id == record.id);
        let known = Known {
            accepted: accepted.get(&record.id).copied().unwrap_or_default(),
            retried: retried.get(&record.id).copied().unwrap_or_default(),
        };
        ledgers.push(ledger(record, &takes, local, known));
    }
    if let Some(local) = local
        && !ledgers.iter().any(|ledger| ledger.id == local.id)
    {
        ledgers.push(JournalLedger {
            settled: None,
            id: local.id,
            retried: 0,
            pending: Some(local.end().saturating_sub(local.first())),
            problems: vec![JournalProblem::Unknown],
        });
    }
    Ok(ledgers)
}

/// Facts about a journal besides its record.
#[derive(Debug, Clone, Copy, Default)]
struct Known {
    accepted: Accepted,
    /// Number of its rejected clicks that were retried.
    retried: u64,
}

/// Returns the number of retried clicks of each journal. Their outcome is in the account of the
/// journal of the retry.
pub(crate) fn retried(records: &[JournalRecord]) -> BTreeMap<JournalId, u64> {
    let mut retried: BTreeMap<JournalId, u64> = BTreeMap::new();
    for record in records {
        if let Some(of) = record.retry_of {
            // Duplicates were retried elsewhere.
            let settled = record.committed.saturating_sub(record.began);
            let settled = settled.saturating_sub(record.duplicates);
            let of_journal = retried.entry(of).or_default();
            *of_journal = of_journal.saturating_add(settled);
        }
    }
    retried
}

/// Accepted losses of one journal.
#[derive(Debug, Clone, Copy, Default)]
struct Accepted {
    /// At the time of the last acceptance: all losses, the clicks that the database had rejected,
    /// and the rejected clicks that had been retried.
    losses: u64,
    rejected: u64,
    retried: u64,
    two_owners: bool,
}

impl Accepted {
    /// Returns the number of losses that are not accepted. Rejected clicks that were retried since
    /// are counted as accepted ones first.
    fn left_of(&self, dropped: &Dropped, retried: u64) -> u64 {
        let new = dropped.losses().saturating_sub(self.losses);
        let accepted = self.rejected.saturating_sub(self.retried);
        let tried = retried.saturating_sub(self.retried);
        new.saturating_sub(tried.saturating_sub(accepted))
    }
}

fn accepted(losses: &[AcceptedLoss]) -> BTreeMap<JournalId, Accepted> {
    let mut accepted: BTreeMap<JournalId, Accepted> = BTreeMap::new();
    for loss in losses {
        let of_journal = accepted.entry(loss.journal).or_default();
        if loss.clicks == 0 {
            of_journal.two_owners = true;
        } else if loss.losses > of_journal.losses {
            of_journal.losses = loss.losses;
            of_journal.rejected = loss.rejected;
            of_journal.retried = loss.retried;
        }
    }
    accepted
}

fn ledger(
    record: JournalRecord,
    takes: &[Ownership],
    local: Option<&JournalStatus>,
    known: Known,
) -> JournalLedger {
    let mut problems = Vec::new();
    if !record.agrees() {
        problems.push(JournalProblem::Sum);
    }
    if !takes_agree(&record, takes) {
        problems.push(JournalProblem::Takes);
    }
    let Known { accepted, retried } = known;
    let retried = retried.min(record.dropped.rejected);
    let clicks = accepted.left_of(&record.dropped, retried);
    if clicks > 0 {
        problems.push(JournalProblem::Lost { clicks });
    }
    if let Some(split) = record.split
        && !accepted.two_owners
    {
        problems.push(JournalProblem::TwoOwners {
            other: split.from,
            at: split.at,
        });
    }
    let reported = record.accepted.saturating_sub(record.committed);
    let pending = match local {
        Some(local) => {
            if record.owner.is_some_and(|owner| !local.was_used_by(owner)) {
                problems.push(JournalProblem::OtherOwner);
            }
            let gap = local.first().saturating_sub(record.committed);
            if gap > 0 {
                problems.push(JournalProblem::Gap { clicks: gap });
            }
            Some(local.pending(record.committed).clicks)
        }
        None => record.noted_at.map(|_| reported),
    };
    JournalLedger {
        id: record.id,
        retried,
        settled: Some(record),
        pending,
        problems,
    }
}

/// Whether each process took the journal over from a different predecessor, at a settled position.
fn takes_agree(record: &JournalRecord, takes: &[Ownership]) -> bool {
    let mut followed: Vec<Option<JournalOwner>> = Vec::new();
    let each = takes.iter().all(|take| {
        let is_first = !followed.contains(&take.predecessor);
        followed.push(take.predecessor);
        is_first && (record.began..=record.committed).contains(&take.began)
    });
    let is_last = |owner: JournalOwner| !followed.contains(&Some(owner));
    each && record.owner.is_none_or(is_last)
}

#[cfg(test)]
mod tests {
    use time::OffsetDateTime;
    use time::macros::datetime;
    use waypost_core::SeededRandom;
    use waypost_store::{JournalClaim, JournalSplit};

    use super::*;

    const AT: OffsetDateTime = datetime!(2026-03-01 12:00 UTC);

    fn record(stored: u64, dropped: Dropped) -> (JournalRecord, Ownership) {
        let random = SeededRandom::new(1);
        let owner = JournalOwner::new(AT, &random);
        let claim = JournalClaim::new(JournalId::new(AT, &random), owner, 5, AT);
        let record = JournalRecord {
            stored,
            dropped,
            committed: 5 + stored + dropped.total(),
            ..JournalRecord::registered(&claim)
        };
        let take = Ownership {
            owner,
            predecessor: None,
            began: 5,
            end: 5,
            node: String::new(),
            taken_at: AT,
        };
        (record, take)
    }

    fn problems(record: &JournalRecord, takes: &[Ownership], clicks: u64) -> Vec<JournalProblem> {
        let accepted = Accepted {
            losses: clicks,
            two_owners: clicks == 99,
            ..Accepted::default()
        };
        let known = Known {
            accepted,
            retried: 0,
        };
        ledger(record.clone(), takes, None, known).problems
    }

    #[test]
    fn a_journal_without_losses_agrees() {
        let dropped = Dropped {
            link_deleted: 3,
            ..Dropped::default()
        };
        let (record, take) = record(7, dropped);
        assert_eq!(problems(&record, &[take], 0), []);
    }

    #[test]
    fn a_loss_is_a_problem_until_it_is_accepted() {
        let dropped = Dropped {
            rejected: 1,
            unreadable: 2,
            lost: 4,
            ..Dropped::default()
        };
        let (record, take) = record(7, dropped);
        let lost = |clicks| vec![JournalProblem::Lost { clicks }];
        let takes = [take];
        assert_eq!(problems(&record, &takes, 0), lost(7));
        assert_eq!(problems(&record, &takes, 5), lost(2));
        assert_eq!(problems(&record, &takes, 7), []);
    }

    #[test]
    fn refused_clicks_are_no_loss_once_they_are_tried_again() {
        let dropped = Dropped {
            rejected: 5,
            lost: 1,
            ..Dropped::default()
        };
        let (record, take) = record(7, dropped);
        let of = |retried| {
            let known = Known {
                retried,
                ..Known::default()
            };
            let ledger = ledger(record.clone(), std::slice::from_ref(&take), None, known);
            (ledger.retried, ledger.problems)
        };
        let lost = |clicks| vec![JournalProblem::Lost { clicks }];
        assert_eq!(of(2), (2, lost(4)));
        assert_eq!(of(5), (5, lost(1)));
        // More clicks were retried than rejected: the database was restored from a backup.
        assert_eq!(of(9), (5, lost(1)));
        let (mut retry, _) = self::record(4, Dropped::default());
        retry.retry_of = Some(record.id);
        let copied = JournalRecord {
            stored: 1,
            duplicates: 3,
            ..retry.clone()
        };
        let retries = [record.clone(), retry, copied];
        assert_eq!(retried(&retries), BTreeMap::from([(record.id, 5)]));
    }

    /// An accepted loss whose clicks are retried later hides no other loss. Neither does a loss
    /// that is accepted twice at the same time.
    #[test]
    fn what_was_accepted_hides_no_other_loss() {
        let dropped = |rejected, lost| Dropped {
            rejected,
            lost,
            ..Dropped::default()
        };
        let five = Accepted {
            losses: 5,
            rejected: 5,
            ..Accepted::default()
        };
        for (dropped, retried, left) in [
            (dropped(5, 0), 0, 0),
            (dropped(5, 0), 5, 0),
            (dropped(10, 0), 0, 5),
            (dropped(10, 0), 5, 5),
            (dropped(10, 0), 8, 2),
            (dropped(10, 0), 10, 0),
            (dropped(5, 3), 5, 3),
        ] {
            assert_eq!(
                five.left_of(&dropped, retried),
                left,
                "{dropped:?} {retried}"
            );
        }
        let loss = |losses, retried| AcceptedLoss {
            id: waypost_core::AcceptedLossId::new(AT, &SeededRandom::new(losses)),
            journal: JournalId::new(AT, &SeededRandom::new(1)),
            clicks: 5,
            losses,
            rejected: losses,
            retried,
            reason: String::new(),
            accepted_at: AT,
        };
        let twice = accepted(&[loss(5, 0), loss(5, 0)]);
        let (_, twice) = twice.first_key_value().unwrap();
        assert_eq!(twice.left_of(&dropped(10, 0), 0), 5);
        let after_a_retry = accepted(&[loss(8, 3)]);
        let (_, accepted) = after_a_retry.first_key_value().unwrap();
        assert_eq!(accepted.left_of(&dropped(8, 0), 3), 0);
        assert_eq!(accepted.left_of(&dropped(8, 0), 8), 0);
        assert_eq!(accepted.left_of(&dropped(9, 0), 3), 1);
    }

    #[test]
    fn two_owners_are_a_problem_until_they_are_accepted() {
        let (mut record, take) = record(7, Dropped::default());
        let other = JournalId::new(AT, &SeededRandom::new(9));
        record.split = Some(JournalSplit { from: other, at: 5 });
        let takes = [take];
        let two = vec![JournalProblem::TwoOwners { other, at: 5 }];
        assert_eq!(problems(&record, &takes, 0), two);
        assert_eq!(problems(&record, &takes, 99), []);
    }

    #[test]
    fn sums_and_takes_that_cannot_be_are_problems() {
        let (mut record, take) = record(7, Dropped::default());
        let fork = Ownership {
            owner: JournalOwner::new(AT, &SeededRandom::new(8)),
            ..take.clone()
        };
        let ahead = Ownership {
            began: 13,
            ..take.clone()
        };
        for takes in [vec![take.clone(), fork], vec![ahead]] {
            assert_eq!(problems(&record, &takes, 0), [JournalProblem::Takes]);
        }
        record.stored -= 1;
        assert_eq!(problems(&record, &[take], 0), [JournalProblem::Sum]);
    }
}
