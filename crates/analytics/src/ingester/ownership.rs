//! Owner and position of the journal in the database: taking ownership, and what to do if one of
//! them is not as expected.
//!
//! | state in the database | meaning | action |
//! | --- | --- | --- |
//! | this process owns it, the position is lower | the database was restored from a backup | clicks that it lost are stored again; those that the journal no longer has are counted as lost |
//! | this process owns it, the position is the end of a batch that was sent without a response | the batch arrived late | it continues there |
//! | an earlier process of this directory owns it | restored to a state before this process took it | it is taken again, then as above |
//! | the journal is unknown | restored to a state before the journal began | it is registered again, then as above |
//! | another process owns it | the directory is a copy, or was copied | clicks that the other does not have are stored under a new ID |
//! | this process owns it, the position is higher than all it stored | a program that does not know owners moved it | the same |
//!
//! Clicks that two processes have are stored once: the second process finds their IDs in the
//! database. If their records are purged by then, the position of the other journal shows it, see
//! `relatives.rs`. Without click records (`WAYPOST_PRIVACY=counts`) there are no IDs to find: the
//! process that took the journal stores the clicks that both have, and the other one only its own.

use std::error::Error;

use sha2::{Digest as _, Sha256};
use tracing::{error, info, warn};
use uuid::Builder;
use waypost_core::{JournalId, JournalOwner};
use waypost_store::{
    Branch, Claimed, JournalClaim, JournalNote, JournalPlace, JournalRecord, JournalSplit,
    Predecessor, StoreError,
};

use super::{Ingester, IngesterError, IngesterParts};
use crate::Privacy;
use crate::journal::{Journal, Lineage};
use crate::node::{Life, Node};

/// The ownership of the journal by this process.
#[derive(Debug, Clone, Copy)]
pub(super) struct Own {
    /// The owner ID of this process.
    pub(super) owner: JournalOwner,
    /// The highest position that is known to be committed.
    pub(super) proven: u64,
}

/// Why the journal needs a new ID.
#[derive(Debug)]
enum Taken {
    /// The last process that used this directory is running on this host. It uses another
    /// directory, of which this one is a copy.
    Runs,
    /// Another process owns the journal. The branch is where its records diverge from the local
    /// ones, if known.
    By(Option<Branch>),
    /// Its position was moved without taking ownership.
    Moved,
}

/// Takes the journal, or continues under a new ID if another process owns it. Starts the journal at
/// its settled position.
pub(super) async fn begin(parts: &IngesterParts) -> Result<Own, IngesterError> {
    let node = Node::current();
    let found = parts.store.journal(parts.journal.id()).await?;
    let lineage = parts.journal.lineage();
    let last = lineage.owners.last().map(|last| last.owner);
    if let Some(record) = found
        && record.owner == last
        && let Some(process) = &record.process
        && node.life_of(process) == Life::Runs
        && *process != node.process
    {
        let own = split(parts, &record, &Taken::Runs).await?;
        parts.journal.begin(own.proven, 0);
        return Ok(own);
    }
    match take(parts).await? {
        Ok((owner, record)) => {
            parts.journal.begin(record.committed, record.accepted);
            let proven = record.committed;
            Ok(Own { owner, proven })
        }
        Err((record, branch)) => {
            let own = split(parts, &record, &Taken::By(branch)).await?;
            parts.journal.begin(own.proven, 0);
            Ok(own)
        }
    }
}

type Refused = (JournalRecord, Option<Branch>);

