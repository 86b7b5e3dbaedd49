//! Stores clicks without a server: those of a journal whose server is gone, and those that the
//! database rejected before.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use waypost_core::{Clock, Count, JournalId, Random};
use waypost_store::{Dropped, Store};

use super::{Ingester, IngesterError, IngesterParts};
use crate::journal::{Journal, JournalStatus, Retries, Retry};
use crate::ledger;
use crate::settings::{Durability, JournalSettings};
use crate::{Privacy, UserAgents};

/// Stores clicks of journals whose servers do not run.
#[derive(Clone)]
pub struct Drain {
    /// The store for clicks.
    pub store: Arc<dyn Store>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// The generator of IDs.
    pub random: Arc<dyn Random>,
    /// The parser of user agents.
    pub user_agents: Arc<UserAgents>,
    /// What is stored of clicks.
    pub privacy: Privacy,
    /// Maximum number of click records of a link and day; `None` for no limit.
    pub records_per_day: Option<u64>,
    /// The settings of journals.
    pub settings: JournalSettings,
    /// How long to continue while nothing can be stored.
    pub patience: Duration,
}

/// The result of draining a journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drained {
    /// The journal. Its ID is a new one if another process owns the previous one.
    pub journal: JournalId,
    /// Number of stored clicks.
    pub stored: u64,
    /// Number of clicks that were already stored.
    pub duplicates: u64,
    /// Number of dropped clicks, by reason.
    pub dropped: Dropped,
    /// Number of clicks that are still pending.
    pub pending: u64,
    /// Why clicks are pending.
    pub failure: Option<String>,
}

impl Drain {
    /// Stores the pending clicks of the journal in `directory`. Stops if nothing could be stored
    /// for the time of [`Drain::patience`]; the rest can be drained later. `progress` receives the
    /// number of settled records, and the number that was pending at the start.
    ///
    /// # Errors
    /// [`IngesterError::Journal`], in particular if a process uses the journal, and
    /// [`IngesterError::Store`].
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
            // Clicks that a server kept in memory are lost.
            durability: match self.settings.durability {
                Durability::Commit => Durability::Commit,
                Durability::Journal | Durability::Memory => Durability::Journal,
            },
            ..self.settings.clone()
        };
        let new_id = JournalId::new(self.clock.now(), &*self.random);
        let journal = Journal::open(directory, &settings, new_id)?;
        // Fail if this cannot be written, because the next process could not continue correctly.
        journal.note_lineage(&journal.lineage())?;
        let mut ingester = Ingester::begin(IngesterParts {
            journal: Arc::clone(&journal),
            store: Arc::clone(&self.store),
            clock: Arc::clone(&self.clock),
            random: Arc::clone(&self.random),
            user_agents: Arc::clone(&self.user_agents),
            privacy: self.privacy,
            records_per_day: self.records_per_day,
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
                let last = last.unwrap_or_else(|| "the database does not respond".to_owned());
                break Some(format!("{last}; run this again to continue"));
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
        // The ingester only counts batches whose response arrived.
        if let (Some(before), Some(after)) = (before, self.store.journal(journal.id()).await?) {
            drained.stored = after.stored.saturating_sub(before.stored);
            drained.duplicates = after.duplicates.saturating_sub(before.duplicates);
            drained.dropped = after.dropped.minus(&before.dropped);
        }
        Ok(drained)
    }

    /// Tries again to store the clicks that were set aside in the journal in `directory`, which a
    /// server may use. Returns one result for each file of such clicks, or `None` if there is no
    /// journal.
    ///
    /// # Errors
    /// As for [`Drain::drain`]. Clicks that are not stored can be tried again.
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

    /// Returns how long clicks that were stored on a retry are kept, in case the database is
    /// restored from a backup. Without click records they are not kept, because they could be
    /// counted twice: from here, and from the journal that set them aside.
    fn keep(&self) -> Duration {
        if self.privacy.keeps_rows() {
            self.settings.keep
        } else {
            Duration::ZERO
        }
    }

    /// Returns the number of clicks in excess, if more clicks were set aside than the database has
    /// counted as rejected. A click may have been set aside twice, or in a directory that was
    /// copied, and its record may be purged; such clicks must not be tried again.
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

/// Returns the result for clicks that may already be counted.
fn excess_in(retry: &Retry, kept: &Path, clicks: u64) -> Drained {
    let failure = format!(
        "{} were set aside, but the database has fewer rejected clicks of journal {} \
         left to retry, because they were retried in a copy of the directory or the database was \
             restored from a backup; some may already be counted, so none is retried; they are \
                 kept in {}",
        Count::of(clicks, "click"),
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
