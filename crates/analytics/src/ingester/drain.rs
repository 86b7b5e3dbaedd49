//! Storing what a journal holds without a server: that of a node that is gone, and clicks that the database refused
//! and is asked to store once more.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use waypost_core::{Clock, JournalId, Random};
use waypost_store::{Dropped, Store};

use super::{Ingester, IngesterError, IngesterParts};
use crate::journal::{Journal, JournalStatus, Retries, Retry};
use crate::ledger;
use crate::settings::{Durability, JournalSettings};
use crate::{Privacy, UserAgents};

/// Stores what journals hold whose servers do not run.
#[derive(Clone)]
pub struct Drain {
    /// Where clicks are stored.
    pub store: Arc<dyn Store>,
    /// Tells when.
    pub clock: Arc<dyn Clock>,
    /// Draws ids.
    pub random: Arc<dyn Random>,
    /// Tells what user agents mean.
    pub user_agents: Arc<UserAgents>,
    /// How much is kept of clicks.
    pub privacy: Privacy,
    /// How journals work.
    pub settings: JournalSettings,
    /// How long to go on while nothing can be stored.
    pub patience: Duration,
}

/// What became of the clicks of a journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drained {
    /// The journal: it has another id than before where another process owns that one.
    pub journal: JournalId,
    /// How many of its clicks were stored.
    pub stored: u64,
    /// How many were stored already.
    pub duplicates: u64,
    /// How many are not stored, by reason.
    pub dropped: Dropped,
    /// How many are still to be stored.
    pub pending: u64,
    /// Why that is.
    pub failure: Option<String>,
}

impl Drain {
    /// Stores what the journal in `directory` holds. Gives up when nothing could be stored for as long as the
    /// patience lasts; what is left can be drained later. `progress` is told how many records are settled, and how
    /// many were pending at the beginning.
    ///
    /// # Errors
    /// [`IngesterError::Journal`], above all when a process uses the journal, and [`IngesterError::Store`].
    pub async fn drain(
        &self,
        directory: &Path,
        progress: impl FnMut(u64, u64),
    ) -> Result<Drained, IngesterError> {
        self.drain_keeping(directory, self.settings.keep, progress)
            .await
    }

    async fn drain_keeping(
        &self,
        directory: &Path,
        keep: Duration,
        mut progress: impl FnMut(u64, u64),
    ) -> Result<Drained, IngesterError> {
        let settings = JournalSettings {
            keep,
            // What a server kept in memory is gone.
            durability: match self.settings.durability {
                Durability::Commit => Durability::Commit,
                Durability::Journal | Durability::Memory => Durability::Journal,
            },
            ..self.settings.clone()
        };
        let new_id = JournalId::new(self.clock.now(), &*self.random);
        let journal = Journal::open(directory, &settings, new_id)?;
        // Where that cannot be written, nothing is done: the next process could not tell what was.
        journal.note_lineage(&journal.lineage())?;
        let mut ingester = Ingester::begin(IngesterParts {
            journal: Arc::clone(&journal),
            store: Arc::clone(&self.store),
            clock: Arc::clone(&self.clock),
            random: Arc::clone(&self.random),
            user_agents: Arc::clone(&self.user_agents),
            privacy: self.privacy,
        })
        .await?;
        let before = self.store.journal(journal.id()).await?;
        let total = journal.pending();
        progress(0, total);
        let failure = loop {
            let pending = journal.pending();
            if pending == 0 {
                break None;
            }
            let step = tokio::time::timeout(self.patience, ingester.step()).await;
            progress(total.saturating_sub(journal.pending()), total);
            if step.is_err() && journal.pending() == pending {
                let last = ingester.failure.take();
                let last = last.unwrap_or_else(|| "the database does not answer".to_owned());
                break Some(format!("{last}; run this again to go on"));
            }
        };
        ingester.end().await;
        let mut drained = Drained {
            journal: journal.id(),
            stored: 0,
            duplicates: 0,
            dropped: Dropped::default(),
            pending: journal.pending(),
            failure,
        };
        // The ingester knows numbers of batches whose answer it got.
        if let (Some(before), Some(after)) = (before, self.store.journal(journal.id()).await?) {
            drained.stored = after.stored.saturating_sub(before.stored);
            drained.duplicates = after.duplicates.saturating_sub(before.duplicates);
            drained.dropped = after.dropped.minus(&before.dropped);
        }
        Ok(drained)
    }

    /// Tries the clicks again that were set aside in the journal in `directory`, which a server may use. Returns what
    /// became of them, one entry for each file of such clicks; `None` where there is no journal.
    ///
    /// # Errors
    /// As [`Drain::drain`]. What is not stored yet can be tried again.
    pub async fn retry(
        &self,
        directory: &Path,
        mut progress: impl FnMut(u64, u64),
    ) -> Result<Option<Vec<Drained>>, IngesterError> {
        let Some(retries) = Retries::of(directory)? else {
            return Ok(None);
        };
        let mut all = Vec::new();
        for retry in retries.prepare(&*self.random, self.clock.now())? {
            if let Some(clicks) = self.excess(&retry).await? {
                let kept = retry.keep()?;
                all.push(excess_in(&retry, &kept, clicks));
                continue;
            }
            let drained = self
                .drain_keeping(&retry.directory, self.keep(), &mut progress)
                .await?;
            let status = JournalStatus::read(&retry.directory, u64::MAX)?;
            let is_empty = status.is_some_and(|status| status.first() == status.end());
            if drained.pending == 0 && is_empty {
                retries.delete(&retry)?;
            }
            all.push(drained);
        }
        Ok(Some(all))
    }

    /// How long clicks that were stored at last are kept for a database that is set back. Without rows, they might
    /// be counted twice then: once from there, and once from the journal that they were set aside by.
    fn keep(&self) -> Duration {
        if self.privacy.keeps_rows() {
            self.settings.keep
        } else {
            Duration::ZERO
        }
    }

    /// A click may have been set aside twice, or in a directory that was copied, and its row may be gone: no more are
    /// tried again than the database has counted as refused. How many others there are, if there are too many.
    async fn excess(&self, retry: &Retry) -> Result<Option<u64>, IngesterError> {
        if self.store.journal(retry.id).await?.is_some() {
            return Ok(None);
        }
        let ids = retry.clicks()?;
        let stored = if self.privacy.keeps_rows() {
            self.store.stored_clicks(&ids).await?.len()
        } else {
            0
        };
        let clicks = u64::try_from(ids.len().saturating_sub(stored)).unwrap_or(u64::MAX);
        let journals = self.store.journals().await?;
        let retried = ledger::retried(&journals).remove(&retry.of).unwrap_or(0);
        let of = self.store.journal(retry.of).await?;
        let rejected = of.map_or(0, |record| record.dropped.rejected);
        Ok((clicks > rejected.saturating_sub(retried)).then_some(clicks))
    }
}

/// What becomes of clicks of which nobody knows whether they are counted.
fn excess_in(retry: &Retry, kept: &Path, clicks: u64) -> Drained {
    let failure = format!(
        "{clicks} clicks were set aside, but the database has fewer refused clicks of journal {} left to try: they were tried in a copy of the directory, or the database was set back. Some may be counted already, so none is tried again; they are kept in {}",
        retry.of,
        kept.display()
    );
    Drained {
        journal: retry.id,
        stored: 0,
        duplicates: 0,
        dropped: Dropped::default(),
        pending: 0,
        failure: Some(failure),
    }
}
