//! The ingester: stores the clicks of the journal.
//!
//! It reads the journal from the position up to which the database has settled it, and settles one
//! batch after the other. While one batch commits, the next one fills. No timer delays a click on
//! its way to the database, and batches grow with the load. Recovery after a crash, catching up
//! after an outage and normal operation are the same loop.
//!
//! # What can go wrong
//! | what | what happens |
//! | --- | --- |
//! | the database is unavailable | the same batch is tried again after growing pauses, for as long as it takes |
//! | the outcome of a commit is unknown | it is tried again; the position in the database shows the outcome |
//! | a click is already stored, from a copy of the journal | it is counted as a duplicate, found by its ID or by the position of the other journal |
//! | a value of a click is rejected | the batch is halved until the click is alone; the click is set aside, and the rest is stored |
//! | anything else is rejected (permissions, a pooler, the schema) | as in an outage |
//! | many clicks in a row are rejected | the clicks are not at fault: they stay pending, as in an outage |
//! | its link has the maximum number of records of the day | it is counted without a record; its ID is kept, so that it is recognised |
//! | its link was deleted | it is counted as dropped |
//! | its user was deleted at the same moment | it is stored without a user |
//! | a segment is damaged | unreadable clicks are counted as dropped, and reading continues |
//! | position or owner in the database is not the expected one | see `ownership.rs` |
//!
//! # Priority
//! The ingester has its own thread and runtime, at the lowest priority of the operating system: the
//! journal absorbs a burst of redirects, which are stored when there is capacity.

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
use waypost_store::{ClickBatch, Dropped, KeptRecords, Store, StoreError, lower_priority};

pub use self::drain::{Drain, Drained};
pub(crate) use self::facts::is_announced;
use self::ownership::Own;
use self::relatives::Relatives;
use self::signed_in::Sessions;
use crate::journal::{Cursor, Journal, JournalError};
use crate::{Privacy, UserAgents};

/// Maximum number of clicks of a batch, which bounds its memory and the time for which its
/// transaction locks its links.
const MAX_BATCH: usize = 8_192;
/// Shortest and longest pause between attempts while the database is unavailable.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// Number of rejected clicks in a row after which the clicks are not considered at fault.
const REFUSED_IN_A_ROW: u32 = 10;
/// Pause before one more click is tried then.
const REFUSED_PAUSE: Duration = Duration::from_secs(30);
/// Number of attempts to read a segment before its clicks are dropped.
const READ_ATTEMPTS: u32 = 4;
/// How often the position of the journal in the database is checked. A database that was restored
/// from a backup is noticed within this time, also when nothing is stored.
const CHECK_EVERY: Duration = Duration::from_secs(3);
/// How often the process reports to the database that it is alive, and deletes old segments.
const NOTE_EVERY: Duration = Duration::from_secs(30);
/// Maximum time to report the end of the process to the database.
const LAST_NOTE: Duration = Duration::from_secs(1);

/// The parts that an [`Ingester`] uses.
#[derive(Clone)]
pub struct IngesterParts {
    /// The journal to read.
    pub journal: Arc<Journal>,
    /// The store for clicks.
    pub store: Arc<dyn Store>,
    /// Tells when.
    pub clock: Arc<dyn Clock>,
    /// The generator of a new journal ID, if one is needed.
    pub random: Arc<dyn Random>,
    /// Tells what user agents mean.
    pub user_agents: Arc<UserAgents>,
    /// How much is kept of clicks.
    pub privacy: Privacy,
    /// Maximum number of click records of a link and day; `None` for no limit.
    pub records_per_day: Option<u64>,
}

impl IngesterParts {
    const fn records(&self) -> KeptRecords {
        self.privacy.records(self.records_per_day)
    }
}

/// Stores the clicks of the journal.
pub struct Ingester {
    parts: IngesterParts,
    cursor: Cursor,
    /// Maximum number of clicks of the next batch; smaller while a rejected click is searched.
    limit: usize,
    refused_in_a_row: u32,
    /// Batches that start at the settled position and were sent, but whose response did not arrive.
    /// At most one of them was stored.
    uncertain: Vec<Arc<ClickBatch>>,
    /// Ends of other batches after the proven position that this owner sent and whose response did
    /// not arrive. One of them may still be stored after the database was restored from a backup.
    unanswered: BTreeSet<u64>,
    /// The ownership of the journal by this process.
    own: Own,
    /// Journals that have records in common with this one; `None` until they are loaded.
    relatives: Option<Relatives>,
    /// The highest position up to which this process has stored clicks or found them stored.
    stored_before: u64,
    /// When the position in the database was last checked, and when the process last reported.
    checked_at: Option<Instant>,
    noted_at: Option<Instant>,
    /// Whether the last attempt to store clicks failed.
    away: bool,
    /// Why the last attempt failed.
    failure: Option<String>,
    /// The runtime that created the ingester. Users are looked up on it, so that no thread of low
    /// priority holds a connection that others wait for.
    home: Handle,
}

