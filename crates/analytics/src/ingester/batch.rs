//! One batch, from the journal to the database, whatever happens in between.

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
            // Others are told what waits.
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
            // The answer says what became of the only attempt.
            self.uncertain.retain(|sent| sent.end() != batch.end());
        }
        match ingested {
            Ok(Ingested::Settled(recorded)) => {
                hold_point("ingest.after");
                self.settled(batch, recorded);
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
                    // It has come back here since.
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
            // The database is away, or refuses for rights, its schema, a pooler: nothing is wrong with the clicks.
            Err(error) => self.away(&error),
        }
    }

    /// The batch that was sent, whose answer was lost on the way, and that the database has: the journal is at its
    /// end, and this process alone moves it.
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

    /// The database has a batch whose answer was lost on the way. How many of its clicks were on deleted links was
    /// lost with it: the journal's record in the database knows, the metrics of this process count them as stored.
    pub(super) fn settled_before(&mut self, batch: &ClickBatch) {
        let recorded = Recorded {
            stored: u64::try_from(batch.clicks.len()).unwrap_or(u64::MAX),
            link_gone: 0,
        };
        self.settled(batch, recorded);
    }

    /// Notes that a batch is sent: from now on it may be committed, whether the answer arrives or not. Returns
    /// whether it was sent before.
    fn sent(&mut self, batch: &Arc<ClickBatch>) -> bool {
        let before = self.uncertain.len();
        self.uncertain.retain(|sent| sent.end() != batch.end());
        let was_sent = self.uncertain.len() < before;
        self.uncertain.push(Arc::clone(batch));
        was_sent
    }

    /// The batch without the clicks that are stored already: a process that uses a copy of the journal came first.
    /// `None` when there are no such clicks.
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

    /// The database has the batch.
    fn settled(&mut self, batch: &ClickBatch, recorded: Recorded) {
        let last = batch.clicks.last().map(|click| click.clicked_at);
        let end = batch.end();
        self.parts.journal.settle(end, last);
        self.prove(end);
        let again = self.stored_before.min(end).saturating_sub(batch.start);
        let again = again.min(recorded.stored);
        self.stored_before = self.stored_before.max(end);
        metrics::clicks_recorded(recorded.stored.saturating_sub(again));
        metrics::clicks_stored_again(again);
        metrics::clicks_duplicate(batch.duplicates);
        metrics::clicks_dropped(DropReason::LinkDeleted, recorded.link_gone);
        metrics::clicks_dropped(DropReason::Rejected, batch.dropped.rejected);
        metrics::clicks_dropped(DropReason::Unreadable, batch.dropped.unreadable);
        metrics::clicks_dropped(DropReason::Lost, batch.dropped.lost);
        debug!(clicks = recorded.stored, "stored");
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

    /// The database has everything up to there, and no longer waits for what was sent from there on.
    pub(super) fn prove(&mut self, position: u64) {
        self.own.proven = self.own.proven.max(position);
        let sent = self.uncertain.drain(..).map(|sent| sent.end());
        self.unanswered.extend(sent);
        self.unanswered.retain(|end| *end > self.own.proven);
    }

    /// Nothing was stored, and that is nobody's fault but the database's.
    pub(super) fn away(&mut self, failure: &(dyn Error + 'static)) -> Attempt {
        metrics::click_record_failed();
        self.parts.journal.progress().away();
        self.failure = Some(explained(failure));
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
            owner: batch.owner,
            start: batch.start,
            keep_rows: batch.keep_rows,
            duplicates: batch.duplicates,
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

/// An error with all that caused it.
fn explained(failure: &(dyn Error + 'static)) -> String {
    let causes = std::iter::successors(Some(failure), |error| (*error).source());
    let causes: Vec<String> = causes.map(ToString::to_string).collect();
    causes.join(": ")
}

/// Whether the database can be reached and says no.
const fn is_refusal(ingested: &Result<Ingested, StoreError>) -> bool {
    !matches!(ingested, Ok(_) | Err(StoreError::Unavailable { .. }))
}

/// What an attempt to settle a batch came to.
pub(super) enum Attempt {
    /// It is settled.
    Done,
    /// Its records are read again: they become other batches.
    ReadAgain,
    /// Another batch of the same records, at once.
    Instead(Arc<ClickBatch>),
    /// The same again, after a pause.
    Later,
    /// The same again, after a long pause.
    MuchLater,
}
