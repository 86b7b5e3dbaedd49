//! Whose the journal is, and where the database has it: taking it, and what to do when either is not as this
//! process left it.
//!
//! | what the database says | what it means | what is done |
//! | --- | --- | --- |
//! | this process owns it, the position is behind | the database was set back | what it forgot is stored again, what the journal has no more is counted as lost |
//! | this process owns it, the position is the end of a batch that it sent and whose answer never came | the batch arrived late | it goes on there |
//! | a process before this one owns it | the same, to before this process took it | it is taken again, then as above |
//! | it does not know the journal | the same, to before the journal began | it is registered again, then as above |
//! | another process owns it | the directory is a copy, or was copied | what that one does not have is stored under a new id |
//! | this process owns it, the position is ahead of all it stored | a program that knows no owners moved it | the same |
//!
//! Clicks that two processes have are stored once: the one that comes second finds their ids in the database. Where
//! their rows are purged by then, the position of the other journal tells, see `relatives.rs`.
//! Without rows (`WAYPOST_PRIVACY=counts`) there are no ids to find: then the process that took the journal
//! stores what both have, and the other one what it alone has.

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

/// The journal as this process owns it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Own {
    /// The process, as its owner.
    pub(super) owner: JournalOwner,
    /// The last position that this process knows to have been committed.
    pub(super) proven: u64,
}

/// Why the journal cannot stay what it is.
#[derive(Debug)]
enum Taken {
    /// The last process that used this directory runs now, on this host: it uses another directory, of which this
    /// one is a copy.
    Runs,
    /// Another process owns it, whose work went apart from that of this one here, if that is known.
    By(Option<Branch>),
    /// Its position was moved without being taken.
    Moved,
}

/// Takes the journal, or goes on under a new id where another process has it. Begins the journal where the
/// database has settled it.
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

/// Takes the journal under a new owner, who is noted in the directory before the database knows: the next process
/// need not know whether the answer arrived.
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

/// Where the journal begins for a database that does not know it: at its beginning, so that what was stored and is
/// gone is counted as lost. What the directory has from before that, under another id, is stored again by its ids.
fn first_known(journal: &Journal, lineage: &Lineage, privacy: Privacy) -> u64 {
    let first = journal.first();
    match lineage.began {
        Some(began) if privacy.keeps_rows() => began.min(first),
        Some(began) => began,
        None => first,
    }
}

/// Goes on under a new id, whose first record is the first one that the other process does not have for sure.
///
/// The new id follows from the old one and from the last process that used the directory: where there are several
/// copies of that directory, they meet there again, and one of them has what all of them have.
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
    // A position that was moved by a program that knows no owners tells nothing.
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
                // It was tried before, in a database that was set back since.
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
                // Another copy was here before. What both the owner and that copy do not have is own. A copy that
                // began later tells nothing of what is before that: the database may have been set back since.
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
    // A process that ends before the id is changed does all of this once more.
    journal.rename(id)?;
    lineage.began = Some(own.began);
    lineage.split = own.split.or(Some(JournalSplit { from, at }));
    lineage.push(Predecessor { owner, end });
    note_lineage(journal, &lineage);
    let proven = own.committed;
    Ok(Own { owner, proven })
}

/// Whether journals are still as far as they were seen, so that what follows from that is true: the database may have
/// been set back since.
async fn are_settled(parts: &IngesterParts, seen: &[(JournalId, u64)]) -> Result<bool, StoreError> {
    for (journal, committed) in seen {
        let found = parts.store.journal(*journal).await?;
        if found.is_none_or(|found| found.committed < *committed) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The position of the first record that may have to be stored, as the database is now.
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

/// The id under which a process goes on whose journal is another one's.
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

/// Notes the lineage in the directory. On a disk that cannot be written any more, what is pending is stored all the
/// same: then the next process is not taken for a successor, and finds out by positions and ids what is left.
fn note_lineage(journal: &Journal, lineage: &Lineage) {
    if let Err(failure) = journal.note_lineage(lineage) {
        let failure: &(dyn Error + 'static) = &failure;
        warn!(
            error = failure,
            "the owner of the click journal cannot be noted in its directory"
        );
    }
}

/// The position of the first record that may have to be stored by this process. What it has no more from there on is
/// lost: it had stored it, in a database that was set back since.
fn first_own(journal: &Journal, privacy: Privacy, record: &JournalRecord, taken: &Taken) -> u64 {
    let (first, end) = (journal.first(), journal.end());
    let by_ids = privacy.keeps_rows();
    let at = match taken {
        // Whoever runs has all that was copied from it.
        Taken::Runs if by_ids => record.committed.max(first),
        Taken::Runs => end,
        // What was settled when they went apart, and what both had and the other one has settled since.
        Taken::By(Some(branch)) if by_ids => {
            branch.settled.max(branch.shared.min(record.committed))
        }
        Taken::By(Some(branch)) => branch.common(),
        // Whatever it ever had may be stored nowhere.
        Taken::By(None) if by_ids => first_known(journal, &journal.lineage(), privacy),
        Taken::By(None) => record.committed.max(first),
        Taken::Moved => journal.settled().max(first),
    };
    at.min(end)
}

/// Says once what happened.
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
            "another process uses this click journal: the data directory is a copy, or was copied; give each server a data directory of its own. This one goes on under a new id with the clicks that the other does not have"
        ),
        Taken::Moved => error!(
            %journal,
            %new,
            found = record.committed,
            clicks = own,
            "the position of this click journal was moved by a program that does not own it: does an older version of Waypost use a copy of the data directory? This one goes on under a new id"
        ),
    }
}

impl Ingester {
    /// Looks whether the journal is where and whose it was left, and makes it so where it can. Returns whether
    /// it was.
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

    /// Notes a sign of life.
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
        // Another owner is met by the next check.
        store.note_journal(&note).await?;
        Ok(())
    }

    /// The journal is at `place` in the database and not where this process left it.
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
                info!(settled, position, "the journal has moved");
                self.split(&record, &Taken::Moved).await
            }
            // Of a process before this one, of another one, or not known: taking it tells.
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

    /// Goes on as another owner: what the one before sent moves nothing any longer.
    fn become_owner(&mut self, own: Own) {
        self.own = own;
        self.relatives = None;
        self.uncertain.clear();
        self.unanswered.clear();
    }

    /// Goes on where the database is. What lies before this process' position was forgotten by it.
    fn go_to(&mut self, position: u64) {
        let journal = &self.parts.journal;
        let (settled, first) = (journal.settled(), journal.first());
        if position < settled {
            warn!(
                clicks = settled.saturating_sub(position.max(first)),
                lost = first.saturating_sub(position),
                "the database was set back; the clicks that it forgot are stored again from the journal, and those that the journal has no more are counted as lost"
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