/// Why an ingester cannot run.
#[derive(Debug, thiserror::Error)]
pub enum IngesterError {
    /// The journal cannot be registered with the database.
    #[error("cannot register the click journal with the database")]
    Store(#[from] StoreError),
    /// The journal cannot be used.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A thread or its runtime cannot be started.
    #[error("cannot start the thread that stores clicks")]
    Thread(#[source] io::Error),
}

impl Ingester {
    /// Determines how far the journal is settled. Afterwards the journal accepts clicks.
    ///
    /// # Errors
    /// [`IngesterError::Store`] if the database is unavailable, [`IngesterError::Journal`] if the
    /// journal needs a new ID that cannot be written.
    pub async fn begin(parts: IngesterParts) -> Result<Self, IngesterError> {
        let own = ownership::begin(&parts).await?;
        let (first, pending) = (parts.journal.first(), parts.journal.pending());
        let lost = first.saturating_sub(own.proven);
        if pending > 0 {
            info!(
                clicks = pending.saturating_sub(lost),
                lost, "storing pending clicks of the previous process"
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

    /// Runs on its own thread until `stop` is cancelled. The current batch is then settled
    /// completely or not at all, and the rest is stored after the next start.
    ///
    /// # Errors
    /// [`IngesterError::Thread`] if the thread cannot be started.
    ///
    /// # Panics
    /// If the thread panics.
    pub async fn run(self, stop: CancellationToken) -> Result<(), IngesterError> {
        let _syncer = self
            .parts
            .journal
            .start_syncing()
            .map_err(IngesterError::Thread)?;
        // The SQLite backend needs a multi-threaded runtime.
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
                // Work that still runs need not be awaited: a batch is settled completely or not at
                // all.
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

    /// Reports the end of this process to the database, so that the next one knows that it does not
    /// run.
    async fn end(&mut self) {
        self.noted_at = None;
        let last = async {
            self.look_after().await;
            self.note(true).await
        };
        if let Ok(Err(failure)) = tokio::time::timeout(LAST_NOTE, last).await {
            debug!(%failure, "cannot report the end of this process");
        }
    }

    /// Settles one batch, or waits for records. If the future is dropped, the next call starts with
    /// the same records.
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
            records: self.parts.records(),
        };
        self.settle(Arc::new(batch), &records.sessions).await;
    }

    /// Settles records that another journal has settled: all records before `end` are duplicates.
    async fn pass_over(&mut self, end: u64) {
        let start = self.parts.journal.settled();
        let batch = ClickBatch {
            journal: self.parts.journal.id(),
            owner: self.own.owner,
            start,
            clicks: Vec::new(),
            dropped: Dropped::default(),
            duplicates: end.saturating_sub(start),
            records: self.parts.records(),
        };
        self.settle(Arc::new(batch), &Sessions::default()).await;
    }

    /// Does periodic work: checks the position in the database, reports to it, and deletes old
    /// segments.
    async fn look_after(&mut self) {
        let now = self.parts.clock.now();
        if let Some(position) = self.parts.journal.wants_durable(now) {
            self.make_durable(position).await;
        }
        self.give_a_sign_of_life().await;
        if is_due(self.checked_at, CHECK_EVERY) {
            self.checked_at = Some(Instant::now());
            // While the database is unavailable, storing clicks fails and reports it.
            if let Err(failure) = self.check().await {
                debug!(%failure, "cannot check the position of the journal in the database");
            }
        }
    }

    /// Reports to the database when it is time. This may work although clicks cannot be stored.
    async fn give_a_sign_of_life(&mut self) {
        if !is_due(self.noted_at, NOTE_EVERY) {
            return;
        }
        self.noted_at = Some(Instant::now());
        self.parts.journal.tidy(self.parts.clock.now());
        if let Err(failure) = self.note(false).await {
            debug!(%failure, "cannot report to the database that this process is alive");
        }
    }

    async fn make_durable(&self, position: u64) {
        let IngesterParts { journal, store, .. } = &self.parts;
        match store.make_durable(journal.id(), self.own.owner).await {
            Ok(true) => journal.durable(position),
            // The next batch finds out.
            Ok(false) => {}
            Err(failure) => debug!(%failure, "stored clicks are not durable yet"),
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
