//! The ingester: stores what the journal holds.
//!
//! It reads the journal from the position up to which the database has settled it, and settles one
//! batch after the other. While one batch commits, the next one gathers: no timer stands between a
//! click and the database, and the busier it is, the larger the batches become. Recovery after a
//! crash, catching up after an outage and the steady state are this one loop.
//!
//! # What can go wrong
//! | what | what happens |
//! | --- | --- |
//! | the database is away | the same batch is tried again, after growing pauses, for as long as it takes |
//! | the outcome of a commit is unknown | it is tried again: the position in the database tells |
//! | a click is refused | the batch is halved until it stands alone; it is set aside, and the rest goes on |
//! | many in a row are refused | that is not the clicks' fault: they wait, as in an outage |
//! | its link was deleted | it is counted as dropped |
//! | whoever made it was deleted in this moment | it is stored as nobody's |
//! | a segment is damaged | what cannot be read is counted as dropped, and the next one is read |
//! | a commit of a killed process arrives when the next one has begun | what it stored is passed over |
//! | the position in the database is neither before nor behind the batch | somebody else settles this journal (a copied data directory), or the database was taken back to an older state: the journal goes on under a new id |
//!
//! # Priority
//! It has a thread and a runtime of its own, at the lowest priority of the operating system: a burst
//! of redirects is absorbed by the journal and stored when there is room.

mod batch;
mod facts;
mod signed_in;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};
use waypost_core::{Clock, JournalId, Random};
use waypost_store::{ClickBatch, Store, StoreError, lower_priority};

use crate::journal::{Cursor, Journal, JournalError};
use crate::{Privacy, UserAgents};

/// A batch has at most so many clicks: what bounds the memory it takes, and the time for which its
/// transaction holds the locks of its links.
const MAX_BATCH: usize = 8_192;
/// Pauses between attempts while the database is away.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// After so many refused clicks in a row, it is not the clicks.
const REFUSED_IN_A_ROW: u32 = 10;
/// How long to wait before one more is tried then.
const REFUSED_PAUSE: Duration = Duration::from_secs(30);
/// A segment that cannot be read is given up after so many attempts.
const READ_ATTEMPTS: u32 = 4;
/// When nothing has happened for so long, what is settled is deleted from the journal.
const IDLE: Duration = Duration::from_secs(60);

/// What an [`Ingester`] works with.
#[derive(Clone)]
pub struct IngesterParts {
    /// What is stored.
    pub journal: Arc<Journal>,
    /// Where.
    pub store: Arc<dyn Store>,
    /// Tells when.
    pub clock: Arc<dyn Clock>,
    /// Draws a new id for the journal, should it need one.
    pub random: Arc<dyn Random>,
    /// Tells what user agents mean.
    pub user_agents: Arc<UserAgents>,
    /// How much is kept of clicks.
    pub privacy: Privacy,
}

/// Stores what the journal holds.
pub struct Ingester {
    parts: IngesterParts,
    cursor: Cursor,
    /// The most clicks of the next batch; smaller while a refused one is looked for.
    limit: usize,
    refused_in_a_row: u32,
    /// The batches from the settled position on of which it is not known whether they were stored; at
    /// most one of them was.
    uncertain: Vec<Arc<ClickBatch>>,
    /// Until this process has settled something: the end of what the one before it left. A commit of
    /// that one may still have been under way when this one asked how far the journal is settled.
    inherited: Option<u64>,
    /// Whether the last attempt found the database away.
    away: bool,
    /// Where this began: whoever made clicks is asked for there, so that no connection that others wait for
    /// is held by a thread of low priority.
    home: Handle,
}

/// Why nothing can be stored.
#[derive(Debug, thiserror::Error)]
pub enum IngesterError {
    /// The journal cannot be registered with the database.
    #[error("the click journal cannot be registered with the database")]
    Store(#[from] StoreError),
    /// The journal cannot be used.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A thread or its runtime cannot be started.
    #[error("the thread that stores clicks cannot be started")]
    Thread(#[source] io::Error),
}

impl Ingester {
    /// Finds out how far the journal is settled; from then on it takes clicks.
    ///
    /// # Errors
    /// [`IngesterError::Store`] when the database does not say, [`IngesterError::Journal`] when the
    /// journal needs a new id that cannot be written.
    pub async fn begin(parts: IngesterParts) -> Result<Self, IngesterError> {
        let first = parts.journal.first();
        let now = parts.clock.now();
        let mut record = parts
            .store
            .register_journal(parts.journal.id(), first, now)
            .await?;
        if record.committed < first {
            warn!(
                committed = record.committed,
                first,
                "the database knows less of the journal than was settled: it was taken back to an older state; the journal goes on under a new id"
            );
            let id = JournalId::new(now, &*parts.random);
            record = parts.store.register_journal(id, first, now).await?;
            parts.journal.rename(id)?;
        }
        parts.journal.begin(record.committed);
        let inherited = parts.journal.end();
        let pending = parts.journal.pending();
        if pending > 0 {
            info!(
                clicks = pending,
                "clicks of an earlier process are being stored"
            );
        }
        Ok(Self {
            cursor: Cursor::new(record.committed),
            parts,
            limit: MAX_BATCH,
            refused_in_a_row: 0,
            uncertain: Vec::new(),
            inherited: Some(inherited),
            away: false,
            home: Handle::current(),
        })
    }

    /// Works on a thread of its own until `stop` is cancelled. A batch under way is then settled whole or
    /// not at all, and what is left at the next start.
    ///
    /// # Errors
    /// [`IngesterError::Thread`] when there is no thread to be had.
    ///
    /// # Panics
    /// When the thread has panicked.
    pub async fn run(self, stop: CancellationToken) -> Result<(), IngesterError> {
        let _syncer = self
            .parts
            .journal
            .start_syncing()
            .map_err(IngesterError::Thread)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(IngesterError::Thread)?;
        let (ended, end) = oneshot::channel();
        std::thread::Builder::new()
            .name("ingester".to_owned())
            .spawn(move || {
                lower_priority("stores clicks");
                runtime.block_on(self.work(&stop));
                // What still runs on it holds up nothing: a batch is settled whole or not at all.
                runtime.shutdown_background();
                let _ = ended.send(());
            })
            .map_err(IngesterError::Thread)?;
        end.await
            .map_err(|_| IngesterError::Thread(io::Error::other("it panicked")))
    }

    async fn work(mut self, stop: &CancellationToken) {
        while stop.run_until_cancelled(self.step()).await.is_some() {}
    }

    /// Settles one batch, or waits for something to settle. Where it is dropped on the way, the next
    /// one begins with the same records.
    pub(crate) async fn step(&mut self) {
        let settled = self.parts.journal.settled();
        if self.cursor.position() != settled {
            self.cursor.go_to(settled);
        }
        let records = self.read().await;
        if records.clicks.is_empty() && records.dropped.total() == 0 {
            let grown = self.parts.journal.grown();
            if tokio::time::timeout(IDLE, grown).await.is_err() {
                self.parts.journal.tidy();
            }
            return;
        }
        let mut clicks = records.clicks;
        facts::complete(&mut clicks, &self.parts.user_agents);
        let batch = ClickBatch {
            journal: self.parts.journal.id(),
            start: records.start,
            clicks,
            dropped: records.dropped,
            keep_rows: self.parts.privacy.keeps_rows(),
        };
        self.settle(Arc::new(batch), &records.sessions).await;
    }
}

#[cfg(test)]
#[expect(
    clippy::as_conversions,
    reason = "test code: its lengths and numbers fit everywhere"
)]
mod tests;
