//! Orphan paths: unknown paths that people request, counted by day and path. They show which links
//! people miss. Requests of scanners are left out.
//!
//! # What is counted
//! A `GET` is counted if it matches no link, its path could be meant as a code ([`OrphanPath`]), a
//! browser sends it to open a page (its `Accept` contains `text/html`), its user agent is that of a
//! person, and the visitor requests at most 10 distinct such paths within a minute. A visitor with
//! more is a scanner: their requests that are not written yet are discarded, and further ones are
//! ignored until they have paused for a minute. At most ten paths of a scanner are therefore
//! counted. Each day has at most 1,000 distinct paths.
//!
//! # How
//! The redirect only keeps a request in memory ([`Orphans::note`]), and does nothing if it finds a
//! link. A task ([`Orphans::run`]) writes the sums every 10 s, and once more when it is stopped.
//! While the database is unavailable, up to 1,000 paths are kept. Sums that were being written when
//! the connection broke may be counted twice. Sums that are not written when the process is killed,
//! or ends without its database, are lost. Unlike clicks, these numbers are not exact.
//!
//! Nothing about visitors is stored. In memory, a visitor is identified by a hash of their IP
//! address with a random key of the process, until a minute after their last request. With a proxy
//! that is not trusted, all visitors count as one, which soon counts as a scanner.

mod buffer;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use time::{Date, OffsetDateTime};
use tokio::sync::Mutex as AsyncMutex;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;
use waypost_core::{Clock as _, OrphanPath, Zone};
use waypost_store::{DatabaseClock, Orphan, OrphanQuery, OrphanTries, Store, StoreError};

use self::buffer::{Buffer, Noted};
use crate::VisitHeaders;
use crate::metrics::{OrphanCounters, OrphanIgnored};

/// How often sums are written.
const WRITE_EVERY: Duration = Duration::from_secs(10);
/// Maximum time for writing, after which it is tried again.
const WRITE_LIMIT: Duration = Duration::from_secs(5);
/// Maximum time that a reader waits for sums that are not written yet.
const SETTLE_LIMIT: Duration = Duration::from_secs(1);
/// How often old orphan paths are deleted.
const PURGE_EVERY: Duration = Duration::from_secs(60 * 60);
/// Number of rows deleted in one transaction.
const PURGE_BATCH: u32 = 1_000;
/// Days for which orphan paths are kept.
const KEPT_DAYS: i64 = 90;
/// Maximum number of paths of a day, of all servers together.
const PATHS_PER_DAY: u32 = 1_000;
/// Maximum number of paths that are waiting to be written.
const MAX_WAITING: usize = 1_000;

/// Whether a visitor with this user agent (`None`: without one) is a person.
pub type IsHuman = Box<dyn Fn(Option<&str>) -> bool + Send + Sync>;

/// The parts that [`Orphans`] uses.
pub struct OrphansParts {
    /// The store.
    pub store: Arc<dyn Store>,
    /// The clock, for the times and ages of requests.
    pub clock: Arc<DatabaseClock>,
    /// Where days begin.
    pub zone: Zone,
    /// Distinguishes people from programs. Not called during redirects.
    pub is_human: IsHuman,
}

/// Collects orphan paths. Clones share their state.
#[derive(Clone)]
pub struct Orphans(Arc<Inner>);

struct Inner {
    parts: OrphansParts,
    counters: OrphanCounters,
    /// The random key of the process.
    key: RandomState,
    buffer: Mutex<Buffer>,
    waiting: AsyncMutex<Waiting>,
}

/// Sums that are waiting to be written.
type Waiting = BTreeMap<(Date, OrphanPath), Sum>;

struct Sum {
    hits: u64,
    first_at: OffsetDateTime,
    last_at: OffsetDateTime,
}

impl Orphans {
    /// Creates a collector with these parts. Its counters belong to the installed metrics recorder.
    #[must_use]
    pub fn new(parts: OrphansParts) -> Self {
        Self(Arc::new(Inner {
            parts,
            counters: OrphanCounters::register(),
            key: RandomState::new(),
            buffer: Mutex::default(),
            waiting: AsyncMutex::default(),
        }))
    }

    /// Records that a `GET` of this path (as it was sent, without its query) matched no link now.
    /// `visitor` is called only if the path could be a code.
    pub fn note(
        &self,
        path: &str,
        headers: &dyn VisitHeaders,
        visitor: impl FnOnce() -> Option<IpAddr>,
    ) {
        let Inner {
            parts,
            counters,
            key,
            buffer,
            ..
        } = &*self.0;
        let Some(path) = OrphanPath::of_request(path) else {
            counters.ignored(OrphanIgnored::NotACode, 1);
            return;
        };
        if !names_html(headers.first("accept").unwrap_or_default()) {
            counters.ignored(OrphanIgnored::NotAPerson, 1);
            return;
        }
        let now = parts.clock.now();
        let day = parts.zone.day_of(now);
        let visitor = key.hash_one(visitor());
        let hash = key.hash_one(&path);
        let agent = headers.first("user-agent");
        let mut buffer = buffer.lock().unwrap_or_else(PoisonError::into_inner);
        let noted = buffer.note(visitor, (path, hash), agent, (day, now));
        drop(buffer);
        match noted {
            Noted::Kept => {}
            Noted::Scanner(hits) => counters.ignored(OrphanIgnored::Scanner, hits),
            Noted::Full => counters.ignored(OrphanIgnored::Full, 1),
        }
    }