/// Takes the journal with a new owner ID, which is written to the directory first, so that the next
/// process does not depend on whether the response arrived.
async fn take(
    parts: &IngesterParts,
) -> Result<Result<(JournalOwner, JournalRecord), Refused>, IngesterError> {
    let IngesterParts {
        journal,
        store,
        clock,
        random,
        privacy,
        ..
    } = parts;
    let now = clock.now();
    let owner = JournalOwner::new(now, &**random);
    let mut lineage = journal.lineage();
    let (predecessors, tried) = (lineage.owners.clone(), lineage.tried.clone());
    let end = journal.end();
    lineage.try_as(owner);
    note_lineage(journal, &lineage);
    let node = Node::current();
    let claim = JournalClaim {
        journal: journal.id(),
        owner,
        predecessors,
        tried,
        began: first_known(journal, &lineage, *privacy),
        end,
        node: node.host,
        process: node.process,
        split: lineage.split,
        retry_of: journal.retry_of()?,
        at: now,
    };
    match store.take_journal(&claim).await? {
        Claimed::Taken(record) => {
            lineage.began = Some(record.began);
            lineage.push(Predecessor { owner, end });
            note_lineage(journal, &lineage);
            Ok(Ok((owner, record)))
        }
        Claimed::Refused { record, branch } => {
            lineage.tried.pop();
            note_lineage(journal, &lineage);
            Ok(Err((record, branch)))
        }
    }
}

/// Returns the first position of the journal for a database that does not know it: its beginning,
/// so that stored clicks that the database has lost are counted as lost. Earlier records in the
/// directory, under another journal ID, are stored again, identified by click IDs.
fn first_known(journal: &Journal, lineage: &Lineage, privacy: Privacy) -> u64 {
    let first = journal.first();
    match lineage.began {
        Some(began) if privacy.keeps_rows() => began.min(first),
        Some(began) => began,
        None => first,
    }
}

/// Continues under a new journal ID. Its first record is the first one that the other process may
/// not have.
///
/// The new ID is derived from the old one and the last process that used the directory. Several
/// copies of the directory therefore derive the same ID, and only one of them stores the clicks
/// that all have.
async fn split(
    parts: &IngesterParts,
    record: &JournalRecord,
    taken: &Taken,
) -> Result<Own, IngesterError> {
    let IngesterParts {
        journal,
        store,
        clock,
        random,
        privacy,
        ..
    } = parts;
    let now = clock.now();
    let (from, end) = (journal.id(), journal.end());
    let owner = JournalOwner::new(now, &**random);
    let mut lineage = journal.lineage();
    let tried = lineage.tried.clone();
    lineage.try_as(owner);
    // A position that was moved by a program that does not know owners proves nothing.
    if !matches!(taken, Taken::Moved) {
        lineage.relate(from);
    }
    note_lineage(journal, &lineage);
    let mut id = next_id(from, &lineage);
    let mut at = first_own(journal, *privacy, record, taken);
    let mut seen = vec![(from, record.committed)];
    let own = loop {
        let node = Node::current();
        let claim = JournalClaim {
            journal: id,
            owner,
            predecessors: lineage.owners.clone(),
            tried: tried.clone(),
            began: at,
            end,
            node: node.host,
            process: node.process,
            split: Some(JournalSplit { from, at }),
            retry_of: journal.retry_of()?,
            at: now,
        };
        match store.take_journal(&claim).await? {
            Claimed::Taken(record) if record.began > at => {
                // It was used before, in a database that was restored from a backup since.
                id = next_id(id, &lineage);
            }
            Claimed::Taken(record) => {
                if are_settled(parts, &seen).await? {
                    break record;
                }
                at = first_own_now(parts, from, &claim).await?;
                seen.clear();
            }
            Claimed::Refused { record, branch } => {
                // Another copy took this ID first. This process stores only what neither the owner
                // nor that copy has. A copy that began later proves nothing about earlier records,
                // because the database may have been restored since.
                if record.began <= at {
                    at = at.max(first_own(journal, *privacy, &record, &Taken::By(branch)));
                    seen.push((id, record.committed));
                }
                lineage.relate(id);
                note_lineage(journal, &lineage);
                id = next_id(id, &lineage);
            }
        }
    };
    tell(from, id, own.committed, journal, record, taken);
    // If the process ends before the ID is changed, the next one repeats all of this.
    journal.rename(id)?;
    lineage.began = Some(own.began);
    lineage.split = own.split.or(Some(JournalSplit { from, at }));
    lineage.push(Predecessor { owner, end });
    note_lineage(journal, &lineage);
    let proven = own.committed;
    Ok(Own { owner, proven })
}

