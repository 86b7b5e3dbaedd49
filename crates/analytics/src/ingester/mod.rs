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
//! | a click is stored already, from a copy of the journal | it is counted as a duplicate, by its id or by the position of the other journal |
//! | a value of a click is refused | the batch is halved until the click is alone; it is set aside, and the rest goes on |
//! | anything else is refused (rights, a pooler, the schema) | as an outage |
//! | many in a row are refused | that is not the clicks' fault: they wait, as in an outage |
//! | its link was deleted | it is counted as dropped |
//! | whoever made it was deleted in this moment | it is stored as nobody's |
//! | a segment is damaged | what cannot be read is counted as dropped, and the next one is read |
//! | the position in the database is not the one that was left, or the owner is another | see `ownership.rs` |
//!
//! # Priority
//! It has a thread and a runtime of its own, at the lowest priority of the operating system: a burst
//! of redirects is absorbed by the journal and stored when there is room.

mod batch;
mod drain;
mod facts;
mod ownership;
mod relatives;
mod signed_in;

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{debug, info};
use waypost_core::{Clock, Random};
use waypost_store::{ClickBatch, Dropped, Store, StoreError, lower_priority};

pub use self::drain::{Drain, Drained};
use self::ownership::Own;
use self::relatives::Relatives;
use self::signed_in::Sessions;
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
/// How often it is looked whether the database still has the journal where it was left: a database that was set
/// back is noticed within this time, also when nothing is stored.
const CHECK_EVERY: Duration = Duration::from_secs(3);
/// How often a sign of life is noted in the database, and old segments are deleted.
const NOTE_EVERY: Duration = Duration::from_secs(30);
/// How long a process that ends tries to say so.
const LAST_NOTE: Duration = Duration::from_secs(1);

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
    /// The batches from the settled position on that were sent and whose answer did not arrive; at most one of
    /// them was stored.
    uncertain: Vec<Arc<ClickBatch>>,
    /// The ends of other batches beyond all that is proven that this owner sent, and whose answer did not arrive: one
    /// of them may still be stored, after the database was set back.
    unanswered: BTreeSet<u64>,
    /// The journal as this process owns it.
    own: Own,
    /// The journals that have records in common with this one; `None` until they are looked for.
    relatives: Option<Relatives>,
    /// The position up to which this process has stored clicks before, or knew that they are stored.
    stored_before: u64,
    /// When it was last looked where the journal is, and when a sign of life was last noted.
    checked_at: Option<Instant>,
    noted_at: Option<Instant>,
    /// Whether the last attempt found the database away.
    away: bool,
    /// What the last attempt failed for.
    failure: Option<String>,
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
        let own = ownership::begin(&parts).await?;
        let (first, pending) = (parts.journal.first(), parts.journal.pending());
        let lost = first.saturating_sub(own.proven);
        if pending > 0 {
            info!(
                clicks = pending.saturating_sub(lost),
                lost, "clicks of an earlier process are being stored"
            );
        }
        Ok(Self {
            cursor: Cursor::new(own.proven),
            own,
            relatives: None,
            stored_before: own.proven,
            checked_at: Some(Instant::now()),
            noted_at: None,
            parts,
            limit: MAX_BATCH,
            refused_in_a_row: 0,
            uncertain: Vec::new(),
            unanswered: BTreeSet::new(),
            away: false,
            failure: None,
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
        // What waits for SQLite may be interrupted in a runtime of several threads alone.
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("ingester")
            .on_thread_start(|| lower_priority("stores clicks"))
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
        self.end().await;
    }

    /// Notes the end of this process: one that takes the journal next then need not find out whether it runs.
    async fn end(&mut self) {
        self.noted_at = None;
        let last = async {
            self.look_after().await;
            self.note(true).await
        };
        if let Ok(Err(failure)) = tokio::time::timeout(LAST_NOTE, last).await {
            debug!(%failure, "the end of this process was not noted");
        }
    }

    /// Settles one batch, or waits for something to settle. Where it is dropped on the way, the next
    /// one begins with the same records.
    pub(crate) async fn step(&mut self) {
        self.look_after().await;
        let settled = self.parts.journal.settled();
        if self.cursor.position() != settled {
            self.cursor.go_to(settled);
        }
        if let Some(end) = self.ask_relatives().await {
            return self.pass_over(end).await;
        }
        let records = self.read().await;
        if records.clicks.is_empty() && records.dropped.total() == 0 {
            let _ = tokio::time::timeout(CHECK_EVERY, self.parts.journal.grown()).await;
            return;
        }
        let mut clicks = records.clicks;
        facts::complete(&mut clicks, &self.parts.user_agents);
        let batch = ClickBatch {
            journal: self.parts.journal.id(),
            owner: self.own.owner,
            start: records.start,
            clicks,
            dropped: records.dropped,
            duplicates: 0,
            keep_rows: self.parts.privacy.keeps_rows(),
        };
        self.settle(Arc::new(batch), &records.sessions).await;
    }

    /// Settles what another journal has settled: up to there, all are duplicates.
    async fn pass_over(&mut self, end: u64) {
        let start = self.parts.journal.settled();
        let batch = ClickBatch {
            journal: self.parts.journal.id(),
            owner: self.own.owner,
            start,
            clicks: Vec::new(),
            dropped: Dropped::default(),
            duplicates: end.saturating_sub(start),
            keep_rows: self.parts.privacy.keeps_rows(),
        };
        self.settle(Arc::new(batch), &Sessions::default()).await;
    }

    /// What comes around by itself: looking where the journal is, a sign of life, old segments.
    async fn look_after(&mut self) {
        let now = self.parts.clock.now();
        if let Some(position) = self.parts.journal.wants_durable(now) {
            self.make_durable(position).await;
        }
        self.give_a_sign_of_life().await;
        if is_due(self.checked_at, CHECK_EVERY) {
            self.checked_at = Some(Instant::now());
            // While the database is away, storing meets that.
            if let Err(failure) = self.check().await {
                debug!(%failure, "it is not known where the journal is in the database");
            }
        }
    }

    /// When it is time for it. A database that takes no clicks may take that.
    async fn give_a_sign_of_life(&mut self) {
        if !is_due(self.noted_at, NOTE_EVERY) {
            return;
        }
        self.noted_at = Some(Instant::now());
        self.parts.journal.tidy(self.parts.clock.now());
        if let Err(failure) = self.note(false).await {
            debug!(%failure, "no sign of life was noted");
        }
    }

    async fn make_durable(&self, position: u64) {
        let IngesterParts { journal, store, .. } = &self.parts;
        match store.make_durable(journal.id(), self.own.owner).await {
            Ok(true) => journal.durable(position),
            // The next batch meets it.
            Ok(false) => {}
            Err(failure) => debug!(%failure, "what is stored is not durable yet"),
        }
    }
}

fn is_due(at: Option<Instant>, every: Duration) -> bool {
    at.is_none_or(|at| at.elapsed() >= every)
}

#[cfg(test)]
#[expect(
    clippy::as_conversions,
    reason = "test code: its lengths and numbers fit everywhere"
)]
mod tests;
