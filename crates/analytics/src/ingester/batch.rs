//! Settling one batch: from the journal to the database, with all failures in between.

use std::collections::HashSet;
use std::error::Error;
use std::sync::Arc;

use tracing::{debug, error, info, warn};
use waypost_core::ClickId;
use waypost_store::{
    ClickBatch, Dropped, Ingested, JournalPlace, Recorded, StoreError, hold_point,
};

use super::facts;
use super::signed_in::{self, Sessions, is_lone_and_somebodys};
use super::{
    FIRST_PAUSE, Ingester, IngesterParts, LONGEST_PAUSE, MAX_BATCH, READ_ATTEMPTS,
    REFUSED_IN_A_ROW, REFUSED_PAUSE,
};
use crate::journal::{ClickRecord, Records};
use crate::metrics::{self, DropReason};

impl Ingester {
    /// Reads the next records of the journal, if there are any.
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
                    position, "cannot read a journal segment; its clicks are dropped"
                );
                return self.cursor.pass_over(&self.parts.journal);
            }
            warn!(
                error = cause,
                position, "cannot read a journal segment; trying again"
            );
            tokio::time::sleep(LONGEST_PAUSE).await;
            attempt += 1;
        }
    }

    /// Settles a batch, or returns when its records must be read again.
    pub(super) async fn settle(&mut self, mut batch: Arc<ClickBatch>, sessions: &Sessions) {
        let mut pause = FIRST_PAUSE;
        loop {
            match self.attempt(&batch, sessions).await {
                Attempt::Done | Attempt::ReadAgain => return,
                Attempt::Instead(other) => {
                    batch = other;
                    continue;
                }
                Attempt::Later => tokio::time::sleep(pause).await,
                Attempt::MuchLater => tokio::time::sleep(REFUSED_PAUSE).await,
            }
            // Report what is pending to the database.
            self.give_a_sign_of_life().await;
            pause = pause.saturating_mul(2).min(LONGEST_PAUSE);
        }
    }

    async fn attempt(&mut self, batch: &Arc<ClickBatch>, sessions: &Sessions) -> Attempt {
        let was_sent = self.sent(batch);
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
        let may_be_stored = matches!(ingested, Err(StoreError::Unavailable { .. }));
        if !was_sent && !may_be_stored {
            // The response settles the outcome of the only attempt.
            self.uncertain.retain(|sent| sent.end() != batch.end());
        }
        match ingested {
            Ok(Ingested::Settled(recorded)) => {
                hold_point("ingest.after");
                self.settled(batch, &recorded);
                Attempt::Done
            }
            Ok(Ingested::Elsewhere(place)) => {
                if let Some(committed) = self.committed_before(place) {
                    self.settled_before(&committed);
                    return Attempt::Done;
                }
                if place.is_some_and(|place| {
                    place.owner == Some(batch.owner) && place.committed == batch.start
                }) {
                    // The journal has returned to this position in the meantime.
                    return Attempt::Later;
                }
                match self.elsewhere(place).await {
                    Ok(()) => Attempt::ReadAgain,
                    Err(failure) => self.away(&failure),
                }
            }
            Err(StoreError::Conflict) => match self.without_duplicates(batch).await {
                Ok(Some(others)) => Attempt::Instead(others),
                Ok(None) => self.refused(batch, sessions, &StoreError::Conflict).await,
                Err(failure) => self.away(&failure),
            },
            Err(refusal @ (StoreError::Refused { .. } | StoreError::Corrupt { .. })) => {
                self.refused(batch, sessions, &refusal).await
            }
            // The database is unavailable, or rejects for its permissions, its schema or a pooler.
            // The clicks are not at fault.
            Err(error) => self.away(&error),
        }
    }

    /// Returns the batch that was sent and committed although its response was lost: the position
    /// of the journal is its end, and only this process moves the position.
    pub(super) fn committed_before(&self, place: Option<JournalPlace>) -> Option<Arc<ClickBatch>> {
        let place = place.filter(|place| place.owner == Some(self.own.owner))?;
        let settled = self.parts.journal.settled();
        let committed = self.uncertain.iter().find(|sent| {
            sent.owner == self.own.owner
                && sent.start == settled
                && sent.end() == place.committed
                && sent.end() > settled
        });
        committed.cloned()
    }

    /// Records that the database has a batch whose response was lost. The number of its clicks on
    /// deleted links was lost with the response: the database has it, but the metrics of this
    /// process count these clicks as stored. The same applies to those without a record.
    pub(super) fn settled_before(&mut self, batch: &ClickBatch) {
        let recorded = Recorded {
            stored: u64::try_from(batch.clicks.len()).unwrap_or(u64::MAX),
            ..Recorded::default()
        };
        self.settled(batch, &recorded);
    }

    /// Records that a batch is sent: from now on it may be committed, whether the response arrives
    /// or not. Returns whether it was sent before.
    fn sent(&mut self, batch: &Arc<ClickBatch>) -> bool {
        let before = self.uncertain.len();
        self.uncertain.retain(|sent| sent.end() != batch.end());
        let was_sent = self.uncertain.len() < before;
        self.uncertain.push(Arc::clone(batch));
        was_sent
    }

    /// Returns the batch without the clicks that are already stored, because a process with a copy
    /// of the journal was faster. Returns `None` if there are no such clicks.
    async fn without_duplicates(
        &self,
        batch: &ClickBatch,
    ) -> Result<Option<Arc<ClickBatch>>, StoreError> {
        let ids: Vec<ClickId> = batch.clicks.iter().map(|click| click.id).collect();
        let stored = self.parts.store.stored_clicks(&ids).await?;
        if stored.is_empty() {
            return Ok(None);
        }
        let stored: HashSet<ClickId> = stored.into_iter().collect();
        let mut others = batch.clone();
        others.clicks.retain(|click| !stored.contains(&click.id));
        let duplicates = batch.clicks.len().saturating_sub(others.clicks.len());
        let duplicates = u64::try_from(duplicates).unwrap_or(u64::MAX);
        others.duplicates = others.duplicates.saturating_add(duplicates);
        Ok(Some(Arc::new(others)))
    }

    /// Records that the batch is settled.
    fn settled(&mut self, batch: &ClickBatch, recorded: &Recorded) {
        let last = batch.clicks.last().map(|click| click.clicked_at);
        let end = batch.end();
        self.parts.journal.settle(end, last);
        self.prove(end);
        let again = self.stored_before.min(end).saturating_sub(batch.start);
        let again = again.min(recorded.stored);
        self.stored_before = self.stored_before.max(end);
        metrics::clicks_recorded(recorded.stored.saturating_sub(again));
        metrics::clicks_stored_again(again);
        metrics::clicks_without_record(recorded.without_record);
        metrics::clicks_duplicate(batch.duplicates);
        metrics::clicks_dropped(DropReason::LinkDeleted, recorded.link_gone);
        metrics::clicks_dropped(DropReason::Rejected, batch.dropped.rejected);
        metrics::clicks_dropped(DropReason::Unreadable, batch.dropped.unreadable);
        metrics::clicks_dropped(DropReason::Lost, batch.dropped.lost);
        for (link, day) in &recorded.used_up {
            warn!(
                %link,
                %day,
                "the link has its maximum number of click records of the day \
                 (WAYPOST_RECORDS_PER_LINK_AND_DAY); further clicks of this day only count in \
                 totals and statistics"
            );
        }
        debug!(clicks = recorded.stored, "stored");
        if !batch.clicks.is_empty() {
            self.refused_in_a_row = 0;
        }
        self.limit = self.limit.saturating_mul(2).min(MAX_BATCH);
        if self.away {
            self.away = false;
            let pending = self.parts.journal.pending();
            info!(pending, "storing clicks works again");
        }
    }

    /// Records that the database has everything before `position`, and that batches sent after it
    /// are no longer expected.
    pub(super) fn prove(&mut self, position: u64) {
        self.own.proven = self.own.proven.max(position);
        let sent = self.uncertain.drain(..).map(|sent| sent.end());
        self.unanswered.extend(sent);
        self.unanswered.retain(|end| *end > self.own.proven);
    }

    /// Records that nothing was stored, because of the database and not of the clicks.
    pub(super) fn away(&mut self, failure: &(dyn Error + 'static)) -> Attempt {
        metrics::click_record_failed();
        self.parts.journal.progress().away();
        self.failure = Some(explained(failure));
        if !self.away {
            self.away = true;
            warn!(
                error = failure,
                "cannot store clicks; they stay in the journal until the database accepts them"
            );
        }
        Attempt::Later
    }

    /// Finds the click of the batch that the database rejects, and sets it aside.
    async fn refused(
        &mut self,
        batch: &ClickBatch,
        sessions: &Sessions,
        refusal: &StoreError,
    ) -> Attempt {
        let click = match batch.clicks.as_slice() {
            // There is no click that could be at fault.
            [] => return self.away(refusal),
            [click] => click,
            clicks => {
                metrics::click_record_failed();
                self.limit = clicks.len() / 2;
                let cause: &(dyn Error + 'static) = refusal;
                debug!(
                    error = cause,
                    clicks = clicks.len(),
                    "batch rejected; trying a part"
                );
                return Attempt::ReadAgain;
            }
        };
        // A conflict is always about the click: a click with its ID is stored.
        let is_conflict = matches!(refusal, StoreError::Conflict);
        if self.refused_in_a_row >= REFUSED_IN_A_ROW && !is_conflict {
            // After the pause, one more click is tried.
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
                    "the database rejected a click, and it cannot be set aside"
                );
                return self.away(refusal);
            }
        };
        let without = ClickBatch {
            journal: batch.journal,
            owner: batch.owner,
            start: batch.start,
            records: batch.records,
            duplicates: batch.duplicates,
            clicks: Vec::new(),
            dropped: Dropped {
                rejected: batch.dropped.rejected.saturating_add(1),
                ..batch.dropped
            },
        };
        let Some(recorded) = self.settle_without(&without).await else {
            // The batch is also rejected without the click, so the click is not at fault.
            aside.undo();
            return self.away(refusal);
        };
        metrics::click_record_failed();
        let cause: &(dyn Error + 'static) = refusal;
        error!(
            error = cause,
            click = %click.id,
            "the database rejected a click; it is set aside in the file `rejected` of the journal"
        );
        self.settled(&without, &recorded);
        if !is_conflict {
            self.refused_in_a_row = self.refused_in_a_row.saturating_add(1);
        }
        Attempt::Done
    }

    /// Settles a batch without its rejected click. Returns `None` if that is also rejected.
    ///
    /// Returns only when the outcome is known. If the click were retried before that, the position
    /// after it would be taken as proof that it is stored, and the click would be lost.
    async fn settle_without(&mut self, without: &ClickBatch) -> Option<Recorded> {
        let batch = Arc::new(without.clone());
        let mut pause = FIRST_PAUSE;
        let mut uncertain = false;
        loop {
            let now = self.parts.clock.now();
            match self.parts.store.ingest(Arc::clone(&batch), now).await {
                Ok(Ingested::Settled(recorded)) => return Some(recorded),
                Ok(Ingested::Elsewhere(place)) => {
                    let end = place
                        .filter(|place| place.owner == Some(batch.owner))
                        .map(|place| place.committed);
                    let committed = uncertain && end == Some(batch.end());
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
}

/// Formats an error with its causes.
fn explained(failure: &(dyn Error + 'static)) -> String {
    let causes = std::iter::successors(Some(failure), |error| (*error).source());
    let causes: Vec<String> = causes.map(ToString::to_string).collect();
    causes.join(": ")
}

/// Whether the database is available and rejects the batch.
const fn is_refusal(ingested: &Result<Ingested, StoreError>) -> bool {
    !matches!(ingested, Ok(_) | Err(StoreError::Unavailable { .. }))
}

/// The outcome of an attempt to settle a batch.
pub(super) enum Attempt {
    /// The batch is settled.
    Done,
    /// Read the records again, into other batches.
    ReadAgain,
    /// Try another batch of the same records at once.
    Instead(Arc<ClickBatch>),
    /// Try the same batch after a pause.
    Later,
    /// Try the same batch after a long pause.
    MuchLater,
}