/// Whether the positions of journals are still at least those that were seen. If not, the database
/// was restored from a backup, and conclusions from them are invalid.
async fn are_settled(parts: &IngesterParts, seen: &[(JournalId, u64)]) -> Result<bool, StoreError> {
    for (journal, committed) in seen {
        let found = parts.store.journal(*journal).await?;
        if found.is_none_or(|found| found.committed < *committed) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Returns the position of the first record to store, by the present state of the database.
async fn first_own_now(
    parts: &IngesterParts,
    from: JournalId,
    claim: &JournalClaim,
) -> Result<u64, StoreError> {
    let IngesterParts {
        journal,
        store,
        privacy,
        ..
    } = parts;
    let Some(record) = store.journal(from).await? else {
        return Ok(first_known(journal, &journal.lineage(), *privacy));
    };
    let takes = store.journal_owners(from).await?;
    let taken = Taken::By(claim.branch(&record, &takes));
    Ok(first_own(journal, *privacy, &record, &taken))
}

/// Returns the next ID for a journal that another process owns.
fn next_id(id: JournalId, lineage: &Lineage) -> JournalId {
    let mut hasher = Sha256::new();
    hasher.update(id.as_uuid().as_bytes());
    if let Some(last) = lineage.owners.last() {
        hasher.update(last.owner.as_uuid().as_bytes());
    }
    let digest: [u8; 32] = hasher.finalize().into();
    let [bytes @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] = digest;
    JournalId::from_uuid(Builder::from_custom_bytes(bytes).into_uuid())
}

/// Writes the lineage to the directory. If the disk is not writable, pending clicks are stored
/// nevertheless: the next process does not count as a successor, and determines by positions and
/// IDs which clicks are left.
fn note_lineage(journal: &Journal, lineage: &Lineage) {
    if let Err(failure) = journal.note_lineage(lineage) {
        let failure: &(dyn Error + 'static) = &failure;
        warn!(
            error = failure,
            "cannot write the owner of the click journal to its directory"
        );
    }
}

/// Returns the position of the first record that this process must store. Records after it that the
/// journal no longer has are lost: they were stored in a database that was restored from a backup
/// since.
fn first_own(journal: &Journal, privacy: Privacy, record: &JournalRecord, taken: &Taken) -> u64 {
    let (first, end) = (journal.first(), journal.end());
    let by_ids = privacy.keeps_rows();
    let at = match taken {
        // The running process has all records that were copied from it.
        Taken::Runs if by_ids => record.committed.max(first),
        Taken::Runs => end,
        // Skip records that were settled at the branch, and common records that the other process
        // has settled since.
        Taken::By(Some(branch)) if by_ids => {
            branch.settled.max(branch.shared.min(record.committed))
        }
        Taken::By(Some(branch)) => branch.common(),
        // None of its records may be stored.
        Taken::By(None) if by_ids => first_known(journal, &journal.lineage(), privacy),
        Taken::By(None) => record.committed.max(first),
        Taken::Moved => journal.settled().max(first),
    };
    at.min(end)
}

/// Logs the change of the journal ID.
fn tell(
    journal: JournalId,
    new: JournalId,
    at: u64,
    local: &Journal,
    record: &JournalRecord,
    taken: &Taken,
) {
    let own = local.end().saturating_sub(at);
    let node = record.node.as_str();
    match taken {
        Taken::Runs | Taken::By(_) => error!(
            %journal,
            %new,
            other = node,
            clicks = own,
            "another process uses this click journal because the data directory is a copy or was \
             copied; give each server its own data directory; continuing under a new journal ID \
                 with the clicks that the other does not have"
        ),
        Taken::Moved => error!(
            %journal,
            %new,
            found = record.committed,
            clicks = own,
            "another process moved this journal's position in the database; check whether this \
             data directory is a copy that another server uses; continuing under a new journal ID"
        ),
    }
}

impl Ingester {
    /// Checks that position and owner of the journal in the database are as expected, and repairs
    /// them if possible. Returns whether they were.
    pub(super) async fn check(&mut self) -> Result<bool, IngesterError> {
        let IngesterParts { journal, store, .. } = &self.parts;
        let found = store.journal(journal.id()).await?;
        let place = found.as_ref().map(JournalRecord::place);
        let is_here = place.is_some_and(|place| {
            place.owner == Some(self.own.owner) && place.committed == journal.settled()
        });
        if !is_here {
            self.elsewhere(place).await?;
        }
        Ok(is_here)
    }

    /// Reports to the database that this process is alive, or that it ends.
    pub(super) async fn note(&mut self, ends: bool) -> Result<(), IngesterError> {
        let IngesterParts {
            journal,
            store,
            clock,
            ..
        } = &self.parts;
        let note = JournalNote {
            journal: journal.id(),
            owner: self.own.owner,
            accepted: journal.end(),
            pending_since: journal.waiting_since(),
            ends,
            at: clock.now(),
        };
        // The next check notices another owner.
        store.note_journal(&note).await?;
        Ok(())
    }

    /// Handles a journal that is at `place` in the database, which is not as expected.
    pub(super) async fn elsewhere(
        &mut self,
        place: Option<JournalPlace>,
    ) -> Result<(), IngesterError> {
        let settled = self.parts.journal.settled();
        if let Some(committed) = self.committed_before(place) {
            self.settled_before(&committed);
            return Ok(());
        }
        let own = place.filter(|place| place.owner == Some(self.own.owner));
        match own.map(|place| place.committed) {
            Some(position)
                if position <= self.own.proven || self.unanswered.contains(&position) =>
            {
                self.go_to(position);
                Ok(())
            }
            Some(position) => {
                let Some(record) = self.record().await? else {
                    return Ok(());
                };
                info!(
                    settled,
                    position, "the position of the journal in the database has moved"
                );
                self.split(&record, &Taken::Moved).await
            }
            // Owned by an earlier process or another one, or unknown: taking it shows which.
            None => match take(&self.parts).await? {
                Ok((owner, record)) => {
                    self.become_owner(Own {
                        owner,
                        proven: record.committed,
                    });
                    self.go_to(record.committed);
                    Ok(())
                }
                Err((record, branch)) => self.split(&record, &Taken::By(branch)).await,
            },
        }
    }

    async fn record(&self) -> Result<Option<JournalRecord>, StoreError> {
        let IngesterParts { journal, store, .. } = &self.parts;
        store.journal(journal.id()).await
    }

    async fn split(&mut self, record: &JournalRecord, taken: &Taken) -> Result<(), IngesterError> {
        let own = split(&self.parts, record, taken).await?;
        self.become_owner(own);
        self.begin_at(own.proven);
        Ok(())
    }

    /// Continues with a new owner ID. Batches that the previous owner sent no longer have an
    /// effect.
    fn become_owner(&mut self, own: Own) {
        self.own = own;
        self.relatives = None;
        self.uncertain.clear();
        self.unanswered.clear();
    }

    /// Continues at the position of the database, which has lost the clicks after it.
    fn go_to(&mut self, position: u64) {
        let journal = &self.parts.journal;
        let (settled, first) = (journal.settled(), journal.first());
        if position < settled {
            warn!(
                clicks = settled.saturating_sub(position.max(first)),
                lost = first.saturating_sub(position),
                "the database is older than the journal (restored from a backup?); storing the \
                 missing clicks again from the journal, and counting those that it no longer has \
                     as lost"
            );
        }
        self.begin_at(position);
    }

    fn begin_at(&mut self, position: u64) {
        self.parts.journal.rewind(position);
        self.cursor.go_to(position);
        self.prove(position);
    }
}
