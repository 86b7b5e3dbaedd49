//! One batch, from the journal to the database, whatever happens in between.

use std::error::Error;
use std::sync::Arc;

use tracing::{debug, error, info, warn};
use waypost_core::JournalId;
use waypost_store::{ClickBatch, Dropped, Ingested, Recorded, StoreError, hold_point};

use super::facts;
use super::signed_in::{self, Sessions, is_lone_and_somebodys};
use super::{
    FIRST_PAUSE, Ingester, IngesterError, IngesterParts, LONGEST_PAUSE, MAX_BATCH, READ_ATTEMPTS,
    REFUSED_IN_A_ROW, REFUSED_PAUSE,
};
use crate::journal::{ClickRecord, Records};
use crate::metrics::{self, DropReason};

impl Ingester {
    /// Reads the next records of the journal; none when there are none.
    pub(super) async fn read(&mut self) -> Records {
        let mut attempt = 1;
        loop {
            let failure = match self.cursor.read(&self.parts.journal, self.limit) {
                Ok(records) => return records,
                Err(failure) => failure,
            };
            let position = self.cursor.position();
            let cause: &(dyn Error + Send + Sync + 'static) = &failure;
            if attempt == READ_ATTEMPTS {
                error!(
                    error = cause,
                    position, "a segment of the journal cannot be read"
                );
                return self.cursor.pass_over(&self.parts.journal);
            }
            warn!(
                error = cause,
                position, "a segment of the journal cannot be read; trying again"
            );
            tokio::time::sleep(LONGEST_PAUSE).await;
            attempt += 1;
        }
    }

    /// Settles a batch, or finds out why its records must be read again.
    pub(super) async fn settle(&mut self, batch: Arc<ClickBatch>, sessions: &Sessions) {
        let mut pause = FIRST_PAUSE;
        loop {
            match self.attempt(&batch, sessions).await {
                Attempt::Done | Attempt::ReadAgain => return,
                Attempt::Later => tokio::time::sleep(pause).await,
                Attempt::MuchLater => tokio::time::sleep(REFUSED_PAUSE).await,
            }
            pause = pause.saturating_mul(2).min(LONGEST_PAUSE);
        }
    }

    async fn attempt(&mut self, batch: &Arc<ClickBatch>, sessions: &Sessions) -> Attempt {
        let IngesterParts {
            store,
            clock,
            privacy,
            ..
        } = &self.parts;
        let somebodys = match signed_in::of(&self.home, store, batch, sessions).await {
            Ok(somebodys) => facts::kept(somebodys, *privacy),
            Err(failure) => return self.away(&failure),
        };
        hold_point("ingest.before");
        let now = clock.now();
        let mut ingested = store.ingest(Arc::clone(&somebodys), now).await;
        if is_refusal(&ingested) && is_lone_and_somebodys(&somebodys) {
            let nobodys = facts::kept(Arc::clone(batch), *privacy);
            ingested = store.ingest(nobodys, now).await;
        }
        match ingested {
            Ok(Ingested::Settled(recorded)) => {
                hold_point("ingest.after");
                self.settled(batch, recorded);
                Attempt::Done
            }
            Ok(Ingested::PositionMoved(position)) => {
                if let Some(committed) = self.committed_before(batch, position) {
                    // How many of its clicks were on deleted links was lost with the answer: the
                    // journal's record in the database knows, the metrics of this process count them
                    // as stored.
                    let recorded = Recorded {
                        stored: u64::try_from(committed.clicks.len()).unwrap_or(u64::MAX),
                        link_gone: 0,
                    };
                    self.settled(&committed, recorded);
                    return Attempt::Done;
                }
                if let Some(position) = self.committed_late(batch, position) {
                    info!(
                        clicks = position.saturating_sub(batch.start),
                        "the process before this one had stored more than it lived to see"
                    );
                    self.parts.journal.settle(position, None);
                    self.cursor.go_to(position);
                    return Attempt::Done;
                }
                match self.register_again(batch, position).await {
                    // The records are read again and become a batch of the journal's new id.
                    Ok(()) => Attempt::ReadAgain,
                    Err(failure) => self.away(&failure),
                }
            }
            Err(error @ StoreError::Unavailable { .. }) => {
                let known = |tried: &Arc<ClickBatch>| tried.end() == batch.end();
                if !self.uncertain.iter().any(known) {
                    self.uncertain.push(Arc::clone(batch));
                }
                self.away(&error)
            }
            Err(refusal) => self.refused(batch, sessions, &refusal).await,
        }
    }

    /// The batch behind which the position is, if an earlier attempt had committed and the answer was
    /// lost on the way: this one, or the larger one that it is the beginning of.
    fn committed_before(
        &self,
        batch: &Arc<ClickBatch>,
        position: Option<u64>,
    ) -> Option<Arc<ClickBatch>> {
        let mut tried = std::iter::once(batch).chain(&self.uncertain);
        let committed = tried.find(|tried| {
            tried.journal == batch.journal
                && tried.start == batch.start
                && Some(tried.end()) == position
        });
        committed.cloned()
    }

    /// The position, if it is where the process before this one may have left the journal: a database
    /// goes on with a commit when whoever asked for it was killed.
    fn committed_late(&self, batch: &ClickBatch, position: Option<u64>) -> Option<u64> {
        let inherited = self.inherited?;
        position.filter(|position| (batch.start..=inherited).contains(position))
    }

    /// The database has the batch.
    fn settled(&mut self, batch: &ClickBatch, recorded: Recorded) {
        let last = batch.clicks.last().map(|click| click.clicked_at);
        self.parts.journal.settle(batch.end(), last);
        self.inherited = None;
        metrics::clicks_recorded(recorded.stored);
        metrics::clicks_dropped(DropReason::LinkDeleted, recorded.link_gone);
        metrics::clicks_dropped(DropReason::Rejected, batch.dropped.rejected);
        metrics::clicks_dropped(DropReason::Unreadable, batch.dropped.unreadable);
        metrics::clicks_dropped(DropReason::Lost, batch.dropped.lost);
        debug!(clicks = recorded.stored, "stored");
        self.uncertain.clear();
        if !batch.clicks.is_empty() {
            self.refused_in_a_row = 0;
        }
        self.limit = self.limit.saturating_mul(2).min(MAX_BATCH);
        if self.away {
            self.away = false;
            let pending = self.parts.journal.pending();
            info!(pending, "the database stores clicks again");
        }
    }

    /// Nothing was stored, and that is nobody's fault but the database's.
    fn away(&mut self, failure: &(dyn Error + 'static)) -> Attempt {
        metrics::click_record_failed();
        self.parts.journal.progress().away();
        if !self.away {
            self.away = true;
            warn!(
                error = failure,
                "the database does not store clicks; they wait in the journal"
            );
        }
        Attempt::Later
    }

    /// The database refuses something of the batch: finds out what, and sets it aside.
    async fn refused(
        &mut self,
        batch: &ClickBatch,
        sessions: &Sessions,
        refusal: &StoreError,
    ) -> Attempt {
        let click = match batch.clicks.as_slice() {
            // Nothing is left that could be at fault.
            [] => return self.away(refusal),
            [click] => click,
            clicks => {
                metrics::click_record_failed();
                self.limit = clicks.len() / 2;
                let cause: &(dyn Error + 'static) = refusal;
                debug!(
                    error = cause,
                    clicks = clicks.len(),
                    "refused; trying a part"
                );
                return Attempt::ReadAgain;
            }
        };
        // A conflict is always about the click: one with its id is stored.
        let is_conflict = matches!(refusal, StoreError::Conflict);
        if self.refused_in_a_row >= REFUSED_IN_A_ROW && !is_conflict {
            // One more gets its turn after the pause.
            self.refused_in_a_row -= 1;
            self.away(refusal);
            return Attempt::MuchLater;
        }
        let record = ClickRecord::of(click, sessions.get(&click.id).copied());
        let aside = match self.parts.journal.set_aside(&record) {
            Ok(aside) => aside,
            Err(failure) => {
                let failure: &(dyn Error + 'static) = &failure;
                error!(
                    error = failure,
                    "the database refuses a click, and it cannot be set aside"
                );
                return self.away(refusal);
            }
        };
        let without = ClickBatch {
            journal: batch.journal,
            start: batch.start,
            keep_rows: batch.keep_rows,
            clicks: Vec::new(),
            dropped: Dropped {
                rejected: batch.dropped.rejected.saturating_add(1),
                ..batch.dropped
            },
        };
        let Some(recorded) = self.settle_without(&without).await else {
            // Not even without the click: it was not the click.
            aside.undo();
            return self.away(refusal);
        };
        metrics::click_record_failed();
        let cause: &(dyn Error + 'static) = refusal;
        error!(
            error = cause,
            click = %click.id,
            "the database refused a click; it is set aside in the file `rejected` of the journal"
        );
        self.settled(&without, recorded);
        if !is_conflict {
            self.refused_in_a_row = self.refused_in_a_row.saturating_add(1);
        }
        Attempt::Done
    }

    /// Settles what is left of a batch without the click that was refused. `None` when that is refused
    /// as well.
    ///
    /// It does not come back before the outcome is known. Whoever tried the click again before would
    /// take the position behind it for that of a click that is stored, and nobody would have it.
    async fn settle_without(&mut self, without: &ClickBatch) -> Option<Recorded> {
        let batch = Arc::new(without.clone());
        let mut pause = FIRST_PAUSE;
        let mut uncertain = false;
        loop {
            let now = self.parts.clock.now();
            match self.parts.store.ingest(Arc::clone(&batch), now).await {
                Ok(Ingested::Settled(recorded)) => return Some(recorded),
                Ok(Ingested::PositionMoved(position)) => {
                    let committed = uncertain && position == Some(batch.end());
                    return committed.then(Recorded::default);
                }
                Err(error @ StoreError::Unavailable { .. }) => {
                    uncertain = true;
                    self.away(&error);
                    tokio::time::sleep(pause).await;
                    pause = pause.saturating_mul(2).min(LONGEST_PAUSE);
                }
                Err(_) => return None,
            }
        }
    }

    /// The position in the database is not what this node left there: registers the journal at the
    /// position that it has, under its id where the database does not know it any more, and under a
    /// new one where it does.
    async fn register_again(
        &self,
        batch: &ClickBatch,
        position: Option<u64>,
    ) -> Result<(), IngesterError> {
        let IngesterParts {
            journal,
            store,
            clock,
            random,
            ..
        } = &self.parts;
        let now = clock.now();
        let id = if position.is_none() {
            warn!("the database does not know the journal any more; it is registered again");
            batch.journal
        } else {
            error!(
                expected = batch.start,
                found = position,
                "the position of the journal in the database was moved by somebody else: is the data directory a copy that another server uses? The journal goes on under a new id"
            );
            JournalId::new(now, &**random)
        };
        store.register_journal(id, batch.start, now).await?;
        if id != batch.journal {
            journal.rename(id)?;
        }
        Ok(())
    }
}

/// Whether the database can be reached and says no.
const fn is_refusal(ingested: &Result<Ingested, StoreError>) -> bool {
    !matches!(ingested, Ok(_) | Err(StoreError::Unavailable { .. }))
}

/// What an attempt to settle a batch came to.
enum Attempt {
    /// It is settled.
    Done,
    /// Its records are read again: they become other batches.
    ReadAgain,
    /// The same again, after a pause.
    Later,
    /// The same again, after a long pause.
    MuchLater,
}