    /// Writes the collected requests. If this fails, they are kept for the next time.
    ///
    /// # Errors
    /// [`StoreError`], as for any write.
    pub async fn write(&self) -> Result<(), StoreError> {
        let Inner {
            parts, counters, ..
        } = &*self.0;
        // Held during writing, so that nothing is written twice.
        let mut waiting = self.0.waiting.lock().await;
        self.gather(&mut waiting);
        if waiting.is_empty() {
            return Ok(());
        }
        let tries: Vec<OrphanTries> = waiting
            .iter()
            .map(|((day, path), sum)| OrphanTries {
                day: *day,
                path: path.clone(),
                hits: sum.hits,
                first_at: sum.first_at,
                last_at: sum.last_at,
            })
            .collect();
        let writing = parts.store.add_orphans(&tries, PATHS_PER_DAY);
        let added = timeout(WRITE_LIMIT, writing).await;
        let added = added.map_err(StoreError::unavailable)??;
        waiting.clear();
        counters.recorded(added.added);
        counters.ignored(OrphanIgnored::Full, added.left_out);
        Ok(())
    }

    /// Adds the collected requests of people to the sums.
    fn gather(&self, waiting: &mut Waiting) {
        let Inner {
            parts,
            counters,
            buffer,
            ..
        } = &*self.0;
        let now = parts.clock.now();
        let mut buffer = buffer.lock().unwrap_or_else(PoisonError::into_inner);
        let tries = buffer.take(now);
        drop(buffer);
        for tried in tries {
            if !(parts.is_human)(tried.agent.as_deref()) {
                counters.ignored(OrphanIgnored::NotAPerson, tried.hits);
                continue;
            }
            let place = (tried.day, tried.path);
            if let Some(sum) = waiting.get_mut(&place) {
                sum.hits = sum.hits.saturating_add(tried.hits);
                sum.first_at = sum.first_at.min(tried.first_at);
                sum.last_at = sum.last_at.max(tried.last_at);
            } else if waiting.len() < MAX_WAITING {
                let sum = Sum {
                    hits: tried.hits,
                    first_at: tried.first_at,
                    last_at: tried.last_at,
                };
                waiting.insert(place, sum);
            } else {
                counters.ignored(OrphanIgnored::Full, tried.hits);
            }
        }
    }

    /// Writes the collected requests before a reader reads them, and waits at most 1 s. Writing
    /// continues if the future is dropped.
    pub async fn settle(&self) {
        let orphans = self.clone();
        let writing = tokio::spawn(async move { orphans.write_or_say().await });
        // Reading works whether or not this was in time and successful.
        let _ = timeout(SETTLE_LIMIT, writing).await;
    }

    /// Lists orphan paths. The list holds what was recorded before, unless writing that takes longer than
    /// 1 s.
    ///
    /// # Errors
    /// [`StoreError`] as for any read.
    pub async fn list(&self, query: &OrphanQuery) -> Result<Vec<Orphan>, StoreError> {
        self.settle().await;
        self.0.parts.store.orphans(query).await
    }

    /// Dismisses a path, including requests that are not written yet. Returns whether it existed.
    ///
    /// # Errors
    /// [`StoreError`], as for any write.
    pub async fn forget(&self, path: &OrphanPath) -> Result<bool, StoreError> {
        self.settle().await;
        self.0.parts.store.delete_orphan(path).await
    }

    /// Returns the current day.
    #[must_use]
    pub fn today(&self) -> Date {
        let parts = &self.0.parts;
        parts.zone.day_of(parts.clock.now())
    }

    /// Writes every 10 s, and once more when `stop` is cancelled. Every hour, deletes paths older
    /// than 90 days. Failures do not end it.
    pub async fn run(self, stop: CancellationToken) {
        let mut writes = interval(WRITE_EVERY);
        let mut purges = interval(PURGE_EVERY);
        for ticks in [&mut writes, &mut purges] {
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        }
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                _ = writes.tick() => self.write_or_say().await,
                _ = purges.tick() => self.purge(&stop).await,
            }
        }
        self.write_or_say().await;
    }

    async fn write_or_say(&self) {
        if let Err(error) = self.write().await {
            tracing::debug!(%error, "cannot write orphan paths; trying again");
        }
    }

    /// Deletes paths older than 90 days. Ends after the current batch when `stop` is cancelled.
    /// Does nothing while the clocks of this server and of the database differ.
    async fn purge(&self, stop: &CancellationToken) {
        let OrphansParts {
            store, clock, zone, ..
        } = &self.0.parts;
        let now = match clock.agreed().await {
            Ok(Some(now)) => now,
            Ok(None) => return,
            Err(error) => {
                tracing::debug!(%error, "cannot delete old orphan paths; trying again");
                return;
            }
        };
        let kept = time::Duration::days(KEPT_DAYS);
        let before = zone.day_of(now).saturating_sub(kept);
        loop {
            match store.purge_orphans(before, PURGE_BATCH).await {
                Ok(deleted) if deleted >= u64::from(PURGE_BATCH) && !stop.is_cancelled() => {}
                Ok(_) => return,
                Err(error) => {
                    tracing::debug!(%error, "cannot delete old orphan paths; trying again");
                    return;
                }
            }
        }
    }
}

/// Whether an `Accept` contains HTML, like that of a browser that opens a page (RFC 9110 §12.5.1).
fn names_html(accept: &[u8]) -> bool {
    const HTML: &[u8] = b"text/html";
    accept
        .windows(HTML.len())
        .any(|part| part.eq_ignore_ascii_case(HTML))
}
